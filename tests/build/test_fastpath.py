# SPDX-License-Identifier: MIT
"""What microkernel/fastpath/ipc.c promises about registers, looked up in its object file."""

from __future__ import annotations

import re
import subprocess

import pytest
from atoll_build.paths import BUILD

OBJECT = BUILD / "obj" / "kernel" / "microkernel" / "fastpath" / "ipc.c.o"


@pytest.fixture(scope="module")
def code() -> dict[str, list[str]]:
    """Instructions by function."""
    text = subprocess.run(["riscv64-linux-gnu-objdump", "-d", "--no-show-raw-insn", str(OBJECT)], check=True,
                          capture_output=True, text=True).stdout
    out: dict[str, list[str]] = {}
    for line in text.splitlines():
        if found := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            out[found.group(1)] = instructions = []
        elif found := re.match(r"\s+[0-9a-f]+:\t(.*)", line):
            instructions.append(found.group(1))
    return out


def test_nothing_is_called(code: dict[str, list[str]]) -> None:
    """A called function would not know that the message registers must stay. (fpu.S links through t0.)"""
    assert {"fastpath_call", "fastpath_reply_recv", "fastpath_signal_wait"} <= set(code)
    calls = [(f, i) for f, body in code.items() for i in body
             if re.match(r"(jal|jalr|call)\s", i) and not re.match(r"jal\s+t0,", i)]
    assert calls == []


def test_the_message_stays_in_its_registers(code: dict[str, list[str]]) -> None:
    touched = [i for f in ("fastpath_call", "fastpath_reply_recv") for i in code[f] if re.search(r"\ba[1-5]\b", i)]
    assert touched == []


def test_callee_saved_registers_are_not_spilt(code: dict[str, list[str]]) -> None:
    assert [i for body in code.values() for i in body if re.search(r"\bs\d+,-?\d*\(sp\)", i)] == []
