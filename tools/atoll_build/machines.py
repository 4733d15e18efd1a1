# SPDX-License-Identifier: MIT
"""The machines that the one kernel and the one system image start on: platform/NAME/ and what the tools must know of it."""

from __future__ import annotations

import os
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
    has_virtio: bool = True             # ports for --exec and --trace; else frames on the second UART carry them
    can_power_off: bool = True          # else the kernel says HALTED, and QEMU is ended from outside
    memory: int = 512 << 20             # unless --mem says otherwise
    first_code: int = 0                 # where every hart starts, if not in QEMU's own reset code (qemu.args)
    test_words: str = ""                # of the kernel command line, for tests/guest/kernel
    attach: tuple[str, ...] = ("target remote {}",)     # gdb's commands to reach the system's harts at an address
    ram: int = 0x80000000
    kernel: int = 0x80200000
    reserved: int = 4 << 20             # from `ram` on: OpenSBI and the kernel

    def too_few(self, harts: int) -> str:
        """Why a test for so many harts is skipped, should it be."""
        return f"{self.name} has {self.max_harts} harts, not {harts}"

    @property
    def folder(self) -> Path:
        return ROOT / "platform" / self.name

    @property
    def memory_text(self) -> str:
        return f"{self.memory >> 20}M"

    def boot_memory(self, image: int = 0, files: int = 0) -> dict[str, int]:
        """What is gone before the first program starts; `image`: bytes of the system image, `files`: of it, to be unpacked."""
        return {"firmware and kernel": self.reserved, **({"boot archive": image, "root file system": files} if image else {})}

    def boot_areas(self, memory: int, image: int) -> list[tuple[int, int]]:
        """Begin and end of what firmware, kernel and boot archive leave. QEMU puts the archive half of the memory, at
        most 512 MiB, behind the kernel (hw/riscv/boot.c, riscv_load_initrd)."""
        archive = self.kernel + min(memory // 2, 512 << 20)
        return [(self.ram + self.reserved, archive), ((archive + image + 4095) & -4096, self.ram + memory)]


MACHINES = {m.name: m for m in (
    Machine("qemu-riscv", max_harts=8, default_harts=2),
    Machine("qemu-u740", max_harts=4, default_harts=4, first_hart=1, other_harts=1, has_virtio=False, can_power_off=False,
            first_code=0x08000000, test_words="sifive",
            # QEMU shows each kind of core as a process of its own, the S7 as the first
            attach=("target extended-remote {}", "add-inferior -exec build/kernel.elf", "inferior 2", "attach 2",
                    "set schedule-multiple on"),
            refused={0: "the S7 has no S-mode, no MMU and no floating point: a server there would need a monitor of its own "
                        "(docs/u740.md)"}),
)}
HALTED = "atoll: halted, status "       # microkernel/object/platform.c


def default() -> Machine:
    """What tests boot: `./build.py test --machine NAME`."""
    return MACHINES[os.environ.get("ATOLL_MACHINE", "qemu-riscv")]
