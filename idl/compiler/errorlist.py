# SPDX-License-Identifier: MIT
"""The error names, read from the one list of errors in the kernel's ABI header."""

from __future__ import annotations

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parents[2] / "microkernel" / "abi" / "atoll" / "errors.h"

# What any method may answer: transport and resource errors that are no part of its meaning.
ALWAYS = ("CANCELLED", "INTERRUPTED", "RESTART", "TIMEOUT", "FAULT", "CLIENT_MEMORY", "BAD_MESSAGE", "NO_MEMORY", "NO_BUFFERS",
          "NOT_IMPLEMENTED", "INVALID_CALL", "PEER_CLOSED", "PEER_RESTARTED")


def load(header: Path = HEADER) -> dict[str, int]:
    text = header.read_text(encoding="utf-8")
    return {name: int(value) for name, value in re.findall(r"X\((\w+),\s*(\d+)\s*,\s*E\w+", text)}
