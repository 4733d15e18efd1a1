# SPDX-License-Identifier: MIT
"""`./build.py bench linux --vs linux`: the same programs here and on Debian's riscv64 Linux, side by side.

Every machine is QEMU's `virt` of the same QEMU (8.1 or later), with 512 MiB and the same root file system. Two
measurements: instructions (one hart, --icount, exact) once, and wall-clock (two harts) in rounds, each round
booting every system once, so that a disturbance of the host meets all alike; the median counts. Linux runs in
Debian's default configuration and in a lean one with its hardening off (linux.LEAN).

Results go to docs/bench/: linux.md (tables), linux.json (a list of {suite, name, unit, ours, peer, peer_name,
ratio}), linux.svg (ratios).
"""

from __future__ import annotations

import json
import math
import shutil
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import bench, linux, run, say, third_party
from .paths import BUILD, ROOT, rel

OUT = ROOT / "docs" / "bench"
PROGRAMS = {"lxbench": "exec lxbench -i -t {ms}", "macro": "exec sh /bin/macro.sh"}
# Lines that say nothing of the system: two of plain computing, and the network, which is not built yet.
COMPUTING = ("cpu_1k", "memcpy_64k")
NETWORK = ("tcp_pp", "tcp_bw_64k", "udp_pp")
LXBENCH_MS = {"instructions": 20, "ns": 50}
TIMEOUT_S = 1200.0

Readings = dict[str, float]


@dataclass
class System:
    """One of those compared: how to run a command on it."""

    name: str
    run: Callable[[str, list[Path], str], tuple[int | None, str]]


def _machine(unit: str) -> tuple[int, bool]:
    return (1, True) if unit == "instructions" else (2, False)


def _atoll(command: str, overlays: list[Path], unit: str) -> tuple[int | None, str]:
    from .testing import boot_exec
    smp, icount = _machine(unit)
    options = run.Options(smp=smp, icount=icount, timeout_s=TIMEOUT_S, command=command, overlays=overlays)
    options.qemu, options.env, options.qemu_args = third_party.measuring_qemu()
    result, out, err = boot_exec(options)
    return result.status, out if result.status == 0 else out + "\n# " + (result.panic or err[-500:])


def _linux(lean: bool) -> Callable[[str, list[Path], str], tuple[int | None, str]]:
    def run_there(command: str, overlays: list[Path], unit: str) -> tuple[int | None, str]:
        smp, icount = _machine(unit)
        qemu, env, arguments = third_party.measuring_qemu()
        return linux.run(linux.Boot(command, overlays, smp=smp, icount=icount, lean=lean, timeout_s=TIMEOUT_S,
                                    qemu=qemu, env=env, qemu_args=arguments))
    return run_there


def systems() -> list[System]:
    release = linux.ensure_kernel().name.split("-", 1)[1]
    return [System("Atoll", _atoll), System(f"Linux {release}", _linux(False)), System("the same, lean", _linux(True))]


def _read(system: System, program: str, unit: str) -> Readings:
    with tempfile.TemporaryDirectory() as work:
        overlay = Path(work)
        (overlay / "bin").mkdir()
        shutil.copy(BUILD / "bench" / "lxbench", overlay / "bin" / "lxbench")
        shutil.copy(bench.FOLDER / "macro.sh", overlay / "bin" / "macro.sh")
        status, text = system.run(PROGRAMS[program].format(ms=LXBENCH_MS[unit]), [overlay], unit)
    found = {name: value for name, value in bench.parse_lxbench(text).items() if value is not None}
    if status != 0 or not found:
        say.warn(f"{program} on {system.name}: ended with status {status}\n{text[-800:]}")
    return found


