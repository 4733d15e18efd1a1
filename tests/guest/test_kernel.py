# SPDX-License-Identifier: MIT
"""What the kernel's root task (tests/guest/kernel) does beside its cases: the longest stretch with interrupts off, exactly
counted, and the storms on 8 harts, with the shortest slices, with endless ones and with all settings in turn, each for as
long as `ATOLL_STRESS_MINUTES` says (not at all without it)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import guests
import pytest
from atoll_build import run, tap, third_party
from atoll_build.paths import BUILD
from atoll_build.testing import boot_exec

IMAGE = BUILD / "tests" / "guest" / "kernel.img"
MINUTES = float(os.environ.get("ATOLL_STRESS_MINUTES", "0"))


def root_task(words: str, smp: int, timeout: float, icount: bool = False, **more: Any) -> str:
    if not IMAGE.is_file():
        from atoll_build.cli import prepare
        prepare(["kernel", "guest-tests"], guest=False)
    options = run.Options(smp=smp, append=f"{words} {guests.MACHINE.test_words}".strip(), timeout_s=timeout, icount=icount, root_image=IMAGE, **more)
    result = run.run_captured(options, 1, 2)
    assert not result.panic, result.panic
    cases = tap.parse(result.console, words, result.status)
    bad = [f"{case.name}\n{case.detail}" for case in cases if not case.ok]
    assert cases and not bad, "\n".join(bad)
    return result.console


@pytest.mark.skipif(guests.MACHINE.name == "qemu-u740", reason="its timer is the firmware's, whose instructions would count")
def test_interrupts_are_never_off_for_long() -> None:
    assert "stretch of all " in root_task("stretch trace", 1, 300, icount=True)


@pytest.mark.skipif(not third_party.has_measuring_qemu(), reason="counting on two harts takes QEMU 8.1; `./build.py bench --vs linux` fetches one")
def test_wake_ups_from_another_hart_are_done_in_portions() -> None:
    """Two harts that take turns, so that the counter counts the one that runs."""
    qemu, env, extra = third_party.measuring_qemu()
    text = root_task("wake-ups trace", 2, 300, threads="single", qemu=qemu, env=env,
                     qemu_args=["-icount", "shift=0,sleep=off", *extra])
    assert "stretch 120 threads that another hart woke " in text


def test_no_store_goes_to_a_page_with_code(tmp_path: Path) -> None:
    """QEMU says which stores take its slow way because it has translated code of that page. Those that clear the kernel's
    boot code do; were an object there, each trap of a thread would add some dozens."""
    log = tmp_path / "stores"
    result, _, err = boot_exec(run.Options(smp=2, timeout_s=120, command="dd if=/dev/zero of=/tmp/f bs=4k count=1000 2>/dev/null",
                                           qemu_args=["-trace", "memory_notdirty_write_access", "-D", str(log)]))
    assert result.status == 0, err
    with log.open() as lines:
        stores = sum("memory_notdirty_write_access" in line for line in lines)
    assert 0 < stores < 5000


@pytest.mark.skipif(not MINUTES, reason="set ATOLL_STRESS_MINUTES")
@pytest.mark.parametrize("setting", ["slices_of_a_microsecond", "slices_without_end", "all_in_turn"])
def test_storms_go_on(setting: str) -> None:
    slices = {"slices_of_a_microsecond": "slices=0", "slices_without_end": "slices=1"}.get(setting, "")
    seed = os.environ.get("ATOLL_STRESS_SEED", "1")
    console = root_task(f"soak={int(MINUTES * 60)} seed={seed} {slices}", 8, MINUTES * 60 + 900)
    assert setting in console or not slices
