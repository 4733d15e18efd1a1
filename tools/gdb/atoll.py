# SPDX-License-Identifier: MIT
"""Commands for gdb on a stopped Atoll (docs/debugging.md):

    atoll threads               every thread: hart, name, state, priority, where it is and what it waits for
    atoll coroutines SERVER     coroutines of a server: state, and the functions on their stacks
    atoll rings SERVER          the sessions of a server in use: indices, who sleeps, what has no answer yet

Loaded by `./build.py qemu-riscv --gdb`'s line, or with `source tools/gdb/atoll.py`. Kernel memory is read as it is mapped
everywhere; a server's through its own page tables, whichever hart runs what. The system is not changed.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator

import gdb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = 4096
SLOT = 64
SESSIONS, NR_SLOTS = 0x40000000, 1024     # libipc/include/libipc/system.h


def _servers() -> list[str]:
    """Those that were built."""
    folder = os.path.join(ROOT, "build", "servers")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(n.removesuffix(".elf") for n in names if n.endswith(".elf") and n != "supervisor.elf")


class Failed(gdb.GdbError):
    pass


def kernel_memory(address: int, n: int) -> bytes:
    return gdb.selected_inferior().read_memory(address, n).tobytes()


def pointer(value: gdb.Value) -> int:
    return int(value.cast(gdb.lookup_type("unsigned long")))


def text(value: gdb.Value) -> str:
    raw = bytes(int(value[i]) & 0xff for i in range(*value.type.range()))
    return raw.split(b"\0")[0].decode(errors="replace")


# -- capabilities (microkernel/object/cap.h) --


def _object(word: int) -> int:
    address = word & 0x7fffffffc0
    return address | ~0x7fffffffff & (1 << 64) - 1 if address >> 38 else address


def _walk(first: int, count: int, seen: set[int], found: dict[int, None]) -> None:
    cnode, tcb = int(gdb.parse_and_eval("CAP_TYPE_CNODE")), int(gdb.parse_and_eval("CAP_TYPE_TCB"))
    if first in seen:
        return
    seen.add(first)
    raw = kernel_memory(first, count * SLOT)
    for i in range(count):
        (word,) = struct.unpack_from("<Q", raw, i * SLOT)
        if word & 0x10:             # zombie
            continue
        if word & 0xf == cnode:
            _walk(_object(word), 1 << (word >> 48 & 0xff), seen, found)
        elif word & 0xf == tcb:
            found[_object(word)] = None


def threads() -> list[gdb.Value]:
    """All TCBs that a capability below the root task's names."""
    root = gdb.parse_and_eval("root_thread")
    if pointer(root) == 0:
        raise Failed("the kernel has not started the root task yet: continue, and interrupt with Ctrl-C")
    found: dict[int, None] = {pointer(root): None}
    _walk(pointer(root["cspace"]), int(root["cspace_mask"]) + 1, set(), found)
    kind = gdb.lookup_type("struct tcb").pointer()
    return [gdb.Value(address).cast(kind).dereference() for address in found]


# -- a server's memory --


class Space:
    """Reads through the tables of a VSpace (RISC-V privileged spec, Sv39)."""

    def __init__(self, vspace: gdb.Value) -> None:
        self.root = pointer(vspace["root"])
        self.offset = self.root - ((int(vspace["satp"]) & (1 << 44) - 1) << 12)
        self.known: dict[int, int | None] = {}

    def _page(self, va: int) -> int | None:
        if va in self.known:
            return self.known[va]
        table, at = self.root, None
        for shift in (30, 21, 12):
            (pte,) = struct.unpack("<Q", kernel_memory(table + (va >> shift & 511) * 8, 8))
            if not pte & 1:
                break
            base = (pte >> 10 & (1 << 44) - 1) << 12
            if pte & 0xe:
                at = base + (va & (1 << shift) - 1) + self.offset
                break
            table = base + self.offset
        self.known[va] = at
        return at

    def read(self, va: int, n: int) -> bytes:
        out = b""
        while n:
            part = min(n, PAGE - va % PAGE)
            page = self._page(va & ~(PAGE - 1))
            out += kernel_memory(page + va % PAGE, part) if page is not None else bytes(part)
            va, n = va + part, n - part
        return out

    def value(self, va: int, kind: gdb.Type) -> gdb.Value:
        return gdb.Value(self.read(va, kind.sizeof), kind)


@contextlib.contextmanager
def server(name: str) -> Iterator[tuple[gdb.Value, Space]]:
    """The server's thread and memory, with its symbols loaded."""
    if name.partition(".")[0] not in _servers():     # time.1 is a shard of time
        raise Failed(f"there is no server '{name}': name one of {', '.join(_servers())}")
    thread = next((t for t in threads() if text(t["name"]) == name), None)
    if thread is None:
        raise Failed(f"{name} does not run yet: continue, and interrupt with Ctrl-C")
    elf = f"{ROOT}/build/servers/{name.partition('.')[0]}.elf"
    gdb.execute(f"add-symbol-file {elf}", to_string=True)
    try:
        yield thread, Space(thread["vspace"].dereference())
    finally:
        for objfile in gdb.objfiles():
            code = objfile.lookup_global_symbol("coro_spawn") if objfile.filename == os.path.realpath(elf) else None
            if code:
                gdb.execute(f"remove-symbol-file -a {pointer(code.value().address)}", to_string=True)


