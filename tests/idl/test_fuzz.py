# SPDX-License-Identifier: MIT
"""Mutated interfaces: whatever the text, the compiler ends with diagnostics or with C that compiles without a warning.

A fixed count of mutants from a fixed seed; for longer: ./build.py test idl/fuzz --minutes 10
"""

import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from compiler.__main__ import compile_files
from compiler.diag import Diagnostics

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [p.read_text() for p in (ROOT / "tests/idl/sample.idl", ROOT / "tests/idl/language.idl",
                                   *sorted((ROOT / "idl/interfaces").glob("*.idl"))) if p.is_file()]
MINUTES = float(os.environ.get("ATOLL_FUZZ_MINUTES", "0"))
MUTANTS = 400
TO_COMPILE = 12

TOKEN = re.compile(r"///[^\n]*|//[^\n]*|[A-Za-z_]\w*|0[xX]\w+|\d\w*|->|\s+|.", re.DOTALL)
WORDS = ("interface version const enum flags struct variant errors method event in out lend give u8 u16 u32 u64 i8 i16 i32 i64 bool "
         "string bytes array handle nonblocking idempotent cancellable deadline since removed rights NOT_FOUND int word note_bytes "
         "0 1 2 16 48 49 511 512 513 4095 4096 4294967296 18446744073709551615 99999999999999999999 0x_ 0xffff 012 -1 - -> { } ( ) [ ] < > "
         ", ; : = | /* */ /// \\ \0 \u2028 \u00e9 \U0001f600 \" ' $ #").split(" ")


def mutant(rng: random.Random) -> str:
    """One source with a few changes; the first are of tokens, since those go deeper than those of characters."""
    text = rng.choice(SOURCES)
    if rng.random() < 0.5:          # a small interface: the declarations in front and a few methods
        lines = text.splitlines(keepends=True)
        kept = [x for x in lines if not re.match(r"\s*(method|event) .*;", x) or rng.random() < 0.15]
        text = "".join(kept)
    tokens = TOKEN.findall(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(tokens))
        kind = rng.randrange(8)
        if kind == 0:
            del tokens[at:at + rng.choice((1, 1, 2, 10))]
        elif kind == 1:
            tokens.insert(at, rng.choice(WORDS))
        elif kind == 2:
            tokens[at] = rng.choice(WORDS)
        elif kind == 3:
            tokens[at] = rng.choice(tokens)
        elif kind == 4:
            other = rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == 5:
            tokens[at:at] = tokens[at:at + rng.randrange(30)] * rng.choice((1, 1, 2, 40))
        elif kind == 6:
            names = [i for i, t in enumerate(tokens) if t[0].isalnum()]
            tokens[rng.choice(names or [at])] = rng.choice(WORDS)
        else:
            word = tokens[at]
            cut = rng.randrange(len(word) + 1)
            tokens[at] = word[:cut] + rng.choice(("", "\0", "_", "9" * 5000, "{" * 300, chr(rng.randrange(0xd800)))) + word[cut:]
        if not tokens:
            return ""
    return "".join(tokens)


def mutants() -> Iterator[tuple[int, str]]:
    end = time.monotonic() + MINUTES * 60
    seed = 0
    while seed < MUTANTS or time.monotonic() < end:
        yield seed, mutant(random.Random(seed))
        seed += 1


def test_mutants_give_diagnostics_or_clean_c(tmp_path):
    path = tmp_path / "mutant.idl"
    accepted = refused = 0
    batch: list[Path] = []
    for seed, text in mutants():
        path.write_text(text, encoding="utf-8", newline="")
        diags = Diagnostics()
        try:
            generators = compile_files([str(path)], diags)
            rendered = diags.render()
            files = [f for g in generators for f in g.files().items()] if not diags.found else []
            for g in generators if not diags.found else ():
                g.markdown()
        except Exception as problem:
            pytest.fail(f"mutant {seed}: {problem!r}\n{text}")
        for d in diags.found:
            assert f"{path}:{d.pos.line}:{d.pos.col}: error {d.code}: " in rendered and d.hint, (seed, d)
        refused += bool(diags.found)
        if files:
            accepted += 1
            if len(batch) < TO_COMPILE or MINUTES:
                batch.append(write(tmp_path / str(seed), files))
        if len(batch) >= TO_COMPILE and MINUTES:
            compiles(batch)
            batch = []
    compiles(batch)
    assert accepted > MUTANTS / 20 and refused > MUTANTS / 4, (accepted, refused)
    print(f"{accepted} accepted, {refused} refused")


def write(folder: Path, files: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    for name, text in files:
        (folder / name).write_text(text)
    return folder


def compiles(folders: list[Path]) -> None:
    if shutil.which("gcc") is None:
        return
    for folder in folders:
        done = subprocess.run(["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", str(folder), "-I",
                               str(ROOT / "libipc/include"), "-I", str(ROOT / "microkernel/abi"),
                               *map(str, sorted(folder.glob("*.c")))], capture_output=True, text=True)
        assert done.returncode == 0, f"mutant {folder.name}\n{done.stderr[:4000]}"
        shutil.rmtree(folder)
