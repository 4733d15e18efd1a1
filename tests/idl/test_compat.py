# SPDX-License-Identifier: MIT
"""--check-compat: each change is called what it is, and what the layout hash sees is never called harmless."""

import random
import re
import subprocess
from pathlib import Path

import pytest
from compiler.__main__ import compile_files
from compiler.__main__ import main as cli_main
from compiler.compat import compare
from compiler.diag import Diagnostics

ROOT = Path(__file__).resolve().parents[2]

BASE = """interface t version 3 {
    const LIMIT = 8;
    enum op : u8 { ADD = 0, SUB = 1 }
    flags mode : u32 { READ = 1, WRITE = 2 }
    struct point { i32 x; i32 y; u64 z; }
    struct lent { u64 a; }
    variant choice : u32 { none = 0; u64 number = 1; point where = 2; }
    object file { READ = 1, WRITE = 2 }
    errors { NOT_FOUND, ACCESS }
    method open = 1 (in string<64> path, in op what, in mode how) -> (i32 fd) nonblocking;
    method move = 2 (in point p, in u32 steps) -> (point p, u64 done);
    method read = 3 (in i32 fd, lend out bytes<4096> data) -> (u64 done) errors (NOT_FOUND) cancellable;
    method gone = 4 () -> () removed 2;
    method list = 5 (in array<u32, LIMIT> ids) -> () idempotent;
    method seek = 8 (in handle<file, READ> f, give in bytes<64> data) -> ();
    method choose = 6 (in choice c) -> ();
    event closed = 9 (in i32 fd);
}
"""

# what is replaced, by what, what it breaks, words
CASES = [
    ("interface t", "/// Documented.\ninterface t", None, ""),
    ("version 3", "version 4", "wire", "version 3 became 4"),
    ("LIMIT = 8;", "LIMIT = 8; const OTHER = 1;", "ok", "new constant OTHER"),
    ("LIMIT", "BOUND", "source", "LIMIT is gone"),
    ("LIMIT = 8", "LIMIT = 9", "wire", "list: parameter ids, array<u32, 8>, became array<u32, 9>"),
    ("SUB = 1", "SUB = 1, MUL = 2", "ok", "a server built from OLD refuses it"),
    ("SUB = 1", "SUB = 2", "wire", "op.SUB: 1 became 2"),
    ("SUB = 1", "MINUS = 1", "source", "op.SUB is gone"),
    (", SUB = 1", "", "wire+source", "op.SUB is gone"),
    (", WRITE = 2", "", "wire+source", "mode.WRITE is gone"),
    ("op : u8", "op : u16", "wire+source", "enum op : u8 became enum : u16"),
    ("i32 x; i32 y;", "i32 y; i32 x;", "wire+source", "struct point: x is called y"),
    ("i32 x; i32 y;", "i32 x; u32 y;", "wire+source", "struct point: y, i32, became u32 y"),
    ("u64 z; }", "u64 z; u64 more; }", "wire", "16 bytes became 24"),
    ("struct lent { u64 a; }", "struct lent { u32 a; u32 b; }", "wire+source", "a, u64, became u32 a"),
    ("struct lent { u64 a; }", "", "source", "struct lent is gone"),
    ("struct lent", "struct more { u8 x; } struct lent", "ok", "new struct more"),
    ("string<64>", "string<65>", "wire", "string<64>, became string<65>"),
    ("in op what", "in u8 what", "wire+source", "op, became u8"),
    ("in u32 steps", "in u32 steps, in u32 more", "wire+source", "new parameter more"),
    (", in u32 steps", "", "wire+source", "parameter steps is gone"),
    ("in u32 steps", "in u32 count", "source", "steps is called count"),
    ("(i32 fd) nonblocking", "(i32 file) nonblocking", "source", "result fd is called file"),
    ("method open = 1", "method opens = 1", "source", "open is called opens"),
    ("method open = 1", "method open = 7", "wire", "ordinal 1 became 7"),
    ("event closed = 9 (in i32 fd);", "method closed = 9 (in i32 fd) -> ();", "wire+source", "event became method"),
    ("event closed = 9 (in i32 fd);", "", "wire+source", "keep it with `removed 3`"),
    ("(in i32 fd);", "(in i32 fd) removed 3;", "wire+source", "closed is gone"),
    ("event closed", "method more = 10 () -> ();\n event closed", "wire+source", "servers need a handler"),
    ("method gone = 4 () -> () removed 2;", "method fresh = 4 () -> ();", "wire", "was that of gone"),
    ("nonblocking", "", "ok", "no longer nonblocking"),
    ("-> (point p, u64 done)", "-> (point p, u64 done) nonblocking", "source", "now nonblocking"),
    ("idempotent", "", "source", "no longer idempotent"),
    ("errors (NOT_FOUND)", "errors (NOT_FOUND, IO)", "source", "new errors IO"),
    ("errors (NOT_FOUND)", "errors ()", "ok", "no longer answers NOT_FOUND"),
    ("errors (NOT_FOUND)", "", "source", "new errors ACCESS"),
    ("errors { NOT_FOUND, ACCESS }", "", "source", "may answer any error"),
    ("errors (NOT_FOUND)", "errors (any)", "source", "read: may answer any error"),
    ("errors { NOT_FOUND, ACCESS }", "errors { NOT_FOUND, ACCESS } errors more { IO }", None, ""),
    ("errors { NOT_FOUND, ACCESS }", "errors both { NOT_FOUND, ACCESS } errors { both }", None, ""),
    ("cancellable", "cancellable deadline 10 ms", "source", "read: deadline none became 10 ms"),
    ("u64 number = 1;", "u64 number = 1; u8 more = 5;", "wire", "variant choice: new case more"),
    ("u64 number = 1;", "", "wire+source", "number, tag 1, is gone"),
    ("u64 number = 1;", "u32 number = 1;", "wire+source", "number, u64, became u32"),
    ("u64 number = 1;", "u64 count = 1;", "source", "number is called count"),
    ("choice : u32", "choice : u8", "wire+source", "variant choice : u32 became u8"),
    ("variant choice", "variant other : u8 { a = 1; } variant choice", "ok", "new variant other"),
    ("handle<file, READ>", "handle<file, READ | WRITE>", "source", "handle<file, READ>, became handle<file, READ | WRITE>"),
    ("WRITE = 2 }\n    errors", "WRITE = 4 }\n    errors", "ok", "file.WRITE: 2 became 4"),
    ("READ = 1, WRITE = 2 }\n    errors", "READ = 1 }\n    errors", "source", "file.WRITE is gone"),
    ("WRITE = 2 }\n    errors", "WRITE = 2, MAP = 4 }\n    errors", "ok", "new file.MAP"),
    ("object file", "object more; object file", "ok", "new object more"),
    ("give in", "in", "wire+source", "give in bytes<64>, became bytes<64>"),
    ("cancellable", "cancellable since 2", "ok", "since 1 became 2"),
]


