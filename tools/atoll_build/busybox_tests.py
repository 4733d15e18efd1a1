# SPDX-License-Identifier: MIT
"""busybox's own test suite, in the guest, against what the same binary does on Linux.

tests/busybox/linux.tsv holds each test's result on Debian's riscv64 Linux in the same QEMU, written by
`./build.py test --on-linux busybox`. What passes there must pass here. The suite is busybox's testsuite/
folder as its source has it; PARTS bounds one boot's work, so a hang costs one part.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import linux, run
from .errors import BuildError
from .paths import TESTS, THIRD_PARTY, rel
from .tap import Case
from .third_party import BUSYBOX

BASELINE = TESTS / "busybox" / "linux.tsv"
DIFFERENCES = TESTS / "busybox" / "differences.tsv"     # test, and why it does not pass here
SOURCE = THIRD_PARTY / "busybox" / "testsuite"
PART_TIMEOUT_S = 2400
RESULT = re.compile(r"^(PASS|FAIL|SKIPPED|UNTESTED): (.*)$", re.M)

DRIVER = """\
#!/bin/sh
# One call of runtest for all: it makes a link for each of 400 applets before it starts.
cd /bbtest/testsuite || exit 1
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
./runtest -v $(cat /bbtest/list) 2>&1 </dev/null
echo "@@all"
"""

# Which applet a result belongs to: before each applet's tests runs a test of ours in the suite's own
# form (a folder with one script), so its PASS line marks where the applet begins.
MARK = "begin-"


# Not run: all_sourcecode looks at busybox's source, wget needs the internet.
LEFT_OUT = {"all_sourcecode", "wget"}

# Single tests that are taken out of the copy: four million numbers through two calculators, a quarter of
# an hour on an emulated hart.
LONG_TESTS = {"bc.tests": ("bc parsing of numbers", "bc printing of numbers")}


def applets() -> list[str]:
    """The arguments that runtest takes: X.tests files and folders of old-style tests."""
    names = {p.stem for p in SOURCE.glob("*.tests")} | {p.name for p in SOURCE.iterdir() if p.is_dir()}
    names = {n for n in names if not n.endswith("_tests") or (SOURCE / f"{n}.tests").is_file()}
    return sorted(names - LEFT_OUT)


def _take_out(path: Path, titles: tuple[str, ...]) -> None:
    parts = path.read_text().split("\n\ntesting ")
    kept = [p for p in parts if not p.startswith(tuple(f'"{t}"' for t in titles))]
    if len(parts) - len(kept) != len(titles):
        raise BuildError(f"{path.name} has changed: {titles} not found", do="correct LONG_TESTS")
    path.write_text("\n\ntesting ".join(kept))


@contextmanager
def overlay(names: list[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as work:
        top = Path(work) / "bbtest"
        shutil.copytree(SOURCE, top / "testsuite", symlinks=True)
        for name, titles in LONG_TESTS.items():
            _take_out(top / "testsuite" / name, titles)
        shutil.copy(BUSYBOX / "busybox", top / "busybox")
        shutil.copy(BUSYBOX / "busybox.config", top / ".config")
        for name in names:
            folder = top / "testsuite" / f"@{name}"
            folder.mkdir()
            (folder / f"{MARK}{name}").write_text("true\n")
        (top / "list").write_text("\n".join(f"@{n} {n}" for n in names) + "\n")
        (top / "init").write_text(DRIVER)     # the name of process 1, which pidof's tests look for
        (top / "init").chmod(0o755)
        yield Path(work)


def sections(output: str) -> dict[str, str]:
    """{applet: what was printed from its beginning to the next one's}, in order."""
    parts = re.split(rf"^PASS: {MARK}(\S+)\n", output, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def results(output: str) -> dict[str, str]:
    """{applet/test: PASS|FAIL|SKIPPED|UNTESTED}; a test named twice is told apart by a number."""
    out: dict[str, str] = {}
    for applet, body in sections(output).items():
        for verdict, name in RESULT.findall(body):
            key = f"{applet}/{name.strip()}"
            number = 2
            while key in out:
                key = f"{applet}/{name.strip()} ({number})"
                number += 1
            out[key] = verdict
    return out


def write_baseline() -> int:
    """Run on Linux and write what happened there."""
    with overlay(applets()) as folder:
        status, output = linux.run(linux.Boot("exec sh /bbtest/init", [folder], timeout_s=3600))
    if status is None or "@@all" not in output:
        raise BuildError("the suite did not end on Linux", detail=output[-2000:])
    found = results(output)
    BASELINE.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# busybox's test suite on Debian's riscv64 Linux; written by `./build.py test --on-linux busybox`"]
    lines += [f"{verdict}\t{name}" for name, verdict in found.items()]
    BASELINE.write_text("\n".join(lines) + "\n")
    print(f"{sum(v == 'PASS' for v in found.values())} of {len(found)} pass on Linux; wrote {rel(BASELINE)}")
    return 0


def baseline() -> dict[str, str]:
    out = {}
    for line in BASELINE.read_text().splitlines():
        if not line.startswith("#"):
            verdict, _, name = line.partition("\t")
            out[name] = verdict
    return out


def differences() -> dict[str, str]:
    lines = DIFFERENCES.read_text().splitlines() if DIFFERENCES.is_file() else []
    return dict(line.split("\t", 1) for line in lines if line and not line.startswith("#"))


def run_in_atoll(part: str, smp: int) -> list[Case]:
    expected = {n: v for n, v in baseline().items() if v == "PASS" and part in n}
    cases: list[Case] = []
    left = sorted({n.split("/", 1)[0] for n in expected})
    output = ""
    while left:
        text, console = _boot(left, smp)
        output += text
        if "@@all" in text:
            break
        # It stopped within the last applet that began: go on behind that one.
        begun = list(sections(text))
        culprit = begun[-1] if begun else left[0]
        cases.append(Case(f"{culprit} (smp {smp}): the guest survives and goes on", False,
                          f"{text[-1500:]}\nconsole:\n{console[-2000:]}"))
        if not begun:
            break
        left = left[left.index(culprit) + 1:]
    found = results(output)
    known = differences()
    for name in expected:
        verdict = found.get(name, "not reached")
        if name in known and verdict == "FAIL":
            cases.append(Case(f"{name} (smp {smp})", True, known[name], skipped=True))
            continue
        cases.append(Case(f"{name} (smp {smp})", verdict == "PASS",
                          "" if verdict == "PASS" else f"{verdict}\n{_why(output, name)}"))
    return cases


def _boot(names: list[str], smp: int) -> tuple[str, str]:
    from .testing import boot_exec
    with overlay(names) as folder:
        result, out, _ = boot_exec(run.Options(smp=smp, overlays=[folder], command="exec /bbtest/init",
                                               timeout_s=PART_TIMEOUT_S))
    return out, result.panic or result.console


def _why(output: str, name: str) -> str:
    """What the suite printed around a failed test (runtest -v shows a diff)."""
    applet, _, title = name.partition("/")
    body = sections(output).get(applet, "")
    title = re.sub(r" [(]\d+[)]$", "", title)
    at = body.find(f"FAIL: {title}")
    return body[max(0, at - 200):at + 800] if at >= 0 else body[-600:]
