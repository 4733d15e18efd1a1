# SPDX-License-Identifier: MIT
"""The build's own parts, without a guest."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from atoll_build import apt, bench, busybox_tests, cpio, graph, image, placement, run, stamps, tap, testing
from atoll_build.errors import BuildError
from atoll_build.paths import ROOT

# -- archives -----------------------------------------------------------------------------------


def entries(data: bytes) -> list[tuple[str, int, bytes]]:
    """An independent reader of (joined) newc archives."""
    out = []
    at = 0
    while at < len(data):
        if data[at] == 0:
            at += 4
            continue
        assert data[at:at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110:at + 110 + fields[11] - 1].decode()
        body = (at + 110 + fields[11] + 3) & ~3
        at = (body + fields[6] + 3) & ~3
        if name != "TRAILER!!!":
            out.append((name, fields[1], data[body:body + fields[6]]))
    return out


def test_cpio_is_readable_by_an_independent_reader() -> None:
    archive = cpio.Archive()
    archive.directory("etc")
    for length in range(6):
        archive.file(f"etc/{'x' * length}f", b"y" * length, 0o640)
    archive.symlink("link", "etc")
    members = entries(archive.data())
    assert members[0] == ("etc", 0o40755, b"")
    assert members[4] == ("etc/xxxf", 0o100640, b"yyy")
    assert members[-1] == ("link", 0o120777, b"etc")


def test_cpio_archives_can_be_joined() -> None:
    one, two = cpio.Archive(), cpio.Archive()
    one.file("a", b"1")
    two.file("a", b"22")
    joined = one.data() + two.data()
    assert len(one.data()) % 512 == 0
    assert [e[2] for e in entries(joined)] == [b"1", b"22"]


def test_cpio_tree_is_deterministic_and_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_bytes(b"data")
    (tmp_path / "loop").symlink_to(".")
    first, second = cpio.Archive(), cpio.Archive()
    first.tree(tmp_path)
    second.tree(tmp_path)
    assert first.data() == second.data()
    assert [e[0] for e in entries(first.data())] == ["d", "loop", "d/file"]


# -- system image -------------------------------------------------------------------------------


def elf_file(path: Path, segments: list[tuple[int, int, bytes, int]]) -> Path:
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0x10000000, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    body = b""
    table = b""
    start = 64 + 56 * len(segments)
    for flags, vaddr, data, memory in segments:
        table += struct.pack("<IIQQQQQQ", 1, flags, start + len(body), vaddr, vaddr, len(data), memory, 4096)
        body += data
    path.write_bytes(head + table + body)
    return path


def test_image_header_describes_root_and_archive(tmp_path: Path) -> None:
    root = elf_file(tmp_path / "root", [(5, 0x10000000, b"T" * 4096, 4096), (4, 0x10001000, b"R" * 4096, 4096),
                                        (6, 0x10002000, b"D" * 10, 9000)])
    data = image.assemble(root, b"ARCHIVE")
    magic, offset, size, text, rodata, memory, entry, archive = struct.unpack_from("<8Q", data)
    assert magic == 0x316c6c6f7461 and entry == 0x10000000
    assert (offset, size, text, rodata, memory) == (4096, 8202, 4096, 4096, 8192 + 3 * 4096)
    assert archive % 4096 == 0 and data[archive:] == b"ARCHIVE"
    assert data[offset:offset + 1] == b"T" and data[offset + size - 1:offset + size] == b"D"


def test_image_refuses_a_root_task_that_is_not_laid_out_for_it(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="page-aligned"):
        image.assemble(elf_file(tmp_path / "root", [(5, 0x10000100, b"T", 1)]), b"")


# -- placement ----------------------------------------------------------------------------------


@pytest.mark.parametrize("harts", range(1, 9))
def test_placement_names_only_existing_harts(harts: int) -> None:
    text = placement.resolve(harts, "")
    names = [line.split("=")[0] for line in text.splitlines()]
    assert {"proc", "fs", "time", "guests"} <= set(names)


def test_placement_override_replaces_one_server() -> None:
    assert "fs=0\n" in placement.resolve(2, "fs=0")
    assert "guests=0,1\n" in placement.resolve(4, "guests=0,1,fs=2")


@pytest.mark.parametrize("text", ["fs=2", "nosuch=0", "fs", "fs=0-1", "fs=x"])
def test_placement_override_is_checked(text: str) -> None:
    with pytest.raises(BuildError):
        placement.resolve(2, text)


# -- apt ----------------------------------------------------------------------------------------

ONE_LINE = "# c\ndeb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib # x\ndeb-src http://s/ b main\n"
DEB822 = """# c
Types: deb deb-src
URIs: http://mirror/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .

