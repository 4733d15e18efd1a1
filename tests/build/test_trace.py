# SPDX-License-Identifier: MIT
"""--trace: what a boot and one command leave in the file."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest
from atoll_build import trace
from atoll_build.paths import ROOT

LINE = re.compile(r"^ *\d+\.\d{6} h(\d) (\S.{15,}?) (\S.*)$")


def boot(tmp_path: Path, *args: str) -> str:
    out = tmp_path / "trace.txt"
    done = subprocess.run([str(ROOT / "build.py"), "qemu-riscv", "--timeout", "120", "--trace", str(out), *args,
                           "--exec", "ls /"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bin" in done.stdout.split()
    return out.read_text()


@pytest.mark.parametrize("smp", ["1", "2"])
def test_a_command_shows_its_calls_requests_faults_and_wakeups(tmp_path: Path, smp: str) -> None:
    text = boot(tmp_path, "--smp", smp)
    assert all(LINE.match(line) for line in text.splitlines())
    assert re.search(r"tid \d+ +syscall 56 openat", text)
    assert re.search(r"tid \d+ +syscall 61 getdents64", text)
    assert re.search(r"fs +rpc \d+\.\d+ fs\.openat\(dirfd=-100, .*\)", text)
    assert re.search(r"fs +rpc \d+\.\d+ fs\.openat -> fd=3", text)
    assert re.search(r"fs +rpc \d+\.\d+ fs\.getdents\(fd=3, ", text)
    assert re.search(r"proc +rpc \d+\.\d+ proc\.exec\(", text)
    assert re.search(r"tid \d+ +resume -> 3$", text, re.M)
    assert re.search(r"tid \d+ +fault write 0x[0-9a-f]+ resolved", text)
    assert re.search(r"wake fs priority 200", text)
    times = [float(line.split()[0]) for line in text.splitlines()]
    assert times == sorted(times)


def event(time: int, hart: int, kind: int, a: int = 0, b: int = 0, thread: int = 7) -> bytes:
    return trace.EVENT.pack(time, kind, hart, thread, a, b)


def test_chunks_of_two_harts_are_merged_by_time() -> None:
    data = event(9, 0, trace.LOST, 0, 1000, 2) + event(1, 0, trace.REFLECT, 63, 5) + event(5, 0, trace.RESUME, 3, 5)
    data += event(9, 1, trace.LOST, 0, 1000, 1) + event(3, 1, trace.IRQ, 8)
    lines = trace.to_text(data).splitlines()
    assert [line.split()[0] for line in lines] == ["0.000000", "0.002000", "0.004000"]
    assert "tid 5" in lines[0] and "syscall 63 read" in lines[0] and "interrupt 8" in lines[1]


def test_text_may_go_on_in_the_next_chunk() -> None:
    words = b"rpc 1 fs.read(fd=3, data=[9 bytes])"
    raw = words.ljust(64, b"\0")
    data = event(9, 0, trace.LOST, 0, 1000, 2) + event(1, 0, trace.TEXT, len(words)) + raw[:32]
    data += event(9, 0, trace.LOST, 0, 1000, 1) + raw[32:]
    assert trace.to_text(data).rstrip("\n").endswith(words.decode())


def test_lost_events_are_told() -> None:
    data = event(1, 0, trace.LOST, 0, 1000, 1) + event(1, 0, trace.IRQ, 8)
    data += event(2, 0, trace.LOST, 55, 1000, 1) + struct.pack("<4Q", ~0 & 2**64 - 1, 0, 0, 0)
    assert "lost 55 events" in trace.to_text(data)


def test_an_empty_trace_is_an_empty_file(tmp_path: Path) -> None:
    trace.convert(tmp_path / "none", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == ""
