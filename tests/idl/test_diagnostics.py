# SPDX-License-Identifier: MIT
"""Bad input: each mistake gives its number, its place, the source line with a caret, a hint, and never a traceback.

All that is printed for the cases is in diagnostics.txt. After a wanted change: PYTHONPATH=idl /usr/bin/python3 tests/idl/test_diagnostics.py
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from compiler.__main__ import compile_files
from compiler.diag import Diagnostics

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).resolve().parent / "diagnostics.txt"


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
    ("const A = 0x1_0000_0000_0000_0000;", "E004", 2, 11, "more than 64 bits"),
    ("const A = -9223372036854775809;", "E004", 2, 11, "the smallest is"),
    ("const A = 0x_;", "E003", 2, 11, "malformed number"),
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
    ("method a = 1 () -> () errors (later);\nerrors later { IO }\nerrors first { second }\nerrors second { IO }", "E029", 4, 16,
     "only those declared before"),
    ("errors IO { ACCESS }", "E021", 2, 8, "the name of an error already"),
    ("errors x { IO }\nerrors x { ACCESS }\nmethod a = 1 () -> () errors (x);", "E021", 3, 8, "declared twice"),
    ("method a = 1 () -> () errors (any, IO);", "E043", 2, 8, "says it all"),
    ("method a = 1 () -> () deadline 5;", "E010", 2, 33, "us, ms or s"),
    ("method a = 1 () -> () deadline 2 h;", "E010", 2, 34, "expected a unit"),
    ("method a = 1 () -> () deadline 0 ms;", "E044", 2, 32, "to wait for ever"),
    ("method a = 1 () -> () deadline 3601 s;", "E044", 2, 32, "outside 1 us..3600 s"),
    ("event a = 1 () deadline 1 s;", "E030", 2, 7, "no errors"),
    ("variant v { a = 1; }", "E010", 2, 11, "write the tag's type"),
    ("variant v : u8 { u32 a; }", "E010", 2, 23, "every tag is written down"),
    ("variant v : bool { a = 1; }", "E020", 2, 9, "cannot be the type of a tag"),
    ("variant v : u8 { string<8> a = 1; }", "E028", 2, 18, "cannot be a field"),
    ("variant v : u8 { a = 1; }\nstruct s { v x; }", "E028", 3, 12, "make it a parameter"),
    ("variant v : u8 { a = 1; }\nmethod m = 1 (in array<v, 3> x) -> ();", "E028", 3, 18, "an array of variant"),
    ("variant v : u8 { a = 1; b = 1; }", "E045", 2, 25, "used twice"),
    ("variant v : u8 { a = 256; }", "E025", 2, 18, "does not fit u8"),
    ("variant v : u8 { u32 tag = 1; }", "E036", 2, 22, "cannot be a name"),
    ("variant v : u8 { }", "E037", 2, 9, "has no cases"),
    ("variant v : u8 { a = 1; }\nenum v : u8 { B = 1 }", "E021", 2, 9, "declared twice"),
    ("variant v : u8 { a = 1; }\nconst V_A = 1;\nmethod m = 1 () -> ();", "E038", 2, 18, "'T_V_A'"),
    ("method a = 1 (in handle<file> f) -> ();", "E020", 2, 18, "no object is called"),
    ("object file { READ = 1 }\nmethod a = 1 (in handle<file, WRITE> f) -> ();", "E020", 3, 31, "it has READ"),
    ("object file;\nmethod a = 1 (in handle<file, WRITE> f) -> ();", "E020", 3, 31, "without rights"),
    ("object file { READ = 0 }", "E025", 2, 15, "a bit for each"),
    ("object file { READ = 1, READ = 2 }", "E021", 2, 25, "declared twice"),
    ("object file { READ = 1 }\nmethod a = 1 (in handle<file, READ | READ> f) -> ();", "E021", 3, 38, "declared twice"),
    ("object file READ", "E010", 2, 13, "without rights"),
    ("object file;\nstruct s { handle<file> f; }", "E028", 3, 12, "would not be looked up"),
    ("object file;\nmethod a = 1 (in handle<file> f, in u32 f_handle) -> ();", "E038", 3, 41, "'f_handle'"),
    ("method a = 1 (give in bytes<4> x, give in bytes<4> y) -> ();", "E027", 2, 52, "at most one of each"),
    ("method a = 1 (give in string<4> x) -> ();", "E028", 2, 23, "only bytes can be given"),
    ("method a = 1 (give in bytes<600> x) -> ();", "E026", 2, 29, "outside 1..512"),
    ("method a = 1 (give in bytes<300> x, in bytes<300> y) -> ();", "E032", 2, 8, "a slot has 512"),
    ("method a = 1 (give out bytes<300> x) -> ();", "E010", 2, 20, "'give in'"),
    ("event a = 1 () -> ();", "E030", 2, 16, "no results"),
    ("event a = 1 (in string<4> x);", "E031", 2, 27, "inline words"),
    ("event a = 1 (in u64 a, in u64 b, in u64 c, in u64 d, in u64 e, in u64 f, in u8 g);", "E031", 2, 7, "48 bytes"),
    ("method a = 1 (in bytes<300> x, in bytes<300> y) -> ();", "E032", 2, 8, "a slot has 512"),
    ("method a = 1 () -> (bytes<400> x, string<200> y);", "E032", 2, 8, "the answer of 'a'"),
    ("method a = 1 (lend out bytes<4> x) -> ();", "E033", 2, 33, "u64 x_done"),
    ("struct s { s x; }", "E034", 2, 8, "contains itself"),
    ("method a = 1 (in u32 while) -> ();", "E036", 2, 22, "cannot be a name"),
    ("struct s { u32 int; }", "E036", 2, 16, "cannot be a name"),
    ("method a = 1 (in u32 call) -> ();", "E036", 2, 22, "cannot be a name"),
    ("method a = 1 (in u32 linux) -> ();", "E036", 2, 22, "cannot be a name"),
    ("method a = 1 (in u32 _x) -> (u32 size_t);", "E036", 2, 34, "no '_t' behind"),
    ("enum e : u8 { }", "E037", 2, 6, "has no values"),
    ("struct s { }", "E037", 2, 8, "has no fields"),
    ("const A = 1;", "E037", 1, 11, "has no methods"),
    ("method a = 1 () -> ();\nmethod a_submit = 2 () -> ();", "E038", 3, 8, "the other is in line 2"),
    ("method a = 1 () -> ();\nmethod A = 2 () -> ();", "E038", 3, 8, "'T_METHOD_A'"),
    ("method a = 1 () -> (string<8> x, u32 x_bytes);", "E038", 2, 38, "'x_bytes'"),
    ("method a = 1 () -> ();\nconst VERSION = 1;", "E038", 3, 7, "'T_VERSION'"),
    ("struct s { u64[4096] a; u64[4096] b; u64 c; }", "E039", 2, 8, "at most 65536"),
    (" ".join(f"struct s{i} {{ s{i + 1} x; }}" for i in range(40)) + " struct s40 { u8 x; }", "E039", 2, 363,
     "inside others"),
    ("method a = 1 () -> () since 2;", "E042", 2, 8, "since 1..1"),
    ("method a = 1 () -> () removed 2;", "E042", 2, 8, "at most 1"),
    ("method a = 1 () -> () nonblocking cancellable;", "E043", 2, 8, "leave one out"),
    ("method a = 1 () -> () nonblocking nonblocking;", "E011", 2, 35, "said twice"),
    ("event a = 1 () idempotent;", "E030", 2, 7, "no answer"),
]


def render(tmp_path: Path, body: str) -> str:
    """What is printed for a case; the file's folder left out."""
    return compile_text(tmp_path, wrap(body)).render().replace(f"{tmp_path}/", "")


