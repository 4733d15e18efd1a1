# SPDX-License-Identifier: MIT
"""The host's packages: what is needed for what, what is missing, and how it gets installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from . import say
from .apt import release_codename
from .errors import BuildError

RUN_PACKAGES = ("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross", "linux-libc-dev-riscv64-cross", "@qemu",
                "opensbi", "ninja-build", "python3-jinja2", "dpkg-dev", "gcc", "libc6-dev", "make", "bzip2",
                "xz-utils", "patch")
TEST_PACKAGES = ("python3-pytest", "python3-pexpect", "libcmocka-dev", "spin", "clang", "llvm", "@clang-rt",
                 "clang-tidy", "cppcheck", "shellcheck", "pyflakes3", "gdb-multiarch")

# Names that differ between releases.
RELEASE_NAMES: dict[str, dict[str, str]] = {
    "bookworm": {"@qemu": "qemu-system-misc", "@clang-rt": "libclang-rt-14-dev"},
    "trixie": {"@qemu": "qemu-system-riscv", "@clang-rt": "libclang-rt-19-dev"},
}


def _names(packages: tuple[str, ...]) -> list[str]:
    try:
        table = RELEASE_NAMES.get(release_codename(), RELEASE_NAMES["trixie"])
    except BuildError:
        table = RELEASE_NAMES["bookworm"]
    return [table.get(p, p) for p in packages]


def missing(packages: tuple[str, ...]) -> list[str]:
    names = _names(packages)
    try:
        result = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                                capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BuildError("this is not a Debian system (no dpkg-query)", do="build on Debian 12 or later") from None
    installed = {line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")}
    return [n for n in names if n not in installed]


def _prefix() -> list[str] | None:
    """How to become root: [] when we are, sudo when it asks no password, None otherwise."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def install_line(names: list[str]) -> str:
    return f"apt-get install --no-install-recommends {' '.join(names)}"


def ensure(packages: tuple[str, ...]) -> None:
    """Install what is missing, or raise with the exact line to type."""
    names = missing(packages)
    if not names:
        return
    prefix = _prefix()
    if prefix is None:
        raise BuildError(f"{len(names)} Debian packages are missing, and there is no root or password-less sudo",
                         do=f"sudo {install_line(names)}")
    say.step(f"installing {', '.join(names)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        say.run_logged("apt-get update", [*prefix, "apt-get", "update"], log="host-apt", env=env,
                       do="check the network and the machine's apt sources")
    command = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", *names]
    try:
        say.run_logged("apt-get install", command, log="host-apt", env=env)
    except BuildError:
        # Old lists name files that the archive no longer has: refresh them once.
        say.run_logged("apt-get update", [*prefix, "apt-get", "update"], log="host-apt", env=env,
                       do="check the network and the machine's apt sources")
        say.run_logged("apt-get install", command, log="host-apt", env=env, do=f"sudo {install_line(names)}")


def doctor() -> int:
    """What is installed, what is missing, and the one command that mends it."""
    bad = False
    all_missing: list[str] = []
    for title, packages in (("to build and run", RUN_PACKAGES), ("to test", TEST_PACKAGES)):
        absent = missing(packages)
        all_missing += absent
        print(f"{title}:")
        for name in _names(packages):
            print(f"  {'MISSING' if name in absent else 'ok     '}  {name}")
    for tool, words in (("riscv64-linux-gnu-gcc", ["--version"]), ("qemu-system-riscv64", ["--version"]),
                        ("ninja", ["--version"])):
        if shutil.which(tool):
            text = subprocess.run([tool, *words], capture_output=True, text=True, check=False).stdout
            print(f"  {tool}: {text.splitlines()[0] if text else '?'}")
    try:
        from .apt import machine_archive
        archive = machine_archive()
        print(f"sources come from: {archive.uri} {archive.suite}")
    except BuildError as error:
        bad = True
        print(error.render())
    free = shutil.disk_usage(Path(__file__).parent).free
    print(f"free disk space: {free / 2**30:.1f} GiB{'' if free > 3 * 2**30 else '  (3 GiB are needed)'}")
    if all_missing:
        print(f"mend with:\n  sudo {install_line(all_missing)}")
        return 1
    print("nothing is missing" if not bad else "see above")
    return 1 if bad else 0
