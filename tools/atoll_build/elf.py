# SPDX-License-Identifier: MIT
"""Just enough of ELF64 (System V gABI, chapters 4 and 5) to read our own programs' load segments."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError

PT_LOAD = 1
PF_X, PF_W, PF_R = 1, 2, 4


@dataclass(frozen=True)
class Segment:
    flags: int
    vaddr: int
    data: bytes
    memory_bytes: int


@dataclass(frozen=True)
class Elf:
    entry: int
    segments: tuple[Segment, ...]


def load(path: Path) -> Elf:
    raw = path.read_bytes()
    if raw[:6] != b"\x7fELF\x02\x01":
        raise BuildError("not a little-endian ELF64 file", where=str(path))
    entry, phoff = struct.unpack_from("<QQ", raw, 24)
    phentsize, phnum = struct.unpack_from("<HH", raw, 54)
    segments = []
    for i in range(phnum):
        kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", raw, phoff + i * phentsize)
        if kind == PT_LOAD and memsz:
            segments.append(Segment(flags, vaddr, raw[offset:offset + filesz], memsz))
    return Elf(entry, tuple(sorted(segments, key=lambda s: s.vaddr)))
