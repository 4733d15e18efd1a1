# SPDX-License-Identifier: MIT
"""Writes build/build.ninja (and compile_commands.json) from the folders as they are, and runs ninja.

The file is rewritten only when its text changes, so a start with nothing changed costs one glob of the
tree and one ninja that finds nothing to do. Headers come from the compiler's depfiles; generated headers
are order-only inputs of everything that may include them. Two starts at the same time wait for each
other on build/.lock.
"""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import assembly, constants, say
from . import components as c
from .errors import BuildError
from .machines import MACHINES
from .paths import BUILD, PYTHON, ROOT, TESTS, TOOLS, rel

NINJA_FILE = BUILD / "build.ninja"

HEADER = f"""\
# Written by tools/atoll_build/graph.py; do not edit.
ninja_required_version = 1.10
builddir = build
cross = {c.CROSS}
python = {PYTHON}

rule cc
  command = ${{cross}}gcc -MMD -MF $out.d $flags -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = CC $in
rule offsets
  command = ${{cross}}gcc -MMD -MT $out -MF $out.d $flags -S $in -o $out.s && $python tools/atoll_build/offsets.py $out.s $out
  depfile = $out.d
  deps = gcc
  restat = 1
  description = OFFSETS $out
rule ar
  command = rm -f $out && ${{cross}}ar rcs $out @$out.rsp
  rspfile = $out.rsp
  rspfile_content = $in
  description = AR $out
rule link
  command = ${{cross}}gcc -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 $ldflags $
    -Wl,-T,$script -Wl,-Map,$out.map -o $out -Wl,--start-group @$out.rsp -Wl,--end-group
  rspfile = $out.rsp
  rspfile_content = $objects
  description = LINK $out
rule ksyms
  command = $python microkernel/tools/symbols.py $in > $out
  description = SYMBOLS $out
rule idl
  command = PYTHONPATH=idl $python -m compiler --out build/gen $in && touch $stamp
  restat = 1
  description = IDL $in
rule py
  command = PYTHONPATH=tools $python -m $module $args
  restat = 1
  description = $what $out
rule hostcc
  command = $hostcc -MMD -MF $out.d $flags -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = HOSTCC $in
rule hostlink
  command = $hostcc $flags $in -o $out $libs
  description = HOSTLINK $out
rule lint
  command = PYTHONPATH=tools $python -m atoll_build.lint $out $in -- $compiler $flags
  description = LINT $in
rule guestcc
  command = $compiler -MMD -MF $out.d $flags $in -o $out $libs
  depfile = $out.d
  deps = gcc
  description = GUESTCC $out
"""

LINT_INPUTS = (".clang-tidy", "tests/.clang-tidy", "tools/atoll_build/lint.py", "build/lint/versions")
HOST_FLAGS = ("-std=gnu17 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined "
              "-fno-sanitize-recover=all -fno-strict-aliasing -Wall -Wextra -Werror -DATOLL_HOST_TEST=1")
# libFuzzer's programs: only the code under test, not the harness below tests/, is instrumented for coverage. They are
# linked at a fixed low address, which the kernel's harness takes for the physical one.
FUZZ_FLAGS = ("-std=gnu17 -g -O2 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all "
              "-fno-strict-aliasing -fno-pie -Wall -Wextra -Wno-unknown-warning-option -Werror -DATOLL_HOST_TEST=1")
FUZZ_COVERAGE = "-fsanitize=fuzzer-no-link"
FUZZ_LINK = "-fsanitize=fuzzer,address,undefined -no-pie"
PROGRAM_FLAGS = ("-std=gnu17 -O2 -Wall -Wextra -Werror -ffunction-sections -Iprograms/lib -Ilibipc/include -Imicrokernel/abi "
                 "-Ibuild/gen")
GUEST_FLAGS = "-std=gnu17 -g -O2 -Wall -Wextra -pthread"


def _escape(text: object) -> str:
    return str(text).replace("$", "$$").replace(" ", "$ ").replace(":", "$:")


