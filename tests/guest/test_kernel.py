# SPDX-License-Identifier: MIT
"""What the kernel's root task (tests/guest/kernel) does beside its cases: the longest stretch with interrupts off, exactly
counted, and the storms for as long as `ATOLL_STRESS_MINUTES` says (not at all without it)."""

from __future__ import annotations

import os

import pytest
from atoll_build import run, tap
from atoll_build.paths import BUILD

IMAGE = BUILD / "tests" / "guest" / "kernel.img"
MINUTES = float(os.environ.get("ATOLL_STRESS_MINUTES", "0"))


def root_task(words: str, smp: int, timeout: float, icount: bool = False) -> str:
    if not IMAGE.is_file():
        from atoll_build.cli import prepare
        prepare(["kernel", "guest-tests"], guest=False)
    options = run.Options(smp=smp, append=words, timeout_s=timeout, icount=icount, root_image=IMAGE)
    result = run.run_captured(options, 1, 2)
    assert not result.panic, result.panic
    cases = tap.parse(result.console, words, result.status)
    bad = [f"{case.name}\n{case.detail}" for case in cases if not case.ok]
    assert cases and not bad, "\n".join(bad)
    return result.console


def test_interrupts_are_never_off_for_long() -> None:
    assert "stretch of all " in root_task("stretch trace", 1, 300, icount=True)


@pytest.mark.skipif(not MINUTES, reason="set ATOLL_STRESS_MINUTES")
def test_storms_go_on() -> None:
    root_task(f"soak={int(MINUTES * 60)} seed={os.environ.get('ATOLL_STRESS_SEED', '1')}", 8, MINUTES * 60 + 900)
