# SPDX-License-Identifier: MIT
"""What is built from what: the components, their folders, flags and include paths.

A component is a folder whose *.c and *.S files are found by themselves, recursively. Files named
*offsets.c are not linked: they are compiled to assembly, from which `->NAME value` lines are turned
into build/gen/<component>/<same name>.h, so that assembly never holds an offset counted by hand.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from .paths import GEN, ROOT

CROSS = "riscv64-linux-gnu-"

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
COMMON = ["-std=gnu17", "-O2", "-g", "-ffreestanding", "-fno-common", "-fno-strict-aliasing",
          "-fno-delete-null-pointer-checks", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
          "-fno-unwind-tables", f"-ffile-prefix-map={ROOT}/=", *WARNINGS]
KERNEL_FLAGS = ["-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany", "-fno-pic", "-fno-pie",
                *COMMON]
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
        return shlex.join([*self.flags, *include])


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT)


def find_sources(folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """(*.c and *.S to link, *offsets.c), relative to the repository, in a stable order."""
    files = sorted([*folder.rglob("*.c"), *folder.rglob("*.S")])
    offsets = tuple(_relative(p) for p in files if p.name.endswith("offsets.c"))
    return tuple(_relative(p) for p in files if not p.name.endswith("offsets.c")), offsets


def _make(name: str, folder: Path, flags: list[str], includes: list[Path]) -> Component:
    sources, offsets = find_sources(folder) if folder.is_dir() else ((), ())
    gen = GEN / name
    paths = [_relative(p) for p in [*includes, gen] if p.is_dir() or p.is_relative_to(GEN)]
    return Component(name, sources, offsets, tuple(paths), tuple(flags))


def kernel() -> Component:
    folder = ROOT / "microkernel"
    return _make("kernel", folder, KERNEL_FLAGS, [folder, ABI, ROOT / "lib" / "include"])


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


def root_test(folder: Path) -> Component:
    """A guest test that takes the supervisor's place: tests/guest/<name>/*.c."""
    return _make(f"guest_{folder.name}", folder, SERVER_FLAGS, _user_includes(folder))


def interface_names() -> list[str]:
    return sorted(p.stem for p in INTERFACES.glob("*.idl")) if IDL_COMPILER.is_dir() else []