@dataclass
class HostTest:
    """tests/host/<area>/test_x.c or tests/fuzz/<area>/fuzz_x.c, and what its `build:` line asks for."""

    name: str
    program: Path
    sources: list[Path]
    includes: list[str]
    defines: list[str]
    compiler: str
    prelude: list[str] = field(default_factory=list)    # headers that are included before each source


@dataclass
class CompatTest:
    """One tests/compat program against one C library."""

    name: str
    libc: str
    program: Path
    source: Path


class Writer:
    """Collects ninja text and the names that people and tests build by."""

    def __init__(self) -> None:
        self._out: list[str] = [HEADER]
        self.phony: dict[str, list[str]] = {}
        self.missing: list[str] = []
        self._gen_headers: list[str] = []
        self._linted: dict[str, str] = {}      # source: its stamp

    def text(self) -> str:
        lines = []
        for name, targets in self.phony.items():
            lines.append(f"build {name}: phony {' '.join(targets)}")
        default = [n for n in ("kernel", "servers", "linux_compat", "image") if self.phony.get(n)]
        if default:
            lines.append(f"default {' '.join(default)}")
        return "\n".join([*self._out, *lines, ""])

    def edge(self, outputs: Sequence[object], rule: str, inputs: Iterable[object], *,
             implicit: Iterable[object] = (), order: Iterable[object] = (), **variables: str) -> None:
        line = f"build {' '.join(_escape(o) for o in outputs)}: {rule}"
        line += "".join(f" {_escape(i)}" for i in inputs)
        implicit, order = list(implicit), list(order)
        if implicit:
            line += " |" + "".join(f" {_escape(i)}" for i in implicit)
        if order:
            line += " ||" + "".join(f" {_escape(i)}" for i in order)
        body = [f"  {k} = {v}" for k, v in variables.items() if v]
        self._out.append("\n".join([line, *body]))

    # -- pieces -------------------------------------------------------------------------------

    def objects(self, component: c.Component, *, generated: bool = True) -> list[str]:
        """Compile a component's files; returns the object files."""
        flags = component.flags_text()
        headers = []
        for source in component.offsets:
            header = f"build/gen/{component.name}/{source.stem}.h"
            self.edge([header], "offsets", [source], order=self._gen_headers if generated else [], flags=flags)
            headers.append(header)
        order = headers + (self._gen_headers if generated else [])
        out = []
        for source in component.sources:
            obj = f"build/obj/{component.name}/{source}.o"
            own = " ".join([flags, *c.FILE_FLAGS.get(str(source), ())])
            self.edge([obj], "cc", [source], order=order, flags=own)
            self.lint(source, obj, "${cross}gcc", own)
            out.append(obj)
        return out

    def lint(self, source: Path, obj: str, compiler: str, flags: str) -> None:
        """Static checks of one C file, once whatever it is compiled for; the object stands for its headers."""
        generated_for_tests = source.parts[0] == "build" and not compiler.startswith("$")
        if source.suffix == ".c" and str(source) not in self._linted and not generated_for_tests:
            stamp = f"build/lint/{source}"
            self._linted[str(source)] = stamp
            self.edge([stamp], "lint", [source], implicit=[obj, *LINT_INPUTS], compiler=compiler, flags=flags)

    def lint_all(self) -> None:
        self.phony["lint"] = list(self._linted.values())

    def archive(self, name: str, objects: list[str]) -> list[str]:
        if not objects:
            return []
        path = f"build/lib/{name}.a"
        self.edge([path], "ar", objects)
        return [path]

    def link(self, out: str, script: Path, objects: list[str], archives: list[str], ldflags: str = "") -> str:
        words = " ".join([*objects, *archives])
        self.edge([out], "link", [], implicit=[*objects, *archives, rel(script)], script=rel(script),
                  objects=words, ldflags=ldflags)
        return out

    # -- components ---------------------------------------------------------------------------

    def idl(self) -> None:
        names = c.interface_names()
        if not names:
            return
        outputs = [f"build/gen/{n}{s}" for n in names
                   for s in ("_types.h", "_client.h", "_client.c", "_server.h", "_server.c", "_trace.c",
                             "_fuzz.c", "_fuzz.h", "_double.h", "_double.c")]
        compiler = sorted(str(p.relative_to(ROOT)) for p in c.IDL_COMPILER.rglob("*")
                          if p.is_file() and "__pycache__" not in p.parts)
        self.edge([*outputs, "build/gen/idl.stamp"], "idl", [f"idl/interfaces/{n}.idl" for n in names],
                  implicit=compiler, stamp="build/gen/idl.stamp")
        self._gen_headers = ["build/gen/idl.stamp"]
        self.phony["idl"] = ["build/gen/idl.stamp"]

    def generated_library(self, suffix: str, flags: list[str]) -> list[str]:
        names = c.interface_names()
        sources = tuple(Path(f"build/gen/{n}_{k}.c") for n in names for k in ("client", "server", "trace"))
        includes = (*c.library("libipc", flags).includes, Path("servers"))      # NAME/handles.h
        component = c.Component("gen" + suffix, sources, (), includes, tuple(flags))
        return self.archive("libgen" + suffix, self.objects(component))

    def kernel(self) -> None:
        component = c.kernel()
        if not component.sources or not c.KERNEL_LD.is_file():
            self.missing.append("microkernel (no sources or no arch/riscv/kernel.ld)")
            return
        objects = self.objects(component, generated=False)
        archives: list[str] = []    # the kernel stands alone: it has its own few string functions
        flags = "-Wl,--no-warn-rwx-segments"
        # The symbol table is the last of the constants, so that adding it moves no code: link without one
        # (the reference is weak), take the symbols, link again.
        table = "build/obj/kernel/ksyms.S"
        first = self.link("build/obj/kernel/kernel-pass1.elf", c.KERNEL_LD, objects, archives, flags)
        self.edge([table], "ksyms", [first], implicit=["microkernel/tools/symbols.py"])
        self.edge([table + ".o"], "cc", [table], flags=component.flags_text())
        objects = [*objects, table + ".o"]
        self.phony["kernel"] = [self.link("build/kernel.elf", c.KERNEL_LD, objects, archives, flags)]

    def user(self) -> None:
        archives: dict[str, list[str]] = {}
        for suffix, flags in (("", c.SERVER_FLAGS), ("_pic", c.PERSONALITY_FLAGS)):
            parts = []
            for name in ("libipc", "lib"):
                parts += self.archive(name + suffix, self.objects(c.library(name, flags, suffix)))
            archives[suffix] = self.generated_library(suffix, flags) + parts
        self.phony["libs"] = [a for group in archives.values() for a in group]
        if not self.phony["libs"]:
            del self.phony["libs"]
        self.servers(archives[""])
        self.personality(archives["_pic"])
        self.root_tasks(archives[""])

    def servers(self, archives: list[str]) -> None:
        names = c.server_names()
        for expected in ("supervisor", "proc", "fs", "time"):
            if expected not in names:
                self.missing.append(f"servers/{expected} (no sources)")
        out = []
        for name in names:
            component = c.server(name)
            if name == "supervisor":
                self.assembly()
                component = replace(component, sources=(*component.sources, Path("build/gen/assembly.c")))
            elf = self.link(f"build/servers/{name}.elf", c.SERVER_LD, self.objects(component), archives,
                            "-Wl,--gc-sections")
            self.phony[name] = [elf]
            out.append(elf)
        if out:
            self.phony["servers"] = out

    def assembly(self) -> None:
        """The supervisor's table from servers/system.toml, which is checked first."""
        sources = [f"tools/atoll_build/{n}.py" for n in ("assembly", "assembly_c", "constants", "machines", "placement")]
        facts = [*(f"{rel(m.folder)}/placement" for m in MACHINES.values()), *(rel(h) for h in constants.HEADERS)]
        interfaces = [f"idl/interfaces/{n}.idl" for n in c.interface_names()]
        self.edge(["build/gen/assembly.c", "build/gen/assembly_size.h"], "py", [],
                  implicit=[rel(assembly.SYSTEM), *facts, *interfaces, *sources], order=self._gen_headers,
                  module="atoll_build.assembly_c", args="--out build/gen", what="ASSEMBLY")
        self._gen_headers = [*self._gen_headers, "build/gen/assembly_size.h"]

    def personality(self, archives: list[str]) -> None:
        component = c.personality()
        if not component.sources or not c.PERSONALITY_LD.is_file():
            self.missing.append("linux_compat (no sources or no linux_compat.ld)")
            return
        elf = self.link("build/linux_compat.elf", c.PERSONALITY_LD, self.objects(component), archives,
                        "-Wl,--gc-sections")
        self.phony["linux_compat"] = [elf]

    def root_tasks(self, archives: list[str]) -> None:
        """Programs that boot in the supervisor's place: kernel tests and kernel measurements."""
        for phony, folders, out in (("guest-tests", guest_root_tests(), "build/tests/guest"),
                                    ("bench-roots", bench_roots(), "build/bench")):
            images = []
            for folder in folders:
                elf = self.link(f"{out}/{folder.name}.elf", c.SERVER_LD, self.objects(c.root_task(folder)), archives,
                                "-Wl,--gc-sections")
                images.append(f"{out}/{folder.name}.img")
                self._image(images[-1], elf, [])
            if images:
                self.phony[phony] = images

    def _image(self, out: str, root: str, members: list[tuple[str, str]], checked: list[str] | None = None) -> None:
        args = " ".join(["--out", out, "--root", root, *(f"--member {n}={p}" for n, p in members)])
        sources = [f"tools/atoll_build/{n}.py" for n in ("image", "cpio", "elf")]
        self.edge([out], "py", [], implicit=[root, *(p for _, p in members), *sources], order=checked or [],
                  module="atoll_build.image", args=args, what="IMAGE")

    def image(self) -> None:
        """The system image without what each run adds (placement, root file system, command)."""
        if self.missing:
            return
        members = [(f"servers/{n}.elf", f"build/servers/{n}.elf") for n in c.server_names() if n != "supervisor"]
        programs = [p for _, p in members]
        members.append(("linux_compat.elf", "build/linux_compat.elf"))
        self.edge(["build/assembly.ok"], "py", [], implicit=["build/gen/assembly.c", *programs], module="atoll_build.assembly_c",
                  args="--programs build/servers --stamp build/assembly.ok", what="CHECK")
        self._image("build/system-base.img", "build/servers/supervisor.elf", members, ["build/assembly.ok"])
        self.phony["image"] = ["build/system-base.img"]

    def host_tests(self) -> None:
        out = []
        for test in host_tests():
            uses_gen = any("build/gen" in str(s) for s in [*test.sources, *test.includes])
            order = self._gen_headers if uses_gen else []
            flags = " ".join([HOST_FLAGS, *test.defines, *(f"-I{i}" for i in test.includes)])
            objects = []
            for source in test.sources:
                obj = f"build/tests/host/{test.name}.o/{source}.o"
                self.edge([obj], "hostcc", [source], order=order, flags=flags, hostcc=test.compiler)
                self.lint(source, obj, test.compiler, flags)
                objects.append(obj)
            self.edge([rel(test.program)], "hostlink", objects, flags=HOST_FLAGS, libs="-lcmocka -lpthread",
                      hostcc=test.compiler)
            out.append(rel(test.program))
        if out:
            self.phony["host-tests"] = out

    def fuzzers(self) -> None:
        self._fuzzers("fuzzers", "", "")
        self._fuzzers("fuzzers-coverage", ".cov", "-fprofile-instr-generate -fcoverage-mapping")

    def _fuzzers(self, phony: str, suffix: str, more: str) -> None:
        out = []
        for test in fuzzers():
            common = " ".join([FUZZ_FLAGS, more, *test.defines, *(f"-I{i}" for i in test.includes),
                               *(f"-include {p}" for p in test.prelude)])
            order = self._gen_headers if any("build/gen" in i for i in test.includes) else []
            objects = []
            for source in test.sources:
                obj = f"build/tests/fuzz/{test.name}{suffix}.o/{source}.o"
                covered = "" if source.parts[0] == "tests" else f" {FUZZ_COVERAGE}"
                self.edge([obj], "hostcc", [source], order=order, flags=common + covered, hostcc="clang")
                objects.append(obj)
            program = rel(test.program) + suffix
            self.edge([program], "hostlink", objects, flags=f"{FUZZ_LINK} {more}", libs="", hostcc="clang")
            out.append(program)
        if out:
            self.phony[phony] = out

    def compat_tests(self) -> None:
        groups: dict[str, list[str]] = {}
        for test in compat_tests():
            compiler, flags = LIBCS[test.libc]
            implicit = ["build/musl/bin/musl-gcc"] if test.libc.startswith("musl") else []
            extra = compat_options(ROOT / test.source)
            self.edge([rel(test.program)], "guestcc", [test.source], order=implicit, compiler=compiler,
                      flags=f"{GUEST_FLAGS} {flags} -Itests/compat {extra}", libs="-lm")
            groups.setdefault(f"compat-{test.libc}", []).append(rel(test.program))
        self.phony.update(groups)
        if groups:
            self.phony["compat-tests"] = list(groups)

    def programs(self) -> None:
        """programs/*.c: Linux programs of the system, in /usr/bin; they call components through device nodes."""
        musl = LIBCS["musl"][0]
        common = [rel(p) for p in sorted((ROOT / "programs" / "lib").glob("*.c"))] + ["libipc/src/client_args.c"]
        programs = {p.stem: [rel(p), *directive(p, "build").split(), *common] for p in program_sources()}
        for source in sorted({*common, *(s for sources in programs.values() for s in sources)}):
            obj = f"build/programs/obj/{source}.o"
            self.edge([obj], "guestcc", [source], order=["build/musl/bin/musl-gcc", *self._gen_headers], compiler=musl,
                      flags=f"-c {PROGRAM_FLAGS}")
            if source.startswith("programs/"):
                self.lint(Path(source), obj, "${cross}gcc", PROGRAM_FLAGS)
        for name, sources in programs.items():
            objects = [f"build/programs/obj/{s}.o" for s in sources]
            self.edge([f"build/programs/{name}"], "hostlink", objects, hostcc=musl, flags="-static -s -Wl,--gc-sections")
        if programs:
            self.phony["programs"] = [f"build/programs/{name}" for name in programs]

    def bench(self) -> None:
        out = []
        for source in sorted((TESTS / "bench").glob("*.c")) if (TESTS / "bench").is_dir() else []:
            program = f"build/bench/{source.stem}"
            self.edge([program], "guestcc", [rel(source)], compiler=f"{c.CROSS}gcc",
                      flags="-static -O2 -std=c99 -Wall -Wextra -pthread", libs="")
            out.append(program)
        if out:
            self.phony["bench-programs"] = out


