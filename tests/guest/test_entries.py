# SPDX-License-Identifier: MIT
"""Kernel entries of requests to a server that is awake on another hart, and of leased answers: none (programs/entries.c)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from atoll_build import run
from atoll_build.paths import TESTS
from atoll_build.testing import boot_exec

# A busy server looks at its notification once in 32 turns, for sessions that ring and for devices.
POLLS = 200 // 32 + 10


def test_requests_to_an_awake_server_and_leased_answers_take_no_kernel_entry(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-Wall", "-o", tmp_path / "r" / "entries",
                    TESTS / "guest" / "programs" / "entries.c"], check=True)
    result, out, err = boot_exec(run.Options(smp=2, overlays=[tmp_path], timeout_s=120, command="/r/entries"))
    print(out)
    assert result.status == 0, out + err
    found = re.search(r"10000 statx: (\d+) reflections, (\d+) resumes", out)
    assert found and 10000 <= int(found[1]) <= 10100 and 10000 <= int(found[2]) <= 10100, out
    best = re.search(r"best batch of 200: kernel calls (\d+) on hart 0, (\d+) on hart 1", out)
    assert best and int(best[1]) == 0 and int(best[2]) <= POLLS, out
    kept = re.search(r"best batch of 200 leased fstat: kernel calls (\d+) on hart 0", out)
    assert kept and int(kept[1]) <= 1, out  # reading the counters may ring
