#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes inputs for tests/fuzz/fs that reach deep; each is named for what it plays. The other inputs were found by runs.

    PYTHONPATH=idl tests/fuzz/server/seeds.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from compiler.__main__ import compile_files
from compiler.diag import Diagnostics
from compiler.layout import Place

ROOT = Path(__file__).resolve().parents[3]
MEMORY = 0x20000000
ORDER = (("scalar",), ("struct",), ("array", "bytes"), ("string",), ("lend_in",), ("lend_out",))     # as world.c asks for them
SYS_ADMIN = 1           # the client that may mount
HERE = -100             # AT_FDCWD


def raw(value: int, size: int) -> bytes:
    """A number as world_value reads it."""
    return b"\xf0" + (value & ((1 << (8 * size)) - 1)).to_bytes(size, "little")


class Input:
    def __init__(self, interface: str) -> None:
        diags = Diagnostics()
        self.wires = compile_files([str(ROOT / f"idl/interfaces/{interface}.idl")], diags)[0].wires
        self.out = bytearray()

    def call(self, client: int, method: str, **arguments: object) -> "Input":
        index, wire = next((i, w) for i, w in enumerate(self.wires) if w.m.name == method)
        self.out += bytes((client, index))
        for kinds in ORDER:
            for place in wire.request.places:
                if place.kind in kinds:
                    self.out += self.argument(place, arguments.get(place.name, 0))
        return self

    @staticmethod
    def argument(place: Place, value) -> bytes:
        if place.kind == "scalar":
            return raw(value, place.size)
        if place.kind == "struct":
            data = value or bytes(place.size)
            return b"".join(raw(int.from_bytes(data[i:i + 4], "little"), 4) for i in range(0, place.size, 4))
        if place.kind in ("array", "bytes"):
            data = value or b""
            return raw(len(data), 2) + data[:32]
        if place.kind == "string":
            text = (value or "").encode()
            return bytes((0xe0, len(text))) + text
        if place.kind == "lend_in":             # in the arena
            data = value or b""
            return raw(len(data), 4) + b"\0" + data[:16]
        return raw(int(value or 64), 4) + b"\x81"   # lend out: client memory

    def memory(self, line: int, *words: int) -> "Input":
        """64-bit words at line * 64."""
        self.out += bytes((0xc8, line, len(words) * 8)) + b"".join(raw(w, 8) for w in words)
        return self

    def time(self, step: int) -> "Input":
        self.out += bytes((0xc2, step))
        return self

    def end(self, client: int) -> "Input":
        """It ends, and another begins."""
        self.out += bytes((0xca, client))
        return self


def fs() -> Input:
    return Input("fs")


def flock(kind: int, start: int, length: int) -> bytes:
    return start.to_bytes(8, "little") + length.to_bytes(8, "little") + bytes(4) + kind.to_bytes(2, "little") + bytes(2)


def message(i: Input, client: int, fd: int, passed: int) -> Input:
    """A byte or some, with a descriptor."""
    i.memory(0, MEMORY + 0x400, 16).memory(1, 20, 1 | 1 << 32, passed)
    return i.call(client, "sendmsg", fd=fd, iov=MEMORY, iov_count=1, control=MEMORY + 64, control_bytes=24)


def receive(i: Input, client: int, fd: int) -> Input:
    return i.call(client, "recvmsg", fd=fd, iov=MEMORY, iov_count=1, control=MEMORY + 128, control_bytes=64, address=110)


