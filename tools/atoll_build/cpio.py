# SPDX-License-Identifier: MIT
"""Archives in cpio's "newc" format (the one Linux's initramfs uses), written deterministically.

Times are 0 unless given, owners are root, and inode numbers count from 1. Each archive is padded with
zero bytes to 512, so archives can simply be joined; in a joined one later members win.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Archive:
    """Collects members in order; `data()` ends it with the trailer."""

    _out: bytearray = field(default_factory=bytearray)
    _inode: int = 0

    def _entry(self, name: str, mode: int, data: bytes = b"", *, nlink: int = 1, rdev: tuple[int, int] = (0, 0),
               inode: int | None = None, mtime: int = 0) -> None:
        if inode is None:
            self._inode += 1
            inode = self._inode
        raw = name.encode("utf-8", "surrogateescape") + b"\0"
        fields = (inode, mode, 0, 0, nlink, mtime, len(data), 0, 0, rdev[0], rdev[1], len(raw), 0)
        self._out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self._out += bytes(-len(self._out) % 4)
        self._out += data
        self._out += bytes(-len(self._out) % 4)

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._entry(name, stat.S_IFDIR | mode, nlink=2)

    def file(self, name: str, data: bytes, mode: int = 0o644, *, mtime: int = 0) -> None:
        self._entry(name, stat.S_IFREG | mode, data, mtime=mtime)

    def symlink(self, name: str, target: str) -> None:
        self._entry(name, stat.S_IFLNK | 0o777, target.encode("utf-8", "surrogateescape"))

    def device(self, name: str, kind: int, major: int, minor: int, mode: int = 0o600) -> None:
        self._entry(name, kind | mode, rdev=(major, minor))

    def tree(self, folder: Path) -> None:
        """Everything under a folder, by its name below it. Hard links become files of their own."""
        for top, names, files in os.walk(folder):
            names.sort()
            base = Path(top)
            links = [n for n in names if (base / n).is_symlink()]
            for name in sorted([*names, *files]):
                path = base / name
                member = str(path.relative_to(folder))
                info = path.lstat()
                if stat.S_ISLNK(info.st_mode):
                    self.symlink(member, os.readlink(path))
                elif stat.S_ISDIR(info.st_mode):
                    self.directory(member, stat.S_IMODE(info.st_mode))
                elif stat.S_ISREG(info.st_mode):
                    self.file(member, path.read_bytes(), stat.S_IMODE(info.st_mode), mtime=int(info.st_mtime))
                elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
                    self.device(member, stat.S_IFMT(info.st_mode), os.major(info.st_rdev), os.minor(info.st_rdev),
                                stat.S_IMODE(info.st_mode))
                elif stat.S_ISFIFO(info.st_mode):
                    self._entry(member, info.st_mode)
            names[:] = [n for n in names if n not in links]

    def data(self) -> bytes:
        out = Archive(bytearray(self._out), self._inode)
        out._entry("TRAILER!!!", 0, inode=0)  # noqa: SLF001 (a copy of our own)
        return bytes(out._out) + bytes(-len(out._out) % 512)
