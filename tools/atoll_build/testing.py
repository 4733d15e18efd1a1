# SPDX-License-Identifier: MIT
"""`./build.py test`: finds the suites' tests, runs them, counts.

    host    tests/host/**/test_*.c     cmocka programs on this machine, under sanitizers
    idl     tests/idl/                 pytest
    lint    every C file               clang-tidy, cppcheck, the compiler's -fanalyzer; pyflakes and shellcheck
    models  tests/models/*.pml         spin; the first line says `// expect: pass` or `// expect: fail`
    fuzz    tests/fuzz/**/fuzz_*.c     libFuzzer programs: their corpus, and a fixed count of runs from it
    build   tests/build/               pytest: these tools themselves
    guest   tests/guest/               boots in QEMU: <name>/*.c replaces the supervisor and prints TAP on the
                                       serial line; *.sh runs in the guest's shell; test_*.py is pytest
    compat  tests/compat/*.c           Linux programs, one boot for each C library
    busybox tests/busybox/             busybox's own test suite in the guest

`./build.py test host/kernel` runs the tests of `host` whose name contains "kernel".
What a guest test needs is in a comment near its top:  guest: smp=1,2; timeout=60; mem=256M; append=words
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import graph, host, lint, machines, run, say, third_party
from .errors import BuildError
from .paths import BUILD, PYTHON, ROOT, TESTS, TOOLS, rel
from .tap import Case, parse, parse_junit

WORK = BUILD / "tests"
JOBS = os.cpu_count() or 2
HOST_TIMEOUT_S = 180
GUEST_TIMEOUT_S = 90


@dataclass
class Context:
    """What the command line asked for."""

    part: str = ""
    verbose: bool = False
    smp: list[int] = field(default_factory=list)    # empty: each suite's own choice
    minutes: float = 0              # fuzz: the long run
    inputs: list[Path] = field(default_factory=list)    # fuzz: only these

    def wants(self, name: str) -> bool:
        return self.part in name


def _parallel(function: Callable[..., list[Case]], items: Iterable[object]) -> list[Case]:
    with ThreadPoolExecutor(JOBS) as pool:
        return [case for cases in pool.map(function, items) for case in cases]


def _compile(targets: list[str]) -> str:
    """Build targets, going on after errors; returns what went wrong, or nothing."""
    with graph.lock():
        writer = graph.generate()
        present = [t for t in targets if t in writer.phony]
        if not present:
            return ""
        try:
            graph.ninja(present, keep_going=True)
        except BuildError as error:
            return error.render()
    return ""


def _stale(target: str) -> bool:
    probe = subprocess.run(["ninja", "-f", rel(graph.NINJA_FILE), "-n", target], cwd=ROOT, capture_output=True,
                           text=True, check=False)
    return probe.returncode != 0 or "no work to do" not in probe.stdout


# -- host -------------------------------------------------------------------------------------


def _host(context: Context) -> list[Case]:
    tests = [t for t in graph.host_tests() if context.wants(t.name)]
    if not tests:
        return []
    broken = _compile(["host-tests"] if not context.part else [])
    if context.part:
        with graph.lock():
            graph.generate()
            try:
                graph.ninja([rel(t.program) for t in tests], keep_going=True)
            except BuildError as error:
                broken = error.render()
    return _parallel(lambda test: _host_program(test, broken), tests)


def _host_program(test: graph.HostTest, broken: str) -> list[Case]:
    if broken and _stale(rel(test.program)):
        return [Case(f"{test.name}: compiles", False, "see the compiler's messages above")]
    env = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP", "ASAN_OPTIONS": "detect_stack_use_after_return=1",
           "UBSAN_OPTIONS": "print_stacktrace=1"}
    try:
        done = subprocess.run([test.program], env=env, capture_output=True, text=True, errors="replace",
                              timeout=HOST_TIMEOUT_S, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        return [Case(test.name, False, f"no end after {HOST_TIMEOUT_S} s\n{late.stdout or ''}")]
    cases = parse(done.stdout, test.name, done.returncode)
    bad = [c for c in cases if not c.ok]
    if bad:     # the sanitizers' and cmocka's words come on standard error
        cases[cases.index(bad[0])] = Case(bad[0].name, False, (bad[0].detail + "\n" + done.stderr[-6000:]).strip())
    return cases


# -- pytest -----------------------------------------------------------------------------------


def _pytest(suite: str, paths: list[Path], context: Context) -> list[Case]:
    if not paths:
        return []
    WORK.mkdir(parents=True, exist_ok=True)
    report = WORK / f"{suite}-{os.getpid()}.xml"        # a test may start tests itself
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
               *(rel(p) for p in paths)]
    if context.part and not any(context.part in p.stem for p in paths):
        command += ["-k", context.part]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}/tools:{ROOT}/idl", "PYTHONDONTWRITEBYTECODE": "1",
           "ATOLL_SMP": ",".join(map(str, context.smp)), "ATOLL_FUZZ_MINUTES": str(context.minutes)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if not report.is_file() or done.returncode not in (0, 1, 5):
        return [Case(f"{suite}: pytest", False, done.stdout + done.stderr)]
    cases = parse_junit(report, suite)
    report.unlink()
    return cases


def _idl(context: Context) -> list[Case]:
    return _pytest("idl", [TESTS / "idl"] if any((TESTS / "idl").glob("test_*.py")) else [], context)


def _build(context: Context) -> list[Case]:
    # First: each of these tests starts build.py with a limit, in which a first build of musl and busybox has no place.
    if broken := _system():
        return [Case("build: the system builds", False, broken)]
    return _pytest("build", [TESTS / "build"] if any((TESTS / "build").glob("test_*.py")) else [], context)


# -- lint -------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _lint(context: Context) -> list[Case]:
    lint.write_versions()
    with graph.lock():
        stamps = [s for s in graph.generate().phony["lint"] if context.wants(s.removeprefix("build/lint/"))]
        if any(s.startswith("build/lint/programs/") for s in stamps):
            third_party.ensure_musl()       # what they are compiled with
        try:
            graph.ninja(stamps, keep_going=True)
        except BuildError as error:
            broken = error.render()
        else:
            broken = ""
    cases = []
    for stamp in stamps:
        findings = ROOT / f"{stamp}.txt"
        ok = not broken or (ROOT / stamp).is_file()
        cases.append(Case(stamp.removeprefix("build/lint/"), ok, "" if ok else _text(findings) or "not compiled"))
    if broken and all(c.ok for c in cases):
        cases.append(Case("compiles", False, broken))
    for name, command, pattern in (("python", ["pyflakes3"], "*.py"), ("shell", ["shellcheck", "-S", "error"], "*.sh")):
        files = [p for top in (TOOLS, TESTS, ROOT / "idl", ROOT / "microkernel", ROOT / "rootfs") for p in top.rglob(pattern)]
        if context.wants(name) and files:
            done = subprocess.run([*command, *sorted(map(rel, files))], cwd=ROOT, capture_output=True, text=True, check=False)
            cases.append(Case(name, done.returncode == 0, done.stdout + done.stderr))
    return cases


# -- models -----------------------------------------------------------------------------------


def _models(context: Context) -> list[Case]:
    return _parallel(_model, sorted(p for p in (TESTS / "models").glob("*.pml") if context.wants(p.stem)))


def _model(path: Path) -> list[Case]:
    """`// expect: pass|fail`, and optionally `// spin: ...`, `// cflags: ...`, `// pan: ...` at the top."""
    head = path.read_text()
    notes = dict(re.findall(r"^//\s*(expect|spin|cflags|pan):\s*(.*?)\s*$", head, re.M))
    expect = notes.get("expect", "").split()[:1]
    if expect not in (["pass"], ["fail"]):
        return [Case(path.stem, False, f"{rel(path)}: the first line must be `// expect: pass` or `// expect: fail`")]
    claims = bool(re.search(r"^\s*(ltl|never|trace)\b|\b(accept|progress)\w*:", head, re.M))
    cflags = notes.get("cflags", "-O2 -DMEMLIM=3000" if claims else "-O2 -DSAFETY -DMEMLIM=3000").split()
    arguments = notes.get("pan", "-a -m2000000" if claims else "-m2000000").split()
    with tempfile.TemporaryDirectory() as work:
        for command in (["spin", *notes.get("spin", "").split(), "-a", str(path)],
                        ["gcc", "-w", *cflags, "-o", "pan", "pan.c"]):
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return [Case(path.stem, False, f"{' '.join(command)}:\n{done.stdout}{done.stderr}")]
        try:
            done = subprocess.run(["./pan", *arguments], cwd=work, capture_output=True, text=True, timeout=600,
                                  check=False)
        except subprocess.TimeoutExpired:
            return [Case(path.stem, False, "the search did not end in 600 s")]
    found = re.search(r"errors: (\d+)", done.stdout)
    complete = "Search not completed" not in done.stdout and "max search depth too small" not in done.stdout
    errors = int(found.group(1)) if found else -1
    ok = (errors == 0 and complete) if expect == ["pass"] else errors > 0
    return [Case(path.stem, ok, "" if ok else f"expected to {expect[0]}\n{done.stdout[-3000:]}")]


# -- guests -----------------------------------------------------------------------------------


def _needs(source: Path) -> dict[str, str]:
    """`guest: key=value; ...` from a comment in the file's first lines."""
    found = re.search(r"guest:\s*(.*?)\s*(?:\*/|$)", source.read_text(errors="replace")[:3000], re.M)
    out: dict[str, str] = {}
    for part in (found.group(1) if found else "").split(";"):
        key, _, value = part.partition("=")
        if value:
            out[key.strip()] = value.strip()
    return out


