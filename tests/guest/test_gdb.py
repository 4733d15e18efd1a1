# SPDX-License-Identifier: MIT
"""tools/gdb/atoll.py on a system in the middle of its work."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading

from atoll_build import run
from atoll_build.paths import ROOT


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_threads_coroutines_and_rings_of_a_stopped_system() -> None:
    port = free_port()
    # a reader that waits on a coroutine of fs, a sleeper, and then the word that both are there
    command = "mkfifo /tmp/f; cat /tmp/f & sleep 100 & while ! ps | grep -q '[s]leep 100'; do :; done; echo ready; wait"
    options = run.Options(smp=2, timeout_s=120, command=command, qemu_args=["-gdb", f"tcp:127.0.0.1:{port}"])
    out, into = os.pipe()
    guest = threading.Thread(target=run.run_captured, args=(options, into, 2))
    guest.start()
    with os.fdopen(out) as said:
        assert said.readline() == "ready\n"
        words = ["set pagination off", *(word.format(f"127.0.0.1:{port}") for word in options.machine.attach), "atoll threads",
                 "atoll coroutines fs", "atoll rings fs", "atoll nonsense", "kill"]
        done = subprocess.run(["gdb-multiarch", "-batch", "-nx", "-x", "tools/gdb/atoll.py",
                               *(w for word in words for w in ("-ex", word)), "build/kernel.elf"],
                              cwd=ROOT, capture_output=True, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL)
        guest.join()
        os.close(into)
    assert re.search(r"^ +1[ *] +200  fs +\w+", done.stdout, re.M), done.stdout + done.stderr
    assert re.search(r"^ +0[ *] +100  tid 1 ", done.stdout, re.M)
    assert re.search(r"^fs: \d+ of \d+ coroutines in use", done.stdout, re.M)
    assert re.search(r"^ +\d+ +\d+/\d+ +\d+/\d+ +server", done.stdout, re.M)
    assert re.search(r"^\d+ sessions of fs are open", done.stdout, re.M)
    assert "say `atoll threads`" in done.stderr
