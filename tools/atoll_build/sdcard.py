# SPDX-License-Identifier: MIT
"""An SD card for SiFive's boards: U-Boot from Debian's u-boot-sifive, the kernel, the system image.

    sector 0            protective MBR
    1, 2 to 33          GPT: header, 128 entries; the same again, in reverse, at the end
    34 to 2081          U-Boot SPL, which the board's ROM finds by the partition's type
    2082 to 10273       u-boot.itb (OpenSBI, U-Boot, device tree), which the SPL reads from this sector
    16384 to the end    ext2: atoll.image, system.img, extlinux/extlinux.conf

Places and types are those of U-Boot's doc/board/sifive/unmatched.rst; the GPT is the UEFI specification's (2.10, chapter 5).
The size is a power of two, which QEMU's SD card asks for.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

from . import apt, elf, host, stamps
from .errors import BuildError
from .paths import BUILD

SECTOR = 512
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
SPL_TYPE = uuid.UUID("5B193300-FC78-40CD-8002-E86C45580B47")
UBOOT_TYPE = uuid.UUID("2E54B353-1271-4842-806F-E436D6AF6985")
LINUX_TYPE = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
SPL_FIRST, UBOOT_FIRST, UBOOT_LAST, BOOT_FIRST = 34, 2082, 10273, 16384
BOOTABLE = 1 << 2               # "legacy BIOS bootable": U-Boot looks for something to boot here
MIB = 1 << 20
PACKAGE = "u-boot-sifive"
BOARDS = ("unmatched", "unleashed")     # the second for QEMU, which has no model of the first
EXTLINUX = "default atoll\nlabel atoll\n\tkernel /atoll.image\n\tinitrd /system.img\n"


@dataclass(frozen=True)
class Partition:
    name: str
    kind: uuid.UUID
    first: int
    last: int
    attributes: int = 0

    def entry(self) -> bytes:
        return struct.pack("<16s16sQQQ72s", self.kind.bytes_le, guid(self.name).bytes_le, self.first, self.last,
                           self.attributes, self.name.encode("utf-16-le"))


def guid(name: str) -> uuid.UUID:
    """The same one each time: two cards in one machine are told apart by what they are plugged into."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"atoll:sdcard:{name}")


def firmware(board: str) -> tuple[bytes, bytes]:
    """U-Boot's SPL and u-boot.itb for the board."""
    folder = BUILD / PACKAGE
    key = stamps.digest(PACKAGE, apt.RISCV_SUITE)
    if not stamps.current(PACKAGE, key, folder):
        apt.riscv64_view().unpack_alone([PACKAGE], folder)
        stamps.done(PACKAGE, key)
    files = folder / "usr" / "lib" / "u-boot" / f"sifive_{board}"
    spl, itb = files / "u-boot-spl.bin", files / "u-boot.itb"
    if not spl.is_file() or not itb.is_file():
        raise BuildError(f"Debian's {PACKAGE} has nothing for sifive_{board}", where=str(files),
                         do=f"remove {folder} and try again")
    return spl.read_bytes(), itb.read_bytes()


def kernel_image(kernel: Path) -> bytes:
    """The kernel as it lies in memory, without bss; it begins with the header that `booti` asks for (entry.S)."""
    segments = elf.load(kernel).segments
    out = bytearray()
    for segment in segments:
        out += bytes(segment.vaddr - segments[0].vaddr - len(out)) + segment.data
    return bytes(out)


def boot_partition(files: dict[str, bytes], size: int, out: Path) -> None:
    """An ext2 file system of `size` bytes with these files."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for path, data in files.items():
            (tree / path).parent.mkdir(exist_ok=True)
            (tree / path).write_bytes(data)
        mke2fs = shutil.which("mke2fs", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
        if mke2fs is None:
            raise BuildError("mke2fs is not installed", do="apt-get install e2fsprogs")
        with out.open("wb") as file:
            file.truncate(size)
        done = subprocess.run([mke2fs, "-q", "-F", "-t", "ext2", "-L", "atoll", "-m", "0", "-U", str(guid("ext2")),
                               "-E", "root_owner=0:0", "-d", str(tree), str(out)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError("mke2fs failed", where=str(out), detail=done.stderr)


def gpt(partitions: list[Partition], sectors: int) -> tuple[bytes, bytes]:
    """What stands before the first partition and what behind the last one."""
    table = b"".join(p.entry() for p in partitions).ljust(ENTRIES * ENTRY_BYTES, b"\0")

    def header(here: int, other: int, table_at: int) -> bytes:
        def pack(crc: int) -> bytes:
            return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other, 2 + TABLE_SECTORS,
                               sectors - TABLE_SECTORS - 2, guid("disk").bytes_le, table_at, ENTRIES, ENTRY_BYTES,
                               zlib.crc32(table))
        return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")

    whole = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xee, b"\xff\xff\xff", 1, min(sectors - 1, 0xffffffff))
    mbr = whole.rjust(446 + 16, b"\0").ljust(510, b"\0") + b"\x55\xaa"
    return (mbr + header(1, sectors - 1, 2) + table,
            table + header(sectors - 1, 1, sectors - TABLE_SECTORS - 1))


def write(board: str, kernel: Path, system: Path, out: Path, append: str = "") -> list[Partition]:
    """The card's image at `out`, sparse."""
    host.ensure(("e2fsprogs",))
    spl, itb = firmware(board)
    files = {"atoll.image": kernel_image(kernel), "system.img": system.read_bytes(),
             "extlinux/extlinux.conf": (EXTLINUX + (f"\tappend {append}\n" if append else "")).encode()}
    for name, data, first, last in (("spl", spl, SPL_FIRST, UBOOT_FIRST - 1), ("uboot", itb, UBOOT_FIRST, UBOOT_LAST)):
        if len(data) > (last - first + 1) * SECTOR:
            raise BuildError(f"{name}: {len(data)} bytes do not fit the partition", where=str(BUILD / PACKAGE))
    total = 32 * MIB
    while total < BOOT_FIRST * SECTOR + sum(map(len, files.values())) * 5 // 4 + 4 * MIB:
        total *= 2
    sectors = total // SECTOR
    boot_last = (sectors - MIB // SECTOR) - 1       # whole MiB; the second table stands behind
    partitions = [Partition("spl", SPL_TYPE, SPL_FIRST, UBOOT_FIRST - 1),
                  Partition("uboot", UBOOT_TYPE, UBOOT_FIRST, UBOOT_LAST),
                  Partition("boot", LINUX_TYPE, BOOT_FIRST, boot_last, BOOTABLE)]
    front, back = gpt(partitions, sectors)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as name, out.open("wb") as card:
        boot = Path(name) / "boot"
        boot_partition(files, (boot_last - BOOT_FIRST + 1) * SECTOR, boot)
        card.truncate(total)
        card.write(front)
        for first, data in ((SPL_FIRST, spl), (UBOOT_FIRST, itb), (sectors - len(back) // SECTOR, back)):
            card.seek(first * SECTOR)
            card.write(data)
        with boot.open("rb") as source:
            at = BOOT_FIRST * SECTOR
            while block := source.read(MIB):
                if block.count(0) != len(block):
                    card.seek(at)
                    card.write(block)
                at += len(block)
    return partitions
