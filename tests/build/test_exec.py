# SPDX-License-Identifier: MIT
"""`--exec` as people and tests rely on it: exact bytes, exact status, nothing in between."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from atoll_build.paths import ROOT


def atoll(command: str, *options: str | Path, timeout: float = 90) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([ROOT / "build.py", "qemu-riscv", "--timeout", "60", *options, "--exec", command],
                          capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)


def test_output_and_error_come_apart_and_alone() -> None:
    done = atoll("echo out; echo err >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"out\n", b"err\n")


@pytest.mark.parametrize("status", [0, 1, 7, 42, 124, 125, 255])
def test_status_is_the_commands(status: int) -> None:
    assert atoll(f"exit {status}").returncode == status


def test_a_signals_death_is_128_and_its_number() -> None:
    # In a child: the command itself is process 1, which Linux protects from signals it has no handler for.
    assert atoll("sh -c 'kill -TERM $$'; exit $?").returncode == 128 + 15


def test_bytes_are_not_changed() -> None:
    command = r"printf '\000\001\r\n\033[0m\377\n\r'; printf 'no newline at the end'"
    assert atoll(command).stdout == b"\x00\x01\r\n\x1b[0m\xff\n\rno newline at the end"


def test_a_megabyte_arrives_whole() -> None:
    done = atoll("seq 1 150000")
    expected = b"".join(b"%d\n" % i for i in range(1, 150001))
    assert len(done.stdout) == len(expected)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(expected).digest()


def test_standard_input_is_empty() -> None:
    assert atoll("cat; echo $?").stdout == b"0\n"


def test_output_streams_while_the_command_runs() -> None:
    with subprocess.Popen([ROOT / "build.py", "qemu-riscv", "--timeout", "60", "--exec", "echo now; sleep 4"],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        seen = time.monotonic()
        assert process.wait(60) == 0
        assert time.monotonic() - seen > 2


def test_quotes_and_newlines_reach_the_shell() -> None:
    assert atoll("echo 'a  b'\necho \"$((1+2))\"").stdout == b"a  b\n3\n"


def test_time_out_is_124() -> None:
    start = time.monotonic()
    done = atoll("echo begun; sleep 100", "--timeout", "8")
    assert done.returncode == 124 and done.stdout == b"begun\n"
    assert time.monotonic() - start < 30


def test_later_overlays_win_and_bring_programs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc" / "which").write_text(name)
    (tmp_path / "a" / "bin").mkdir()
    (tmp_path / "a" / "bin" / "mine").write_text("#!/bin/sh\necho mine $1\n")
    (tmp_path / "a" / "bin" / "mine").chmod(0o755)
    done = atoll("cat /etc/which; mine x", "--overlay", tmp_path / "a", "--overlay", tmp_path / "b")
    assert done.stdout == b"bmine x\n"


def test_a_program_of_the_cross_compilers_glibc_runs(tmp_path: Path) -> None:
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("from glibc"); return 3; }\n')
    (tmp_path / "over").mkdir()
    subprocess.run(["riscv64-linux-gnu-gcc", "-static", "-O2", "-o", tmp_path / "over" / "hello", source], check=True)
    done = atoll("/hello", "--overlay", tmp_path / "over")
    assert (done.returncode, done.stdout) == (3, b"from glibc\n")


def test_counted_instructions_repeat_exactly() -> None:
    command = "read -r up rest </proc/uptime; echo $up; cat /proc/uptime"
    first, second = atoll(command, "--icount"), atoll(command, "--icount")
    assert first.returncode == 0 and first.stdout == second.stdout
