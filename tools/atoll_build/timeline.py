# SPDX-License-Identifier: MIT
"""A trace as a timeline: what each hart ran, each system call, each request from submission to completion.

`timeline()` turns the events of trace.py into slices and instants; `chrome_json()` writes them in the Trace Event
Format, which ui.perfetto.dev and chrome://tracing open; `summary()` reads such a file and says where the time went.

Tracks: a process "harts" with a thread for each hart; each server, with its thread and its requests (in lanes, where
they overlap); each Linux process with its threads. Arrows: from the system call that submitted a request to the server's
handling of it, and back; from who woke a thread to where it runs; from proc, which got a signal, to the thread that took it.
"""

from __future__ import annotations

import json
import re
import signal
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import assembly, trace
from .errors import BuildError

HARTS, SERVERS = 1_000_000, 1_000_001       # process numbers that no Linux process has
UNANSWERED, LANES = 9, 10                   # thread numbers of a server's requests without an answer, and first lane of others
_GUEST = re.compile(r"(\d+)/(\d+)@(\d+)$")
_REQUEST = re.compile(r"rpc (\d+)\.(\d+) (\w+)\.(\w+)\((.*)\)$", re.S)
_ANSWER = re.compile(r"rpc (\d+)\.(\d+) (\w+)\.(\w+) -> (.*)$", re.S)
_PROGRAM = re.compile(r"process (\d+) runs (.*)$", re.S)
_SIGNAL = re.compile(r"signal (\d+) (to|taken by) (\d+)/(\d+)$")
_WAITS = ("wait", "signal_wait")
_LAST_REQUESTS = ("exit_group", "thread_exit", "fatal")


@dataclass
class Thread:
    """A thread of a process or of a server; `track` is (process, thread) of the file."""

    number: int
    name: str = ""
    track: tuple[int, int] = (HARTS, 0)
    slot: int | None = None
    last: int = 0                           # its latest event
    call: Slice | None = None               # the system call it is in
    asleep: Slice | None = None
    requests: int = 0                       # under way
    polled: bool = False


@dataclass
class Slice:
    """Something that takes time. Times are ticks."""

    kind: str
    name: str
    track: tuple[int, int]
    start: int
    end: int | None = None
    args: dict[str, Any] = field(default_factory=dict)


@dataclass
class Instant:
    kind: str
    name: str
    track: tuple[int, int]
    time: int
    args: dict[str, Any] = field(default_factory=dict)


@dataclass
class Arrow:
    kind: str
    begin: tuple[tuple[int, int], int]      # track, time
    end: tuple[tuple[int, int], int]


@dataclass
class Request:
    server: str
    client: Thread | None
    call: Slice | None
    slice: Slice
    submitted: int


def _answered(events: list[trace.Event]) -> set[int]:
    """Which requests (their events' ids) get an answer. Others are one-way, or the caller's last."""
    open_requests: dict[tuple[int, str, str], int] = {}     # by the server's thread
    found = set()
    for e in events:
        if e.kind != trace.TEXT:
            continue
        request, answer = _REQUEST.match(e.text), _ANSWER.match(e.text)
        if request:
            open_requests[e.thread, request[1], request[2]] = id(e)
        elif answer and (key := (e.thread, answer[1], answer[2])) in open_requests:
            found.add(open_requests.pop(key))
    return found