def _options(needs: dict[str, str], smp: int) -> run.Options:
    return run.Options(smp=smp, mem=needs.get("mem", "512M"), place=needs.get("place", "").replace("+", ","),
                       timeout_s=float(needs.get("timeout", GUEST_TIMEOUT_S)), append=needs.get("append", ""),
                       icount=needs.get("icount", "0") == "1")


def _harts(needs: dict[str, str], context: Context) -> list[int]:
    """Some tests make sense on some machines only: smp= of the test, of these what --smp says if it says any of them."""
    harts = [int(n) for n in needs["smp"].split(",")] if "smp" in needs else context.smp or [2]
    return [n for n in harts if n in context.smp or not set(context.smp) & set(harts)]


def too_few(title: str, smp: int) -> list[Case]:
    """One skipped case if the machine does not have so many harts."""
    machine = machines.default()
    return [Case(title, True, machine.too_few(smp), skipped=True)] if smp > machine.max_harts else []


def _guest(context: Context) -> list[Case]:
    folder = TESTS / "guest"
    cases: list[Case] = []
    roots = [p for p in graph.guest_root_tests() if context.wants(p.name)]
    if roots:
        broken = _compile(["kernel", "guest-tests"])
        for test in roots:
            cases += _root_test(test, broken, context)
    scripts = sorted(p for p in folder.glob("*.sh") if context.wants(p.stem))
    pytests = sorted(p for p in folder.glob("test_*.py") if context.wants(p.stem))
    if not roots and not scripts and not pytests:   # the part may be a function's name
        pytests = sorted(folder.glob("test_*.py"))
    if scripts or pytests:
        broken = _system()
        if broken:
            return [*cases, Case("guest: the system builds", False, broken)]
        for script in scripts:
            cases += _script(script, context)
        cases += _pytest("guest", pytests, context)
    return cases


