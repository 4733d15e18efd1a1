# SPDX-License-Identifier: MIT
"""Bad input: each mistake gives its number, its place, the source line with a caret, and never a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from compiler.__main__ import compile_files
from compiler.diag import Diagnostics

ROOT = Path(__file__).resolve().parents[2]


def compile_text(tmp_path: Path, text: str) -> Diagnostics:
    path = tmp_path / "bad.idl"
    path.write_text(text)
    diags = Diagnostics()
    compile_files([str(path)], diags)
    return diags


def wrap(body: str) -> str:
    return "interface t version 1 {\n" + body + "\n}\n"


# body, code, line, column, words of the message or hint
CASES = [
    ("method a = 1 (in u32 x) -> () $;", "E001", 2, 31, "unexpected character"),
    ("/* method a = 1", "E002", 2, 1, "does not end"),
    ("const A = 12ab;", "E003", 2, 11, "malformed number"),
    ("const A = 012;", "E003", 2, 11, "malformed number"),
    ("method a (in u32 x) -> ();", "E010", 2, 10, "every method has an ordinal"),
    ("method a = 1 (u32 x) -> ();", "E010", 2, 15, "expected 'in'"),
    ("method a = 1 (out u32 x) -> ();", "E010", 2, 15, "results stand behind"),
    ("method a = 1 (in u32 x);", "E010", 2, 24, "-> ()"),
    ("method a = 1 (in string path) -> ();", "E010", 2, 25, "has a bound"),
    ("struct s { u32 a[4]; }", "E010", 2, 17, "u32[4] name"),
    ("enum e : u8 { A }", "E010", 2, 17, "every value is written down"),
    ("frobnicate;", "E010", 2, 1, "expected a declaration"),
    ("method a = 1 () -> () fast;", "E011", 2, 23, "nonblocking"),
    ("method a = 1 (in strukt x) -> ();\nstruct struct1 { u32 a; }", "E020", 2, 18, "did you mean 'struct1'"),
    ("method a = 1 (in string<LIMIT> x) -> ();", "E020", 2, 25, "no constant is called"),
    ("enum e : bool { A = 1 }", "E020", 2, 6, "cannot be the base"),
    ("method a = 1 () -> ();\nmethod a = 2 () -> ();", "E021", 3, 8, "first in line 2"),
    ("method a = 1 (in u32 x, in u32 x) -> ();", "E021", 2, 32, "declared twice"),
    ("method a = 1 () -> ();\nmethod b = 1 () -> ();", "E022", 3, 12, "2 is free"),
    ("method a = 1 () -> () removed 1;\nevent b = 1 ();", "E022", 3, 11, "belongs to 'a' already"),
    ("method a = 0 () -> ();", "E023", 2, 12, "0 is reserved"),
    ("method a = 70000 () -> ();", "E023", 2, 12, "outside 1..65535"),
    ("struct s { u32 a; u64 b; }", "E024", 2, 23, "4 bytes of padding"),
    ("struct s { u64 a; u32 b; }", "E024", 2, 8, "end in 4 bytes"),
    ("enum e : u8 { A = 256 }", "E025", 2, 15, "does not fit u8"),
    ("method a = 1 (in string<0> x) -> ();", "E026", 2, 25, "outside 1..4095"),
    ("method a = 1 (in bytes<513> x) -> ();", "E026", 2, 24, "outside 1..512"),
    ("method a = 1 (lend in bytes<4> x, lend in bytes<4> y) -> ();", "E027", 2, 52, "at most one of each"),
    ("method a = 1 (lend in string<4> x) -> ();", "E028", 2, 23, "only bytes can be lent"),
    ("struct s { string<4> x; }", "E028", 2, 12, "cannot be a field"),
    ("method a = 1 () -> () errors (NO_SUCH);", "E029", 2, 31, "errors.h"),
    ("event a = 1 () -> ();", "E030", 2, 16, "no results"),
    ("event a = 1 (in string<4> x);", "E031", 2, 27, "inline words"),
    ("event a = 1 (in u64 a, in u64 b, in u64 c, in u64 d, in u64 e, in u64 f, in u8 g);", "E031", 2, 7, "48 bytes"),
    ("method a = 1 (in bytes<300> x, in bytes<300> y) -> ();", "E032", 2, 8, "a slot has 512"),
    ("method a = 1 () -> (bytes<400> x, string<200> y);", "E032", 2, 8, "the answer of 'a'"),
    ("method a = 1 (lend out bytes<4> x) -> ();", "E033", 2, 33, "u64 x_done"),
    ("struct s { s x; }", "E034", 2, 8, "contains itself"),
    ("method a = 1 (in u32 while) -> ();", "E036", 2, 22, "cannot be a name"),
    ("struct s { u32 int; }", "E036", 2, 16, "cannot be a name"),
    ("enum e : u8 { }", "E037", 2, 6, "has no values"),
]


@pytest.mark.parametrize("body,code,line,column,words", CASES, ids=[f"{c[1]}-{i}" for i, c in enumerate(CASES)])
def test_mistake_is_reported_at_its_place(tmp_path, body, code, line, column, words):
    diags = compile_text(tmp_path, wrap(body))
    found = [(d.code, d.pos.line, d.pos.col) for d in diags.found]
    assert (code, line, column) in found, diags.render()
    text = diags.render()
    assert words in text
    shown = re.search(rf":{line}:{column}: error {code}: .*\n  (.*)\n  ( *)\^", text)
    assert shown and len(shown.group(2)) == column - 1


def test_all_mistakes_are_reported_at_once(tmp_path):
    diags = compile_text(tmp_path, wrap("method a = 0 (in nix x) -> ();\nmethod b = 2 () -> () errors (NIX);"))
    assert [d.code for d in sorted(diags.found, key=lambda d: d.pos)] == ["E023", "E020", "E029"]


def test_interface_declared_twice(tmp_path):
    diags = compile_text(tmp_path, wrap("") + wrap(""))
    assert [d.code for d in diags.found] == ["E035"]


def test_every_truncation_of_the_sample_gives_a_diagnostic_and_no_traceback(tmp_path):
    text = (ROOT / "tests/idl/sample.idl").read_text()
    end = text.rindex("}")
    for cut in range(200, end, 61):
        diags = compile_text(tmp_path, text[:cut])
        assert diags.found, cut
        assert diags.render()


def test_command_line_says_what_is_wrong(tmp_path):
    def run(*args: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-m", "compiler", *args], capture_output=True, text=True,
                              env={"PYTHONPATH": str(ROOT / "idl"), "PATH": "/usr/bin"})

    done = run("--check", "/nonexistent.idl")
    assert done.returncode == 1 and "E040" in done.stderr and "Traceback" not in done.stderr
    binary = tmp_path / "x.idl"
    binary.write_bytes(b"\xff\xfe\x00")
    done = run("--check", str(binary))
    assert done.returncode == 1 and "not UTF-8" in done.stderr and "Traceback" not in done.stderr
    done = run("--out", "/proc/nowhere", str(ROOT / "tests/idl/sample.idl"))
    assert done.returncode == 1 and "E041" in done.stderr and "Traceback" not in done.stderr
