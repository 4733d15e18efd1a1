# SPDX-License-Identifier: MIT
"""The same kernel and system image on QEMU's sifive_u, laid out as SiFive's U740: docs/u740.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import guests
import pexpect
import pytest
from atoll_build import run, timeline
from atoll_build.machines import MACHINES
from atoll_build.paths import BUILD, ROOT, TESTS
from atoll_build.tap import parse
from atoll_build.testing import boot_exec

PROMPT = "/ # "
U740 = MACHINES["qemu-u740"]


@pytest.fixture()
def shell() -> Iterator[pexpect.spawn]:
    child = pexpect.spawn(str(ROOT / "build.py"), ["qemu-u740", "--timeout", "240"], encoding="utf-8", timeout=90,
                          dimensions=(30, 100), codec_errors="replace")
    child.expect_exact(PROMPT)
    yield child
    child.close(force=True)


def says(shell: pexpect.spawn, command: str) -> str:
    shell.sendline(f"{command}; echo end''")
    shell.expect(r"end\r+\n/ # ")       # the terminal in between may add a return of its own
    return shell.before.replace("\r", "").split("\n", 1)[1]


def test_the_shell_runs_on_four_harts_and_ends_the_machine(shell: pexpect.spawn) -> None:
    assert says(shell, "nproc").strip() == "2"                  # guests on two of four, the servers on the others
    assert says(shell, "seq 1 200 | xargs -n1 -P4 echo | sort -nu | wc -l").strip() == "200"
    before = says(shell, "date +%s")
    assert abs(int(before) - time.time()) < 600                 # no clock of its own: since the image was made
    says(shell, "sleep 1")
    assert 1 <= int(says(shell, "date +%s")) - int(before) < 60
    shell.send("\x01c")                     # QEMU's monitor: hart 0 is at the wfi that nothing ends
    shell.expect_exact("(qemu) ")
    shell.sendline("info registers")
    shell.expect(r"pc +0*(800002[04])\s.*mhartid +0+\s.*mie +0+\s")
    shell.send("\x01c")
    shell.sendline("exit")
    shell.expect_exact("halted, status 0")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_servers_move_and_the_s7_has_no_number(shell: pexpect.spawn) -> None:
    """Harts 0 to 3 of the system are SiFive's 1 to 4."""
    assert "there is no hart 4; the harts are 0 to 3" in says(shell, "servers --move fs=4")
    assert says(shell, "servers --move fs=0 proc=1 time=3 && echo moved").strip() == "moved"
    assert says(shell, "awk '{ print $1, $2 }' /proc/atoll/servers | tail -n +2").split() == ["proc", "1", "fs", "0", "time", "3"]


def test_the_sd_card_boots_through_spl_opensbi_and_u_boot(tmp_path: Path) -> None:
    """All that the board does but its ROM, which QEMU has its own of, with the U-Boot of the board that QEMU models."""
    card = tmp_path / "card.img"
    subprocess.run([ROOT / "build.py", "u740", "--board", "unleashed", "--out", card, "--append", "word"], check=True,
                   capture_output=True)
    child = pexpect.spawn("qemu-system-riscv64", [
        "-M", "sifive_u,msel=11", "-smp", "5", "-m", "8G", "-nodefaults", "-display", "none", "-serial", "stdio",
        "-bios", str(BUILD / "u-boot-sifive/usr/lib/u-boot/sifive_unleashed/u-boot-spl.bin"),
        "-drive", f"file={card},format=raw,if=sd"], encoding="utf-8", timeout=90, codec_errors="replace")
    try:
        child.send("\r")            # waits in the UART's FIFO until U-Boot asks for a key
        child.expect_exact("Trying to boot from MMC1")
        child.expect("OpenSBI|U-Boot 20")
        child.expect_exact("=> ")
        # QEMU's card does not answer a second initialization, and does answer a third
        child.sendline("run bootcmd_mmc0; run bootcmd_mmc0")
        for words in ("Found /extlinux/extlinux.conf", "Retrieving file: /system.img", "append: word", "Starting kernel",
                      "atoll: 4 harts, 8192 MiB, SBI timer"):
            child.expect_exact(words)
        child.expect_exact(PROMPT)
        assert says(child, "nproc; cat /proc/cmdline").split() == ["2", "word"]
    finally:
        child.close(force=True)


@pytest.mark.parametrize(("place", "words"), [("fs=0", "the S7 has no S-mode"), ("fs=5", "the machine has harts 1 to 4")])
def test_harts_that_cannot_run_a_server_are_refused(place: str, words: str) -> None:
    done = subprocess.run([ROOT / "build.py", "qemu-u740", "--place", place], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 126 and words in done.stderr and "harts 1 to 4" in done.stderr


def test_exec_and_trace_go_over_the_second_uart(tmp_path: Path) -> None:
    out = tmp_path / "t.json"
    done = subprocess.run([ROOT / "build.py", "qemu-u740", "--timeout", "120", "--trace", out, "--exec",
                           "printf 'a\\0\\r\\nb'; date +%Y-%m-%d >&2; seq 1 2000 >&2; exit 9"], capture_output=True, check=False,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (9, b"a\0\r\nb")
    assert done.stderr.endswith(b"\n".join((b"2001-09-09", *(b"%d" % n for n in range(1, 2001)))) + b"\n")
    names = {e["name"] for e in timeline.load(out)}
    assert "fs.write" in names and "exit_group" in names


def test_what_a_user_does_at_the_shell(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    shutil.copy(TESTS / "guest" / "acceptance.sh", tmp_path / "test")
    result, out, _ = boot_exec(run.Options(machine=U740, smp=4, overlays=[tmp_path], timeout_s=300,
                                           command="exec sh /test/acceptance.sh"))
    cases = parse(out, "acceptance", result.status)
    assert [c.name for c in cases if not c.ok] == [] and len(cases) > 60, out + result.console[-1500:]


def test_the_kernels_cases_pass() -> None:
    subprocess.run([ROOT / "build.py", "build", "guest-tests"], capture_output=True, check=True)
    result = run.run_captured(run.Options(machine=U740, smp=4, append="sifive", timeout_s=900,
                                          root_image=BUILD / "tests" / "guest" / "kernel.img"), 1, 2)
    cases = parse(result.console, "kernel", result.status)
    assert [c.name for c in cases if not c.ok] == [] and len(cases) > 350


@pytest.mark.skipif(guests.MACHINE is U740, reason="this run is all of that")
@pytest.mark.parametrize(("part", "least"), [("compat/musl", 200), ("guest/test_capabilities", 10)])
def test_suites_pass_on_it(part: str, least: int) -> None:
    """One library of compat and the walk of all CSpaces, which the devices make another; the rest by the command in docs/u740.md."""
    done = subprocess.run([ROOT / "build.py", "test", part, "--machine", U740.name, "--smp", "4"], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL)
    count = re.search(r"(\d+) passed, 0 failed\n\Z", done.stdout)
    assert done.returncode == 0 and count and int(count[1]) >= least, done.stdout + done.stderr
