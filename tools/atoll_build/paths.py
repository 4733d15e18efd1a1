# SPDX-License-Identifier: MIT
"""Where things are. Everything that is made lies under build/."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
BUILD = ROOT / "build"
GEN = BUILD / "gen"
LOG = BUILD / "log"
RUN = BUILD / "run"
THIRD_PARTY = BUILD / "third_party"
STAMPS = BUILD / "stamps"
TESTS = ROOT / "tests"

# The interpreter for everything that is started from here: jinja2, pytest and pexpect are Debian
# packages, which only the system's own python sees.
PYTHON = "/usr/bin/python3"


def rel(path: Path) -> str:
    """The path as people know it: relative to the repository when it lies inside."""
    try:
        return str(Path(path).relative_to(ROOT))
    except ValueError:
        return str(path)
