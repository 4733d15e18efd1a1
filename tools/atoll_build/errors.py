# SPDX-License-Identifier: MIT
"""The one exception that people see: what went wrong, where, and what to do about it."""

from __future__ import annotations


class BuildError(Exception):
    """A failure with an explanation; the command line prints it without a traceback."""

    def __init__(self, what: str, *, where: str = "", do: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.do = do
        self.detail = detail

    def render(self) -> str:
        lines: list[str] = []
        if self.detail:
            lines.append(self.detail.rstrip("\n"))
        lines.append(f"build.py: error: {self.what}")
        if self.where:
            lines.append(f"  where:   {self.where}")
        if self.do:
            lines.append(f"  to mend: {self.do}")
        return "\n".join(lines)
