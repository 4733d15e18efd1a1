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
    hint: str


EXCERPT = 160    # characters of a source line that are shown


class Stop(Exception):
    """Raised after a diagnostic that leaves nothing sensible to go on with in this file."""


@dataclass
class Diagnostics:
    """All errors of one run. `lines` maps a file to its source lines, for the printed excerpt."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)

    def add_source(self, file: str, text: str) -> None:
        self.lines[file] = text.split("\n")

    def error(self, pos: Pos, code: str, text: str, hint: str) -> None:
        self.found.append(Diagnostic(pos, code, text, hint))

    def fatal(self, pos: Pos, code: str, text: str, hint: str) -> Stop:
        self.error(pos, code, text, hint)
        return Stop()

    def render(self) -> str:
        out: list[str] = []
        for d in sorted(dict.fromkeys(self.found), key=lambda x: x.pos):
            out.append(f"{d.pos.file}:{d.pos.line}:{d.pos.col}: error {d.code}: {d.text}")
            source = self.lines.get(d.pos.file, [])
            if 1 <= d.pos.line <= len(source):
                line, col = _excerpt(source[d.pos.line - 1], d.pos.col - 1)
                out.append(f"  {line}")
                out.append("  " + " " * col + "^")
            out.append(f"  hint: {d.hint}")
        return "\n".join(out)


def _excerpt(line: str, col: int) -> tuple[str, int]:
    """The part of a source line to show, and the caret's column in it: one column for each character, whatever it is."""
    first = max(0, col - EXCERPT // 2) if len(line) > EXCERPT else 0
    shown = line[first:first + EXCERPT].replace("\t", " ")
    return "".join(c if c.isprintable() else "?" for c in shown).rstrip(), col - first