def generators(path: Path, text: str):
    path.write_text(text)
    diags = Diagnostics()
    found = compile_files([str(path)], diags)
    return found if not diags.found else None


def changes(tmp_path: Path, old: str, new: str):
    return compare(generators(tmp_path / "old.idl", old), generators(tmp_path / "new.idl", new))


@pytest.mark.parametrize("old,new,breaks,words", CASES, ids=range(len(CASES)))
def test_change_is_called_what_it_is(tmp_path, old, new, breaks, words):
    assert old in BASE
    found = [str(c) for c in changes(tmp_path, BASE, BASE.replace(old, new))]
    if breaks is None:
        assert found == []
        return
    assert any(line.split()[0] == breaks and words in line for line in found), found


def test_break_that_the_hash_does_not_see_must_raise_the_version(tmp_path):
    new = BASE.replace("SUB = 1", "SUB = 2")
    assert "raise the version to 4" in "\n".join(map(str, changes(tmp_path, BASE, new)))
    assert "raise" not in "\n".join(map(str, changes(tmp_path, BASE, new.replace("version 3", "version 4"))))


def test_what_the_hash_sees_is_reported_as_a_wire_break(tmp_path):
    rng = random.Random(1)
    tokens = re.findall(r"\w+|->|\s+|.", BASE)
    compared = 0
    for _ in range(600):
        text = list(tokens)
        for _ in range(rng.choice((1, 1, 2))):
            at, other = rng.randrange(len(text)), rng.randrange(len(text))
            text[at] = rng.choice((text[other], "u32", "1", "7", "", "removed 3;", "idempotent"))
        new = generators(tmp_path / "new.idl", "".join(text))
        if new and len(new) == 1 and new[0].it.name == "t":
            old = generators(tmp_path / "old.idl", BASE)
            found = compare(old, new)
            assert old[0].hash == new[0].hash or any(c.wire for c in found), "".join(text)
            compared += 1
    assert compared > 40


def test_interfaces_of_a_file_come_and_go(tmp_path):
    other = BASE.replace("interface t", "interface u")
    assert [str(c).split()[0] for c in changes(tmp_path, BASE, other)] == ["wire+source", "ok"]


def test_exit_status_says_whether_something_breaks(tmp_path, capsys):
    old, new, bad = tmp_path / "old.idl", tmp_path / "new.idl", tmp_path / "bad.idl"
    old.write_text(BASE)
    new.write_text(BASE.replace("LIMIT = 8;", "LIMIT = 8; const MORE = 1;"))
    assert cli_main(["--check-compat", str(old), str(new)]) == 0
    assert "1 changes: 0 break the wire, 0 the source" in capsys.readouterr().out
    new.write_text(BASE.replace("string<64>", "string<65>"))
    assert cli_main(["--check-compat", str(old), str(new)]) == 1
    bad.write_text("interface")
    assert cli_main(["--check-compat", str(old), str(bad)]) == 2
    assert "error E010" in capsys.readouterr().err


def test_build_py_hands_options_to_the_compiler(tmp_path):
    old = tmp_path / "old.idl"
    old.write_text(BASE)
    done = subprocess.run([str(ROOT / "build.py"), "idl", "--check-compat", str(old), str(old)], capture_output=True, text=True)
    assert done.returncode == 0 and "0 changes" in done.stdout, done.stderr
