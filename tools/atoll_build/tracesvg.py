# SPDX-License-Identifier: MIT
"""A part of a timeline (timeline.py) as a picture: a row for each track, requests and answers as arrows."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from .errors import BuildError
from .timeline import HARTS, SERVERS, load

WIDTH, LEFT, ROW, TEXT = 1240, 150, 20, 6.2     # pixels; TEXT is about the width of a letter
COLOURS = {"syscall": "#4c78a8", "rpc": "#f58518", "asleep": "#d8d8d8", "run": "#72b7b2"}
INSTANTS = {"fault": "#e45756", "spin failed": "#b279a2", "ipi": "#54a24b", "trap": "#9d755d"}
GUEST_COLOURS = ("#54a24b", "#b279a2", "#9d755d", "#eeca3b", "#ff9da6")


class _Picture:
    def __init__(self, events: list[dict[str, Any]], begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self.names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e.get("name") == "thread_name"}
        self.processes = {e["pid"]: e["args"]["name"] for e in events if e.get("name") == "process_name"}
        self.slices = [e for e in events if e.get("ph") == "X" and self._inside(e["ts"], e["ts"] + e["dur"])]
        self.instants = [e for e in events if e.get("ph") == "i" and e["cat"] in INSTANTS and self._inside(e["ts"], e["ts"])]
        self.arrows = self._flows(events)
        used = {(e["pid"], e["tid"]) for e in self.slices if e["cat"] != "asleep"}
        used = {t for t in used if t[0] != HARTS or t[1] < 100}
        order = sorted(used, key=lambda t: (0 if t[0] == HARTS else 2 if t[0] >= SERVERS else 1, t))
        self.row = {track: i for i, track in enumerate(order)}
        self.out: list[str] = []

    def _inside(self, begin: float, end: float) -> bool:
        return end >= self.begin and begin <= self.end

    def _flows(self, events: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        ends: dict[tuple[str, int], dict[str, dict[str, Any]]] = defaultdict(dict)
        for e in events:
            if e.get("ph") in ("s", "f") and e["cat"] != "wake":
                ends[e["cat"], e["id"]][e["ph"]] = e
        return [(f["s"], f["f"]) for f in ends.values() if len(f) == 2 and self.begin <= f["s"]["ts"] and f["f"]["ts"] <= self.end]

    def x(self, time: float) -> float:
        inside = min(max(time, self.begin), self.end)
        return LEFT + (inside - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - 10)

    def y(self, track: tuple[int, int]) -> float:
        return 34.0 + self.row[track] * ROW

    def _colour(self, e: dict[str, Any]) -> str:
        if e["cat"] == "run" and e["name"].startswith("tid "):
            return GUEST_COLOURS[int(e["name"][4:]) % len(GUEST_COLOURS)]
        return COLOURS.get(e["cat"], "#bab0ac")

    def _box(self, e: dict[str, Any]) -> None:
        track = (e["pid"], e["tid"])
        if track not in self.row:
            return
        x, y = self.x(e["ts"]), self.y(track)
        width = max(self.x(e["ts"] + e["dur"]) - x, 0.6)
        inner = 6 if e["cat"] == "asleep" else 0
        about = f"{e['name']} {e['dur']:.1f} us {e['args'].get('arguments', '')} {e['args'].get('answer', '')}".strip()
        self.out.append(f'<rect x="{x:.1f}" y="{y + inner:.1f}" width="{width:.1f}" height="{ROW - 5 - inner}" '
                        f'fill="{self._colour(e)}"><title>{escape(about)}</title></rect>')
        if e["cat"] != "asleep" and width > len(e["name"]) * TEXT + 2:
            self.out.append(f'<text x="{x + 2:.1f}" y="{y + 11:.1f}" fill="#fff">{escape(e["name"])}</text>')

    def _scale(self) -> None:
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**4, 10**5, 10**6, 10**9)
                    if (self.end - self.begin) / s <= 12)
        bottom = 34 + len(self.row) * ROW
        at = 0.0
        while self.begin + at <= self.end:
            x = self.x(self.begin + at)
            self.out.append(f'<line x1="{x:.1f}" y1="24" x2="{x:.1f}" y2="{bottom}" stroke="#e8e8e8"/>'
                            f'<text x="{x + 2:.1f}" y="22" fill="#666">{at:.0f} us</text>')
            at += step

    def draw(self) -> str:
        self._scale()
        for track in self.row:
            name = self.names.get(track, f"{track[1]}")
            if track[0] != HARTS:
                name = f"{self.processes.get(track[0], '?').removesuffix(' (server)')}: {name}"
            self.out.append(f'<text x="4" y="{self.y(track) + 11:.1f}" fill="#222">{escape(name[:24])}</text>')
        for e in sorted(self.slices, key=lambda e: e["cat"] == "asleep"):
            self._box(e)
        for e in self.instants:
            track = (e["pid"], e["tid"])
            if track in self.row:
                self.out.append(f'<rect x="{self.x(e["ts"]):.1f}" y="{self.y(track) - 2:.1f}" width="1.2" height="{ROW - 2}" '
                                f'fill="{INSTANTS[e["cat"]]}"><title>{escape(e["name"])}</title></rect>')
        for begin, end in self.arrows:
            a, b = (begin["pid"], begin["tid"]), (end["pid"], end["tid"])
            if a in self.row and b in self.row:
                down = self.y(b) > self.y(a)
                self.out.append(f'<line x1="{self.x(begin["ts"]):.1f}" y1="{self.y(a) + (ROW - 5 if down else 0):.1f}" '
                                f'x2="{self.x(end["ts"]):.1f}" y2="{self.y(b) + (0 if down else ROW - 5):.1f}" '
                                'stroke="#444" stroke-width="0.6" marker-end="url(#head)"/>')
        height = 34 + len(self.row) * ROW + 30
        legend = "".join(f'<rect x="{LEFT + i * 120}" y="{height - 18}" width="10" height="10" fill="{c}"/>'
                         f'<text x="{LEFT + i * 120 + 14}" y="{height - 9}" fill="#222">{n}</text>'
                         for i, (n, c) in enumerate((("system call", COLOURS["syscall"]), ("request", COLOURS["rpc"]),
                                                     ("asleep", COLOURS["asleep"]), *INSTANTS.items())))
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
                'font-family="sans-serif" font-size="11">\n<defs><marker id="head" markerWidth="6" markerHeight="6" refX="5" '
                'refY="3" orient="auto"><path d="M0,0 L6,3 L0,6 z" fill="#444"/></marker></defs>\n'
                f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n' + "\n".join(self.out) + f"\n{legend}\n</svg>\n")


def _window(events: list[dict[str, Any]], program: str, span: tuple[float, float] | None) -> tuple[float, float]:
    if span:
        return span
    if program:
        pids = {e["pid"] for e in events if e.get("name") == "process_name" and e["args"]["name"] == program}
        found = [e for e in events if e.get("ph") == "X" and e["pid"] in pids and e["cat"] == "syscall" and e["name"] != "execve"]
        if not found:
            raise BuildError(f"no program '{program}' runs in this trace", do="see the names of processes in it")
    else:
        found = [e for e in events if e.get("ph") == "X"]
    return min(e["ts"] for e in found), max(e["ts"] + e["dur"] for e in found)


def draw(path: Path, out: Path, program: str = "", span: tuple[float, float] | None = None) -> None:
    """Write the picture of a time span (us), of a program's life, or of all."""
    events = load(path)
    begin, end = _window(events, program, span)
    if end <= begin:
        raise BuildError(f"{path}: nothing between {begin} and {end} us", do="give --span BEGIN END within the trace")
    out.write_text(_Picture(events, begin, end).draw())
