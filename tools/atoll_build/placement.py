# SPDX-License-Identifier: MIT
"""Placement: from the platform's table and --place to the text that the supervisor reads.

The table (platform/qemu-riscv/placement) has a line for each number of harts. The result is a line
`name=hart` a server and `guests=a-b,c`, checked here: each hart must exist.
"""

from __future__ import annotations

import re

from .errors import BuildError
from .paths import PLATFORM, rel

TABLE = PLATFORM / "placement"
MAX_HARTS = 8


def _table() -> dict[int, dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        found = re.fullmatch(r"(\d+):\s*(.*)", line)
        if not found:
            raise BuildError(f"placement: cannot read '{line}'", where=f"{rel(TABLE)}:{number}",
                             do="write `HARTS: server=hart ... guests=a-b`")
        rows[int(found.group(1))] = dict(_pair(word, f"{rel(TABLE)}:{number}") for word in found.group(2).split())
    return rows


def _pair(word: str, where: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not re.fullmatch(r"[a-z_0-9]+", name) or not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", value):
        raise BuildError(f"placement: cannot read '{word}'", where=where, do="write server=hart, for example fs=1")
    return name, value


def _harts(value: str) -> list[int]:
    out: list[int] = []
    for part in value.split(","):
        low, _, high = part.partition("-")
        out += range(int(low), int(high or low) + 1)
    return out


def resolve(harts: int, override: str) -> str:
    """The placement text for a machine with this many harts. `override` is --place's argument."""
    rows = _table()
    row = dict(rows[max(n for n in rows if n <= harts)])
    last = ""
    for word in filter(None, re.split(r"[,\s]+", override)):
        if "=" not in word and last:        # `guests=0,2`: a comma inside a value
            row[last] += "," + word
            continue
        last, value = _pair(word, "--place")
        if last not in row and last not in ("net",):
            raise BuildError(f"placement: there is no server '{last}'", where="--place",
                             do=f"name one of {', '.join(sorted(row))}")
        row[last] = value
    for name, value in row.items():
        for hart in _harts(value):
            if hart >= harts:
                raise BuildError(f"placement: {name} on hart {hart}, but the machine has harts 0 to {harts - 1}",
                                 where="--place" if override else rel(TABLE), do="raise --smp or choose another hart")
        if name != "guests" and len(_harts(value)) != 1:
            raise BuildError(f"placement: {name} runs on one hart, not '{value}'", where="--place")
    return "".join(f"{name}={value}\n" for name, value in row.items())
