# SPDX-License-Identifier: MIT
"""Debian's own riscv64 Linux in the same QEMU: the peer that tests and figures are compared with.

The kernel is the binary package of the release with riscv64, unpacked under build/linux; the root file
system is the same archive that Atoll boots, with the same overlays, as an initramfs. The command's output
comes over the serial line between two marked lines.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import apt, cpio, rootfs
from .errors import BuildError
from .paths import BUILD, LOG

PREFIX = BUILD / "linux"
# Debian's boot-time self-tests of cryptography run for seconds behind the first measurements.
COMMAND_LINE = "console=ttyS0 quiet loglevel=1 cryptomgr.notests rdinit=/exec/init panic=-1"
LEAN = " lsm= init_on_alloc=0 randomize_kstack_offset=off hardened_usercopy=off audit=0"

INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys 2>/dev/null
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=vt100
stty -opost </dev/console
echo "@@linux begin"
/bin/sh -c "$(cat /exec/command)" </dev/null 2>/exec/stderr
echo
echo "@@linux end $?"
poweroff -f
"""


@dataclass
class Boot:
    """What to run, and on which machine."""

    command: str
    overlays: list[Path] = field(default_factory=list)
    smp: int = 2
    mem: str = "512M"
    icount: bool = False
    lean: bool = False
    timeout_s: float = 600
    qemu: str = "qemu-system-riscv64"
    qemu_args: list[str] = field(default_factory=list)
    env: dict[str, str] | None = None


def ensure_kernel() -> Path:
    """The kernel image, fetched once."""
    found = sorted((PREFIX / "boot").glob("vmlinu*-riscv64")) if PREFIX.is_dir() else []
    if not found:
        view = apt.riscv64_view()
        view.refresh()
        text = view.query("apt-cache", "show", "linux-image-riscv64")
        name = re.search(r"^Depends:.*?(linux-image-\S+)", text, re.M)
        if not name:
            raise BuildError("the archive has no riscv64 kernel", where="linux-image-riscv64")
        view.unpack_alone([name.group(1)], PREFIX)
        found = sorted((PREFIX / "boot").glob("vmlinu*"))
    if not found:
        raise BuildError("the kernel package holds no image", where=str(PREFIX), do="remove build/linux")
    return found[-1]


def run(boot: Boot) -> tuple[int | None, str]:
    """(status, output); status None: it did not end in time, or the output is cut."""
    kernel = ensure_kernel()
    archive = cpio.Archive()
    archive.directory("exec")
    archive.directory("sys")
    archive.file("exec/init", INIT.encode(), 0o755)
    archive.file("exec/command", boot.command.encode())
    with tempfile.TemporaryDirectory() as work:
        image = Path(work) / "initramfs"
        image.write_bytes(rootfs.archive_for("busybox") + b"".join(rootfs.directory_archive(o) for o in boot.overlays)
                          + archive.data())
        command = [boot.qemu, "-M", "virt", "-cpu", "rv64", "-bios", "default", "-nodefaults", "-display", "none",
                   "-monitor", "none", "-serial", "stdio", "-smp", str(boot.smp), "-m", boot.mem,
                   "-kernel", str(kernel), "-initrd", str(image),
                   "-append", COMMAND_LINE + (LEAN if boot.lean else "")]
        if boot.icount:
            command += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
        command += boot.qemu_args
        LOG.mkdir(parents=True, exist_ok=True)
        log = LOG / "linux.log"
        status: int | None = None
        with log.open("wb") as out:     # a file, so that a long run can be watched
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                               timeout=boot.timeout_s, env=boot.env, check=False)
            except subprocess.TimeoutExpired:
                pass
        text = log.read_text(errors="replace")
    text = text.replace("\r", "")
    _, _, output = text.partition("@@linux begin\n")
    if end := re.search(r"\n@@linux end (\d+)", output):
        status, output = int(end.group(1)), output[:end.start()]
    return status, output
