# SPDX-License-Identifier: MIT
"""What is built from what: the components, their folders, flags and include paths.

A component is a folder whose *.c and *.S files are found by themselves, recursively. Files named
*offsets.c that hold `.ascii "->NAME %0"` lines are not linked: they are compiled to assembly, from which
the lines are turned into build/gen/<component>/<same name>.h, so that assembly needs no offset counted by
hand. (A file of that name without such lines is an ordinary one.)
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .errors import BuildError
from .paths import GEN, ROOT

CROSS = "riscv64-linux-gnu-"

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
COMMON = ["-std=gnu17", "-O2", "-g", "-ffreestanding", "-fno-common", "-fno-strict-aliasing",
          "-fno-delete-null-pointer-checks", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
          "-fno-unwind-tables", f"-ffile-prefix-map={ROOT}/=", *WARNINGS]
KERNEL_FLAGS = ["-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany", "-fno-pic", "-fno-pie",
                *COMMON]
# Files with flags of their own. fastpath/ipc.c says why a message stays in its registers and the others need
# not be kept. What runs at boot, at a panic, or to make and configure things is compiled for size.
SMALL = ["kernel/boot", "kernel/boot_memory", "kernel/boot_root", "kernel/cspace", "kernel/delete", "kernel/fdt",
         "kernel/panic", "kernel/print", "kernel/thread", "kernel/trace", "kernel/trap", "kernel/tree", "object/cnode",
         "object/irq", "object/mapping", "object/notification", "object/platform", "object/segment",
         "object/segment_invoke", "object/tcb_ops", "object/untyped", "object/vspace", "object/vspace_clone",
         "object/vspace_move", "object/vspace_table"]
FILE_FLAGS = {f"microkernel/{name}.c": ["-Os"] for name in SMALL}
FILE_FLAGS["microkernel/fastpath/ipc.c"] = [*(f"-ffixed-a{n}" for n in range(1, 7)),
                                            *(f"-fcall-used-s{n}" for n in range(1, 12))]
SERVER_FLAGS = ["-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", "-fno-pic", "-fno-pie",
                "-ffunction-sections", "-fdata-sections", *COMMON]
PERSONALITY_FLAGS = ["-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", "-fPIE", "-fvisibility=hidden",
                     "-ffunction-sections", "-fdata-sections", *COMMON]

ABI = ROOT / "microkernel" / "abi"
KERNEL_LD = ROOT / "microkernel" / "arch" / "riscv" / "kernel.ld"
SERVER_LD = ROOT / "servers" / "server.ld"
PERSONALITY_LD = ROOT / "linux_compat" / "linux_compat.ld"
INTERFACES = ROOT / "idl" / "interfaces"
IDL_COMPILER = ROOT / "idl" / "compiler"


@dataclass(frozen=True)
class Component:
    """One folder of sources, compiled with one set of flags."""

    name: str
    sources: tuple[Path, ...]
    offsets: tuple[Path, ...]
    includes: tuple[Path, ...]
    flags: tuple[str, ...] = field(default=())

    def flags_text(self) -> str:
        include = [f"-I{p}" for p in self.includes]
        return shlex.join([*self.flags, *include, "-nostdinc", "-isystem", compiler_headers()])


@cache
def compiler_headers() -> str:
    """The compiler's own headers (stdint.h, stdarg.h ...): the only ones from outside the repository."""
    try:
        return subprocess.run([f"{CROSS}gcc", "-print-file-name=include"], capture_output=True, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise BuildError(f"{CROSS}gcc does not run", do="./build.py doctor") from None


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT)


def find_sources(folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """(*.c and *.S to link, *offsets.c), relative to the repository, in a stable order."""
    files = sorted([*folder.rglob("*.c"), *folder.rglob("*.S")])
    offsets = [p for p in files if p.name.endswith("offsets.c") and ".ascii" in p.read_text(errors="replace")]
    return tuple(_relative(p) for p in files if p not in offsets), tuple(_relative(p) for p in offsets)


def _make(name: str, folder: Path, flags: list[str], includes: list[Path]) -> Component:
    sources, offsets = find_sources(folder) if folder.is_dir() else ((), ())
    gen = GEN / name
    paths = [_relative(p) for p in [*includes, gen] if p.is_dir() or p.is_relative_to(GEN)]
    return Component(name, sources, offsets, tuple(paths), tuple(flags))


def kernel() -> Component:
    folder = ROOT / "microkernel"
    return _make("kernel", folder, KERNEL_FLAGS, [folder, ABI])


def _user_includes(*own: Path) -> list[Path]:
    return [*own, ROOT / "libipc" / "include", ROOT / "lib" / "include", ABI, GEN]


def library(name: str, flags: list[str], suffix: str = "") -> Component:
    """lib or libipc, for servers or (suffix _pic) for the personality."""
    folder = ROOT / name
    return _make(name + suffix, folder, flags, _user_includes(folder))


def server_names() -> list[str]:
    """Every folder of servers/ that holds C files is a server."""
    servers = ROOT / "servers"
    if not servers.is_dir():
        return []
    return sorted(p.name for p in servers.iterdir() if p.is_dir() and find_sources(p)[0])


def server(name: str) -> Component:
    folder = ROOT / "servers" / name
    return _make(name, folder, SERVER_FLAGS, _user_includes(folder))


def personality() -> Component:
    folder = ROOT / "linux_compat"
    return _make("linux_compat", folder, PERSONALITY_FLAGS, _user_includes(folder, folder / "include"))


def root_task(folder: Path) -> Component:
    """A program that takes the supervisor's place: tests/guest/<name>/*.c, tests/bench/<name>/*.c."""
    return _make(f"{folder.parent.name}_{folder.name}", folder, SERVER_FLAGS,
                 _user_includes(folder, ROOT / "tests" / "idl" / "golden"))


def interface_names() -> list[str]:
    return sorted(p.stem for p in INTERFACES.glob("*.idl")) if IDL_COMPILER.is_dir() else []
