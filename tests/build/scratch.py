# SPDX-License-Identifier: MIT
"""A copy of the tree below build/, to try on it what changes a tree. It stays between runs, so that the next one compiles
only what changed; musl and busybox are this tree's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from atoll_build import third_party
from atoll_build.paths import BUILD, ROOT

TREE = BUILD / "scratch" / "tree"


def _same(a: Path, b: Path) -> bool:
    return b.is_file() and a.stat().st_mode == b.stat().st_mode and a.read_bytes() == b.read_bytes()


def fresh() -> Path:
    """The copy, as this tree is now: files that were changed there are put back, others removed."""
    third_party.ensure_busybox()
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
                            check=True, text=True).stdout
    files = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    TREE.mkdir(parents=True, exist_ok=True)
    for old in [p for p in TREE.rglob("*") if p.relative_to(TREE).parts[0] != "build" and p.is_file()]:
        if str(old.relative_to(TREE)) not in files:
            old.unlink()
    for folder in sorted((p for p in TREE.rglob("*") if p.relative_to(TREE).parts[0] != "build" and p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    for name in sorted(files):
        if not _same(ROOT / name, TREE / name):
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
            (TREE / name).touch()
    python("from pathlib import Path; from atoll_build import third_party; third_party.borrow(Path(sys.argv[1]))", str(BUILD))
    return TREE


def python(code: str, *args: str) -> str:
    """Run Python with the copy's own build package."""
    return command(["/usr/bin/python3", "-c", f"import sys; sys.path.insert(0, 'tools'); {code}", *args])


def command(words: list[str]) -> str:
    """Run it in the copy; its output, both kinds. It must succeed."""
    done = subprocess.run(words, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-6000:]}"
    return done.stdout
