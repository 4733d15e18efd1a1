# SPDX-License-Identifier: MIT
"""Progress for people, on standard error, and subprocesses whose output goes to a log.

Standard output belongs to the guest (`--exec`) and to results, so nothing here ever writes to it.
`run_logged` shows one line that counts seconds and the log's lines while a long command runs; when
the command fails the log's last lines are shown and the whole log is named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import BuildError
from .paths import LOG, rel

_quiet = False


def set_quiet(quiet: bool) -> None:
    """Quiet: only errors. With --exec standard error is the guest's, unless a person is watching."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    return _quiet


def step(text: str) -> None:
    """One line: something starts or has been decided."""
    if not _quiet:
        print(f"[atoll] {text}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    print(f"[atoll] warning: {text}", file=sys.stderr, flush=True)


class _Ticker:
    """Rewrites one terminal line a few times a second while something long runs."""

    def __init__(self, title: str, log: Path) -> None:
        self._title = title
        self._log = log
        self._done = threading.Event()
        self._live = sys.stderr.isatty() and not _quiet
        self._start = time.monotonic()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> _Ticker:
        if not self._live:
            step(self._title)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        if self._live:
            seconds = time.monotonic() - self._start
            sys.stderr.write(f"\r\033[K[atoll] {self._title} ({seconds:.0f} s)\n")
            sys.stderr.flush()

    def _loop(self) -> None:
        last_note = self._start
        while not self._done.wait(0.3):
            now = time.monotonic()
            if self._live:
                tail = _last_line(self._log)[:60]
                sys.stderr.write(f"\r\033[K[atoll] {self._title} {now - self._start:.0f} s  {tail}")
                sys.stderr.flush()
            elif now - last_note > 15 and not _quiet:
                last_note = now
                step(f"{self._title}: {now - self._start:.0f} s, {_last_line(self._log)[:70]}")


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 400))
            lines = log.read().decode("utf-8", "replace").replace("\r", "\n").strip().split("\n")
    except OSError:
        return ""
    return "".join(c for c in lines[-1] if c.isprintable())


def tail(path: Path, lines: int = 30) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip("\n").split("\n")[-lines:])


def run_logged(
    title: str,
    command: Sequence[str | Path],
    *,
    log: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    do: str = "",
    append: bool = False,
) -> None:
    """Run a command with its output in build/log/<log>.log; raise BuildError when it fails."""
    LOG.mkdir(parents=True, exist_ok=True)
    path = LOG / f"{log}.log"
    words = [str(w) for w in command]
    with path.open("ab" if append else "wb") as out:
        out.write(("$ " + " ".join(words) + "\n").encode())
        out.flush()
        with _Ticker(title, path):
            try:
                code = subprocess.run(
                    words, cwd=cwd, env=dict(env) if env is not None else None,
                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False,
                ).returncode
            except FileNotFoundError:
                raise BuildError(f"{words[0]} is not installed", do="./build.py doctor") from None
    if code != 0:
        raise BuildError(f"{title}: {words[0]} failed with status {code}", where=rel(path), do=do,
                         detail=tail(path))
