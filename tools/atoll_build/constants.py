# SPDX-License-Identifier: MIT
"""Constants of C headers: `#define NAME expression` without parameters, and enumerators.

Only what is asked for is evaluated, so that macros which are no numbers do no harm. Arithmetic is Python's.
"""

from __future__ import annotations

import re
from pathlib import Path

from .errors import BuildError
from .paths import ROOT

HEADERS = tuple(ROOT / p for p in ("microkernel/abi/atoll/types.h", "microkernel/abi/atoll/objects.h",
                                   "microkernel/abi/atoll/trace.h", "libipc/include/libipc/ring.h",
                                   "libipc/include/libipc/system.h"))


class Constants(dict[str, int]):
    """Values by name; `text[name]` is an expression that was not needed yet."""

    def __init__(self, headers: tuple[Path, ...] = HEADERS) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        for header in headers:
            self._read(re.sub(r"/\*.*?\*/|//[^\n]*|\\\n", " ", header.read_text(), flags=re.S))

    def _read(self, source: str) -> None:
        self.text.update(re.findall(r"^#define[ \t]+(\w+)[ \t]+(\S[^\n]*)$", source, re.M))
        for body in re.findall(r"\benum\b\s*\w*\s*\{([^{}]*)\}", source):
            before, step = "-1", 0
            for item in filter(None, (i.strip() for i in body.split(","))):
                name, _, value = (p.strip() for p in item.partition("="))
                before, step = (value, 0) if value else (before, step + 1)
                self.text[name] = f"({before}) + {step}"

    def __missing__(self, name: str) -> int:
        if name not in self.text:
            raise KeyError(name)
        self[name] = self.value(self.text[name])
        return self[name]

    def value(self, expression: str) -> int:
        """The value of a C expression of numbers, names and arithmetic; KeyError names what is unknown."""
        words = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b", r"\1", expression).replace("/", "//")
        if not re.fullmatch(r"[\w\s+*%/()<>|&~-]*", words):
            raise BuildError(f"not an expression of constants: '{expression}'")
        try:
            return int(eval(words, {"__builtins__": {}}, self))  # noqa: S307 (checked above: names and arithmetic)
        except (SyntaxError, TypeError, ZeroDivisionError):
            raise BuildError(f"not an expression of constants: '{expression}'") from None
        except NameError as error:
            raise KeyError(error.name) from None
