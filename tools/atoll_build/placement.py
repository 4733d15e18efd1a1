# SPDX-License-Identifier: MIT
"""Placement: from the platform's table and --place to the text that the supervisor reads.

The table (platform/NAME/placement) has a line for each number of harts. The result is a line
`name=hart` a component, `name=a,b` one with several shards (docs/shards.md), and `guests=a-b,c`, checked against the assembly and the machine (assembly.check_placement): each
line of the table when the system is built, the one that is used, with --place, when it is started. The table and --place use the machine's
numbers of harts; the supervisor counts those that it can use from 0.
"""

from __future__ import annotations

import re

from . import assembly
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
    if not equals or not re.fullmatch(r"[a-z_0-9]+", name) or not re.fullmatch(r"\d+(-\d+)?([,+]\d+(-\d+)?)*", value):
        raise BuildError(f"placement: cannot read '{word}'", where=where, do="write server=hart, for example fs=1")
    return name, value


def _harts(value: str) -> list[int]:
    out: list[int] = []
    for part in re.split("[,+]", value):
        low, _, high = part.partition("-")
        out += range(int(low), int(high or low) + 1)
    return out


def check_table(system: assembly.System, machine: Machine) -> None:
    """Each line, for the number of harts that it is for."""
    table = machine.folder / "placement"
    line_of = {int(found[1]): n for n, text in enumerate(table.read_text().splitlines(), 1) if (found := re.match(r"\s*(\d+):", text))}
    for harts, row in _table(machine).items():
        assembly.check_placement(system, {n: _harts(v) for n, v in row.items()}, harts, machine, f"{rel(table)}:{line_of[harts]}")


def resolve(harts: int, override: str, machine: Machine = MACHINES["qemu-riscv"], system: assembly.System | None = None) -> str:
    """The placement text for a machine with this many harts. `override` is --place's argument."""
    row = harts_of(harts, override, machine)
    assembly.check_placement(system or assembly.load(), row, harts, machine, "--place" if override else rel(machine.folder / "placement"))
    return "".join(f"{name}={','.join(str(h - machine.first_hart) for h in on)}\n" for name, on in row.items())


def harts_of(harts: int, override: str = "", machine: Machine = MACHINES["qemu-riscv"]) -> dict[str, list[int]]:
    """Harts by component, and of guests, unchecked."""
    rows = _table(machine)
    row = dict(rows[max(n for n in rows if n <= harts)])
    last = ""
    for word in filter(None, re.split(r"[,\s]+", override)):
        if "=" not in word and last:        # `guests=0,2`: a comma inside a value
            row[last] += "," + _pair(f"{last}={word}", "--place")[1]
            continue
        last, value = _pair(word, "--place")
        row[last] = value
    return {name: _harts(value) for name, value in row.items()}