LIBCS: dict[str, tuple[str, str]] = {
    "glibc": (f"{c.CROSS}gcc", "-static"),
    "musl": ("build/musl/bin/musl-gcc", "-static"),
    "musl-dynamic": ("build/musl/bin/musl-gcc", ""),
}


def program_sources() -> list[Path]:
    return sorted((ROOT / "programs").glob("*.c"))


def _root_folders(folder: Path) -> list[Path]:
    """Folders with a root task of their own: those that bring its first instructions (start.S)."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if (p / "start.S").is_file() and c.find_sources(p)[0])


def guest_root_tests() -> list[Path]:
    return _root_folders(TESTS / "guest")


def bench_roots() -> list[Path]:
    return _root_folders(TESTS / "bench")


def directive(source: Path, word: str) -> str:
    """The text after `/* word:` up to the end of that comment, within the file's first lines."""
    head = source.read_text(errors="replace")[:4000]
    found = re.search(rf"/\*[\s*]*{word}:(.*?)\*/", head, re.S)
    return re.sub(r"\n\s*\*?", " ", found.group(1)).strip() if found else ""


def host_tests() -> list[HostTest]:
    return [_native_test(source, "host", "gcc") for source in sorted((TESTS / "host").rglob("test_*.c"))]


def fuzzers() -> list[HostTest]:
    return [_native_test(source, "fuzz", "clang") for source in sorted((TESTS / "fuzz").rglob("fuzz_*.c"))]