class Timeline:
    """Built by one pass over the events in the order of time."""

    def __init__(self, events: list[trace.Event], hz: int) -> None:
        self.hz = hz
        self.start = events[0].time if events else 0
        self.end = events[-1].time if events else 0
        self.slices: list[Slice] = []
        self.instants: list[Instant] = []
        self.arrows: list[Arrow] = []
        self.programs: dict[int, str] = {}
        self.tracks: dict[tuple[int, int], str] = {}
        self.servers: dict[str, int] = {}
        self._threads: dict[int, Thread] = {}
        self._running: dict[int, Slice] = {}
        self._requests: dict[tuple[str, int, int], Request] = {}
        self._lanes: dict[str, list[Request | None]] = defaultdict(list)
        self._woken: dict[int, tuple[tuple[int, int], int]] = {}
        self._signals: dict[tuple[int, int, int], list[tuple[tuple[int, int], int]]] = defaultdict(list)  # number, process, thread
        self._words = trace.Words()
        self._server_of_slot = {c.id: name for name, c in assembly.load().components.items()}   # its number
        self._answered = _answered(events)
        self._unanswered: dict[int, list[Slice]] = defaultdict(list)   # by the server's thread: handled just now
        for e in events:
            self._take(e)
        for s in [*self._running.values(), *(t.call for t in self._threads.values() if t.call),
                  *(t.asleep for t in self._threads.values() if t.asleep), *(r.slice for r in self._requests.values())]:
            s.end = self.end            # the machine was switched off meanwhile
            s.args.setdefault("unfinished", True)

    # -- who --

    def _thread(self, number: int) -> Thread:
        if number not in self._threads:
            self._threads[number] = Thread(number, f"thread {number:x}", (HARTS, 100 + number))
        return self._threads[number]

    def _named(self, number: int, name: str) -> None:
        t = self._threads[number] = Thread(number, name)    # the object may have been another thread's
        guest = _GUEST.match(name)
        if guest:
            pid, tid, slot = map(int, guest.groups())
            t.track, t.slot, t.name = (pid, tid), slot, f"tid {tid}"
        else:
            t.track = (self._server(name.split(" ")[0].split("/")[0]), 1)
        self.tracks.setdefault(t.track, t.name)

    def _server(self, name: str) -> int:
        return self.servers.setdefault(name, SERVERS + len(self.servers))

    def _shard(self, t: Thread, interface: str) -> str:
        """Which server's thread it is that says something of its interface: shards serve the same."""
        return next((name for name, track in self.servers.items() if track == t.track[0]), interface)

    def _client(self, slot: int) -> Thread | None:
        """Whose request it is: of the threads with that slot the latest in a system call, else the latest."""
        if slot in self._server_of_slot:
            return next((t for t in self._threads.values() if t.name == self._server_of_slot[slot]), None)
        found = [t for t in self._threads.values() if t.slot == slot]
        return max(found, key=lambda t: (t.call is not None, t.last), default=None)

    # -- what --

    def _slice(self, kind: str, name: str, track: tuple[int, int], start: int, **args: Any) -> Slice:
        s = Slice(kind, name, track, start, None, args)
        self.slices.append(s)
        return s

    def _instant(self, kind: str, name: str, track: tuple[int, int], time: int, **args: Any) -> None:
        self.instants.append(Instant(kind, name, track, time, args))

    def _take(self, e: trace.Event) -> None:
        if e.kind == trace.NAME:
            self._named(e.thread, trace.name_of(e))
            return
        if e.kind == trace.LOST:
            self._instant("lost", f"{e.a} events lost", (HARTS, e.hart), e.time)
            return
        t = self._thread(e.thread) if e.thread else None
        if t:
            t.last = e.time
            if e.kind == trace.SWITCH or e.kind == trace.CALL and self._words.calls.get(e.a & 0xffffffff) in _WAITS:
                self._handled(e)
            if t.asleep and e.kind not in (trace.WAKE, trace.IRQ, trace.SWITCH):
                self._awake(t, e.time)
        if e.kind == trace.SWITCH:
            self._switch(e)
        elif e.kind == trace.WAKE:
            self._woken[e.a] = ((HARTS, e.hart), e.time)
            self._instant("wake", f"wake {self._thread(e.a).name}", (HARTS, e.hart), e.time, priority=e.b)
        elif e.kind in (trace.IRQ, trace.IPI):
            self._instant("ipi" if e.kind == trace.IPI else "interrupt", self._words.what(e), (HARTS, e.hart), e.time)
        elif t:
            self._of_thread(t, e)

    def _switch(self, e: trace.Event) -> None:
        before = self._running.pop(e.hart, None)
        if before:
            before.end = e.time
        if not e.a:
            return
        t = self._thread(e.a)
        self._running[e.hart] = self._slice("run", t.name, (HARTS, e.hart), e.time)
        self._awake(t, e.time)
        t.last = e.time
        if e.a in self._woken:
            track, time = self._woken.pop(e.a)
            self.arrows.append(Arrow("wake", (track, time), ((HARTS, e.hart), e.time)))

    def _awake(self, t: Thread, time: int) -> None:
        if t.asleep:
            t.asleep.end = time
            t.asleep = None

    def _of_thread(self, t: Thread, e: trace.Event) -> None:
        if e.kind == trace.REFLECT:
            self._end_call(t, e.time, None)
            t.call = self._slice("syscall", self._words.linux.get(e.a, f"syscall {e.a}"), t.track, e.time, number=e.a)
        elif e.kind == trace.RESUME:
            self._end_call(t, e.time, trace.signed(e.a))
        elif e.kind == trace.CALL:
            self._kernel_call(t, e)
        elif e.kind == trace.FAULT:
            self._instant("fault", self._words.what(e), t.track, e.time)
        elif e.kind == trace.TRAP:
            self._instant("trap", self._words.what(e), t.track, e.time)
        elif e.kind == trace.TEXT:
            self._text(t, e)

    def _end_call(self, t: Thread, time: int, result: int | None) -> None:
        self._awake(t, time)
        if t.call:
            t.call.end = time
            if result is not None:
                t.call.args["result"] = result
            t.call = None

    def _kernel_call(self, t: Thread, e: trace.Event) -> None:
        name = self._words.calls.get(e.a & 0xffffffff, "?")
        if name == "trace":
            return
        self._instant("call", self._words.what(e), t.track, e.time)
        if name in _WAITS:
            if t.slot is not None and name == "wait" and t.requests:
                self._instant("spin failed", "spin failed", t.track, e.time)    # it rang no bell: the server was awake
            t.asleep = self._slice("asleep", "asleep", t.track, e.time)

    def _text(self, t: Thread, e: trace.Event) -> None:
        request, answer, program = _REQUEST.match(e.text), _ANSWER.match(e.text), _PROGRAM.match(e.text)
        if request:
            self._begin(t, e, request)
        elif answer:
            self._finish(t, e, answer)
        elif program:
            self._runs(int(program[1]), program[2], e.time)
        elif sent := _SIGNAL.match(e.text):
            self._signal(t, e.time, int(sent[1]), sent[2], (int(sent[3]), int(sent[4])))
        else:
            self._instant("text", e.text, t.track, e.time)

    def _signal(self, t: Thread, time: int, number: int, what: str, to: tuple[int, int]) -> None:
        """One that acts at once (SIGKILL, SIGSTOP, a default action) is sent and never taken."""
        name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
        if what == "to":
            whom = f"{to[0]}/{to[1]}" if to[1] else f"{to[0]}"
            self._instant("signal", f"{name} to {whom}", t.track, time, number=number)
            self._signals[number, *to].append((t.track, time))
            return
        self._instant("signal", f"{name} taken", to, time, number=number)
        for target in (to, (to[0], 0)):
            if sent := self._signals.pop((number, *target), None):
                self.arrows.append(Arrow("signal", sent[-1], (to, time)))
                break

    def _runs(self, pid: int, program: str, time: int) -> None:
        """exec has come to its end: whoever called it is no more."""
        self.programs[pid] = program
        for t in self._threads.values():
            if t.slot is not None and t.track[0] == pid and t.call and t.call.name.startswith("execve"):
                self._end_call(t, time, 0)
                self._split_sleeps(t.track, time)

    def _split_sleeps(self, track: tuple[int, int], time: int) -> None:
        """The loader's thread, which has the same track, waits for the end of exec: that wait must not cross it."""
        for t in self._threads.values():
            if t.track == track and t.asleep:
                self._awake(t, time)
                t.asleep = self._slice("asleep", "asleep", track, time)

    def _handled(self, e: trace.Event) -> None:
        for s in self._unanswered.pop(e.thread, []):
            s.end = e.time

    def _begin(self, t: Thread, e: trace.Event, m: re.Match[str]) -> None:
        self._handled(e)
        client, token, server, method, args = int(m[1]), int(m[2]), self._shard(t, m[3]), m[4], m[5]
        self._server(server)
        submitter = self._client(client)
        # its latest event before this one: at the earliest then it wrote the request
        submitted = submitter.last if submitter else e.time
        if submitter:
            self.arrows.append(Arrow("request", (submitter.track, submitted), ((self.servers[server], UNANSWERED), e.time)))
        if id(e) not in self._answered:
            s = self._slice("rpc", f"{server}.{method}", (self.servers[server], UNANSWERED), e.time, client=client,
                            arguments=args, queued_us=(e.time - submitted) * 1e6 / self.hz, answer="none")
            self._unanswered[e.thread].append(s)
            self.tracks.setdefault(s.track, "unanswered")
            if submitter and method in _LAST_REQUESTS:
                self._end_call(submitter, e.time, None)
            return
        lanes = self._lanes[server]
        if None not in lanes:
            lanes.append(None)
        lane = lanes.index(None)
        s = self._slice("rpc", f"{server}.{method}", (self.servers[server], LANES + lane), e.time, client=client,
                        arguments=args, queued_us=(e.time - submitted) * 1e6 / self.hz)
        self.tracks.setdefault(s.track, f"requests {lane}")
        r = Request(server, submitter, submitter.call if submitter else None, s, submitted)
        lanes[lane] = self._requests[server, client, token] = r
        if submitter:
            submitter.requests += 1
            self.arrows[-1].end = (s.track, e.time)

    def _finish(self, t: Thread, e: trace.Event, m: re.Match[str]) -> None:
        r = self._requests.pop((self._shard(t, m[3]), int(m[1]), int(m[2])), None)
        if not r:
            return
        r.slice.end = e.time
        r.slice.args["answer"] = m[5]
        lanes = self._lanes[r.server]
        if r in lanes:
            lanes[lanes.index(r)] = None
        if r.client:
            r.client.requests -= 1
            self.arrows.append(Arrow("answer", (r.slice.track, e.time), (r.client.track, e.time)))
        if r.call:
            r.call.args["in servers_us"] = r.call.args.get("in servers_us", 0.0) + (e.time - r.slice.start) * 1e6 / self.hz