def golden(tmp_path: Path) -> str:
    return "".join(f"==== {body}\n{render(tmp_path, body)}\n\n" for body, *_ in CASES)


@pytest.mark.parametrize("body,code,line,column,words", CASES, ids=[f"{c[1]}-{i}" for i, c in enumerate(CASES)])
def test_mistake_is_reported_at_its_place(tmp_path, body, code, line, column, words):
    diags = compile_text(tmp_path, wrap(body))
    found = [(d.code, d.pos.line, d.pos.col) for d in diags.found]
    assert (code, line, column) in found, diags.render()
    text = diags.render()
    assert words in text
    shown = re.search(rf":{line}:{column}: error {code}: .*\n  (.*)\n  ( *)\^\n  hint: ", text)
    assert shown and (len(shown.group(2)) == column - 1 or column > 80)


def test_what_is_printed_is_the_golden_text(tmp_path):
    assert golden(tmp_path) == GOLDEN.read_text(), "see the docstring of this file"


def test_every_number_has_a_case_and_is_documented():
    """E035, E040 and E041 have tests of their own below: they need more than one file."""
    source = "".join(p.read_text() for p in (ROOT / "idl/compiler").glob("*.py"))
    numbers = set(re.findall(r'"(E0\d\d)"', source))
    assert numbers == {case[1] for case in CASES} | {"E035", "E040", "E041"}
    table = set(re.findall(r"^\| (E0\d\d) \|", (ROOT / "docs/idl.md").read_text(), re.MULTILINE))
    assert numbers == table


def test_caret_stands_under_the_character_whatever_the_line_holds(tmp_path):
    text = wrap("").replace("{\n", "{ /* \u2028 \x0c \x01 \t é */ frobnicate\n")
    shown = compile_text(tmp_path, text).render().split("\n")
    assert shown[2].index("^") == shown[1].index("frobnicate")
    long = compile_text(tmp_path, "/*" + "x" * 5000 + "*/ ?" + "y" * 5000).render().split("\n")
    assert long[1][long[2].index("^")] == "?" and len(long[1]) < 200


def test_all_mistakes_are_reported_at_once(tmp_path):
    diags = compile_text(tmp_path, wrap("method a = 0 (in nix x) -> ();\nmethod b = 2 () -> () errors (NIX);"))
    assert [d.code for d in sorted(diags.found, key=lambda d: d.pos)] == ["E023", "E020", "E029"]


def test_interface_declared_twice(tmp_path):
    body = "event a = 1 ();"
    diags = compile_text(tmp_path, wrap(body) + wrap(body).replace("interface t", "interface T"))
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


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(golden(Path(folder)))