def seeds() -> dict[str, Input]:
    pair = receive(message(fs().call(0, "socketpair", domain=1, type=1), 0, 0, 1), 0, 1)
    pair.call(0, "setsockopt", fd=0, level=1, name=16, value=b"\1\0\0\0").call(0, "getsockopt", fd=0, level=1, name=17, value=12)
    pair.call(0, "shutdown", fd=0, how=1).call(0, "read", fd=1, data=64)

    cycle = fs().call(0, "socketpair", domain=1, type=2)
    message(message(cycle, 0, 0, 1), 0, 1, 0).call(0, "close", fd=0).call(0, "close", fd=1)
    message(cycle.call(0, "socketpair", domain=1, type=1), 0, 0, 0).call(0, "close", fd=0).call(0, "close", fd=1).time(3)

    named = fs().call(0, "socket", domain=1, type=1).call(0, "bind", fd=0, address=b"\1\0a\0").call(0, "listen", fd=0, backlog=4)
    named.call(2, "socket", domain=1, type=1).call(2, "connect", fd=0, address=b"\1\0a\0").call(0, "accept", fd=0, address=110)
    receive(message(named, 2, 0, 0), 0, 1).call(0, "getname", fd=1, peer=1, address=110).call(0, "poll", count=0).end(2)

    datagram = fs().call(0, "socket", domain=1, type=2).call(0, "bind", fd=0, address=b"\1\0\0xyz").call(1, "socket", domain=1, type=2)
    datagram.memory(0, MEMORY + 0x400, 16).call(1, "sendmsg", fd=0, address=b"\1\0\0xyz", iov=MEMORY, iov_count=1)
    receive(datagram, 0, 0)

    pty = fs().call(0, "openat", dirfd=HERE, path="/dev/ptmx", flags=2).memory(2, 0).call(0, "ioctl", fd=0, command=0x40045431, argument=MEMORY + 128)
    pty.call(0, "openat", dirfd=HERE, path="/dev/pts/0", flags=2).call(0, "ioctl", fd=1, command=0x540e)
    for command in (0x5401, 0x5402, 0x5410, 0x540f, 0x5413, 0x5414, 0x541b, 0x80045430, 0x5429, 0x5420, 0x540b, 0x5409, 0x540a):
        pty.call(0, "ioctl", fd=command & 1, command=command, argument=MEMORY + 256)
    pty.call(0, "write", fd=0, data=b"ab\x7fc\n\x03").call(0, "read", fd=1, data=64).call(0, "write", fd=1, data=b"x\ty\n")
    pty.call(0, "read", fd=0, data=64).call(0, "ioctl", fd=1, command=0x5422).call(0, "close", fd=0)

    locks = fs()
    for client in (0, 2):
        locks.call(client, "openat", dirfd=HERE, path="a", flags=0o102, mode=0o666)
    locks.call(0, "lock", fd=0, command=6, request=flock(1, 0, 10)).call(2, "lock", fd=0, command=7, request=flock(1, 5, 10))
    locks.call(2, "lock", fd=0, command=5, request=flock(0, 0, 0)).call(0, "lock", fd=0, command=6, request=flock(2, 3, 4))
    locks.call(0, "lock", fd=0, command=0x1000, request=flock(2, 0, 0)).call(2, "lock", fd=0, command=0x1000, request=flock(2, 0, 0))
    locks.call(0, "lock", fd=0, command=38, request=flock(0, 0, 0)).end(0).end(2)

    epoll = fs().call(0, "epoll_create").call(0, "pipe").call(0, "epoll_ctl", epfd=0, op=1, fd=1, events=1, data=7)
    epoll.call(0, "epoll_ctl", epfd=0, op=1, fd=2, events=4 | 1 << 31, data=8).call(0, "epoll_wait", epfd=0, max=4, events=128)
    epoll.call(0, "write", fd=2, data=b"abc").call(0, "epoll_wait", epfd=0, max=16, events=256).call(0, "epoll_create")
    epoll.call(0, "epoll_ctl", epfd=3, op=1, fd=0, events=1).call(0, "epoll_wait", epfd=3, max=4, deadline=1 << 63, events=128)
    epoll.call(0, "epoll_ctl", epfd=0, op=3, fd=1, events=1 << 30 | 1).call(0, "close", fd=1).call(0, "close", fd=0)

    mounts = fs()
    for name in ("a", "b", "a/c"):
        mounts.call(SYS_ADMIN, "mkdirat", dirfd=HERE, path=name, mode=0o777)
    mounts.call(SYS_ADMIN, "mount", source="x", target="a", type="tmpfs").call(SYS_ADMIN, "mkdirat", dirfd=HERE, path="a/d", mode=0o777)
    for flags in (1 << 20, 4096, 4096 | 16384):
        mounts.call(SYS_ADMIN, "mount", source="a", target="a" if flags == 1 << 20 else "b", flags=flags)
    mounts.call(SYS_ADMIN, "mount", source="y", target="a/d", type="tmpfs").call(SYS_ADMIN, "mount", target="b", flags=1 << 19)
    mounts.call(SYS_ADMIN, "mount", source="b", target="a/d", flags=8192).call(SYS_ADMIN, "openat", dirfd=HERE, path="/proc/self/mountinfo")
    mounts.call(SYS_ADMIN, "read", fd=0, data=4000).call(SYS_ADMIN, "umount", target="b", flags=2).call(SYS_ADMIN, "umount", target="a")

    watch = fs().call(0, "inotify_init").call(0, "inotify_add_watch", fd=0, path="/", mask=0xfff)
    watch.call(2, "openat", dirfd=HERE, path="f", flags=0o102, mode=0o666).call(2, "write", fd=0, data=b"abc").call(2, "close", fd=0)
    watch.call(0, "renameat", old_dirfd=HERE, old_path="f", new_dirfd=HERE, new_path="g").call(0, "read", fd=0, data=512)
    watch.call(0, "unlinkat", dirfd=HERE, path="g").call(0, "ioctl", fd=0, command=0x541b, argument=MEMORY).call(0, "inotify_rm_watch", fd=0, wd=1)
    return {"message_with_a_descriptor": pair, "sockets_that_hold_each_other": cycle, "stream_by_name": named,
            "datagram_by_abstract_name": datagram, "pty_as_controlling_terminal": pty, "record_locks_of_two": locks,
            "epoll_in_epoll": epoll, "shared_and_bound_mounts": mounts, "inotify_of_another": watch}


def main() -> int:
    for name, made in seeds().items():
        (ROOT / "tests/fuzz/fs/corpus" / name).write_bytes(bytes(made.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