def _system() -> str:
    """Everything a whole boot needs; returns what is wrong."""
    from .cli import prepare
    try:
        prepare(["kernel", "servers", "linux_compat", "image"])
    except BuildError as error:
        return error.render()
    return ""


def _root_test(folder: Path, broken: str, context: Context) -> list[Case]:
    image = WORK / "guest" / f"{folder.name}.img"
    if broken and (_stale(rel(image)) or _stale("kernel")):
        return [Case(f"{folder.name}: compiles", False, "see the compiler's messages above")]
    sources = sorted(folder.glob("*.c"))
    needs = next((n for n in map(_needs, sources) if n), {})
    cases = []
    for smp in _harts(needs, context):
        title = f"{folder.name} (smp {smp})"
        if missing := too_few(title, smp):
            cases += missing
            continue
        options = _options(needs, smp)
        options.root_image = image
        options.append = f"{options.append} {options.machine.test_words}".strip()
        result = run.run_captured(options, 1, 2)
        cases += _with_console(parse(result.console, title, _status(result)), result)
    return cases


def _status(result: run.Result) -> int | None:
    return None if result.status == run.STATUS_TIMEOUT and not result.panic else result.status


def _with_console(cases: list[Case], result: run.Result) -> list[Case]:
    """A panic is a failure whatever the TAP says; the first failure shows what the console said."""
    bad = next((c for c in cases if not c.ok), None)
    if bad:
        cases[cases.index(bad)] = Case(bad.name, False, f"{bad.detail}\nconsole:\n{result.console[-1500:]}")
    if result.panic:
        cases.append(Case("no panic", False, result.panic[:4000]))
    return cases


