# SPDX-License-Identifier: MIT
"""Characters to tokens. Comments vanish, except `///` ones, which become the doc of the next token."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .diag import Diagnostics, Pos

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<doc>///[^\n]*)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<number>0[xX][0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*)(?![0-9A-Za-z_])"
    r"|(?P<ident>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<punct>->|[{}()\[\]<>,;:=|-])",
    re.DOTALL,
)


MAX_DIGITS = 100    # of a number, with its '_'


@dataclass(frozen=True)
class Token:
    kind: str  # ident, number, punct, end
    text: str
    pos: Pos
    doc: str = ""

    @property
    def value(self) -> int:
        return int(self.text.replace("_", ""), 0)

    def __str__(self) -> str:
        return "the end of the file" if self.kind == "end" else f"'{self.text}'"


def lex(file: str, text: str, diags: Diagnostics) -> list[Token]:
    tokens: list[Token] = []
    doc: list[str] = []
    line, line_start, at = 1, 0, 0
    while at < len(text):
        pos = Pos(file, line, at - line_start + 1)
        match = _TOKEN.match(text, at)
        if match is None:
            if text.startswith("/*", at):
                raise diags.fatal(pos, "E002", "this comment does not end", "close it with '*/'")
            if text[at].isdigit():
                raise diags.fatal(pos, "E003", "malformed number", "decimal or 0x hexadecimal, '_' may separate digits")
            raise diags.fatal(pos, "E001", f"unexpected character {ascii(text[at])}", "names, numbers and punctuation are ASCII")
        kind = match.lastgroup or ""
        lexeme = match.group()
        if kind == "doc":
            doc.append(lexeme[3:].strip())
        elif kind in ("number", "ident", "punct"):
            if kind == "number" and re.fullmatch(r"0[0-9_]+", lexeme):
                raise diags.fatal(pos, "E003", "malformed number", "a decimal number does not begin with 0")
            if kind == "number" and (len(lexeme) > MAX_DIGITS or int(lexeme.replace("_", ""), 0) >= 1 << 64):
                raise diags.fatal(pos, "E004", "a number of more than 64 bits", "the largest is 0xffffffffffffffff")
            tokens.append(Token(kind, lexeme, pos, "\n".join(doc)))
            doc = []
        newlines = lexeme.count("\n")
        if newlines:
            line += newlines
            line_start = at + lexeme.rindex("\n") + 1
        at = match.end()
    tokens.append(Token("end", "", Pos(file, line, at - line_start + 1)))
    return tokens
