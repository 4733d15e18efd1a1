# SPDX-License-Identifier: MIT
"""The SD card that `./build.py u740` writes, read back field by field."""

from __future__ import annotations

import os
import struct
import subprocess
import uuid
import zlib
from pathlib import Path

import pytest
from atoll_build import elf, sdcard
from atoll_build.image import _abi_constant
from atoll_build.paths import BUILD, ROOT

SECTOR = 512
ENV = {**os.environ, "PATH": f"{os.environ['PATH']}:/sbin:/usr/sbin"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("card") / "card.img"
    subprocess.run([ROOT / "build.py", "u740", "--out", str(out), "--append", "one two"], check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def card(path: Path) -> bytes:
    return path.read_bytes()


def header(card: bytes, sector: int) -> dict[str, int | bytes]:
    raw = card[sector * SECTOR:(sector + 1) * SECTOR]
    names = "signature revision size crc reserved here other first last disk table entries entry_bytes table_crc".split()
    fields = dict(zip(names, struct.unpack_from("<8sIIIIQQQQ16sQIII", raw)))
    assert zlib.crc32(raw[:16] + bytes(4) + raw[20:92]) == fields["crc"]
    assert raw[92:] == bytes(SECTOR - 92)
    return fields


def partitions(card: bytes) -> list[tuple]:
    out = []
    for at in range(2 * SECTOR, 34 * SECTOR, 128):
        kind, own, first, last, attributes, name = struct.unpack_from("<16s16sQQQ72s", card, at)
        if kind != bytes(16):
            out.append((name.decode("utf-16-le").rstrip("\0"), str(uuid.UUID(bytes_le=kind)).upper(), first, last, attributes, own))
    return out


def part(card: bytes, name: str) -> bytes:
    _, _, first, last, _, _ = next(p for p in partitions(card) if p[0] == name)
    return card[first * SECTOR:(last + 1) * SECTOR]


@pytest.fixture(scope="module")
def files(path: Path, card: bytes) -> dict[str, bytes]:
    boot = path.parent / "boot"
    boot.write_bytes(part(card, "boot"))
    subprocess.run(["e2fsck", "-fn", str(boot)], check=True, capture_output=True, env=ENV)
    out = {}
    for name in ("atoll.image", "system.img", "extlinux/extlinux.conf"):
        copy = path.parent / "copy"
        copy.unlink(missing_ok=True)
        subprocess.run(["debugfs", "-R", f"dump /{name} {copy}", str(boot)], check=True, capture_output=True, env=ENV)
        out[name] = copy.read_bytes()
    return out


def test_both_tables_are_whole_and_say_the_same(card: bytes) -> None:
    last = len(card) // SECTOR - 1
    assert len(card) & (len(card) - 1) == 0             # QEMU takes only powers of two
    first, second = header(card, 1), header(card, last)
    for h, here, other, table in ((first, 1, last, 2), (second, last, 1, last - 32)):
        assert (h["signature"], h["revision"], h["size"], h["reserved"]) == (b"EFI PART", 0x10000, 92, 0)
        assert (h["here"], h["other"], h["table"]) == (here, other, table)
        assert (h["first"], h["last"]) == (34, last - 33)
        assert (h["entries"], h["entry_bytes"]) == (128, 128)
        assert zlib.crc32(card[table * SECTOR:(table + 32) * SECTOR]) == h["table_crc"]
    assert first["disk"] == second["disk"] != bytes(16) and first["table_crc"] == second["table_crc"]


def test_the_protective_mbr_covers_the_disk(card: bytes) -> None:
    assert card[:446] == bytes(446) and card[462:510] == bytes(48) and card[510:512] == b"\x55\xaa"
    status, kind, first, sectors = struct.unpack("<B3xB3xII", card[446:462])
    assert (status, kind, first, sectors) == (0, 0xee, 1, len(card) // SECTOR - 1)


def test_partitions_are_where_the_rom_and_the_spl_look(card: bytes) -> None:
    spl, uboot, boot = partitions(card)
    assert spl[:5] == ("spl", "5B193300-FC78-40CD-8002-E86C45580B47", 34, 2081, 0)
    assert uboot[:5] == ("uboot", "2E54B353-1271-4842-806F-E436D6AF6985", 2082, 10273, 0)
    assert boot[:3] == ("boot", "0FC63DAF-8483-4772-8E79-3D69D8477DE4", 16384) and boot[4] == 4
    assert uboot[3] < boot[2] < boot[3] <= len(card) // SECTOR - 34
    assert len({p[5] for p in partitions(card)}) == 3


def test_u_boot_is_debians_for_the_unmatched(card: bytes) -> None:
    folder = BUILD / "u-boot-sifive/usr/lib/u-boot/sifive_unmatched"
    for name, file in (("spl", "u-boot-spl.bin"), ("uboot", "u-boot.itb")):
        data = (folder / file).read_bytes()
        assert part(card, name) == data.ljust(len(part(card, name)), b"\0")
    assert part(card, "uboot")[:4] == b"\xd0\x0d\xfe\xed"       # a flattened image tree
    assert b"hifive-unmatched-a00" in part(card, "uboot")


def test_the_kernel_begins_with_a_header_for_booti(files: dict[str, bytes]) -> None:
    image = files["atoll.image"]
    code0, code1, offset, size, flags, version, res1, res2, magic, magic2, res3 = struct.unpack_from("<IIQQQIIQ8s4sI", image)
    assert (code0, code1) == (0x0400006f, 0)                    # j +64: over the header
    assert (offset, flags, version) == (0x200000, 0, 2)
    assert (magic, magic2) == (b"RISCV\0\0\0", b"RSC\x05") and (res1, res2, res3) == (0, 0, 0)
    segments = elf.load(BUILD / "kernel.elf").segments
    assert size == segments[-1].vaddr + segments[-1].memory_bytes - segments[0].vaddr       # with bss
    assert image == sdcard.kernel_image(BUILD / "kernel.elf")
    for s in segments:
        at = s.vaddr - segments[0].vaddr
        assert image[at:at + len(s.data)] == s.data
    assert elf.load(BUILD / "kernel.elf").entry & 0x3fffffff == offset      # its first byte, 2 MiB into RAM


def test_the_system_image_is_whole(files: dict[str, bytes]) -> None:
    system, base = files["system.img"], (BUILD / "system-base.img").read_bytes()
    assert struct.unpack_from("<Q", system)[0] == _abi_constant("SYSTEM_MAGIC")
    assert system.startswith(base) and b"proc=3\nfs=2\ntime=1\nguests=0,1\n" in system[len(base):]
    assert b"rootfs.cpio" in system[len(base):]


def test_extlinux_names_both_and_the_words(files: dict[str, bytes]) -> None:
    assert files["extlinux/extlinux.conf"] == (b"default atoll\nlabel atoll\n\tkernel /atoll.image\n\tinitrd /system.img\n"
                                               b"\tappend one two\n")