def _name_of_code(address: int) -> str | None:
    block = gdb.block_for_pc(address)
    while block and not block.function:
        block = block.superblock
    return str(block.function) if block else None


# -- commands --


def _name(t: gdb.Value) -> str:
    if pointer(t["frame"]):
        return f"tid {int(t['frame'].dereference()['tid'])}"
    return text(t["name"]) or f"{pointer(t.address):#x}"


def _state(t: gdb.Value, states: dict[int, str]) -> str:
    state = states.get(int(t["state"]), "?")
    waits = pointer(t["wait_object"]) if state.startswith("blocked") else 0
    return f"{state}{f' {waits:#x}' if waits else ''}"


def show_threads() -> None:
    states = {f.enumval: f.name.removeprefix("THREAD_").lower() for f in gdb.lookup_type("enum thread_state").fields()}
    harts = gdb.parse_and_eval("harts")
    current = {pointer(harts[h]["current"]) for h in range(int(gdb.parse_and_eval("nr_harts")))}
    rows = sorted(threads(), key=lambda t: (int(t["hart"]), -int(t["priority"]), pointer(t.address)))
    print("hart  prio  name              state                                   pc")
    for t in rows:
        pc = int(t["x"][0])
        mark = "*" if pointer(t.address) in current else " "
        print(f"{int(t['hart']):>3}{mark} {int(t['priority']):>5}  {_name(t):<16}  "
              f"{_state(t, states):<38}  {pc:#x}")
    print(f"{len(rows)} threads; * runs now (its registers are the hart's, not these)")


def show_coroutines(name: str) -> None:
    with server(name) as (_, space):
        pool_at = gdb.parse_and_eval("&'coro.c'::pool")
        pool = space.value(pointer(pool_at), pool_at.type.target())
        stack_bytes, running = int(pool["stack_bytes"]), pointer(pool["current"])
        print(f"{name}: {int(pool['used'])} of {int(pool['nr'])} coroutines in use, {int(pool['high_water'])} at most so far, "
              f"stacks of {stack_bytes} bytes")
        kind = pool["all"].type.target()
        for i in range(int(pool["nr"])):
            at = pointer(pool["all"]) + i * kind.sizeof
            c = space.value(at, kind)
            if int(c["state"]) == 0:
                continue
            title = space.read(pointer(c["name"]), 32).split(b"\0")[0].decode(errors="replace") if pointer(c["name"]) else ""
            sp, top = pointer(c["sp"]), pointer(c["stack"]) + stack_bytes
            print(f"  {i:>3} {title:<20} {'runs' if at == running else 'suspended'}, {top - sp} bytes of stack"
                  f"{', cancelled' if c['cancelled'] else ''}")
            if at != running and pointer(c["stack"]) <= sp < top:
                words = struct.unpack(f"<{(top - sp) // 8}Q", space.read(sp, (top - sp) // 8 * 8))
                names = [n for w in words if w and (n := _name_of_code(w - 1))]
                print("      " + " < ".join(dict.fromkeys(names)))


def show_rings(name: str) -> None:
    with server(name) as (_, space):
        kind = gdb.lookup_type("struct session")
        header_kind = gdb.lookup_type("struct session_header")
        print("slot   requests (done/sent)   answers (taken/sent)   asleep            not answered")
        shown = 0
        for slot in range(NR_SLOTS):
            base = SESSIONS + slot * kind.sizeof
            h = space.value(base, header_kind)
            if int(h["layout_hash"]) == 0 or int(h["closed"]) or int(h["sq_tail"]) == 0:
                continue
            shown += 1
            asleep = " ".join(who for who, word in (("server", "server_asleep"), ("client", "client_asleep")) if int(h[word]))
            print(f"{slot:>4}   {int(h['sq_head']):>9}/{int(h['sq_tail']):<9}   {int(h['cq_head']):>9}/{int(h['cq_tail']):<9}   "
                  f"{asleep or '-':<16}  {(int(h['sq_tail']) - int(h['cq_tail'])) & 0xffffffff}")
        print(f"{shown} sessions of {name} are open; notices and last requests are never answered")


class Atoll(gdb.Command):
    """atoll threads | coroutines SERVER | rings SERVER: look at a stopped Atoll."""

    def __init__(self) -> None:
        super().__init__("atoll", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        match argument.split():
            case ["threads"]:
                show_threads()
            case ["coroutines", name]:
                show_coroutines(name)
            case ["rings", name]:
                show_rings(name)
            case _:
                raise Failed("say `atoll threads`, `atoll coroutines SERVER` or `atoll rings SERVER`")

    def complete(self, text: str, word: str) -> list[str]:
        known = _servers() if " " in text.strip() or text.endswith(" ") else ("threads", "coroutines", "rings")
        return [k for k in known if k.startswith(word or "")]


Atoll()
