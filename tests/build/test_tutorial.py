# SPDX-License-Identifier: MIT
"""docs/tutorial.md, executed: each block of it that names a file, a patch or commands, in order, on a copy of the tree.

The last section takes the server out again; before it, what else must hold for a new server is looked at.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import scratch
from atoll_build.paths import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w*) (run|patch|file=(\S+))\n(.*?)^```$", re.M | re.S)


DONE: list[int] = []            # sections that were executed


@dataclass
class Block:
    section: int
    what: str
    file: str
    text: str


def blocks() -> list[Block]:
    text = TUTORIAL.read_text()
    return [Block(len(re.findall(r"^## ", text[:m.start()], re.M)), m[2], m[3] or "", m[4]) for m in BLOCK.finditer(text)]


def execute(block: Block) -> None:
    if block.file:
        path = scratch.TREE / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif block.what == "patch":
        done = subprocess.run(["patch", "-p1", "--fuzz=0"], cwd=scratch.TREE, input=block.text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        for line in block.text.splitlines():
            scratch.command(["sh", "-c", line])


@pytest.fixture(scope="module")
def tree() -> Path:
    return scratch.fresh()


def test_no_block_is_left_out() -> None:
    """Every fenced block is one that is executed."""
    assert TUTORIAL.read_text().count("\n```") == 2 * len(blocks())


@pytest.mark.parametrize("section", range(1, 9))
def test_each_section_of_the_tutorial_works(tree: Path, section: int) -> None:
    mine = [b for b in blocks() if b.section == section]
    assert mine and section == len(DONE) + 1, "an earlier section failed"
    if section == 8:
        everything_else_holds(tree)
    for block in mine:
        execute(block)
    DONE.append(section)


def everything_else_holds(tree: Path) -> None:
    """The server is in the picture and in the table, its capabilities are those listed, it runs on the other machine."""
    table = scratch.command(["./build.py", "assembly"])
    assert re.search(r"fs -> kv: kv, layout 0x[0-9a-f]+\n  forwards   what programs ask through /dev/kv \(0666\)", table), table
    assert "fs.vspace" not in table.split("kv holds")[1].split("maps")[0], "kv may not reach memory of fs"
    scratch.command(["./build.py", "assembly", "--svg", "build/kv.svg"])
    assert "kv by /dev/kv" in (tree / "build" / "kv.svg").read_text()
    scratch.command(["./build.py", "test", "guest/test_capabilities", "--smp", "2"])
    scratch.command(["./build.py", "test", "lint/servers/kv", "lint/tests/host/kv", "lint/programs", "lint/build/gen/kv_"])
    programs = tree / "build" / "programs-overlay"
    programs.mkdir(exist_ok=True)
    scratch.command(["riscv64-linux-gnu-gcc", "-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror", "-Ilibipc/include",
                     "-Imicrokernel/abi", "-Ibuild/gen", "-Iprograms/lib", "-o", str(programs / "nodes"), "tests/build/programs/nodes.c",
                     "programs/lib/device.c", "build/gen/kv_client.c", "libipc/src/client_args.c", "-ffunction-sections", "-Wl,--gc-sections"])
    for smp in ("1", "4"):
        out = scratch.command(["./build.py", "qemu-riscv", "--smp", smp, "--timeout", "300", "--overlay", str(programs), "--exec",
                               "/nodes && kv set a alive && kv get a"])
        assert out.endswith("nodes: all done\nalive\n"), out
    out = scratch.command(["./build.py", "qemu-u740", "--timeout", "120", "--exec", "kv set a u740 && kv get a"])
    assert out.endswith("u740\n"), out


def test_what_was_taken_out_is_gone(tree: Path) -> None:
    assert len(DONE) == 8, "an earlier section failed"
    assert "kv" not in scratch.command(["./build.py", "assembly"])
    for name in ("servers/system.toml", "platform/qemu-riscv/placement", "platform/qemu-u740/placement"):
        assert (tree / name).read_text() == (ROOT / name).read_text()


@pytest.mark.parametrize("name", ["fs", "Kv", "9kv", "int", "ls", "a_name_that_is_too_long", "tty", "supervisor"])
def test_names_that_cannot_be_are_refused(tree: Path, name: str) -> None:
    done = subprocess.run(["./build.py", "new-server", name], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "to mend:" in done.stderr and "Traceback" not in done.stderr