@dataclass
class Table:
    """readings[unit][system][line]; lines in the order of the programs."""

    program: str
    systems: list[str]
    readings: dict[str, list[Readings]]
    rounds: int

    def lines(self) -> list[str]:
        names: dict[str, None] = {}
        for columns in self.readings.values():
            for readings in columns:
                names.update(dict.fromkeys(readings))
        return list(names)

    def ratio(self, line: str, unit: str, peer: int) -> float | None:
        columns = self.readings[unit]
        ours, theirs = columns[0].get(line), columns[peer].get(line)
        return ours / theirs if ours is not None and theirs else None

    def judged(self, line: str) -> bool:
        return line not in COMPUTING and line not in NETWORK

    def mean(self, unit: str, peer: int) -> float | None:
        """The geometric mean of the ratios of all lines that are judged."""
        ratios = [r for line in self.lines() if self.judged(line) and (r := self.ratio(line, unit, peer)) is not None]
        return math.exp(statistics.fmean(math.log(r) for r in ratios)) if ratios else None

    def above(self, unit: str, peer: int) -> list[str]:
        return [f"{line} {r:.2f}" for line in self.lines()
                if self.judged(line) and (r := self.ratio(line, unit, peer)) is not None and r > 1]


def measure(program: str, rounds: int) -> Table:
    compared = systems()
    exact = []
    for system in compared:
        say.step(f"{program}: instructions, {system.name}")
        exact.append(_read(system, program, "instructions"))
    series: list[list[Readings]] = [[] for _ in compared]
    for number in range(rounds):
        say.step(f"{program}: wall-clock, round {number + 1} of {rounds}")
        for at, system in enumerate(compared):
            series[at].append(_read(system, program, "ns"))
    wall = [{line: statistics.median(r[line] for r in found if line in r)
             for line in dict.fromkeys(name for r in found for name in r)} for found in series]
    return Table(program, [s.name for s in compared], {"instructions": exact, "ns": wall}, rounds)


# -- what is written ------------------------------------------------------------------------------

def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def summary(table: Table) -> list[str]:
    out = []
    for unit, what in (("instructions", "instructions, one hart"), ("ns", "wall-clock, two harts")):
        for peer in (1, 2):
            mean = table.mean(unit, peer)
            if mean is None:
                continue
            above = table.above(unit, peer)
            out.append(f"{table.program}, {what}, against {table.systems[peer]}: geometric mean {mean:.2f}; "
                       + (f"above 1: {', '.join(above)}" if above else "no line above 1"))
    return out


