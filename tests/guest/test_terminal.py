# SPDX-License-Identifier: MIT
"""The terminal as a person uses it: the prompt, line editing, job control, full-screen programs, the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import guests
import pexpect
import pytest
from atoll_build.paths import ROOT

PROMPT = r"/ # "      # lines end in \r\r\n: the guest's terminal and the host's each add their \r


@pytest.fixture()
def shell(request: pytest.FixtureRequest) -> Iterator[pexpect.spawn]:
    harts = str(getattr(request, "param", 2))
    child = pexpect.spawn(str(ROOT / "build.py"), [guests.MACHINE.name, "--timeout", "120", "--smp", harts], encoding="utf-8",
                          timeout=30, dimensions=(30, 100), codec_errors="replace")
    child.logfile_read = sys.stdout     # shown by pytest when the test fails
    child.expect(PROMPT, timeout=60)
    yield child
    child.close(force=True)


def run(shell: pexpect.spawn, line: str, expected: str) -> None:
    shell.sendline(line)
    shell.expect(expected)
    shell.expect(PROMPT)


def test_exit_of_the_shell_ends_the_machine_with_status_0(shell: pexpect.spawn) -> None:
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
    shell.wait()
    assert shell.exitstatus == 0


def test_poweroff_ends_the_machine_with_status_0(shell: pexpect.spawn) -> None:
    shell.sendline("poweroff")
    shell.expect(pexpect.EOF)
    shell.wait()
    assert shell.exitstatus == 0


def test_end_of_input_leaves_the_shell(shell: pexpect.spawn) -> None:
    shell.sendeof()
    shell.expect(pexpect.EOF)
    shell.wait()
    assert shell.exitstatus == 0


def test_window_size_is_the_terminals(shell: pexpect.spawn) -> None:
    run(shell, "stty size", r"30 100\r")


def test_line_editing_and_history(shell: pexpect.spawn) -> None:
    run(shell, "echo first-word", r"\nfirst-word\r")
    shell.send("echo wrong\x17right\r")             # Ctrl-W takes the last word back
    shell.expect(r"\nright\r")
    shell.expect(PROMPT)
    shell.send("\x1b[A\x1b[A\r")                    # two lines up
    shell.expect(r"\nfirst-word\r")
    shell.expect(PROMPT)


def test_interrupt_ends_the_foreground_job_only(shell: pexpect.spawn) -> None:
    shell.sendline("sleep 100")
    shell.expect("sleep 100\r")
    time.sleep(0.5)             # until the shell has taken the terminal out of line editing
    shell.sendintr()
    shell.expect(PROMPT, timeout=5)
    run(shell, "echo status $?", r"status 130\r")


def test_suspend_background_and_foreground(shell: pexpect.spawn) -> None:
    shell.sendline("sleep 3")
    shell.expect("sleep 3\r")
    time.sleep(0.5)
    shell.send("\x1a")
    shell.expect(r"Stopped.*sleep 3")
    shell.expect(PROMPT)
    run(shell, "jobs", r"Stopped.*sleep 3")
    run(shell, "bg", r"sleep 3")
    shell.sendline("fg")
    shell.expect("sleep 3")
    shell.expect(PROMPT, timeout=10)


def test_background_reader_of_the_terminal_is_stopped(shell: pexpect.spawn) -> None:
    run(shell, "cat &", r"\[?\d*")
    run(shell, "sleep 0.3; jobs", r"Stopped \(tty input\).*cat")


def test_vi_writes_a_file(shell: pexpect.spawn) -> None:
    shell.sendline("vi /tmp/note")
    shell.expect("/tmp/note")
    shell.send("ihello from vi")
    shell.expect("hello from vi")
    shell.send("\x1b")
    time.sleep(0.5)             # vi takes an escape with something close behind it for a key
    shell.send(":wq\r")
    shell.expect(PROMPT)
    run(shell, "cat /tmp/note", r"\nhello from vi\r")


def test_top_and_less_use_the_screen_and_give_it_back(shell: pexpect.spawn) -> None:
    shell.sendline("top")
    shell.expect("Mem:")
    shell.expect("init")
    shell.send("q")
    shell.expect(PROMPT)
    shell.sendline("seq 1 500 | less")
    shell.expect("20\r")
    shell.send("G")
    shell.expect("500")
    shell.send("q")
    shell.expect(PROMPT)


@pytest.mark.parametrize("shell", guests.on(1, 4, 8), indirect=True)
def test_a_session_at_other_numbers_of_harts(shell: pexpect.spawn) -> None:
    shell.sendline("cat")
    shell.expect("cat\r")
    shell.sendline("echoed")
    shell.expect("echoed\r\r?\nechoed")
    shell.sendeof()
    shell.expect(PROMPT)
    shell.sendline("for i in 1 2 3; do sleep 1; echo turn-$i; done")
    shell.expect("turn-1\r")
    shell.sendintr()                                # ends the loop, not only the sleep
    shell.expect(PROMPT)
    shell.sendline("sh -c 'trap \"echo caught; exit 5\" INT; sleep 9 & wait'; echo status-$?")
    time.sleep(1)
    shell.sendintr()
    shell.expect("caught\r")
    shell.expect("status-5\r")
    shell.expect(PROMPT)
    shell.send("ls -d /pro\t")                      # completion
    shell.expect("/proc/")
    shell.send("\r")
    shell.expect(PROMPT)
    run(shell, "stty rows 40 cols 90; stty size", r"40 90\r")
    run(shell, "yes | head -n 100000 | tail -n 1; echo status-$?", r"status-0\r")
    shell.sendline("cat /dev/zero | tr '\\0' a")
    shell.expect("aaaaaaaa")
    shell.sendintr()                                # while the terminal is full of output
    shell.expect(PROMPT)
    shell.sendline("sleep 50")
    shell.expect("sleep 50\r")
    time.sleep(0.7)
    shell.send("\x1c")
    shell.expect(r"Quit\r")
    shell.expect(PROMPT)
    shell.sendline("su nobody -s /bin/sh")
    shell.expect(r"[$] ")
    shell.sendline("id -un; exit")
    shell.expect("nobody\r")
    shell.expect(PROMPT)
    run(shell, "script -q -c tty /tmp/log", r"/dev/pts/0\r")
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
    shell.wait()
    assert shell.exitstatus == 0
