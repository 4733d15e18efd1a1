# SPDX-License-Identifier: MIT
"""Debian packages through a private apt state under build/apt, so that nothing on the host changes.

The archive's address and its key are the machine's own: they are taken from the entry for the running
release in /etc/apt/sources.list, sources.list.d/*.list or *.sources (deb822), and the machine's
apt.conf.d is copied (proxies and the like stay in force) with its hooks removed. There is a *view* for
each purpose, each with sources, lists and archives of its own, so only the indices that are needed are
fetched:

    source     deb-src of the machine's suite               musl, busybox
    riscv64    riscv64 binaries of RISCV_SUITE              programs for tests
    backports  host binaries of suite and suite-backports   QEMU for measuring
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import say, stamps
from .errors import BuildError
from .paths import BUILD, rel

APT = BUILD / "apt"
ETC = Path("/etc/apt")
RISCV_SUITE = "trixie"  # Debian's first release with riscv64
LISTS_MAX_AGE_S = 14 * 24 * 3600


@dataclass(frozen=True)
class Archive:
    """Debian's main archive as the machine is configured to reach it."""

    uri: str
    suite: str
    signed_by: str  # key file or fingerprint; empty: apt's trusted keys


@dataclass(frozen=True)
class _Entry:
    types: tuple[str, ...]
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def release_codename() -> str:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        text = ""
    found = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", text, re.M)
    if not found or not re.search(r"^ID=\"?debian", text, re.M):
        raise BuildError("this is not a Debian release with a code name", where="/etc/os-release",
                         do="build on Debian 12 or later")
    return found.group(1)


def parse_one_line(text: str) -> list[_Entry]:
    """Entries of a sources.list file: `deb [opt=val ...] uri suite component...`."""
    entries = []
    for line in text.splitlines():
        found = re.match(r"\s*(deb|deb-src)\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if not found:
            continue
        kind, options, uri, suite, components = found.groups()
        signed = re.search(r"signed-by=(\S+)", options or "")
        entries.append(_Entry((kind,), (uri,), (suite,), tuple(components.split()),
                              signed.group(1) if signed else ""))
    return entries


def parse_deb822(text: str) -> list[_Entry]:
    """Entries of a .sources file: stanzas of `Key: value`, continued by indented lines."""
    entries = []
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t") and key:
                fields[key] += "\n" + line
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0") or "uris" not in fields:
            continue
        entries.append(_Entry(tuple(fields.get("types", "deb").split()), tuple(fields["uris"].split()),
                              tuple(fields.get("suites", "").split()),
                              tuple(fields.get("components", "").split()), fields.get("signed-by", "")))
    return entries


def machine_archive(etc: Path = ETC, codename: str | None = None) -> Archive:
    """The machine's own entry for the release it runs."""
    codename = codename or release_codename()
    entries: list[_Entry] = []
    one_line = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]
    for path in one_line:
        if path.is_file():
            entries += parse_one_line(path.read_text(errors="replace"))
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        entries += parse_deb822(path.read_text(errors="replace"))
    for entry in entries:
        if "deb" in entry.types and codename in entry.suites and "main" in entry.components:
            return Archive(entry.uris[0], codename, entry.signed_by)
    raise BuildError(f"no apt source for Debian's suite '{codename}', component 'main'",
                     where=f"{etc}/sources.list and {etc}/sources.list.d/",
                     do="add the Debian archive for this release to the machine's apt sources")