# -- the file --


def _us(ticks: int, t: Timeline) -> float:
    return round((ticks - t.start) * 1e6 / t.hz, 3)


def _metadata(t: Timeline) -> Iterable[dict[str, Any]]:
    def name(what: str, pid: int, tid: int, text: str, order: int | None = None) -> Iterable[dict[str, Any]]:
        yield {"ph": "M", "name": f"{what}_name", "pid": pid, "tid": tid, "args": {"name": text}}
        if order is not None:
            yield {"ph": "M", "name": f"{what}_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": order}}

    yield from name("process", HARTS, 0, "harts", -2)
    for track in sorted({s.track for s in [*t.slices, *t.instants] if s.track[0] == HARTS}):
        yield from name("thread", HARTS, track[1], f"hart {track[1]}" if track[1] < 100 else f"thread {track[1] - 100:x}",
                        track[1])
    for server, pid in t.servers.items():
        yield from name("process", pid, 0, f"{server} (server)", -1)
    for pid, program in t.programs.items():
        yield from name("process", pid, pid, f"{program}", pid)
    for track, text in t.tracks.items():
        yield from name("thread", *track, text)


def chrome_json(events: list[trace.Event], hz: int) -> str:
    """The whole file. Slices of one track nest or follow one another, which the format demands."""
    t = Timeline(events, hz)
    out: list[dict[str, Any]] = list(_metadata(t))
    for s in t.slices:
        end = s.end if s.end is not None else t.end
        out.append({"ph": "X", "cat": s.kind, "name": s.name, "pid": s.track[0], "tid": s.track[1], "ts": _us(s.start, t),
                    "dur": round((end - s.start) * 1e6 / hz, 3), "args": s.args})
    for i in t.instants:
        out.append({"ph": "i", "s": "t", "cat": i.kind, "name": i.name, "pid": i.track[0], "tid": i.track[1],
                    "ts": _us(i.time, t), "args": i.args})
    for number, a in enumerate(t.arrows):
        for phase, (track, time), more in (("s", a.begin, {}), ("f", a.end, {"bp": "e"})):
            out.append({"ph": phase, "cat": a.kind, "name": a.kind, "id": number, "pid": track[0], "tid": track[1],
                        "ts": _us(time, t), **more})
    lines = ",\n".join(json.dumps(e, separators=(",", ":")) for e in out)
    return '{"displayTimeUnit":"ns","traceEvents":[\n' + lines + "\n]}\n"


