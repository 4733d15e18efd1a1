# SPDX-License-Identifier: MIT
"""Bad input: what hostile, broken and greedy programs do to themselves, and not to others.

The programs are in programs/: each is an ordinary static Linux program with its story at its top, and ends
with a line that is looked for here. What they attack is in `build/run/<id>/console.log` when it did not hold.
`ATOLL_ROBUST_SECONDS=60` lets each attack last as long as the issue asks for; without it 8 seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import guests
import pytest
from atoll_build import run, third_party
from atoll_build.cli import prepare
from atoll_build.paths import ROOT, TESTS
from atoll_build.testing import WORK, boot_exec

PROGRAMS = TESTS / "guest" / "programs"
SECONDS = int(os.environ.get("ATOLL_ROBUST_SECONDS", "8"))
SMP = guests.smp(2)
CFLAGS = ["-O1", "-static", "-D_GNU_SOURCE", "-pthread", "-Wall", "-fno-optimize-sibling-calls", "-Wno-clobbered",
          "-Wno-infinite-recursion", f"-I{ROOT}/microkernel/abi", f"-I{ROOT}/libipc/include"]


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("robust")
    place = top / "r"
    place.mkdir()
    for source in sorted(PROGRAMS.glob("*.c")):
        subprocess.run(["riscv64-linux-gnu-gcc", *CFLAGS, "-o", place / source.stem, source], check=True)
    third_party.ensure_musl()
    (top / "tiny.c").write_text("int main(void) { return 0; }\n")
    for name, flags in (("tiny", ["-static"]), ("tiny-dynamic", [])):
        subprocess.run([ROOT / "build/musl/bin/musl-gcc", "-s", *flags, "-o", place / name, top / "tiny.c"], check=True)
    (top / "tiny.c").unlink()
    return top


def guest(overlay: Path, command: str, smp: int, timeout: float = 120) -> str:
    """Run it; the machine must be alive at the end. Returns the standard output."""
    result, out, err = boot_exec(run.Options(smp=smp, mem="256M", overlays=[overlay], timeout_s=timeout,
                                             command=f"{command}\necho alive-$((6 * 7))"))
    told = f"{out}\n{err}\n{result.panic or result.console[-2000:]}"
    assert result.status == 0 and out.endswith("alive-42\n"), told
    assert "FAIL" not in out and not re.search(r"thread '(proc|fs|time)' stopped", result.console), told
    return out


@pytest.mark.parametrize("smp", SMP)
def test_programs_that_are_none_are_refused_or_die(overlay: Path, smp: int) -> None:
    assert "elfmut: " in guest(overlay, "/r/elfmut /r/tiny /r/tiny-dynamic", smp, 400)


@pytest.mark.parametrize("smp", SMP)
def test_everything_can_be_used_up(overlay: Path, smp: int) -> None:
    assert "exhaust: all done" in guest(overlay, "/r/exhaust", smp)


@pytest.mark.parametrize("smp", SMP)
def test_much_of_everything(overlay: Path, smp: int) -> None:
    assert "pressure: all done" in guest(overlay, "FILES=10000 /r/pressure", smp)


@pytest.mark.parametrize("smp", SMP)
@pytest.mark.parametrize("attack", ["ring", "scribble", "kcall"])
def test_an_attacker_harms_only_itself(overlay: Path, smp: int, attack: str) -> None:
    out = guest(overlay, f"/r/witness /tmp/stop a & /r/hostile {attack} {SECONDS} 1; touch /tmp/stop; wait", smp,
                SECONDS + 100)
    assert f"hostile {attack}: " in out and "nothing lost" in out


@pytest.mark.parametrize("smp", SMP)
def test_clients_may_die_at_any_step(overlay: Path, smp: int) -> None:
    """And nothing of theirs stays: memory before and after, processes."""
    out = guest(overlay, "/r/killstorm 200 1; sleep 1; free; /r/killstorm 500 2; /r/killstorm 60 3 12; sleep 1; free; ps | wc -l", smp)
    used = [int(n) for n in re.findall(r"^Mem:\s+\d+\s+(\d+)", out, re.M)]
    assert out.count("killstorm: ") == 3 and len(used) == 2
    assert used[1] - used[0] < 1500, out
    assert int(out.split()[-2]) <= 5, out


@pytest.mark.parametrize("smp", SMP)
def test_a_round_of_work_leaves_no_memory_behind(overlay: Path, smp: int) -> None:
    """1000 processes, and programs, threads and files: the second and third round leave what the first left."""
    pages = [int(n) for n in re.findall(r"^round \d: (\d+) pages$", guest(overlay, "/r/rounds 3", smp, 300), re.M)]
    # proc's table of ids is touched as pids go up (4 pages a round); a slot below 64 may see its first exec.
    assert len(pages) == 3 and pages[2] - pages[1] < 40, pages


def test_the_end_of_the_root_task_is_a_panic() -> None:
    """Nobody is left who could end the system, so without it --exec would wait for its --timeout."""
    prepare(["kernel", "guest-tests"])
    result = run.run_captured(run.Options(root_image=WORK / "guest" / "kernel.img", append="root-faults", timeout_s=60), 1, 2)
    assert result.status == run.STATUS_PANIC and "the root task faulted" in result.panic, result.console[-2000:]
