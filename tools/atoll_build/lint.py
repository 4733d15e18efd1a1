# SPDX-License-Identifier: MIT
"""The static checks of one C file: clang-tidy, cppcheck and the compiler's -fanalyzer, with the flags it is built with.

    python3 -m atoll_build.lint STAMP SOURCE -- COMPILER FLAGS...

ninja runs this when the file's object was compiled again (so headers count) or a check's settings changed. The stamp holds the
digest of the text of the source and of its headers, of the flags, the settings and the tools' versions: when that is
the same as at the last clean run nothing is checked again. Findings go to standard output and STAMP.txt; status 1.

A finding is corrected, or suppressed at its line with the reason: `/* NOLINT(check): why */`, `/* cppcheck-suppress id ; why */`
on the line above, or `#pragma GCC diagnostic` around the function for -fanalyzer. What is not looked for at all stands in `.clang-tidy`
and below, with reasons. Tests are checked more lightly, by `tests/.clang-tidy`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from . import stamps
from .paths import BUILD, ROOT

VERSIONS = BUILD / "lint" / "versions"
TIDY_CONFIGS = (ROOT / ".clang-tidy", ROOT / "tests" / ".clang-tidy")

CPPCHECK = [
    "cppcheck", "--quiet", "--language=c", "--std=c11", "--inline-suppr", "--error-exitcode=1",
    "--enable=warning,performance,portability", "--template={file}:{line}:{column}: {message} [{id}]",
    # cppcheck takes these for macros, as its model of the C library has them; here they are members of enums.
    *(f"-U{name}" for name in ("SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGKILL", "SIGSEGV", "SIGTERM")),
    "--suppress=variableScope",         # where a variable is declared is the style of the function
    "--suppress=unusedStructMember",    # structures of the ABIs and of devices have members that nobody here uses
    "--suppress=knownConditionTrueFalse",   # the kernel writes to addresses given as numbers, which it does not see
    "--suppress=constStatement",        # sys_ipc's registers (`register x asm(...)`) look like statements without effect
    "--suppress=shadowFunction",        # a local `end` or `now` beside a function of that name somewhere
    "--suppress=redundantContinue",     # `continue` is the body of an empty loop here
    *(f"--suppress={c}" for c in ("uninitvar", "unassignedVariable", "unusedVariable", "unreadVariable")),
                                        # it does not see what asm reads and writes; the compilers warn of the same
    "--suppress=badBitmaskCheck",       # O_RDONLY is 0
    "--suppress=duplicateCondition:build/gen/*",    # a parameter after the other, each as its kind wants
    "--suppress=unmatchedSuppression",  # one header is checked under several sets of flags
    "--suppress=missingIncludeSystem",
]
CROSS_MACROS = ["--platform=unix64", "-D__riscv=1", "-D__riscv_xlen=64"]
GCC_MACROS = ["-D__GNUC__=12", "-D__STDC_VERSION__=201710L", "-D__ORDER_LITTLE_ENDIAN__=1234", "-D__BYTE_ORDER__=1234",
              "-D__SIZEOF_INT128__=16"]
# How many states of a function clang's analyzer looks at: less than half of its own limit. On the two files where that was
# compared (servers/fs/lookup.c, mounts.c) it took half of the time and found the same.
EFFORT = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=100000"]
GCC_ONLY = "-fcall-used-"
ANALYZER = [
    "-fdiagnostics-path-format=none",
    "-Wno-analyzer-malloc-leak",        # it knows no counts of references, and forgets structures that hold a pointer
    "-Wno-analyzer-use-of-uninitialized-value",     # it does not see what asm writes through an address in a register
                                        # (clang's analyzer looks for both as well)
]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)


def write_versions() -> None:
    """The tools' versions in a file that every check depends on; its time changes only with its text."""
    text = "".join(_run([*tool, "--version"]).stdout for tool in (["clang-tidy"], ["cppcheck"], ["riscv64-linux-gnu-gcc"]))
    VERSIONS.parent.mkdir(parents=True, exist_ok=True)
    if not VERSIONS.is_file() or VERSIONS.read_text() != text:
        VERSIONS.write_text(text)


def _headers(compiler: str, flags: list[str], source: str) -> list[Path]:
    made = _run([compiler, *flags, "-MM", source])
    words = made.stdout.replace("\\\n", " ").split(":", 1)[-1].split()
    return [ROOT / w for w in words]


def _tidy(compiler: str, flags: list[str], source: str) -> tuple[int, str]:
    cross = ["--target=riscv64-linux-gnu"] if compiler.startswith("riscv64") else []
    # clang 14 knows the instructions of Zicsr and Zifencei as part of the base, and not their names.
    words = ["-march=rv64imac" if f.startswith("-march=") else f for f in flags
             if f != "-Werror" and not f.startswith(GCC_ONLY)]
    done = _run(["clang-tidy", "--quiet", "--warnings-as-errors=*", source, "--", *cross, *words, *EFFORT])
    text = done.stdout.replace(f"{ROOT}/", "")
    return done.returncode, text if done.returncode == 0 else text + _only_errors(done.stderr)


def _only_errors(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if "error" in line)


def _cppcheck(compiler: str, flags: list[str], source: str) -> tuple[int, str]:
    cross = CROSS_MACROS if compiler.startswith("riscv64") else []
    words = [f for f in flags if re.match(r"-[ID]", f)]
    if not source.startswith("tests/"):
        words.append("--enable=style")
    done = _run([*CPPCHECK, *GCC_MACROS, *cross, *words, source])
    return done.returncode, done.stdout + done.stderr


def _analyzer(compiler: str, flags: list[str], source: str) -> tuple[int, str]:
    done = _run([compiler, *flags, "-fanalyzer", *ANALYZER, "-c", source, "-o", "/dev/null"])
    return done.returncode, done.stderr


def check(stamp: Path, source: str, compiler: str, flags: list[str]) -> int:
    digest = stamps.digest(source, compiler, flags, *TIDY_CONFIGS, VERSIONS, Path(__file__),
                           *_headers(compiler, flags, source))
    findings = stamp.with_name(stamp.name + ".txt")
    if stamp.is_file() and stamp.read_text() == digest:
        stamp.touch()
        return 0
    stamp.unlink(missing_ok=True)
    findings.unlink(missing_ok=True)
    checks = [_tidy, _cppcheck]
    if compiler.startswith("riscv64"):      # the host's programs run under the sanitizers instead
        checks.append(_analyzer)
    said = [text for status, text in (c(compiler, flags, source) for c in checks) if status != 0]
    findings.write_text("\n".join(said))
    if said:
        print("\n".join(said))
        return 1
    stamp.write_text(digest)
    return 0


def main(argv: list[str]) -> int:
    stamp, source, _, compiler, *flags = argv
    return check(ROOT / stamp, source, compiler, flags)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
