# SPDX-License-Identifier: MIT
"""`./build.py bench`: figures, never pass or fail.

    lxbench   tests/bench/lxbench.c in the guest: one line a system call or a fault
    macro     tests/bench/macro.sh in the guest: ordinary commands
    kernel    tests/guest/kernel with the word "bench" on the kernel's command line: prints `bench NAME COUNT`
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
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import components, profile, run, say, third_party
from .cli import prepare
from .errors import BuildError
from .paths import BUILD, ROOT, TESTS, rel

FOLDER = TESTS / "bench"
LINUX_FIGURES = FOLDER / "linux-6.12.tsv"
TIMEOUT_S = 1800.0
CROSS_OPERATIONS = 100      # as in tests/guest/kernel/bench.c


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
    target: float | None = None         # what ours should be at most


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


def _peers(path: Path) -> dict[str, tuple[float | None, str, float | None]]:
    """By name: the peer's figure, its name, our target."""
    out: dict[str, tuple[float | None, str, float | None]] = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        fields = line.split("\t")
        if len(fields) >= 3 and not line.startswith("#"):
            out[fields[0]] = (_number(fields[1]), fields[2], _number(fields[3]) if len(fields) > 3 else None)
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
        peer, peer_name, target = known.get(name, (None, "", None))
        out.append(_figure(suite, name, unit, _number(value), peer, peer_name))
        out[-1].target = target
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


def _across_harts() -> list[tuple[str, str, str]]:
    """Two harts, both counted, the firmware too; the partner's hart is asleep when it is called, and our own
    when the answer comes (profile.per_operation says how)."""
    options = run.Options(smp=2, timeout_s=TIMEOUT_S, root_image=BUILD / "tests" / "guest" / "kernel.img")
    out = []
    for name, word in (("Call/ReplyRecv across harts, both asleep", "cross-call"),
                       ("signal/wait across harts, both asleep", "cross-signal")):
        counts = profile.per_operation(options, word, "cross-pause", CROSS_OPERATIONS)
        out.append((name, str(sum(counts.values())), "instructions"))
    return out


def _kernel_size() -> list[tuple[str, str, str]]:
    """The limits of the kernel: 64 KiB of text, 10,000 lines of C (neither blank nor comment; without the ABI).
    Beside it what runs only at boot, code and constants, whose pages are the root task's afterwards."""
    sizes = subprocess.run(["riscv64-linux-gnu-size", "-A", str(BUILD / "kernel.elf")], check=True,
                           capture_output=True, text=True).stdout
    text, init = (next(line.split()[1] for line in sizes.splitlines() if line.startswith(name + " "))
                  for name in (".text", ".init"))
    lines = {".c": 0, ".h": 0}
    for path in sorted((ROOT / "microkernel").rglob("*.[ch]")):
        if "abi" in path.parts:
            continue
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.S)
        lines[path.suffix] += sum(1 for line in code.splitlines() if line.strip())
    return [("kernel text", text, "bytes"), ("of boot, given back", init, "bytes"), ("kernel C", str(lines[".c"]), "lines"),
            ("kernel headers", str(lines[".h"]), "lines")]


def _independent_pairs(plan: Plan) -> list[Figure]:
    """Two pairs of threads that share nothing, on two harts, against one pair: calls a second, medians."""
    options = plan.options()
    options.smp = 3         # hart 0, the root task's, sleeps meanwhile
    options.root_image = BUILD / "tests" / "guest" / "kernel.img"
    options.append = "pairs"
    result = run.run_captured(options, 1, 2)
    lines = re.findall(r"^pairs (\w+) (\d+)$", result.console.replace("\r", ""), re.M)
    rates = {kind: [float(n) for k, n in lines if k == kind] for kind in ("one", "two", "waits")}
    if result.status or not rates["two"] or not rates["waits"]:
        say.warn(f"kernel: ended with status {result.status}\n{result.panic or result.console[-1500:]}")
        return []
    one, two = statistics.median(rates["one"]), statistics.median(rates["two"])
    return [Figure("kernel", "Call/ReplyRecv, one pair", "calls/s", one, None, "", None),
            Figure("kernel", "Call/ReplyRecv, two pairs on two harts", "calls/s", two, one, "one pair", two / one),
            Figure("kernel", "kernel locks they waited for", "times", rates["waits"][0], None, "", None)]


def _kernel(plan: Plan) -> list[Figure]:
    if plan.wall:
        return _independent_pairs(plan)
    result = _boot_root(BUILD / "tests" / "guest" / "kernel.img", plan, "bench")
    lines = re.findall(r"^bench (.+) (\d+)$", result.console.replace("\r", ""), re.M)
    rows = [(name, count, plan.unit) for name, count in lines] + _across_harts() + _kernel_size()
    return _root_suite("kernel", result, rows, FOLDER / "kernel-peers.tsv")


def suites() -> dict[str, Callable[[Plan], list[Figure]]]:
    out: dict[str, Callable[[Plan], list[Figure]]] = {}
    if (TESTS / "guest" / "kernel").is_dir():
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
        target = "" if f.target is None else f"{f.target:,.0f}"
        print(f"{f.suite:<10} {f.name:<46} {ours:>12} {target:>8} {peer:>12} {ratio:>6}  {f.unit} {f.peer_name}")


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
        print(f"{'suite':<10} {'name':<46} {'Atoll':>12} {'at most':>8} {'peer':>12} {'ratio':>6}")
    for name in names:
        say.step(f"bench: {name} ({'wall-clock' if wall else 'instructions'})")
        found = known[name](plan)
        _show(found)
        figures += found
    if json_file:
        json_file.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")
        say.step(f"wrote {rel(json_file) if json_file.is_absolute() else json_file}")
    return 0
