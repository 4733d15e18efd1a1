# SPDX-License-Identifier: MIT
"""What the compiler writes for sample.idl is what golden/ holds, twice alike, and compiles without a warning.

After a wanted change:  PYTHONPATH=idl /usr/bin/python3 -m compiler --out tests/idl/golden \
                        --md tests/idl/golden/sample.md --html tests/idl/golden/sample.html tests/idl/sample.idl
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from compiler import __main__ as cli

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GOLDEN = HERE / "golden"
SAMPLE = HERE / "sample.idl"


def generate(out: Path) -> None:
    assert cli.main(["--out", str(out), "--md", str(out / "sample.md"), "--html", str(out / "sample.html"), str(SAMPLE)]) == 0


def test_output_is_the_golden_one(tmp_path):
    generate(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in GOLDEN.iterdir())
    for path in sorted(GOLDEN.iterdir()):
        assert (tmp_path / path.name).read_text() == path.read_text(), f"{path.name} differs: see the docstring"


def test_output_does_not_depend_on_the_run(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for out, seed in ((first, "1"), (second, "77")):
        subprocess.run([sys.executable, "-m", "compiler", "--out", str(out), str(SAMPLE)], check=True,
                       env={"PYTHONPATH": str(ROOT / "idl"), "PYTHONHASHSEED": seed, "PATH": "/usr/bin"})
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_unchanged_output_keeps_its_time(tmp_path):
    generate(tmp_path)
    path = tmp_path / "sample_types.h"
    before = path.stat().st_mtime_ns
    generate(tmp_path)
    assert path.stat().st_mtime_ns == before


def test_removed_methods_leave_no_code_but_keep_their_ordinal():
    text = (GOLDEN / "sample_types.h").read_text()
    assert "GONE" not in text
    assert not re.search(r"SAMPLE_METHOD_\w+ 26\b", text)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_generated_code_has_no_warnings(compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    flags = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", str(GOLDEN),
             "-I", str(ROOT / "libipc/include"), "-I", str(ROOT / "microkernel/abi")]
    done = subprocess.run([compiler, *flags, *map(str, GOLDEN.glob("*.c"))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Tags(HTMLParser):
    """Each tag is closed in order; what links and names there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.ids += [v or "" for k, v in attrs if k == "id"]
        self.links += [(v or "")[1:] for k, v in attrs if k == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_reference_as_html_is_well_formed_and_escaped(tmp_path):
    path = tmp_path / "x.idl"
    path.write_text('interface x version 1 {\n/// a < b & "c" </p>\n///\n/// more\nmethod m = 1 () -> ();\n}\n')
    for sources in ([path], sorted((ROOT / "idl/interfaces").glob("*.idl"))):
        assert cli.main(["--html", str(tmp_path / "x.html"), *map(str, sources)]) == 0
        tags = Tags()
        tags.feed((tmp_path / "x.html").read_text())
        assert tags.open == [] and set(tags.links) <= set(tags.ids)
        assert len(tags.ids) == len(set(tags.ids))
        assert {f"{s.stem}" for s in sources} <= set(tags.ids)
        if sources == [path]:
            assert "<p>a &lt; b &amp; &quot;c&quot; &lt;/p&gt;</p>\n<p>more</p>" in (tmp_path / "x.html").read_text()


def test_real_interfaces_are_valid():
    assert cli.main(["--check", *map(str, sorted((ROOT / "idl/interfaces").glob("*.idl")))]) == 0


def test_fuzz_harness_finds_nothing_in_a_short_run(tmp_path):
    """The dispatch of every real interface, hostile entries, sanitizers."""
    if shutil.which("clang") is None:
        pytest.skip("no clang")
    names = []
    for idl in sorted((ROOT / "idl/interfaces").glob("*.idl")):
        assert cli.main(["--out", str(tmp_path), str(idl)]) == 0
        names.append(idl.stem)
    runtime = [ROOT / "tests/host/libipc/fake_kernel.c"] + [
        ROOT / "libipc/src" / f for f in ("client.c", "client_drain.c", "client_post.c", "server.c", "call.c", "job.c", "coro.c",
                                          "coro_switch.S", "timer.c", "executor.c", "coro_env.c")]
    for name in names:
        binary = tmp_path / f"{name}_fuzz"
        done = subprocess.run(
            ["clang", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-I",
             str(tmp_path), "-I", str(ROOT / "libipc/include"), "-I", str(ROOT / "microkernel/abi"),
             str(tmp_path / f"{name}_fuzz.c"), str(tmp_path / f"{name}_server.c"), *map(str, runtime), "-o", str(binary),
             "-lpthread"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        done = subprocess.run([str(binary), "-runs=20000", "-seed=1", "-max_len=2048"], capture_output=True, text=True,
                              cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
