# SPDX-License-Identifier: MIT
"""Servers that are started again: nothing is lost by who uses them (programs/restart.c), and the policy has an end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import guests
import pytest
from atoll_build import assembly, run
from atoll_build.paths import TESTS
from atoll_build.testing import boot_exec

COUNT = 50


@pytest.mark.parametrize("smp", guests.smp(1, 2))
def test_no_timer_is_lost_or_early_over_fifty_restarts(tmp_path: Path, smp: int) -> None:
    (tmp_path / "r").mkdir()
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-pthread", "-Wall", "-o", tmp_path / "r" / "restart",
                    TESTS / "guest" / "programs" / "restart.c"], check=True)
    result, out, err = boot_exec(run.Options(smp=smp, overlays=[tmp_path], timeout_s=300,
                                             command=f"/r/restart {COUNT} && cat /proc/atoll/servers"))
    print(out)
    assert result.status == 0, out + err + result.console[-2000:]
    head, *lines = (line.split() for line in out[out.index("server "):].splitlines())
    restarts = {line[0]: line[head.index("restarts")] for line in lines}
    assert restarts == {"proc": "0", "fs": "0", "time": str(COUNT)}, out
    assert "faulted" not in result.console


def test_a_server_that_faults_again_and_again_ends_the_system() -> None:
    most = assembly.load().components["time"].restarts
    result, out, err = boot_exec(run.Options(smp=2, append="faulty=time", timeout_s=60,
                                             command="servers --restart time; sleep 50; echo still here"))
    assert result.status == 125 and not out, out + err
    assert len(re.findall(r"server time faulted: pc 0x0 cause 0xc value 0x0", result.console)) == most + 1
    assert f"server time faulted more than {most} times in 10000 ms: the system ends" in result.console
    assert not result.panic


def test_after_faults_within_the_policy_everything_goes_on() -> None:
    result, out, err = boot_exec(run.Options(smp=2, append="faulty=time:7", timeout_s=60, command="servers --restart time; cut -d' ' -f1,13 /proc/atoll/servers"))
    assert result.status == 0 and out.splitlines() == ["server restarts", "proc 0", "fs 0", "time 8"], out + err
    assert len(re.findall(r"server time faulted: pc 0x0", result.console)) == 7
    assert len(re.findall(r"server time started again, restart [2-8]", result.console)) == 7


def test_only_root_restarts_and_only_what_can_be() -> None:
    result, out, err = boot_exec(run.Options(smp=1, timeout_s=60, command="""
        for name in proc fs nobody; do servers --restart $name || echo no; done
        echo rest >/proc/atoll/servers || echo no
        chmod 755 /bin/busybox; su nobody -s /bin/sh -c 'servers --restart time' || echo no
        cut -d' ' -f1,13 /proc/atoll/servers"""))
    assert result.status == 0 and out.splitlines() == ["no"] * 5 + ["server restarts", "proc 0", "fs 0", "time 0"], out + err
    assert err.count("Not supported") == 2 and "Permission denied" in err, err
