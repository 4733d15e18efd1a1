# SPDX-License-Identifier: MIT
"""What the port `atoll.trace` delivered: events in the order of time, and as text, one line for each.

The port's bytes are `struct trace_event` (microkernel/abi/atoll/trace.h) in chunks of one hart's ring, each after a
head that servers/fs/tracer.c describes. A line is: seconds since the first event, hart, who ran, what happened.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from .paths import ROOT

EVENT = struct.Struct("<QHHIQQ")
(LOST, NAME, REFLECT, RESUME, CALL, FAULT, TRAP, WAKE, SWITCH, IRQ, TEXT, IPI) = range(1, 13)
_FAULT_RESULTS = ("resolved", "retried", "bad access", "no memory", "beyond the segment", "pager")


@dataclass
class Event:
    time: int
    hart: int
    thread: int
    kind: int
    a: int
    b: int
    text: str = ""


def linux_names() -> dict[int, str]:
    """System-call names by number, from the personality's tables."""
    names: dict[int, str] = {}
    for path in (ROOT / "linux_compat").rglob("*.[ch]"):
        for number, name in re.findall(r"\bX\((\d+), (?:sys_|full_)?(\w+)\)", path.read_text()):
            if name != "refuse":
                names[int(number)] = name
    return names


def kernel_names(prefix: str, header: str) -> dict[int, str]:
    """The members of enums that begin with the prefix: `NAME = 3` or one more than the member before."""
    names: dict[int, str] = {}
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "microkernel" / "abi" / "atoll" / header).read_text(), flags=re.S)
    for body in re.findall(r"enum \w*\s*\{(.*?)\}", text, re.S):
        value = -1
        for member in (m.strip() for m in body.split(",")):
            found = re.fullmatch(r"(\w+)(?:\s*=\s*(\w+))?", member)
            if not found:
                continue
            value = int(found[2], 0) if found[2] and found[2][0].isdigit() else value + 1
            if found[1].startswith(prefix):
                names.setdefault(value, found[1].removeprefix(prefix).lower())
    return names


def parse(data: bytes) -> tuple[list[Event], int]:
    """All events sorted by time, and ticks a second."""
    streams: dict[int, bytearray] = {}
    events: list[Event] = []
    hz = 10_000_000
    at = 0
    while at + EVENT.size <= len(data):
        time, kind, hart, count, lost, base = EVENT.unpack_from(data, at)
        at += EVENT.size
        if kind != LOST:
            break                       # the machine was switched off within a chunk
        hz = base or hz
        stream = streams.setdefault(hart, bytearray())
        if lost:
            events += _events(hart, stream)
            stream.clear()
            events.append(Event(time, hart, 0, LOST, lost, 0))
        stream += data[at:at + count * EVENT.size]
        at += count * EVENT.size
    for hart, stream in streams.items():
        events += _events(hart, stream)
    events.sort(key=lambda e: e.time)
    return events, hz


def _events(hart: int, stream: bytearray) -> list[Event]:
    out: list[Event] = []
    at = 0
    while at + EVENT.size <= len(stream):
        time, kind, number, thread, a, b = EVENT.unpack_from(stream, at)
        at += EVENT.size
        if number != hart or not LOST < kind <= IPI:
            continue                    # the rest of a text whose beginning was lost
        event = Event(time, hart, thread, kind, a, b)
        if kind == TEXT:
            text = bytes(stream[at:at + a]).decode(errors="replace")
            event.text = "".join(c if c.isprintable() else "?" for c in text)
            at += (a + EVENT.size - 1) // EVENT.size * EVENT.size
        out.append(event)
    return out


def name_of(e: Event) -> str:
    """The name that a NAME event gives its thread."""
    return struct.pack("<QQ", e.a, e.b).split(b"\0")[0].decode(errors="replace")


def signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


class Words:
    """Events in words."""

    def __init__(self) -> None:
        self.linux = linux_names()
        self.calls = kernel_names("SYS_", "syscall.h")
        self.operations: dict[int, str] = {}
        for prefix in ("UNTYPED_", "CNODE_", "TCB_", "SCHED_", "VSPACE_", "POOL_", "SEGMENT_", "IRQ_", "PLATFORM_"):
            for value, name in kernel_names(prefix, "objects.h").items():
                if value >= 0x100:
                    self.operations[value] = prefix.lower() + name
        self.names: dict[int, str] = {0: "idle"}

    def who(self, thread: int) -> str:
        return self.names.get(thread, f"thread {thread:x}")

    def what(self, e: Event) -> str:
        match e.kind:
            case 1:
                return f"lost {e.a} events"
            case 3:
                return f"syscall {e.a} {self.linux.get(e.a, '?')}"
            case 4:
                value = signed(e.a)
                return f"resume -> {value}" if abs(value) < 1 << 20 else f"resume -> {e.a:#x}"
            case 5:
                number, operation = e.a & 0xffffffff, e.a >> 32
                name = self.calls.get(number, str(number))
                return f"call {name} " + (f"{self.operations.get(operation, hex(operation))} " if operation else "") + \
                    f"{e.b:#x}"
            case 6:
                access = {1: "read", 2: "write", 4: "fetch"}.get(e.b & 0xff, "?")
                result = e.b >> 8
                return f"fault {access} {e.a:#x} " + (_FAULT_RESULTS[result] if result < 6 else "?")
            case 7:
                return f"trap cause {e.a} value {e.b:#x}"
            case 8:
                return f"wake {self.who(e.a)} priority {e.b}"
            case 9:
                return f"switch to {self.who(e.a)}"
            case 10:
                return f"interrupt {e.a}"
            case 12:
                return f"ipi to h{e.a}"
            case _:
                return e.text

    def line(self, e: Event, start: int, hz: int) -> str | None:
        if e.kind in (REFLECT, RESUME) and e.b:
            self.names[e.thread] = f"tid {e.b}"
        if e.kind == NAME:
            name = name_of(e)
            guest = re.match(r"\d+/(\d+)@", name)       # servers/proc/thread.c
            self.names[e.thread] = f"tid {guest[1]}" if guest else name
            return None
        return f"{(e.time - start) / hz:12.6f} h{e.hart} {self.who(e.thread):<16} {self.what(e)}"


def to_text(data: bytes) -> str:
    events, hz = parse(data)
    words = Words()
    start = events[0].time if events else 0
    lines = [line for e in events if (line := words.line(e, start, hz)) is not None]
    return "".join(f"{line}\n" for line in lines)


def convert(raw: Path, out: Path) -> None:
    """Text if the name ends in .txt, else for ui.perfetto.dev."""
    data = raw.read_bytes() if raw.is_file() else b""
    if out.suffix == ".txt":
        out.write_text(to_text(data))
        return
    from .timeline import chrome_json
    out.write_text(chrome_json(*parse(data)))