def boot_exec(options: run.Options) -> tuple[run.Result, str, str]:
    """Run a command in a guest; returns the result, its standard output and its standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        result = run.run_captured(options, out.fileno(), err.fileno())
        out.seek(0)
        err.seek(0)
        return result, out.read().decode(errors="replace"), err.read().decode(errors="replace")


def _script(script: Path, context: Context) -> list[Case]:
    needs = _needs(script)
    cases = []
    with tempfile.TemporaryDirectory() as overlay:
        place = Path(overlay) / "test"
        place.mkdir()
        shutil.copy(script, place / script.name)
        for smp in _harts(needs, context):
            title = f"{script.stem} (smp {smp})"
            if missing := too_few(title, smp):
                cases += missing
                continue
            options = _options(needs, smp)
            options.overlays = [Path(overlay)]
            options.command = f"exec sh /test/{script.name}"
            result, out, err = boot_exec(options)
            found = parse(out, title, _status(result))
            bad = next((c for c in found if not c.ok), None)
            if bad and err:
                found[found.index(bad)] = Case(bad.name, False, f"{bad.detail}\nstderr:\n{err[-3000:]}")
            cases += _with_console(found, result)
    return cases


# -- compat -----------------------------------------------------------------------------------

COMPAT_SMP = [2, 1, 4, 8]
COMPAT_DRIVER = """\
#!/bin/sh
# Runs the programs named on standard input's list, each with a time limit, between marked lines.
while read -r name limit arguments <&3; do
    echo "@@begin $name"
    cd /tmp
    timeout -s KILL "$limit" /compat/$name $arguments 2>&1 </dev/null
    echo "@@end $name $?"
