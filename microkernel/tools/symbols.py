#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the assembly source of the kernel's symbol table, for panics.

Usage: symbols.py KERNEL.ELF > symbols.S. Text symbols only. The table lies
behind all other constants (kernel.ld), so linking it in moves no code.
"""
import struct
import sys
from pathlib import Path


def text_symbols(elf: bytes) -> list[tuple[int, str]]:
    shoff, = struct.unpack_from("<Q", elf, 0x28)
    shentsize, shnum = struct.unpack_from("<HH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, shoff + i * shentsize) for i in range(shnum)]
    found: dict[int, str] = {}
    for _, kind, _, _, offset, size, link, _, _, entsize in sections:
        if kind != 2:       # SHT_SYMTAB
            continue
        names = sections[link][4]
        for at in range(offset, offset + size, entsize):
            name, info, _, shndx, value, _ = struct.unpack_from("<IBBHQQ", elf, at)
            if shndx == 0 or shndx >= shnum or not sections[shndx][2] & 4:  # SHF_EXECINSTR
                continue
            start = names + name
            text = elf[start:elf.index(b"\0", start)].decode()
            if text and not text.startswith((".", "$")):
                if info & 15 == 2 or value not in found:    # functions win over labels
                    found[value] = text
    return sorted(found.items())


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    symbols = text_symbols(Path(sys.argv[1]).read_bytes())
    print("/* SPDX-License-Identifier: MIT */")
    print("/* Made by microkernel/tools/symbols.py. */")
    print('    .section .ksymtab, "a"\n    .balign 8\n    .globl kernel_symbols\nkernel_symbols:')
    print(f"    .quad {len(symbols)}")
    for i, (address, _) in enumerate(symbols):
        print(f"    .quad {address:#x}, .Ln{i}")
    for i, (_, name) in enumerate(symbols):
        print(f'.Ln{i}: .string "{name}"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
