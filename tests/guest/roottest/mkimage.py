#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packs a root task (an ELF file) and an archive into a system image.

Usage: mkimage.py ROOT.ELF OUT.IMG [ARCHIVE]. See atoll/bootinfo.h.
"""
import struct
import sys
from pathlib import Path

PAGE = 4096
MAGIC = 0x316C6C6F7461
BASE = 0x10000000


def page_up(n: int) -> int:
    return (n + PAGE - 1) // PAGE * PAGE


def main() -> int:
    elf = Path(sys.argv[1]).read_bytes()
    archive = Path(sys.argv[3]).read_bytes() if len(sys.argv) > 3 else b""
    entry, phoff = struct.unpack_from("<QQ", elf, 0x18)
    shoff, = struct.unpack_from("<Q", elf, 0x28)
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", elf, 0x3A)
    names_at, = struct.unpack_from("<Q", elf, shoff + shstrndx * shentsize + 0x18)
    image, memory, sizes = bytearray(), 0, {}
    for i in range(shnum):
        name, kind, flags, addr, off, size = struct.unpack_from("<IIQQQQ", elf, shoff + i * shentsize)
        if not flags & 2 or size == 0:
            continue
        text = elf[names_at + name:elf.index(b"\0", names_at + name)].decode()
        sizes[text] = size
        memory = max(memory, addr + size - BASE)
        if kind != 8:   # SHT_NOBITS
            end = addr - BASE + size
            image.extend(bytes(max(0, end - len(image))))
            image[addr - BASE:end] = elf[off:off + size]
    text, rodata = page_up(sizes[".text"]), page_up(sizes.get(".rodata", 0))
    archive_at = PAGE + page_up(len(image))
    header = struct.pack("<8Q", MAGIC, PAGE, len(image), text, rodata, page_up(memory), entry, archive_at)
    out = header.ljust(PAGE, b"\0") + bytes(image).ljust(page_up(len(image)), b"\0") + archive
    Path(sys.argv[2]).write_bytes(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