def _native_test(source: Path, suite: str, compiler: str) -> HostTest:
    name = str(source.relative_to(TESTS / suite).with_suffix(""))
    test = HostTest(name, BUILD / "tests" / suite / name, [source.relative_to(ROOT)], [rel(source.parent)], [], compiler)
    for part in directive(source, "build").split(";"):
        part = part.strip()
        key, _, value = part.partition(":") if re.match(r"(include|define|cc|prelude|tree)s?:", part) else ("", "", part)
        if key.startswith("include"):
            test.includes += value.split()
        elif key.startswith("define"):
            test.defines += [f"-D{d}" for d in value.split()]
        elif key.startswith("prelude"):
            test.prelude += value.split()
        elif key == "tree":     # all C files of a folder, but those named -NAME
            top, *without = value.split()
            test.sources += [p.relative_to(ROOT) for p in sorted((ROOT / top).rglob("*.c")) if f"-{p.name}" not in without]
        elif key == "cc":
            test.compiler = value.strip()
        else:
            test.sources += [Path(w) for w in value.split()]
    for path in test.sources:
        if not (ROOT / path).is_file() and not str(path).startswith("build/"):
            raise BuildError(f"{rel(source)} asks for {path}, which does not exist", where=rel(source),
                             do="correct the `/* build: ... */` line (paths are relative to the repository)")
    return test


