# SPDX-License-Identifier: MIT
"""The system image: struct system_header (microkernel/abi/atoll/bootinfo.h), the root task as a flat
image, then a cpio archive to the end.

    python -m atoll_build.image --out FILE --root ELF [--member NAME=FILE ...]
"""

from __future__ import annotations

import argparse
import re
import struct
from pathlib import Path

from . import cpio, elf
from .errors import BuildError
from .paths import ROOT

PAGE = 4096


def _abi_constant(name: str) -> int:
    """A constant from the ABI header itself, so that the two cannot drift apart."""
    text = (ROOT / "microkernel" / "abi" / "atoll" / "bootinfo.h").read_text()
    found = re.search(rf"#define\s+{name}\s+(0x[0-9a-fA-F]+|\d+)", text)
    if not found:
        raise BuildError(f"bootinfo.h does not define {name}", where="microkernel/abi/atoll/bootinfo.h")
    return int(found.group(1), 0)


def _page_up(n: int) -> int:
    return (n + PAGE - 1) & -PAGE


def flatten(path: Path) -> tuple[bytes, int, int, int, int]:
    """(bytes, text bytes, rodata bytes, memory bytes, entry) of a program linked with server.ld."""
    program = elf.load(path)
    base = _abi_constant("ROOT_BASE")
    end = base
    text = rodata = 0
    out = bytearray()
    for segment in program.segments:
        start = segment.vaddr - base
        if segment.vaddr % PAGE or start != _page_up(len(out)) or start < 0:
            raise BuildError("segments are not page-aligned and adjacent from ROOT_BASE", where=str(path),
                             do="link it with servers/server.ld")
        out += bytes(start - len(out)) + segment.data
        end = segment.vaddr + segment.memory_bytes
        if segment.flags & elf.PF_X:
            text = _page_up(len(out))
        elif not segment.flags & elf.PF_W:
            rodata = _page_up(len(out)) - text
        else:
            break
    return bytes(out), text, rodata, _page_up(end - base), program.entry


def assemble(root: Path, archive: bytes) -> bytes:
    data, text, rodata, memory, entry = flatten(root)
    padded = data + bytes(-len(data) % PAGE)
    header = struct.pack("<8Q", _abi_constant("SYSTEM_MAGIC"), PAGE, len(data), text, rodata, memory, entry,
                         PAGE + len(padded))
    return header + bytes(PAGE - len(header)) + padded + archive


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--member", action="append", default=[])
    args = parser.parse_args()
    archive = cpio.Archive()
    for member in args.member:
        name, _, path = member.partition("=")
        for parent in reversed(Path(name).parents[:-1]):
            archive.directory(str(parent))
        archive.file(name, Path(path).read_bytes(), 0o755)
    args.out.write_bytes(assemble(args.root, archive.data()))


if __name__ == "__main__":
    main()