done 3</compat/list
[ -e /proc/atoll/servers ] && sed 's/^/@@server /' /proc/atoll/servers
echo "@@all"
"""


def _compat(context: Context) -> list[Case]:
    tests = [t for t in graph.compat_tests() if context.wants(f"{t.libc}/{t.name}")]
    if not tests:
        return []
    broken = _system()
    if broken:
        return [Case("compat: the system builds", False, broken)]
    third_party.ensure_musl()
    broken = _compile(["compat-tests"])
    cases: list[Case] = []
    ready = []
    for test in tests:
        if broken and _stale(rel(test.program)):
            cases.append(Case(f"{test.libc}/{test.name}: compiles", False, "see the compiler's messages above"))
        else:
            ready.append(test)
    for smp in context.smp or COMPAT_SMP:
        # what differs between machines of three and more harts is not the C library
        once = [t for t in ready if t.libc == "musl"] if not context.smp and smp > 2 else ready
        cases += too_few(f"smp {smp}", smp) or _compat_boots(once, smp)
    return cases


def _compat_boots(tests: list[graph.CompatTest], smp: int) -> list[Case]:
    """Boot, run all; when the guest dies in one of them, blame that one and boot again for the rest."""
    cases: list[Case] = []
    left = list(tests)
    while left:
        result, out = _compat_boot(left, smp)
        done = 0
        for test in left:
            found = _compat_result(test, out, f"smp {smp}")
            if not found:
                break
            cases += _with_console(found, result)
            done += 1
        left = left[done:]
        cases += _undeclared(out, smp)
        if left:
            culprit = f"{left[0].libc}/{left[0].name}"
            began = out.split(f"@@begin {culprit}\n")[-1] if f"@@begin {culprit}\n" in out else ""
            why = result.panic or f"the guest ended with status {result.status} in it\n{began[-2000:]}\n" \
                f"console:\n{result.console[-2000:]}"
            cases.append(Case(f"{culprit} (smp {smp}): the guest survives", False, why))
            left = left[1:]
            if done == 0 and f"@@begin {culprit}\n" not in out:     # not even a first program: do not try them all
                cases += [Case(f"{t.libc}/{t.name} (smp {smp})", False, "not run: the guest does not start programs")
                          for t in left]
                break
    return cases


def _undeclared(out: str, smp: int) -> list[Case]:
    """What the servers say at the end of the errors that they answered and their interfaces do not declare."""
    rows = [line.split()[1:] for line in re.findall(r"^@@server .*$", out, re.M)]
    return [Case(f"{row[0]} answers only errors that its interface declares (smp {smp})",
                 row[rows[0].index("undeclared")] == "0", f"the last one, method:error, is {row[-1]}; {' '.join(row)}") for row in rows[1:]]


def _compat_result(test: graph.CompatTest, out: str, where: str) -> list[Case]:
    """A program's cases from the driver's output; none when it has not ended there."""
    name = f"{test.libc}/{test.name}"
    found = re.search(rf"^@@begin {re.escape(name)}\n(.*?)^@@end {re.escape(name)} (\d+)\n", out, re.M | re.S)
    if not found:
        return []
    status = int(found.group(2))
    return parse(found.group(1), f"{name} ({where})", None if status in (137, 143) else status)


@contextmanager
def compat_overlay(tests: list[graph.CompatTest]) -> Iterator[tuple[Path, float]]:
    """The programs, their list and the driver; and how long all may take."""
    with tempfile.TemporaryDirectory() as overlay:
        top = Path(overlay) / "compat"
        lines = []
        total = 60.0
        for test in tests:
            options = dict(p.strip().partition("=")[::2] for p in
                           graph.directive(ROOT / test.source, "compat").split(";")[1:] if "=" in p)
            limit = int(options.get("timeout", "20"))
            total += limit
            (top / test.libc).mkdir(parents=True, exist_ok=True)
            shutil.copy(test.program, top / test.libc / test.name)
            lines.append(f"{test.libc}/{test.name} {limit} {options.get('args', '')}".rstrip())
        (top / "list").write_text("\n".join(lines) + "\n")
        (top / "run").write_text(COMPAT_DRIVER)
        yield Path(overlay), min(total, 900)


def _compat_boot(tests: list[graph.CompatTest], smp: int, place: str = "") -> tuple[run.Result, str]:
    with compat_overlay(tests) as (overlay, limit):
        result, out, _ = boot_exec(run.Options(smp=smp, place=place, overlays=[overlay], command="exec sh /compat/run",
                                               timeout_s=limit))
        return result, out


def compat_failures(names: Iterable[str], smp: int, place: str) -> list[str]:
    """What fails of these programs (with musl) in a placement of servers; for tests that boot."""
    third_party.ensure_musl()
    if broken := _system() or _compile(["compat-tests"]):
        return [broken]
    tests = [t for t in graph.compat_tests() if t.libc == "musl" and t.name in names]
    result, out = _compat_boot(tests, smp, place)
    cases = [_compat_result(t, out, place) or [Case(f"{t.name} ends", False, result.console[-2000:])] for t in tests]
    return [f"{c.name}: {c.detail}" for c in [*sum(cases, []), *_undeclared(out, smp)] if not c.ok]


# -- all --------------------------------------------------------------------------------------


def _busybox(context: Context) -> list[Case]:
    from . import busybox_tests
    if not busybox_tests.BASELINE.is_file():
        return []
    broken = _system()
    if broken:
        return [Case("busybox: the system builds", False, broken)]
    cases: list[Case] = []
    for smp in context.smp or [2]:
        cases += too_few(f"smp {smp}", smp) or busybox_tests.run_in_atoll(context.part, smp)
    return cases


def _fuzz(context: Context) -> list[Case]:
    from . import fuzz
    return fuzz.run(context.part, context.minutes, context.inputs)


SUITES: dict[str, Callable[[Context], list[Case]]] = {
    "host": _host, "idl": _idl, "lint": _lint, "models": _models, "fuzz": _fuzz, "build": _build, "guest": _guest, "compat": _compat,
    "busybox": _busybox,
}


def _list() -> int:
    for test in graph.host_tests():
        print(f"host/{test.name}")
    for test in graph.fuzzers():
        print(f"fuzz/{test.name}")
    for folder, pattern in (("idl", "test_*.py"), ("models", "*.pml"), ("build", "test_*.py"), ("guest", "*.sh"),
                            ("guest", "test_*.py")):
        for path in sorted((TESTS / folder).glob(pattern)):
            print(f"{folder}/{path.stem}")
    for path in graph.guest_root_tests():
        print(f"guest/{path.name}")
    for test in graph.compat_tests():
        print(f"compat/{test.libc}/{test.name}")
    return 0


def run_on_linux(wanted: list[str]) -> int:
    """compat[/PART]: every program must pass on Linux first. busybox: write what happens there."""
    from . import busybox_tests, linux
    suite, _, part = wanted[0].partition("/") if len(wanted) == 1 else ("", "", "")
    if suite != "compat" and wanted != ["busybox"]:
        raise BuildError("--on-linux runs one of: compat[/PART] busybox")
    host.ensure((*host.RUN_PACKAGES, *host.TEST_PACKAGES))
    with graph.lock():
        graph.generate()
        third_party.ensure_busybox()
        if suite == "compat":
            graph.ninja(["compat-tests"], keep_going=True)
    if wanted == ["busybox"]:
        return busybox_tests.write_baseline()
    tests = [t for t in graph.compat_tests() if part in f"{t.libc}/{t.name}"]
    with compat_overlay(tests) as (overlay, limit):
        _, out = linux.run(linux.Boot("exec sh /compat/run", [overlay], timeout_s=limit))
    cases = [c for t in tests for c in _compat_result(t, out, "linux") or
             [Case(f"{t.libc}/{t.name} (linux)", False, "not reached")]]
    for case in cases:
        if not case.ok:
            print(f"  FAILED  {case.name}\n{case.detail}")
        elif part:
            print(f"  passed  {case.name}")
    failed = sum(not c.ok for c in cases)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


def run_suites(wanted: list[str], *, verbose: bool, list_only: bool, smp: list[int], minutes: float = 0,
               inputs: list[Path] | None = None) -> int:
    if list_only:
        return _list()
    host.ensure((*host.RUN_PACKAGES, *host.TEST_PACKAGES))
    plan: list[tuple[str, str]] = []
    for word in wanted or list(SUITES):
        suite, _, part = word.partition("/")
        if suite not in SUITES:
            raise BuildError(f"there is no test suite '{suite}'", do=f"name some of: {' '.join(SUITES)}")
        plan.append((suite, part))
    passed = failed = 0
    failures: list[str] = []
    for suite, part in plan:
        start = time.monotonic()
        say.step(f"test: {suite}{'/' + part if part else ''}")
        cases = SUITES[suite](Context(part, verbose, smp, minutes, inputs or []))
        good = sum(c.ok and not c.skipped for c in cases)
        bad = [c for c in cases if not c.ok]
        skipped = sum(c.skipped for c in cases)
        for case in cases:
            if verbose and case.ok:
                print(f"  skipped {suite}/{case.name}: {case.detail}" if case.skipped else f"  passed  {suite}/{case.name}")
        for case in bad:
            print(f"  FAILED  {suite}/{case.name}")
            for line in case.detail.strip().splitlines()[:60]:
                print(f"          {line}")
            failures.append(f"{suite}/{case.name}")
        extra = f", {skipped} skipped" if skipped else ""
        print(f"{suite}: {good} passed, {len(bad)} failed{extra} ({time.monotonic() - start:.1f} s)", flush=True)
        passed += good
        failed += len(bad)
    if failures and len(plan) > 1:
        print("failed:\n  " + "\n  ".join(failures))
    sys.stderr.flush()
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
