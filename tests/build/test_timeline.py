# SPDX-License-Identifier: MIT
"""--trace as a timeline: slices nest, requests have their arrows, the summary adds up, the picture is drawn."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from atoll_build import timeline, trace, tracesvg
from atoll_build.errors import BuildError
from atoll_build.paths import ROOT

GUEST, FS, HZ = 5, 9, 1_000_000


class Script:
    """Events, a microsecond each."""

    def __init__(self) -> None:
        self.events: list[trace.Event] = []

    def add(self, kind: int, thread: int, a: int = 0, b: int = 0, *, hart: int = 0, text: str = "") -> None:
        self.events.append(trace.Event(len(self.events), hart, thread, kind, a, b, text))

    def name(self, thread: int, name: str) -> None:
        raw = name.encode().ljust(16, b"\0")
        self.add(trace.NAME, thread, int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little"))


def one_request() -> Script:
    s = Script()
    s.name(GUEST, "12/13@40")
    s.name(FS, "fs")
    s.add(trace.SWITCH, 0, GUEST)
    s.add(trace.SWITCH, 0, FS, hart=1)
    s.add(trace.TEXT, FS, hart=1, text="process 12 runs cat")
    s.add(trace.REFLECT, GUEST, 63, 13)
    s.add(trace.TEXT, FS, hart=1, text="rpc 40.3 fs.read(fd=3, data=[9 bytes])")
    s.add(trace.WAKE, FS, GUEST, 100, hart=1)
    s.add(trace.TEXT, FS, hart=1, text="rpc 40.3 fs.read -> done=9")
    s.add(trace.RESUME, GUEST, 9, 13)
    return s


def load(s: Script, tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    path = tmp_path / "t.json"
    path.write_text(timeline.chrome_json(s.events, HZ))
    return path, timeline.load(path)


def crossing(events: list[dict[str, Any]]) -> list[Any]:
    """Slices of one track that neither nest nor follow one another, which the format forbids."""
    tracks: dict[tuple[int, int], list[tuple[int, int, str]]] = defaultdict(list)
    for e in events:
        if e.get("ph") == "X":
            tracks[e["pid"], e["tid"]].append((round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000), e["name"]))
    for track, spans in tracks.items():
        stack: list[tuple[int, int, str]] = []
        for begin, end, name in sorted(spans, key=lambda s: (s[0], -s[1])):
            while stack and stack[-1][1] <= begin:
                stack.pop()
            if stack and end > stack[-1][1]:
                return [track, stack[-1], (begin, end, name)]
            stack.append((begin, end, name))
    return []


def test_a_request_is_a_slice_with_arrows_from_and_to_its_system_call(tmp_path: Path) -> None:
    _, events = load(one_request(), tmp_path)
    call = next(e for e in events if e.get("cat") == "syscall")
    request = next(e for e in events if e.get("cat") == "rpc")
    assert (call["name"], call["pid"], call["tid"], call["args"]["result"]) == ("read", 12, 13, 9)
    assert request["name"] == "fs.read" and request["args"]["arguments"] == "fd=3, data=[9 bytes]"
    assert call["ts"] < request["ts"] and request["ts"] + request["dur"] < call["ts"] + call["dur"]
    flows = {(e["cat"], e["ph"]): e for e in events if e.get("ph") in ("s", "f")}
    assert (flows["request", "s"]["pid"], flows["request", "f"]["pid"]) == (12, request["pid"])
    assert (flows["answer", "s"]["pid"], flows["answer", "f"]["pid"]) == (request["pid"], 12)
    assert {"ph": "M", "name": "process_name", "pid": 12, "tid": 12, "args": {"name": "cat"}} in events


def test_a_request_of_a_server_comes_from_that_server(tmp_path: Path) -> None:
    s = one_request()
    s.name(8, "proc")
    s.add(trace.TEXT, 8, hart=1, text="rpc 2.0 proc.rename(pid=12)")        # 2: SERVER_FS
    s.add(trace.TEXT, 8, hart=1, text="rpc 2.0 proc.rename -> ")
    _, events = load(s, tmp_path)
    asked = [e for e in events if e.get("ph") == "s" and e["cat"] == "request"][-1]
    server = next(e["pid"] for e in events if e.get("name") == "process_name" and e["args"]["name"] == "fs (server)")
    assert asked["pid"] == server


def test_overlapping_requests_get_lanes_of_their_own(tmp_path: Path) -> None:
    s = one_request()
    for token in (1, 2):
        s.add(trace.TEXT, FS, hart=1, text=f"rpc 40.{token} fs.poll(n={token})")
    for token in (1, 2):
        s.add(trace.TEXT, FS, hart=1, text=f"rpc 40.{token} fs.poll -> done=1")
    _, events = load(s, tmp_path)
    polls = [e for e in events if e.get("name") == "fs.poll"]
    assert len({e["tid"] for e in polls}) == 2 and not crossing(events)


def test_a_request_without_an_answer_ends_when_the_server_looks_for_the_next(tmp_path: Path) -> None:
    s = one_request()
    s.add(trace.TEXT, FS, hart=1, text="rpc 1.0 fs.process_open(slot=40)")
    s.add(trace.CALL, FS, 6, 0, hart=1)      # signal: still at it
    s.add(trace.SWITCH, FS, 0, hart=1)
    s.add(trace.IRQ, 0, 8, hart=1)
    _, events = load(s, tmp_path)
    assert next(e for e in events if e.get("name") == "fs.process_open")["dur"] == 2


def test_a_signal_has_an_arrow_to_the_thread_that_takes_it(tmp_path: Path) -> None:
    s = Script()
    s.name(GUEST, "12/13@40")
    s.name(FS, "proc")
    for text in ("signal 17 to 12/0", "signal 9 to 14/0", "signal 40 to 12/13", "signal 40 taken by 12/13",
                 "signal 17 taken by 12/13"):
        s.add(trace.TEXT, FS, hart=1, text=text)
    _, events = load(s, tmp_path)
    names = [e["name"] for e in events if e.get("cat") == "signal" and e["ph"] == "i"]
    assert names == ["SIGCHLD to 12", "SIGKILL to 14", "signal 40 to 12/13", "signal 40 taken", "SIGCHLD taken"]
    ends = [(e["pid"], e["tid"], e["ts"]) for e in events if e.get("cat") == "signal" and e["ph"] == "f"]
    assert ends == [(12, 13, 5.0), (12, 13, 6.0)]


def test_the_summary_adds_up(tmp_path: Path) -> None:
    path, _ = load(one_request(), tmp_path)
    text = timeline.summary(path)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows["read"] == ["1", "4.0", "4.0", "4.0", "2.0", "2.0"]
    assert rows["fs.read"] == ["1", "2.0", "2.0", "2.0", "1.0"]


def test_the_picture_is_svg_with_a_row_for_each_track(tmp_path: Path) -> None:
    path, _ = load(one_request(), tmp_path)
    tracesvg.draw(path, tmp_path / "t.svg", "cat")
    words = {node.text for node in ElementTree.parse(tmp_path / "t.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert {"cat: tid 13", "fs: requests 0", "hart 0"} <= words


@pytest.mark.parametrize("content", ["", "no json", "{}", "[1]", '{"traceEvents": 3}'])
def test_what_is_no_trace_is_refused_in_words(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(BuildError, match="is no trace"):
        timeline.summary(path)


def test_a_program_that_does_not_run_is_named(tmp_path: Path) -> None:
    path, _ = load(one_request(), tmp_path)
    with pytest.raises(BuildError, match="no program 'vi'"):
        tracesvg.draw(path, tmp_path / "t.svg", "vi")


def real(tmp_path: Path, command: str, *args: str) -> list[dict[str, Any]]:
    """The events of a guest that runs the command."""
    out = tmp_path / "trace.json"
    done = subprocess.run([str(ROOT / "build.py"), "qemu-riscv", "--timeout", "120", "--trace", str(out), *args, "--exec", command],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())["traceEvents"]


def test_a_real_trace_nests_and_names_its_programs(tmp_path: Path) -> None:
    events = real(tmp_path, "ls /; true")
    assert crossing(events) == []
    assert {"sh", "ls"} <= {e["args"]["name"] for e in events if e.get("name") == "process_name"}
    begun = {e["id"] for e in events if e.get("ph") == "s"}
    assert begun and begun == {e["id"] for e in events if e.get("ph") == "f"}
    ls = {e["pid"] for e in events if e.get("name") == "process_name" and e["args"]["name"] == "ls"}
    assert {"getdents64", "exit_group"} <= {e["name"] for e in events if e.get("cat") == "syscall" and e["pid"] in ls}
    assert {"fs.getdents", "proc.fork_commit"} <= {e["name"] for e in events if e.get("cat") == "rpc"}


def runs(events: list[dict[str, Any]]) -> list[tuple[str, int, float, float]]:
    """What ran when: thread, hart, begin, end."""
    return [(e["name"], e["tid"], e["ts"], e["ts"] + e["dur"]) for e in events if e.get("cat") == "run"]


def test_a_server_that_moves_runs_on_one_hart_at_a_time(tmp_path: Path) -> None:
    events = real(tmp_path, "for i in 1 2 3; do servers --move fs=0 proc=0; ls /bin; servers --move fs=1 proc=1; ls /; done >/dev/null")
    assert crossing(events) == []
    for server in ("fs", "proc"):
        own = sorted((begin, end, hart) for name, hart, begin, end in runs(events) if name == server)
        assert {hart for _, _, hart in own} == {0, 1}
        assert all(end <= begin + 0.001 for (_, end, _), (begin, _, _) in zip(own, own[1:])), server


def test_an_idle_hart_runs_nobody(tmp_path: Path) -> None:
    events = real(tmp_path, "sleep 3", "--icount")
    own = runs(events)
    assert sum(end - begin for *_, begin, end in own) < (max(o[3] for o in own) - min(o[2] for o in own)) / 2
