# SPDX-License-Identifier: MIT
"""The machines that the one kernel and the one system image start on: platform/NAME/ and what the tools must know of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .paths import ROOT


@dataclass(frozen=True)
class Machine:
    name: str
    max_harts: int                      # that a system can use
    default_harts: int
    first_hart: int = 0                 # the machine's number of the system's hart 0
    other_harts: int = 0                # QEMU makes these too
    refused: dict[int, str] = field(default_factory=dict)   # harts that run nothing of ours, and why
    has_virtio: bool = True             # the ports of --exec and --trace
    can_power_off: bool = True          # else the kernel says HALTED, and QEMU is ended from outside

    @property
    def folder(self) -> Path:
        return ROOT / "platform" / self.name


MACHINES = {m.name: m for m in (
    Machine("qemu-riscv", max_harts=8, default_harts=2),
    Machine("qemu-u740", max_harts=4, default_harts=4, first_hart=1, other_harts=1, has_virtio=False, can_power_off=False,
            refused={0: "the S7 has no S-mode, no MMU and no floating point: a server there would need a monitor of its own "
                        "(docs/u740.md)"}),
)}
HALTED = "atoll: halted, status "       # microkernel/object/platform.c