Types: deb
URIs: http://off/
Suites: bookworm
Components: main
Enabled: no
"""


def test_apt_reads_one_line_sources() -> None:
    entry = apt.parse_one_line(ONE_LINE)[0]
    assert (entry.uris, entry.suites, entry.components) == (("http://mirror/debian",), ("bookworm",), ("main", "contrib"))
    assert entry.signed_by == "/k.gpg"


def test_apt_reads_deb822_sources_with_embedded_keys_and_skips_disabled_ones() -> None:
    found = apt.parse_deb822(DEB822)
    assert len(found) == 1 and found[0].types == ("deb", "deb-src")
    assert found[0].signed_by.startswith("\n -----BEGIN")


def test_apt_takes_the_entry_of_the_running_release(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "a.list").write_text("deb http://other/ focal main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(DEB822)
    assert apt.machine_archive(tmp_path, "bookworm").uri == "http://mirror/debian"
    with pytest.raises(BuildError, match="no apt source"):
        apt.machine_archive(tmp_path, "sid")


# -- results ------------------------------------------------------------------------------------


def test_tap_counts_passes_failures_and_skips() -> None:
    cases = tap.parse("1..3\nok 1 - a\n# why\nnot ok 2 - b\nok 3 - c # SKIP no\n", "p", 1)
    assert [(c.ok, c.skipped) for c in cases] == [(True, False), (False, False), (True, True)]
    assert cases[1].detail == "# why"


def test_skipped_tests_say_why(tmp_path: Path) -> None:
    report = tmp_path / "r.xml"
    report.write_text('<testsuite><testcase classname="a.b" name="c"><skipped message="four harts"/></testcase>'
                      '<testcase classname="a.b" name="d"/></testsuite>')
    assert tap.parse_junit(report, "s") == [tap.Case("b: c", True, "four harts", skipped=True), tap.Case("b: d", True)]
    assert tap.parse("1..1\nok 1 - a # SKIP no disk\n", "p", 0) == [tap.Case("p: a", True, "SKIP no disk", skipped=True)]


@pytest.mark.parametrize(("machine", "harts", "words"), [("qemu-u740", 8, "qemu-u740 has 4 harts, not 8"), ("qemu-u740", 4, ""), ("qemu-riscv", 8, "")])
def test_numbers_of_harts_that_a_machine_lacks_are_skipped(machine: str, harts: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_MACHINE", machine)
    cases = testing.too_few("t", harts)
    assert [(c.ok, c.skipped, c.detail) for c in cases] == ([(True, True, words)] if words else [])


@pytest.mark.parametrize(("text", "status"), [("1..2\nok 1\n", 0), ("1..1\nok 1\n", 3), ("ok 1\n", None), ("", 1),
                                              ("1..0 # none\nok 1\n", 0)])
def test_tap_a_cut_or_failing_program_is_a_failure(text: str, status: int | None) -> None:
    assert not all(c.ok for c in tap.parse(text, "p", status))


def test_panic_report_starts_at_its_line() -> None:
    assert run.find_panic("boot\r\nPANIC hart 1\r\n at x\r\n").startswith("PANIC hart 1\n at x")
    assert run.find_panic("a PANIC in the middle\n") == ""


def test_busybox_results_tell_equal_names_apart() -> None:
    text = "noise\nPASS: begin-cat\nPASS: cat -e\nFAIL: cat -e\nPASS: begin-cut\nPASS: x\n"
    assert busybox_tests.results(text) == {"cat/cat -e": "PASS", "cat/cat -e (2)": "FAIL", "cut/x": "PASS"}


def test_bench_reads_figures_and_missing_ones() -> None:
    assert bench.parse_lxbench("# c\ngetpid\t443.1\t100\nx\tunsupported\tENOSYS\n") == {"getpid": 443.1, "x": None}


# -- graph and command line -----------------------------------------------------------------------


def test_directive_reads_comments_over_several_lines(tmp_path: Path) -> None:
    source = tmp_path / "t.c"
    source.write_text("/* SPDX */\n/*\n * build: a.c b.c;\n * include: x y */\n")
    assert graph.directive(source, "build").split(";")[0].split() == ["a.c", "b.c"]


def test_stamp_is_current_only_with_its_products(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "STAMPS", tmp_path / "stamps")
    product = tmp_path / "out"
    stamps.done("x", "key")
    assert not stamps.current("x", "key", product)
    product.touch()
    assert stamps.current("x", "key", product)
    assert not stamps.current("x", "other", product)


@pytest.mark.parametrize("arguments", [["--smp", "9"], ["--smp", "0"], ["--smp", "-1"], ["--mem", "lots"], ["--icount", "--smp", "2"],
                                       ["--overlay", "/nonexistent/x"]])
def test_wrong_options_are_explained_without_a_traceback(arguments: list[str]) -> None:
    done = subprocess.run([ROOT / "build.py", "qemu-riscv", *arguments, "--exec", "true"], capture_output=True, timeout=30,
                          text=True, check=False)
    assert done.returncode == 126
    assert done.stderr.startswith("build.py: error: ") and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_any_python_finds_the_systems_own() -> None:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-I", ROOT / "build.py", "--help"], capture_output=True, text=True,
                          env=env, check=False)
    assert done.returncode == 0 and "qemu-riscv" in done.stdout
