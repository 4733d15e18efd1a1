# SPDX-License-Identifier: MIT
"""Results of tests, and reading them from TAP, from JUnit files and from exit statuses."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One test: passed, failed or skipped, and what to show when it failed."""

    name: str
    ok: bool
    detail: str = ""
    skipped: bool = False


LINE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s*)?([^#\n]*)(?:#\s*(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")


def parse(text: str, program: str, status: int | None) -> list[Case]:
    """Cases of a program's TAP output. A wrong plan, a bad status, and no TAP at all are cases too."""
    cases: list[Case] = []
    plan: int | None = None
    comments: list[str] = []
    for line in text.replace("\r", "").splitlines():
        if line.startswith("#"):
            comments.append(line)
            continue
        if found := PLAN.match(line):
            plan = int(found.group(1))
            continue
        found = LINE.match(line)
        if not found:
            continue
        failed, number, name, directive = found.groups()
        words = (directive or "").strip()
        skipped = words.lower().startswith(("skip", "todo"))
        title = f"{program}: {name.strip() or number or len(cases) + 1}"
        cases.append(Case(title, not failed or skipped, words if skipped else "\n".join(comments) if failed else "", skipped))
        comments = []
    if not cases and plan is None:
        ok = status == 0
        return [Case(program, ok, "" if ok else _ending(status, text))]
    if plan is not None and plan != len(cases):
        cases.append(Case(f"{program}: plan", False, f"planned {plan} tests, saw {len(cases)}\n{_last(text)}"))
    elif status != 0 and all(c.ok for c in cases):
        cases.append(Case(f"{program}: exit status", False, _ending(status, text)))
    return cases


def _last(text: str, lines: int = 40) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])


def _ending(status: int | None, text: str) -> str:
    how = "did not finish in time" if status is None else f"ended with status {status}"
    return f"{how}; its last output:\n{_last(text)}"


def parse_junit(path: Path, suite: str) -> list[Case]:
    cases = []
    for node in ElementTree.parse(path).iter("testcase"):
        name = f"{node.get('classname', suite).split('.')[-1]}: {node.get('name')}"
        bad = node.find("failure") if node.find("failure") is not None else node.find("error")
        skipped = node.find("skipped")
        detail = (bad.get("message") or "") + "\n" + (bad.text or "") if bad is not None else ""
        if skipped is not None:
            detail = skipped.get("message") or ""
        cases.append(Case(name, bad is None, detail, skipped is not None))
    return cases
