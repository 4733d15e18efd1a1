# SPDX-License-Identifier: MIT
"""Servers move between harts while clients use them (docs/placement.md): nothing is lost, and what depends on the hart follows.

programs/movers.c is the load: it counts every request when it is made and when it is answered, and checks every byte.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import guests
import pexpect
import pytest
from atoll_build import run
from atoll_build.paths import ROOT, TESTS
from atoll_build.testing import boot_exec


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("placement")
    (top / "r").mkdir()
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o", top / "r" / "movers",
                    TESTS / "guest" / "programs" / "movers.c"], check=True)
    return top


def guest(command: str, smp: int, overlay: Path | None = None, timeout: float = 300, **more: object) -> tuple[str, str]:
    """Its standard output and error; the machine must be alive at the end."""
    result, out, err = boot_exec(run.Options(smp=smp, overlays=[overlay] if overlay else [], timeout_s=timeout,
                                             command=f"{command}\necho alive-$((6 * 7))", **more))
    told = f"{out}\n{err}\n{result.panic or result.console[-2000:]}"
    assert result.status == 0 and out.endswith("alive-42\n"), told
    assert "FAIL" not in out, told
    return out.removesuffix("alive-42\n"), err


def moved(overlay: Path, smp: int, times: int, *places: str) -> None:
    out, _ = guest(f"/r/movers {times} {' '.join(places)}; servers", smp, overlay)
    found = re.search(rf"movers: {times} moves, (\d+) requests issued, (\d+) answered\n", out)
    assert found and found[1] == found[2] and int(found[1]) > 20 * times, out
    last = dict(p.split("=") for p in [places[i % len(places)] for i in range(times)])
    assert last.items() <= harts(out).items(), out


def harts(servers: str) -> dict[str, str]:
    """What `servers` printed last: the hart of each."""
    return {name: hart for name, hart in re.findall(r"^(proc|fs|time) +(\d+) ", servers, re.M)}


@pytest.mark.parametrize("smp", guests.smp(2, 4, least=2))
def test_fs_moves_back_and_forth_100_times_under_load(overlay: Path, smp: int) -> None:
    moved(overlay, smp, 200, "fs=0", f"fs={smp - 1}")


@pytest.mark.parametrize("smp", guests.smp(2, least=2))
@pytest.mark.parametrize("server", ["proc", "time"])
def test_proc_and_time_move_under_load(overlay: Path, smp: int, server: str) -> None:
    moved(overlay, smp, 40, f"{server}=0", f"{server}={smp - 1}")


@pytest.mark.parametrize("smp", guests.smp(4, least=2))
def test_all_servers_move_among_all_harts(overlay: Path, smp: int) -> None:
    """All on the guests' first hart too, and all on one that no guest runs on."""
    places = [f"{name}={hart}" for hart in range(smp) for name in ("fs", "proc", "time")]
    moved(overlay, smp, 60, *places, *places[::-1])


def test_one_hart_is_moved_to_itself(overlay: Path) -> None:
    moved(overlay, 1, 6, "fs=0", "proc=0", "time=0")


@pytest.mark.parametrize("smp", guests.smp(1, 2))
def test_who_may_not_move_and_what_cannot_be_moved(overlay: Path, smp: int) -> None:
    assert "movers: refused" in guest("/r/movers refusals", smp, overlay)[0]


def test_the_command_moves_servers_and_says_why_not() -> None:
    out, err = guest("servers --move fs=0 time=0 && servers --move time=1 && servers\n"
                     "for w in fs=2 fs=99999 web=1 fs fs= =1 fs=one; do servers --move proc=0 $w && echo moved; done\n"
                     "servers --move && echo moved; servers --mvoe fs=1 && echo moved; servers; servers --help\n"
                     "su user -c 'servers --move fs=0' && echo moved; su user -c servers >/dev/null && echo seen", 2)
    assert harts(out.split("server ")[1]) == {"proc": "1", "fs": "0", "time": "1"}, out
    assert harts(out.split("server ")[2]) == {"proc": "0", "fs": "0", "time": "1"}, out
    assert "moved" not in out and "Usage: servers" in out and out.endswith("seen\n"), out
    lines = [line.removeprefix("servers: ") for line in err.splitlines() if line.startswith("servers: ")]
    assert lines == [
        "fs=2: there is no hart 2; the harts are 0 to 1", "fs=99999: there is no hart 99999; the harts are 0 to 1",
        "web=1: there is no server web; there are: proc fs time", "fs: write NAME=HART, for example fs=0",
        "fs=: write NAME=HART, for example fs=0", "=1: write NAME=HART, for example fs=0",
        "fs=one: there is no hart one; the harts are 0 to 1", "fs=0: only root may move servers"], err


def test_a_server_that_is_started_again_stays_where_it_was_moved() -> None:
    out, _ = guest("servers --move time=0 && servers --restart time && servers", 2)
    columns, rows = out.splitlines()[0].split(), {line.split()[0]: line.split() for line in out.splitlines()[1:]}
    assert harts(out) == {"proc": "1", "fs": "1", "time": "0"} and rows["time"][columns.index("restarts")] == "1", out


@pytest.mark.skipif(not guests.MACHINE.has_virtio, reason="QEMU's SiFive UART sends at once, without an interrupt")
def test_interrupts_of_its_devices_go_where_the_server_goes() -> None:
    """Counted by the kernel on each hart: those of the console that --exec writes to."""
    lines = "for i in $(seq 100); do echo $i; done"
    out, _ = guest("".join(f"servers --move fs={h}; sed -n s/nr_irqs/at-{h}/p /proc/atoll/counters; {lines}; "
                           f"sed -n s/nr_irqs/at-{h}/p /proc/atoll/counters\n" for h in (0, 1, 0)), 2)
    seen = [(int(h), int(a), int(b)) for h, a, b in re.findall(r"^at-(\d) (\d+) (\d+)$", out, re.M)]
    assert len(seen) == 6, out
    for (hart, *before), (_, *after) in zip(seen[::2], seen[1::2]):
        taken = [y - x for x, y in zip(before, after)]
        assert taken[hart] > 20 and taken[1 - hart] == 0, seen


def test_a_server_knows_where_it_runs() -> None:
    """It does not spin where somebody else wants the hart: a loop on the guests' hart, to which fs is moved."""
    out, _ = guest("servers --move fs=0; while :; do :; done & cat /proc/atoll/fs; "
                   "dd if=/dev/urandom of=/tmp/file bs=1 count=3000 2>/dev/null; cat /proc/atoll/fs; kill $!", 2)
    first, second = ({k: int(v) for k, v in re.findall(r"^(\w+) (\d+)$", part, re.M)} for part in out.split("turns")[1:])
    spins = [s["spins_won"] + s["spins_lost"] for s in (first, second)]
    assert second["requests"] - first["requests"] > 3000 and spins[1] - spins[0] < 300, out


def test_the_terminal_goes_on() -> None:
    """Each key is an interrupt of the UART, which fs takes."""
    shell = pexpect.spawn(str(ROOT / "build.py"), [guests.MACHINE.name, "--timeout", "120", "--smp", "2"], encoding="utf-8", timeout=60,
                          dimensions=(30, 100), codec_errors="replace")
    shell.logfile_read = sys.stdout
    try:
        shell.expect("/ # ")
        for i in range(20):
            shell.sendline(f"servers --move fs={i % 2}; echo typed-$(({i} + 1000))")
            shell.expect(rf"\ntyped-{1000 + i}\r")
        shell.sendline("exit")
        shell.expect(pexpect.EOF)
        shell.wait()
        assert shell.exitstatus == 0
    finally:
        shell.close(force=True)
