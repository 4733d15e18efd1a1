# SPDX-License-Identifier: MIT
"""Diagnostics: collected, sorted by position, printed with the source line and a caret."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Pos:
    """A place in a source file; line and column count from 1."""

    file: str
    line: int
    col: int


@dataclass(frozen=True)
class Diagnostic:
    pos: Pos
    code: str
    text: str
    hint: str = ""


class Stop(Exception):
    """Raised after a diagnostic that leaves nothing sensible to go on with in this file."""


@dataclass
class Diagnostics:
    """All errors of one run. `lines` maps a file to its source lines, for the printed excerpt."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)

    def add_source(self, file: str, text: str) -> None:
        self.lines[file] = text.splitlines()

    def error(self, pos: Pos, code: str, text: str, hint: str = "") -> None:
        self.found.append(Diagnostic(pos, code, text, hint))

    def fatal(self, pos: Pos, code: str, text: str, hint: str = "") -> Stop:
        self.error(pos, code, text, hint)
        return Stop()

    def render(self) -> str:
        out: list[str] = []
        for d in sorted(self.found, key=lambda x: x.pos):
            out.append(f"{d.pos.file}:{d.pos.line}:{d.pos.col}: error {d.code}: {d.text}")
            source = self.lines.get(d.pos.file, [])
            if 1 <= d.pos.line <= len(source):
                line = source[d.pos.line - 1].replace("\t", " ")
                out.append(f"  {line}")
                out.append("  " + " " * (d.pos.col - 1) + "^")
            if d.hint:
                out.append(f"  hint: {d.hint}")
        return "\n".join(out)
