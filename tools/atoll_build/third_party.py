# SPDX-License-Identifier: MIT
"""musl, busybox and a newer QEMU: fetched and built once under build/, never copied into the repository.

    build/musl/            headers, libraries and bin/musl-gcc (the cross compiler with musl's specs)
    build/busybox/         busybox (dynamic, musl), busybox.static, busybox.links
    build/qemu10/          the distribution's backport of QEMU, for measuring on releases whose own is old

Sources are Debian's source packages with Debian's patches and nothing else. busybox is configured from
its own defconfig; DISABLED lists what is switched off and why.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import apt, say, stamps
from .errors import BuildError
from .paths import BUILD, THIRD_PARTY

CROSS = "riscv64-linux-gnu-"
MUSL = BUILD / "musl"
MUSL_GCC = MUSL / "bin" / "musl-gcc"
BUSYBOX = BUILD / "busybox"
QEMU10 = BUILD / "qemu10"
KERNEL_HEADERS = Path("/usr/riscv64-linux-gnu/include")
JOBS = str(os.cpu_count() or 2)

# busybox options that are not left at their default, with the reason.
BUSYBOX_OPTIONS: dict[str, str] = {
    "CONFIG_SELINUX": "n",               # needs libselinux
    "CONFIG_PAM": "n",                   # needs libpam
    "CONFIG_FEATURE_HAVE_RPC": "n",      # needs a libc with Sun RPC, musl has none
    "CONFIG_FEATURE_MOUNT_NFS": "n",     # the same
    "CONFIG_FEATURE_INETD_RPC": "n",     # the same
    "CONFIG_FEATURE_UTMP": "n",          # musl's utmp functions do nothing
    "CONFIG_FEATURE_WTMP": "n",
}


def _musl_key() -> str:
    return stamps.digest("musl-4", str(MUSL))       # the specs file holds absolute paths


def _busybox_key() -> str:
    return stamps.digest("busybox-4", BUSYBOX_OPTIONS, MUSL / "lib" / "libc.a")


def borrow(build: Path) -> None:
    """Use what another tree made under its build/, which must stay: for short-lived copies of a tree."""
    for mine, name in ((MUSL, "musl"), (BUSYBOX, "busybox")):
        if not mine.exists():
            mine.parent.mkdir(parents=True, exist_ok=True)
            mine.symlink_to(build / name)
    stamps.done("musl", _musl_key())
    stamps.done("busybox", _busybox_key())


def ensure_musl() -> None:
    """Build musl, shared and static, with a compiler wrapper."""
    source = THIRD_PARTY / "musl"
    key = _musl_key()
    if stamps.current("musl", key, MUSL_GCC, MUSL / "lib" / "libc.so", MUSL / "lib" / "libc.a"):
        return
    version = apt.fetch_source("musl", source)
    work = THIRD_PARTY / "musl-build"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(MUSL, ignore_errors=True)
    work.mkdir(parents=True)
    # --enable-wrapper=gcc writes bin/musl-gcc and its specs file; syslibdir is the guest's, which is
    # why `make install-libs` (it would touch the host's /lib) is not used.
    say.run_logged(f"musl {version}: configure",
                   [source / "configure", f"--prefix={MUSL}", "--syslibdir=/lib",
                    "--target=riscv64-linux-musl", "--enable-wrapper=gcc", "--disable-warnings"],
                   log="musl", cwd=work,
                   env={**os.environ, "CC": f"{CROSS}gcc", "CROSS_COMPILE": CROSS, "CFLAGS": "-O2 -g0"})
    say.run_logged(f"musl {version}: compile", ["make", f"-j{JOBS}"], log="musl", cwd=work, append=True)
    say.run_logged(f"musl {version}: install", ["make", "install-headers", "install-tools"],
                   log="musl", cwd=work, append=True)
    (MUSL / "lib").mkdir(parents=True, exist_ok=True)
    for path in (work / "lib").iterdir():
        shutil.copy2(path, MUSL / "lib" / path.name)
    _copy_kernel_headers(MUSL / "include")
    _smoke_test_musl()
    stamps.done("musl", key)


def _copy_kernel_headers(include: Path) -> None:
    """The Linux UAPI headers of the cross compiler's package, which musl itself does not carry."""
    for name in ("linux", "asm", "asm-generic", "mtd", "video", "sound", "rdma", "misc"):
        source = KERNEL_HEADERS / name
        if source.is_dir():
            shutil.copytree(source, include / name, dirs_exist_ok=True, symlinks=False)
    if not (include / "linux").is_dir():
        raise BuildError("no Linux headers for riscv64", where=str(KERNEL_HEADERS),
                         do="apt-get install linux-libc-dev-riscv64-cross")


