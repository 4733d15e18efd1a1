# SPDX-License-Identifier: MIT
"""Root file systems as newc archives.

`busybox` is rootfs/busybox/ and build/programs/ (in /usr/bin) laid over a skeleton, /bin/busybox (dynamic, musl) with a link for every
applet, /bin/busybox.static and musl's shared library, which is also its program loader. Any other name
is a directory taken as it is.
"""

from __future__ import annotations

import argparse
import posixpath
from pathlib import Path

from . import cpio, graph, stamps
from .errors import BuildError
from .paths import BUILD, ROOT
from .third_party import BUSYBOX, MUSL

FILES = ROOT / "rootfs" / "busybox"
SKELETON: tuple[tuple[str, int], ...] = (
    ("bin", 0o755), ("sbin", 0o755), ("lib", 0o755), ("usr", 0o755), ("usr/bin", 0o755), ("usr/sbin", 0o755),
    ("usr/lib", 0o755), ("etc", 0o755), ("dev", 0o755), ("proc", 0o555), ("tmp", 0o1777), ("root", 0o700),
    ("home", 0o755), ("run", 0o755), ("mnt", 0o755), ("var", 0o755), ("var/log", 0o755), ("var/tmp", 0o1777),
)


def busybox_archive() -> bytes:
    archive = cpio.Archive()
    for name, mode in SKELETON:
        archive.directory(name, mode)
    archive.file("bin/busybox", (BUSYBOX / "busybox").read_bytes(), 0o4755)
    archive.file("bin/busybox.static", (BUSYBOX / "busybox.static").read_bytes(), 0o755)
    archive.file("lib/libc.so", (MUSL / "lib" / "libc.so").read_bytes(), 0o755)
    archive.symlink("lib/ld-musl-riscv64.so.1", "libc.so")
    seen = {"bin/busybox"}
    for link in (BUSYBOX / "busybox.links").read_text().split():
        name = link.lstrip("/")
        if name in seen or "/" not in name:
            continue
        seen.add(name)
        archive.symlink(name, posixpath.relpath("bin/busybox", posixpath.dirname(name)))
    for program in _programs():
        archive.file(f"usr/bin/{program.name}", program.read_bytes(), 0o755)
    skip = {name for name, _ in SKELETON}
    for path in sorted(FILES.rglob("*")):
        name = str(path.relative_to(FILES))
        if path.is_dir():
            if name not in skip:
                archive.directory(name)
        else:
            archive.file(name, path.read_bytes(), path.stat().st_mode & 0o777)
    return archive.data()


def _programs() -> list[Path]:
    return [BUILD / "programs" / p.stem for p in graph.program_sources()]


def directory_archive(folder: Path) -> bytes:
    if not folder.is_dir():
        raise BuildError(f"'{folder}' is not a directory", do="name an existing directory, or 'busybox'")
    archive = cpio.Archive()
    archive.tree(folder)
    return archive.data()


def ensure_busybox_archive() -> Path:
    """build/rootfs-busybox.cpio, made again when one of its inputs changed."""
    out = BUILD / "rootfs-busybox.cpio"
    inputs = sorted(p for p in FILES.rglob("*") if p.is_file())
    inputs += [*_programs(), BUSYBOX / "busybox", BUSYBOX / "busybox.static", MUSL / "lib" / "libc.so", BUSYBOX / "busybox.links",
               Path(__file__), Path(cpio.__file__)]
    key = stamps.digest([(str(p), p.stat().st_mtime_ns, p.stat().st_size, p.stat().st_mode) for p in inputs])
    if not stamps.current("rootfs-busybox", key, out):
        out.write_bytes(busybox_archive())
        stamps.done("rootfs-busybox", key)
    return out


def archive_for(rootfs: str) -> bytes:
    if rootfs == "busybox":
        return ensure_busybox_archive().read_bytes()
    if rootfs == "debian":
        raise BuildError("--rootfs debian is not there yet", do="use --rootfs busybox or a directory")
    return directory_archive(Path(rootfs))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rootfs")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.write_bytes(archive_for(args.rootfs))


if __name__ == "__main__":
    main()