def compat_tests() -> list[CompatTest]:
    folder = TESTS / "compat"
    tests = []
    for source in sorted(folder.glob("*.c")) if folder.is_dir() else []:
        words = directive(source, "compat").split(";")[0].split() or ["glibc", "musl"]
        for libc in words:
            if libc not in LIBCS:
                raise BuildError(f"'{libc}' is not a C library here", where=rel(source),
                                 do=f"use one of {', '.join(LIBCS)} in the `/* compat: ... */` line")
            tests.append(CompatTest(source.stem, libc, BUILD / "tests" / "compat" / libc / source.stem,
                                    source.relative_to(ROOT)))
    return tests


def compat_options(source: Path) -> str:
    found = re.search(r"cflags:([^;]*)", directive(source, "compat"))
    return found.group(1).strip() if found else ""


def generate() -> Writer:
    """Write build.ninja if its text changed."""
    writer = Writer()
    writer.idl()
    writer.kernel()
    writer.user()
    writer.image()
    writer.host_tests()
    writer.fuzzers()
    writer.compat_tests()
    writer.programs()
    writer.bench()
    writer.lint_all()
    text = writer.text()
    BUILD.mkdir(exist_ok=True)
    if not NINJA_FILE.is_file() or NINJA_FILE.read_text() != text:
        NINJA_FILE.write_text(text)
        _write_compile_commands()
    return writer