def _smoke_test_musl() -> None:
    probe = THIRD_PARTY / "probe.c"
    probe.write_text('#include <stdio.h>\n#include <linux/futex.h>\nint main(void) { puts("hello"); return 0; }\n')
    for option in ("-static", "-pthread"):
        say.run_logged(f"musl: check the compiler wrapper ({option})",
                       [MUSL_GCC, option, "-o", THIRD_PARTY / "probe", probe], log="musl", append=True)


def _set_options(config: Path, options: dict[str, str]) -> None:
    text = config.read_text()
    for name, value in options.items():
        line = f"# {name} is not set" if value == "n" else f"{name}={value}"
        text, count = re.subn(rf"^(?:# )?{name}[= ].*$", line, text, flags=re.M)
        if not count:
            text += line + "\n"
    config.write_text(text)


def ensure_busybox() -> None:
    """Build busybox twice, dynamic and static, from one source and one configuration."""
    ensure_musl()
    source = THIRD_PARTY / "busybox"
    key = _busybox_key()
    dynamic, static = BUSYBOX / "busybox", BUSYBOX / "busybox.static"
    if stamps.current("busybox", key, dynamic, static, BUSYBOX / "busybox.links"):
        return
    version = apt.fetch_source("busybox", source)
    BUSYBOX.mkdir(parents=True, exist_ok=True)
    for variant, is_static in ((dynamic, "n"), (static, "y")):
        work = THIRD_PARTY / f"{variant.name}-build"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        # SOURCE_DATE_EPOCH: the banner holds a date, and two builds shall be equal.
        make = ["env", "SOURCE_DATE_EPOCH=0", "make", f"O={work}", "ARCH=riscv", f"CROSS_COMPILE={CROSS}", f"CC={MUSL_GCC}",
                "HOSTCC=gcc", "SKIP_STRIP=y"]
        log = variant.name
        say.run_logged(f"busybox {version} ({variant.name}): configure", [*make, "defconfig"], log=log, cwd=source)
        _set_options(work / ".config", {**BUSYBOX_OPTIONS, "CONFIG_STATIC": is_static,
                                        "CONFIG_PIE": "n", "CONFIG_EXTRA_LDFLAGS": '""'})
        say.run_logged(f"busybox {version} ({variant.name}): configuration", ["sh", "-c", "yes '' | \"$@\"", "sh", *make, "oldconfig"],
                       log=log, cwd=source, append=True)
        say.run_logged(f"busybox {version} ({variant.name}): compile", [*make, f"-j{JOBS}", "busybox"],
                       log=log, cwd=source, append=True)
        say.run_logged(f"busybox {version} ({variant.name}): links", [*make, "busybox.links"],
                       log=log, cwd=source, append=True)
        subprocess.run([f"{CROSS}strip", "-o", str(variant), str(work / "busybox_unstripped")], check=True)
        shutil.copy2(work / "busybox.links", BUSYBOX / "busybox.links")
        shutil.copy2(work / ".config", BUSYBOX / f"{variant.name}.config")
    stamps.done("busybox", key)


def ensure_qemu10() -> Path:
    """QEMU from the release's backports in a private prefix; returns the program's path."""
    program = QEMU10 / "usr" / "bin" / "qemu-system-riscv64"
    view = apt.backports_view()
    view.unpack_binaries(["qemu-system-misc" if apt.release_codename() == "bookworm" else "qemu-system-riscv"],
                         QEMU10, release=f"{apt.release_codename()}-backports")
    if not program.is_file():
        raise BuildError("the backported QEMU has no qemu-system-riscv64", where=str(QEMU10),
                         do="remove build/qemu10 and build/stamps/binary-backports-qemu10 and try again")
    return program


def _system_qemu_measures() -> bool:
    result = subprocess.run(["qemu-system-riscv64", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)\.(\d+)", result.stdout)
    return bool(found) and (int(found.group(1)), int(found.group(2))) >= (8, 1)


def has_measuring_qemu() -> bool:
    """Would measuring_qemu have nothing to fetch?"""
    return _system_qemu_measures() or (QEMU10 / "usr" / "bin" / "qemu-system-riscv64").is_file()


def measuring_qemu() -> tuple[str, dict[str, str] | None, list[str]]:
    """The QEMU to measure with: the system's when it is 8.1 or later, else the backported one."""
    return ("qemu-system-riscv64", None, []) if _system_qemu_measures() else qemu10()


def qemu10() -> tuple[str, dict[str, str], list[str]]:
    """Program, environment and further arguments of the newer QEMU."""
    program = ensure_qemu10()
    multiarch = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], capture_output=True, text=True,
                               check=True).stdout.strip()
    libraries = [QEMU10 / "usr/lib" / multiarch, QEMU10 / "lib" / multiarch]
    env = {**os.environ, "LD_LIBRARY_PATH": ":".join(str(p) for p in libraries)}
    return str(program), env, ["-L", str(QEMU10 / "usr/share/qemu"), "-L", "/usr/share/qemu"]