class View:
    """One private apt state; `refresh` brings its lists, the others use them."""

    def __init__(self, name: str, stanzas: Sequence[tuple[str, str]], *, arch: str | None = None,
                 host_status: bool = False) -> None:
        self.name = name
        self.dir = APT / name
        self._archive = machine_archive()
        self._stanzas = stanzas
        self._arch = arch
        self._host_status = host_status

    # -- configuration ------------------------------------------------------------------------

    def _sources_text(self) -> str:
        out = []
        for kind, suite in self._stanzas:
            lines = [f"Types: {kind}", f"URIs: {self._archive.uri}", f"Suites: {suite}",
                     "Components: main"]
            if self._arch and kind == "deb":
                lines.append(f"Architectures: {self._arch}")
            if self._archive.signed_by:
                lines.append(f"Signed-By: {self._archive.signed_by}")
            out.append("\n".join(lines))
        return "\n\n".join(out) + "\n"

    def _config_text(self) -> str:
        d = self.dir
        status = "/var/lib/dpkg/status" if self._host_status else f"{d}/status"
        lines = [
            f'Dir::State "{d}/state";', f'Dir::State::lists "{d}/state/lists";',
            f'Dir::State::status "{status}";', f'Dir::Cache "{d}/cache";',
            f'Dir::Cache::archives "{d}/cache/archives";',
            f'Dir::Etc::sourcelist "{d}/none";', f'Dir::Etc::sourceparts "{d}/sources.list.d";',
            f'Dir::Etc::preferencesparts "{d}/none.d";', f'Dir::Etc::preferences "{d}/none";',
            'APT::Sandbox::User "root";', 'APT::Get::List-Cleanup "true";',
            'Acquire::Languages "none";', 'Acquire::Retries "3";', 'Acquire::PDiffs "false";',
            'APT::Install-Recommends "false";', 'APT::Get::Assume-Yes "true";',
            'Binary::apt-get::APT::Keep-Downloaded-Packages "true";',
            'APT::Keep-Downloaded-Packages "true";',
        ]
        if self._arch:
            lines += [f'APT::Architecture "{self._arch}";', '#clear APT::Architectures;',
                      f'APT::Architectures {{ "{self._arch}"; }};']
        for hook in ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke",
                     "APT::Update::Post-Invoke-Success", "DPkg::Pre-Invoke", "DPkg::Post-Invoke",
                     "DPkg::Pre-Install-Pkgs", "Acquire::IndexTargets::deb::Contents-deb",
                     "Acquire::IndexTargets::deb::DEP-11"):
            lines.append(f"#clear {hook};")
        return "\n".join(lines) + "\n"

    def _write(self) -> Path:
        """Lay the directories and files out; returns the file for APT_CONFIG."""
        for sub in ("state/lists/partial", "cache/archives/partial", "sources.list.d", "conf.d", "none.d"):
            (self.dir / sub).mkdir(parents=True, exist_ok=True)
        (self.dir / "status").touch()
        (self.dir / "sources.list.d" / "atoll.sources").write_text(self._sources_text())
        shutil.rmtree(self.dir / "conf.d")
        (self.dir / "conf.d").mkdir()
        if (ETC / "apt.conf.d").is_dir():
            for path in sorted((ETC / "apt.conf.d").iterdir()):
                if path.is_file() and os.access(path, os.R_OK):
                    shutil.copyfile(path, self.dir / "conf.d" / path.name)
        (self.dir / "conf.d" / "zz-atoll").write_text(self._config_text())
        top = self.dir / "apt.conf"
        top.write_text(f'Dir::Etc::parts "{self.dir}/conf.d";\n')
        return top

    def env(self) -> dict[str, str]:
        return {**os.environ, "APT_CONFIG": str(self._write()), "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive"}

    # -- operations ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Fetch the package lists, unless recent ones are here."""
        key = stamps.digest(self._sources_text())
        stamp = f"apt-{self.name}"
        try:
            age = time.time() - (stamps.STAMPS / stamp).stat().st_mtime
        except OSError:
            age = LISTS_MAX_AGE_S + 1
        if age < LISTS_MAX_AGE_S and stamps.current(stamp, key, self.dir / "state" / "lists"):
            return
        suites = ", ".join(f"{kind} {suite}" for kind, suite in self._stanzas)
        say.run_logged(f"apt: package lists ({suites})", ["apt-get", "update", "--error-on=any"],
                       log=f"apt-{self.name}", env=self.env(),
                       do="check the network and the machine's own `apt-get update`")
        stamps.done(stamp, key)

    def query(self, *words: str) -> str:
        result = subprocess.run(list(words), env=self.env(), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise BuildError(f"{' '.join(words)} failed", where=rel(self.dir), detail=result.stderr,
                             do="remove build/apt and build/stamps and try again")
        return result.stdout

    def source_version(self, package: str) -> str:
        self.refresh()
        versions = re.findall(r"^Version: (\S+)$", self.query("apt-cache", "showsrc", "--only-source", package),
                              re.M)
        if not versions:
            raise BuildError(f"the archive has no source package '{package}'", where=self._archive.uri,
                             do="check the machine's apt sources")
        return versions[-1]

    def unpack_source(self, package: str, destination: Path) -> str:
        """Source with Debian's patches applied, at destination. Returns its version."""
        stamp = f"source-{package}"
        if destination.is_dir() and (stamps.STAMPS / stamp).is_file():
            return (stamps.STAMPS / stamp).read_text()
        version = self.source_version(package)
        downloads = self.dir / "source"
        downloads.mkdir(parents=True, exist_ok=True)
        say.run_logged(f"apt: source of {package} {version}",
                       ["apt-get", "source", "--download-only", "--only-source", f"{package}={version}"],
                       log=f"source-{package}", cwd=downloads, env=self.env(), do="check the network")
        dsc = max(downloads.glob(f"{package}_*.dsc"), key=lambda p: p.stat().st_mtime)
        shutil.rmtree(destination, ignore_errors=True)
        destination.parent.mkdir(parents=True, exist_ok=True)
        say.run_logged(f"unpack {dsc.name}", ["dpkg-source", "--no-check", "-x", dsc, destination],
                       log=f"source-{package}", append=True)
        stamps.done(stamp, version)
        return version

    def unpack_binaries(self, packages: Sequence[str], destination: Path, *, release: str = "") -> None:
        """Binary packages and what they depend on, unpacked (no maintainer scripts) at destination."""
        key = stamps.digest(sorted(packages), self._sources_text(), release)
        stamp = f"binary-{self.name}-{destination.name}"
        if stamps.current(stamp, key, destination):
            return
        self.refresh()
        option = ["-t", release] if release else []
        uris = self.query("apt-get", "install", "--reinstall", "--print-uris", "-qq", *option, *packages)
        names = re.findall(r"^'[^']+' (\S+\.deb) ", uris, re.M)
        if not names:
            raise BuildError(f"apt found nothing to fetch for {', '.join(packages)}", where=rel(self.dir),
                             detail=uris)
        say.run_logged(f"apt: {', '.join(packages)}: {len(names)} packages",
                       ["apt-get", "install", "--reinstall", "--download-only", *option, *packages],
                       log=f"binary-{self.name}", env=self.env(), do="check the network")
        self._unpack([self.dir / "cache" / "archives" / name for name in names], destination)
        stamps.done(stamp, key)

    def unpack_alone(self, packages: Sequence[str], destination: Path) -> None:
        """Binary packages without what they depend on (a kernel image, say)."""
        self.refresh()
        downloads = self.dir / "alone"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir(parents=True)
        say.run_logged(f"apt: {', '.join(packages)}", ["apt-get", "download", *packages],
                       log=f"binary-{self.name}", cwd=downloads, env=self.env(), do="check the network")
        self._unpack(sorted(downloads.glob("*.deb")), destination)
        shutil.rmtree(downloads)

    def _unpack(self, files: Sequence[Path], destination: Path) -> None:
        shutil.rmtree(destination, ignore_errors=True)
        destination.mkdir(parents=True)
        for deb in files:
            say.run_logged(f"unpack {deb.name}", ["dpkg-deb", "-x", deb, destination],
                           log=f"binary-{self.name}", append=True)


def source_view() -> View:
    return View("source", [("deb-src", release_codename())])


def riscv64_view(suite: str = RISCV_SUITE) -> View:
    return View("riscv64", [("deb", suite)], arch="riscv64")


def backports_view() -> View:
    suite = release_codename()
    return View("backports", [("deb", suite), ("deb", f"{suite}-backports")], host_status=True)


def fetch_source(package: str, destination: Path) -> str:
    return source_view().unpack_source(package, destination)
