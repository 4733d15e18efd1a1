# SPDX-License-Identifier: MIT
"""Where the instructions go: `build.py profile`.

Runs a command in the guest under -icount with a QEMU plugin (tools/profiler/count_blocks.c) that counts
each translated block, and prints a histogram of functions. With a second command (--minus), that one's
counts are subtracted: what remains is exactly what the first did more, boot and program start cancelling
out. Servers share virtual addresses; a block is assigned to the program whose bytes it has.
"""

from __future__ import annotations

import bisect
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import elf, run
from .errors import BuildError
from .paths import BUILD, TOOLS, rel

SOURCE = TOOLS / "profiler" / "count_blocks.c"
SPIN = 16
PLUGIN = BUILD / "profiler" / "count_blocks.so"


@dataclass
class Program:
    """One ELF file: its text, its symbols in order of address."""

    name: str
    path: Path
    segments: tuple[elf.Segment, ...] = ()
    starts: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def load(self) -> Program:
        self.segments = tuple(s for s in elf.load(self.path).segments if s.flags & elf.PF_X)
        out = subprocess.run(["riscv64-linux-gnu-nm", "-n", "--defined-only", str(self.path)], check=True,
                             capture_output=True, text=True).stdout
        for line in out.splitlines():
            address, kind, name = line.split(maxsplit=2)
            if kind in "tTwW" and not name.startswith((".L", "$")):
                self.starts.append(int(address, 16))
                self.names.append(name)
        return self

    def holds(self, address: int, data: bytes) -> bool:
        for s in self.segments:
            at = address - s.vaddr
            if 0 <= at < len(s.data):
                return s.data[at:at + len(data)] == data
        return False

    def function(self, address: int) -> str:
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[i] if i >= 0 else hex(address)


def _plugin() -> Path:
    if not PLUGIN.exists() or PLUGIN.stat().st_mtime < SOURCE.stat().st_mtime:
        PLUGIN.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o", str(PLUGIN), str(SOURCE)], check=True)
    return PLUGIN


def programs(guest: list[Path]) -> list[Program]:
    found = [Program("kernel", BUILD / "kernel.elf"), Program("linux_compat", BUILD / "linux_compat.elf")]
    found += [Program(p.stem, p) for p in sorted((BUILD / "servers").glob("*.elf"))]
    found += [Program(p.name, p) for p in guest]
    return [p.load() for p in found]


def measure(options: run.Options, known: list[Program], guest_command: str) -> Counter[tuple[str, str]]:
    """Instructions by (program, function) of a whole run."""
    wanted = replace(options, command=guest_command, icount=True, smp=1)
    counts: Counter[tuple[str, str]] = Counter()
    owner: dict[tuple[int, bytes], tuple[str, str]] = {}
    for (address, instructions, data), executions in _blocks(wanted, run.run_exec):
        key = (address, data)
        if key not in owner:
            owner[key] = _owner(known, address, data)
        counts[owner[key]] += instructions * executions
    return counts


def per_operation(options: run.Options, word: str, word_without: str, operations: int) -> Counter[tuple[str, str]]:
    """Instructions by function of one operation, which a program in the supervisor's place executes
    `operations` times when the kernel's command line has `word`, and never with `word_without`. All harts and
    the firmware are counted. Blocks that ran more than SPIN times per operation are left out: they are loops
    that wait (an idle hart's polling, the firmware's harts at boot) and take as long as the others let them.
    Harts take turns in one host thread, since the counters are not atomic."""
    known = [Program("kernel", BUILD / "kernel.elf").load()]
    blocks: Counter[tuple[int, int, bytes]] = Counter()
    for sign, append in ((1, word), (-1, word_without)):
        wanted = replace(options, threads="single", append=append)
        for block, n in _blocks(wanted, lambda o: run.run_captured(o, 1, 2).status):
            blocks[block] += sign * n
    counts: Counter[tuple[str, str]] = Counter()
    for (address, instructions, data), n in blocks.items():
        if abs(n) <= SPIN * operations:
            counts[_owner(known, address, data)] += instructions * n
    return Counter({k: round(n / operations) for k, n in counts.items() if round(n / operations)})


def _blocks(options: run.Options, start: Callable[[run.Options], int]) -> Iterator[tuple[tuple[int, int, bytes], int]]:
    """((address, instructions, bytes), executions) of a run."""
    out = BUILD / "profiler" / "blocks.txt"
    out.unlink(missing_ok=True)
    status = start(replace(options, qemu_args=[*options.qemu_args, "-plugin", f"{_plugin()},out={out}"]))
    if not out.exists():
        raise BuildError(f"the profiled run gave no counts (status {status})")
    for line in out.read_text().splitlines():
        words = line.split(" ")
        yield (int(words[0], 16), int(words[1]), bytes.fromhex(words[3])), int(words[2])


def _owner(known: list[Program], address: int, data: bytes) -> tuple[str, str]:
    for program in known:
        if program.holds(address, data):
            return program.name, program.function(address)
    if address >> 31 == 1 and address < 0x80200000:
        return "firmware", "firmware"
    return ("other", "guest") if address < 1 << 38 else ("other", hex(address))


def report(counts: Counter[tuple[str, str]], per: int, top: int) -> str:
    total = sum(counts.values())
    lines = [f"{total / per:12.1f}  all"]
    by_program: Counter[str] = Counter()
    for (program, _), n in counts.items():
        by_program[program] += n
    lines += [f"{n / per:12.1f}  {program}" for program, n in by_program.most_common() if abs(n) >= per]
    lines.append("")
    lines += [f"{n / per:12.1f}  {program:14s} {function}" for (program, function), n in counts.most_common(top)
              if n >= per / 10]
    return "\n".join(lines)


def profile(options: run.Options, command: str, minus: str | None, per: int, top: int, guest: list[Path]) -> int:
    for path in guest:
        if not path.is_file():
            raise BuildError(f"--program {rel(path)}: no such file")
    known = programs(guest)
    counts = measure(options, known, command)
    if minus is not None:
        counts.subtract(measure(options, known, minus))
    print(report(counts, per, top))
    return 0
