# SPDX-License-Identifier: MIT
"""time in several shards (docs/shards.md): processes are divided among them, there is one realtime clock, and nothing that holds for
one instance is lost with several: timers, restarts, moves.

tests/guest/test_capabilities.py compares what each shard holds with the assembly.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import guests
import pytest
from atoll_build import run
from atoll_build.paths import TESTS
from atoll_build.testing import boot_exec, compat_failures

PLACES = [(2, guests.time_on(0, 1), 2), (4, guests.time_on(2, 3), 2), (4, guests.time_on(1, 2, 3) + f",fs={guests.MACHINE.first_hart}", 3)]


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("shards")
    (top / "r").mkdir()
    for name in ("shards", "restart", "movers"):
        subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror", "-o", top / "r" / name,
                        TESTS / "guest" / "programs" / f"{name}.c"], check=True)
    return top


def guest(command: str, smp: int, place: str, overlay: Path) -> tuple[str, run.Result]:
    result, out, err = boot_exec(run.Options(smp=smp, place=place, overlays=[overlay], timeout_s=300, command=command))
    assert result.status == 0, f"{out}\n{err}\n{result.panic or result.console[-2000:]}"
    return out, result


def rows(out: str) -> dict[str, dict[str, str]]:
    """Of /proc/atoll/servers: by server and column."""
    head, *lines = (line.split() for line in out[out.index("server hart"):].splitlines())
    return {line[0]: dict(zip(head, line)) for line in lines}


@pytest.mark.parametrize(("smp", "place", "shards"), PLACES)
def test_processes_of_all_shards_follow_a_clock_that_any_sets(overlay: Path, smp: int, place: str, shards: int) -> None:
    out, _ = guest(f"/r/shards {shards} && cat /proc/atoll/servers", smp, place, overlay)
    assert sorted(re.findall(r"^set by a process of shard (\d)$", out, re.M)) == [str(i) for i in range(shards)] and "shards: ok\n" in out
    found = rows(out)
    assert list(found) == ["proc", "fs", "time", *(f"time.{i}" for i in range(1, shards))]
    assert all(int(found[n]["requests"]) > 400 for n in found if n.startswith("time")) and all(r["undeclared"] == "0" for r in found.values())


@pytest.mark.parametrize(("smp", "place"), [(2, guests.time_on(0, 1)), (4, guests.time_on(2, 3))])
def test_linux_programs_that_use_timers_pass(smp: int, place: str) -> None:
    assert compat_failures(["cputimers", "timer_targets", "signals", "streams", "threads", "processes"], smp, place) == []


@pytest.mark.parametrize("smp", [2, 4])
def test_no_timer_is_lost_or_early_when_shards_are_started_again(overlay: Path, smp: int) -> None:
    out, result = guest("/r/restart 30 time time.1 && cat /proc/atoll/servers", smp, guests.time_on(smp - 2, smp - 1), overlay)
    print(out)
    assert {name: row["restarts"] for name, row in rows(out).items()} == {"proc": "0", "fs": "0", "time": "15", "time.1": "15"}
    assert "faulted" not in result.console


def test_a_clock_that_many_set_stays_theirs_when_shards_are_started_again(overlay: Path) -> None:
    """A request that a restart of either shard ends is repeated by itself."""
    out, result = guest("/r/shards sets /tmp/stop & for i in $(seq 20); do servers --restart time.1; sleep 0.03; servers --restart time; sleep 0.03; done\n"
                        "touch /tmp/stop; wait $! && cat /proc/atoll/servers", 2, guests.time_on(0, 1), overlay)
    assert out.startswith("shards: set\n") and "faulted" not in result.console, out
    assert all(rows(out)[n]["restarts"] == "20" and rows(out)[n]["undeclared"] == "0" for n in ("time", "time.1")), out


def test_shards_move_under_load(overlay: Path) -> None:
    out, _ = guest("/r/movers 40 time=0 time.1=3 time=3 time.1=2 time=2 time.1=0; servers", 4, guests.time_on(2, 3), overlay)
    found = re.search(r"movers: 40 moves, (\d+) requests issued, (\d+) answered\n", out)
    assert found and found[1] == found[2] and int(found[1]) > 800, out
    assert dict(re.findall(r"^(time\S*) +(\d+) ", out, re.M)) == {"time": "3", "time.1": "2"}, out


def test_commands_name_shards_that_there_are(overlay: Path) -> None:
    out, _ = guest("servers --move time.1=0 && servers --restart time.1 && servers --restart time && cat /proc/atoll/servers\n"
                   "servers --move time.2=0 2>&1 || echo no; servers --restart time.2 2>&1 || echo no", 2, guests.time_on(0, 1), overlay)
    found = rows(out[:out.index("time.2")])
    assert (found["time.1"]["hart"], found["time.1"]["restarts"], found["time"]["restarts"]) == ("0", "1", "1")
    assert len(re.findall("^no$", out, re.M)) == 2, out


def test_a_shard_that_faults_is_started_again() -> None:
    result, out, _ = boot_exec(run.Options(smp=2, place=guests.time_on(0, 1), append="faulty=time.1:3", timeout_s=60,
                                           command="servers --restart time.1; cat /proc/atoll/servers"))
    assert result.status == 0 and rows(out)["time.1"]["restarts"] == "4" and rows(out)["time"]["restarts"] == "0", out
    assert len(re.findall(r"server time.1 faulted: pc 0x0", result.console)) == 3