# -- where the time went --


def load(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text())["traceEvents"]
        return [e for e in found if isinstance(e, dict)]
    except OSError as error:
        raise BuildError(f"cannot read {path}: {error.strerror}", do="name a file that --trace FILE wrote") from None
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{path} is no trace", do="name a file that --trace FILE wrote, not ending in .txt") from None


def _percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _table(title: str, head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(w.ljust(n) if i == 0 else w.rjust(n) for i, (w, n) in enumerate(zip(r, widths, strict=True)))
             for r in [head, *rows]]
    return [title, *lines, ""]


def _call_rows(events: list[dict[str, Any]], top: int) -> list[list[str]]:
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for e in events:
        if e.get("cat") == "syscall":
            calls[e["name"]].append(e)
    rows = []
    for name, found in sorted(calls.items(), key=lambda kv: -sum(e["dur"] for e in kv[1]))[:top]:
        took = [e["dur"] for e in found]
        served = sum(e["args"].get("in servers_us", 0.0) for e in found)
        rows.append([name, str(len(found)), f"{sum(took):.1f}", f"{statistics.median(took):.1f}",
                     f"{_percentile(took, 0.99):.1f}", f"{min(served, sum(took)):.1f}",
                     f"{max(sum(took) - served, 0.0):.1f}"])
    return rows


