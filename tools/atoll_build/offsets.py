# SPDX-License-Identifier: MIT
"""offsets.py IN.s OUT.h: `->NAME value` lines of a compiled *offsets.c become #defines.

Such a file prints each constant with asm volatile("\\n.ascii \\"->NAME %0\\"" : : "i"(value)).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    lines = ["/* Written by tools/atoll_build/offsets.py; do not edit. */"]
    for name, value in re.findall(r"->\s*(\w+)\s+[$#]?(-?\d+)", source.read_text()):
        lines.append(f"#define {name} {value}")
    if len(lines) == 1:
        sys.exit(f"{source}: no `->NAME value` lines")
    text = "\n".join(lines) + "\n"
    source.unlink()
    if not out.is_file() or out.read_text() != text:
        out.write_text(text)


if __name__ == "__main__":
    main()