def markdown(tables: list[Table], machine: str) -> str:
    text = ["# Atoll and Linux, side by side", "",
            "Written by `./build.py bench linux --vs linux`; do not edit. Ratios are Atoll over Linux: below 1 Atoll needs less.",
            f"Machine: {machine}. Instructions: one hart, `-icount`, exact. Wall-clock: two harts, median of "
            f"{tables[0].rounds} interleaved rounds.",
            f"Left out of the means: {', '.join(COMPUTING)} (plain computing) and the network.", "",
            "![ratios](linux.svg)", ""]
    for table in tables:
        text += [f"- {line}" for line in summary(table)]
    for table in tables:
        text += ["", f"## {table.program}", "",
                 "| line | Atoll instr. | Linux | ratio | lean | ratio | Atoll ns | Linux | ratio | lean | ratio |",
                 "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
        for line in table.lines():
            cells = [line]
            for unit in ("instructions", "ns"):
                columns = table.readings[unit]
                cells.append(_cell(columns[0].get(line)))
                for peer in (1, 2):
                    cells += [_cell(columns[peer].get(line)), _ratio(table.ratio(line, unit, peer))]
            text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def figures(table: Table) -> list[bench.Figure]:
    out = []
    for unit in ("instructions", "ns"):
        columns = table.readings[unit]
        for peer in (1, 2):
            for line in table.lines():
                out.append(bench.Figure(table.program, line, unit, columns[0].get(line), columns[peer].get(line),
                                        table.systems[peer], table.ratio(line, unit, peer)))
    return out


COLOURS = {"instructions": "#1f6f8b", "ns": "#e0a030"}
LABELS = {"instructions": "instructions, one hart", "ns": "wall-clock, two harts"}
LEFT, WIDTH, ROW, TOP = 190, 620, 17, 64
LOWEST, HIGHEST = 0.02, 4.0


def _x(ratio: float) -> float:
    """Logarithmic: equal distances are equal factors."""
    bounded = min(max(ratio, LOWEST), HIGHEST)
    return LEFT + WIDTH * math.log(bounded / LOWEST) / math.log(HIGHEST / LOWEST)


def chart(tables: list[Table]) -> str:
    """Two bars a line from ratio 1, to the left (less than Linux) or to the right."""
    body: list[str] = []
    y = float(TOP)
    for table in tables:
        body.append(f'<text x="{LEFT - 8}" y="{y + 12:.0f}" text-anchor="end" font-weight="bold">{table.program}</text>')
        y += ROW + 2
        for line in table.lines():
            if all(table.ratio(line, unit, 1) is None for unit in LABELS):
                continue
            body.append(f'<text x="{LEFT - 8}" y="{y + 12:.0f}" text-anchor="end">{line}</text>')
            for number, unit in enumerate(LABELS):
                ratio = table.ratio(line, unit, 1)
                if ratio is None:
                    continue
                start, end = sorted((_x(1), _x(ratio)))
                body.append(f'<rect x="{start:.1f}" y="{y + 2 + number * 6:.0f}" width="{max(end - start, 1):.1f}" '
                            f'height="6" fill="{COLOURS[unit]}"><title>{line}: {ratio:.2f}, {LABELS[unit]}</title></rect>')
                at = end + 4 if ratio > 1 else start - 4
                anchor = "start" if ratio > 1 else "end"
                body.append(f'<text x="{at:.1f}" y="{y + 8 + number * 6:.0f}" text-anchor="{anchor}" font-size="7" '
                            f'fill="#555">{ratio:.2f}</text>')
            y += ROW
    height = y + 30
    grid = []
    for value in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4):
        grid.append(f'<line x1="{_x(value):.1f}" x2="{_x(value):.1f}" y1="{TOP - 6}" y2="{y:.0f}" '
                    f'stroke="{"#333" if value == 1 else "#ddd"}"/>'
                    f'<text x="{_x(value):.1f}" y="{TOP - 10}" text-anchor="middle">{value:g}</text>')
    legend = "".join(f'<rect x="{LEFT + number * 190}" y="24" width="12" height="10" fill="{COLOURS[unit]}"/>'
                     f'<text x="{LEFT + number * 190 + 17}" y="33">{LABELS[unit]}</text>'
                     for number, unit in enumerate(LABELS))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 50}" height="{height:.0f}" '
            'font-family="sans-serif" font-size="11">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n'
            f'<text x="{LEFT}" y="16" font-size="13">Atoll over {tables[0].systems[1]}: left of 1, Atoll needs less</text>\n'
            f'{legend}\n' + "\n".join(grid + body) + "\n</svg>\n")


def _machine_text() -> str:
    import subprocess
    qemu, env, _ = third_party.measuring_qemu()
    version = subprocess.run([qemu, "--version"], capture_output=True, text=True, env=env, check=True).stdout.splitlines()[0]
    return f"QEMU virt, 512 MiB, {version.removeprefix('QEMU emulator ')}"


def compare(programs: list[str], rounds: int) -> list[bench.Figure]:
    """Measure, print, and with both programs write docs/bench/."""
    tables = [measure(program, rounds) for program in programs]
    for table in tables:
        print(f"\n{table.program:<24}" + "".join(f"{h:>13}" for h in ("instr", "Linux", "ratio", "ns", "Linux", "ratio")))
        for line in table.lines():
            row = f"{line:<24}"
            for unit in ("instructions", "ns"):
                columns = table.readings[unit]
                row += f"{_cell(columns[0].get(line)):>13}{_cell(columns[1].get(line)):>13}{_ratio(table.ratio(line, unit, 1)):>13}"
            print(row)
    for table in tables:
        print("\n".join(summary(table)))
    found = [f for table in tables for f in figures(table)]
    if len(programs) == len(PROGRAMS):
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / "linux.md").write_text(markdown(tables, _machine_text()))
        (OUT / "linux.json").write_text(json.dumps([asdict(f) for f in found], indent=1) + "\n")
        (OUT / "linux.svg").write_text(chart(tables))
        say.step(f"wrote {rel(OUT)}/linux.md, linux.json, linux.svg")
    return found