def _request_rows(events: list[dict[str, Any]], top: int) -> list[list[str]]:
    requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for e in events:
        if e.get("cat") == "rpc" and e.get("ph") == "X":
            requests[e["name"]].append(e)
    rows = []
    for name, found in sorted(requests.items(), key=lambda kv: -sum(e["dur"] for e in kv[1]))[:top]:
        took = [e["dur"] for e in found]
        queued = [e["args"].get("queued_us", 0.0) for e in found]
        rows.append([name, str(len(found)), f"{sum(took):.1f}", f"{statistics.median(took):.1f}",
                     f"{_percentile(took, 0.99):.1f}", f"{statistics.median(queued):.1f}"])
    return rows


def summary(path: Path, top: int = 15) -> str:
    """The costliest system calls and requests of a trace, the harts' load, and what else was counted."""
    events = load(path)
    times = [e["ts"] + e.get("dur", 0.0) for e in events if "ts" in e]
    whole = max(times, default=0.0)
    out = [f"{path}: {whole / 1e6:.6f} s, {len(events)} events", ""]
    calls, requests = _call_rows(events, top), _request_rows(events, top)
    if calls:
        out += _table("System calls, by time (us)", ["", "calls", "total", "median", "p99", "in servers", "elsewhere"], calls)
    if requests:
        out += _table("Requests, by time in the server (us)", ["", "requests", "total", "median", "p99", "queued"], requests)
    harts: dict[int, float] = defaultdict(float)
    for e in events:
        if e.get("cat") == "run":
            harts[e["tid"]] += e["dur"]
    out += _table("Harts", ["", "busy us", "of the time"],
                  [[f"hart {h}", f"{busy:.1f}", f"{100 * busy / whole if whole else 0:.1f} %"] for h, busy in sorted(harts.items())])
    counts: dict[str, int] = defaultdict(int)
    for e in events:
        if e.get("ph") == "i":
            counts[e["cat"]] += 1
    out += _table("Counted", ["", "times"], [[kind, str(n)] for kind, n in sorted(counts.items())])
    return "\n".join(out)
