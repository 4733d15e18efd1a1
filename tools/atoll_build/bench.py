# SPDX-License-Identifier: MIT
"""`./build.py bench`: figures, never pass or fail.

    lxbench   tests/bench/lxbench.c in the guest: one line a system call or a fault
    macro     tests/bench/macro.sh in the guest: ordinary commands
    kernel    tests/guest/roottest with the word "bench" on the kernel's command line: prints `bench NAME COUNT`
    NAME      tests/bench/NAME/*.c takes the supervisor's place and prints `BENCH<tab>name<tab>value<tab>unit` on
              the serial line; peers.tsv beside it (name, value, peer's name) gives what to compare with

By default everything is counted in instructions (--icount: one hart, exact, repeatable); with --wall in
nanoseconds on two harts, on QEMU 8.1 or later. Peers come from tests/bench/linux-6.12.tsv; with
`--vs linux` compare.py measures Linux beside ours, both ways.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import components, run, say, third_party
from .cli import prepare
from .errors import BuildError
from .paths import BUILD, TESTS, rel

FOLDER = TESTS / "bench"
LINUX_FIGURES = FOLDER / "linux-6.12.tsv"
TIMEOUT_S = 1800.0


@dataclass
class Figure:
    """One line of the result; the fields are the contract of --json."""

    suite: str
    name: str
    unit: str
    ours: float | None
    peer: float | None
    peer_name: str
    ratio: float | None


@dataclass
class Plan:
    """How this run measures."""

    wall: bool

    @property
    def unit(self) -> str:
        return "ns" if self.wall else "instructions"

    def options(self) -> run.Options:
        options = run.Options(smp=2 if self.wall else 1, icount=not self.wall, timeout_s=TIMEOUT_S)
        if self.wall:
            options.qemu, options.env, options.qemu_args = third_party.measuring_qemu()
        return options


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def recorded_linux(wall: bool) -> dict[str, float]:
    rows = [line.split("\t") for line in LINUX_FIGURES.read_text().splitlines() if line and line[0] != "#"]
    column = rows[0].index("wall_ns" if wall else "instr")
    return {r[0]: value for r in rows[1:] if len(r) > column and (value := _number(r[column])) is not None}


def parse_lxbench(text: str) -> dict[str, float | None]:
    """`name<tab>ns<tab>ops`, or None where a system call is missing."""
    out: dict[str, float | None] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3 and not line.startswith("#"):
            out[fields[0]] = _number(fields[1])
    return out


def _figure(suite: str, name: str, unit: str, ours: float | None, peer: float | None, peer_name: str) -> Figure:
    ratio = ours / peer if ours is not None and peer else None
    return Figure(suite, name, unit, ours, peer, peer_name if peer is not None else "", ratio)


def _linux_program(suite: str, command: str, plan: Plan) -> list[Figure]:
    """Run one of the two programs here (and on Linux); both print lxbench's format."""
    with tempfile.TemporaryDirectory() as work:
        overlay = Path(work)
        (overlay / "bin").mkdir()
        shutil.copy(BUILD / "bench" / "lxbench", overlay / "bin" / "lxbench")
        shutil.copy(FOLDER / "macro.sh", overlay / "bin" / "macro.sh")
        options = plan.options()
        options.overlays = [overlay]
        options.command = command
        from .testing import boot_exec
        result, out, err = boot_exec(options)
        ours = parse_lxbench(out)
        if result.status or not ours:
            say.warn(f"{suite}: ended with status {result.status}\n{result.panic or err[-1000:]}")
    peer = recorded_linux(plan.wall)
    return [_figure(suite, n, plan.unit, ours[n], peer.get(n), "linux-6.12 (recorded)") for n in ours]


def _lxbench(plan: Plan) -> list[Figure]:
    return _linux_program("lxbench", "exec lxbench -i", plan)


def _macro(plan: Plan) -> list[Figure]:
    return _linux_program("macro", "exec sh /bin/macro.sh", plan)


def _peers(path: Path) -> dict[str, tuple[float, str]]:
    out: dict[str, tuple[float, str]] = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        fields = line.split("\t")
        if len(fields) >= 3 and not line.startswith("#"):
            out[fields[0]] = (float(fields[1]), fields[2])
    return out