def _write_compile_commands() -> None:
    result = subprocess.run(["ninja", "-f", rel(NINJA_FILE), "-t", "compdb", "cc", "hostcc", "guestcc"], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    if result.returncode == 0:
        entries = json.loads(result.stdout)
        (ROOT / "build" / "compile_commands.json").write_text(json.dumps(entries, indent=1) + "\n")


@contextmanager
def lock() -> Iterator[None]:
    """One build at a time in one tree."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say.step("another build runs in this tree: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ninja(targets: Sequence[str], *, keep_going: bool = False) -> None:
    """Build targets; ninja's own lines go to standard error."""
    command = ["ninja", "-f", rel(NINJA_FILE)]
    if keep_going:
        command += ["-k", "0"]
    probe = subprocess.run([*command, "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    if probe.returncode == 0 and "no work to do" in probe.stdout:
        return
    quiet = say.is_quiet()
    result = subprocess.run([*command, *targets], cwd=ROOT, stdout=subprocess.PIPE if quiet else sys.stderr.fileno(),
                            stderr=subprocess.STDOUT if quiet else None, text=True, check=False)
    if result.returncode != 0:
        raise BuildError("compiling failed", where="the first FAILED line above", detail=result.stdout or "",
                         do="correct it and start again; `ninja -f build/build.ninja -v TARGET` shows whole commands")


def require_complete(writer: Writer) -> None:
    if writer.missing:
        raise BuildError("the tree is incomplete: " + "; ".join(writer.missing), where=rel(ROOT))


__all__ = ["TOOLS", "Writer", "compat_tests", "generate", "guest_root_tests", "fuzzers", "host_tests", "lock", "ninja",
           "require_complete"]
