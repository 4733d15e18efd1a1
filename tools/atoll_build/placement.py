# SPDX-License-Identifier: MIT
"""Placement: from the platform's table and --place to the text that the supervisor reads.

The table (platform/NAME/placement) has a line for each number of harts. The result is a line
`name=hart` a server and `guests=a-b,c`, checked here: each hart must exist. The table and --place use the machine's
numbers of harts; the supervisor counts those that it can use from 0.
"""

from __future__ import annotations

import re

from .errors import BuildError
from .machines import MACHINES, Machine
from .paths import rel


def _table(machine: Machine) -> dict[int, dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    table = machine.folder / "placement"
    for number, line in enumerate(table.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        found = re.fullmatch(r"(\d+):\s*(.*)", line)
        if not found:
            raise BuildError(f"placement: cannot read '{line}'", where=f"{rel(table)}:{number}",
                             do="write `HARTS: server=hart ... guests=a-b`")
        rows[int(found.group(1))] = dict(_pair(word, f"{rel(table)}:{number}") for word in found.group(2).split())
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


def _check(name: str, hart: int, harts: int, machine: Machine, where: str) -> None:
    first, last = machine.first_hart, machine.first_hart + harts - 1
    if hart in machine.refused:
        raise BuildError(f"placement: {name} on hart {hart}: {machine.refused[hart]}", where=where,
                         do=f"choose one of the harts {first} to {last}")
    if not first <= hart <= last:
        raise BuildError(f"placement: {name} on hart {hart}, but the machine has harts {first} to {last}", where=where,
                         do="raise --smp or choose another hart")


def resolve(harts: int, override: str, machine: Machine = MACHINES["qemu-riscv"]) -> str:
    """The placement text for a machine with this many harts. `override` is --place's argument."""
    rows = _table(machine)
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
            _check(name, hart, harts, machine, "--place" if override else rel(machine.folder / "placement"))
        if name != "guests" and len(_harts(value)) != 1:
            raise BuildError(f"placement: {name} runs on one hart, not '{value}'", where="--place")
    return "".join(f"{name}={','.join(str(h - machine.first_hart) for h in _harts(value))}\n" for name, value in row.items())
