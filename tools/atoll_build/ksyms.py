# SPDX-License-Identifier: MIT
"""ksyms.py NM [KERNEL.elf] OUT.S: the kernel's own symbol table, for symbolised backtraces.

Lays out, in section .ksymtab (8-aligned): `ksyms_count` (u64), `ksyms_table`: count entries of
{u64 address; u64 offset of the name from ksyms_names}, sorted by address, then `ksyms_names`.
Without an ELF file the table is empty.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def symbols(nm: str, elf: str) -> list[tuple[int, str]]:
    text = subprocess.run([nm, "-n", "--defined-only", elf], check=True, capture_output=True, text=True).stdout
    out = []
    for line in text.splitlines():
        address, kind, name = line.split(maxsplit=2)
        if kind in "tTwW" and not name.startswith((".L", "$")):
            out.append((int(address, 16), name))
    return out


def main() -> None:
    nm, *elf, out = sys.argv[1:]
    table = symbols(nm, elf[0]) if elf else []
    lines = ["/* Written by tools/atoll_build/ksyms.py; do not edit. */", ".section .ksymtab, \"a\"", ".balign 8",
             ".globl ksyms_count", "ksyms_count:", f".quad {len(table)}", ".globl ksyms_table", "ksyms_table:"]
    names: list[str] = []
    offset = 0
    for address, name in table:
        lines.append(f".quad {address:#x}, {offset}")
        names.append(name)
        offset += len(name) + 1
    lines += [".globl ksyms_names", "ksyms_names:", *(f'.asciz "{n}"' for n in names)]
    Path(out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
