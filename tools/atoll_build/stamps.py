# SPDX-License-Identifier: MIT
"""Remember that a long step was done, and with which inputs, so that it is done once.

A stamp is a file build/stamps/<name> holding the digest of everything the step depends on; a step is
current when its stamp matches and its products exist. A stamp is written only after success.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from .paths import STAMPS


def digest(*parts: object) -> str:
    """Files are digested by content, everything else by its repr."""
    h = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else repr(part).encode()
        h.update(len(data).to_bytes(8, "little"))
        h.update(data)
    return h.hexdigest()


def current(name: str, key: str, *products: Path) -> bool:
    try:
        return (STAMPS / name).read_text() == key and all(p.exists() for p in products)
    except OSError:
        return False


def done(name: str, key: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(key)