def _boot_root(image: Path, plan: Plan, append: str = "") -> run.Result:
    options = plan.options()
    options.root_image = image
    options.append = append
    return run.run_captured(options, 1, 2)


def _root_suite(suite: str, result: run.Result, lines: list[tuple[str, str, str]], peers: Path) -> list[Figure]:
    """Figures of a program in the supervisor's place: (name, value, unit) from its console lines."""
    known = _peers(peers)
    out = []
    for name, value, unit in lines:
        peer, peer_name = known.get(name, (None, ""))
        out.append(_figure(suite, name, unit, _number(value), peer, peer_name))
    if not out or result.status:
        say.warn(f"{suite}: ended with status {result.status}\n{result.panic or result.console[-1500:]}")
    return out


def _bench_lines(text: str) -> list[tuple[str, str, str]]:
    """`BENCH<tab>name<tab>value<tab>unit` lines."""
    rows = [line.split("\t") for line in text.replace("\r", "").splitlines() if line.startswith("BENCH\t")]
    return [(r[1], r[2], r[3]) for r in rows if len(r) >= 4]


def _folder_suite(folder: Path, plan: Plan) -> list[Figure]:
    result = _boot_root(BUILD / "bench" / f"{folder.name}.img", plan)
    return _root_suite(folder.name, result, _bench_lines(result.console), folder / "peers.tsv")


def _kernel(plan: Plan) -> list[Figure]:
    if plan.wall:
        say.warn("kernel: counts instructions only")
        return []
    result = _boot_root(BUILD / "tests" / "guest" / "roottest.img", plan, "bench")
    lines = re.findall(r"^bench (.+) (\d+)$", result.console.replace("\r", ""), re.M)
    return _root_suite("kernel", result, [(name, count, plan.unit) for name, count in lines],
                       FOLDER / "kernel-peers.tsv")


def suites() -> dict[str, Callable[[Plan], list[Figure]]]:
    out: dict[str, Callable[[Plan], list[Figure]]] = {}
    if (TESTS / "guest" / "roottest").is_dir():
        out["kernel"] = _kernel
    for folder in sorted(p for p in FOLDER.iterdir() if p.is_dir() and components.find_sources(p)[0]):
        out[folder.name] = lambda plan, folder=folder: _folder_suite(folder, plan)
    out["lxbench"] = _lxbench
    out["macro"] = _macro
    return out


def _show(figures: list[Figure]) -> None:
    for f in figures:
        ours = "unsupported" if f.ours is None else f"{f.ours:,.0f}"
        peer = "" if f.peer is None else f"{f.peer:,.0f}"
        ratio = "" if f.ratio is None else f"{f.ratio:.2f}"
        print(f"{f.suite:<10} {f.name:<36} {ours:>16} {peer:>16} {ratio:>7}  {f.unit} {f.peer_name}")


def run_suites(wanted: list[str], *, json_file: Path | None, vs: str | None, wall: bool, rounds: int) -> int:
    known = suites()
    names: list[str] = []
    for word in wanted or list(known):
        if word == "linux":
            names += ["lxbench", "macro"]
        elif word in known:
            names.append(word)
        else:
            raise BuildError(f"there is no bench suite '{word}'", do=f"name some of: linux {' '.join(known)}")
    needs_system = bool({"lxbench", "macro"} & set(names))
    prepare(["kernel", "servers", "linux_compat", "image", "bench-programs", "bench-roots", "guest-tests"]
            if needs_system else ["kernel", "bench-roots", "guest-tests"], guest=needs_system)
    plan = Plan(wall)
    figures: list[Figure] = []
    if vs == "linux" and needs_system:
        from .compare import compare
        programs = [n for n in names if n in ("lxbench", "macro")]
        names = [n for n in names if n not in programs]
        figures += compare(programs, rounds)
    if names:
        print(f"{'suite':<10} {'name':<36} {'Atoll':>16} {'peer':>16} {'ratio':>7}")
    for name in names:
        say.step(f"bench: {name} ({'wall-clock' if wall else 'instructions'})")
        found = known[name](plan)
        _show(found)
        figures += found
    if json_file:
        json_file.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")
        say.step(f"wrote {rel(json_file) if json_file.is_absolute() else json_file}")
    return 0
