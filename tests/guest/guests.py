# SPDX-License-Identifier: MIT
"""What all guest tests ask: on how many harts to run, on the machine that is under test (`./build.py test --machine NAME`)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from atoll_build import machines

MACHINE = machines.default()
SMP = [int(n) for n in os.environ.get("ATOLL_SMP", "").split(",") if n]     # --smp


def on(*harts: int) -> list[Any]:
    """For parametrize: these numbers of harts; those that the machine does not have are skipped."""
    return [pytest.param(n, marks=pytest.mark.skipif(n > MACHINE.max_harts, reason=MACHINE.too_few(n))) for n in harts]


def smp(*otherwise: int, least: int = 1) -> list[Any]:
    """What `--smp` says, or else these; at least so many."""
    return on(*(n for n in SMP or otherwise if n >= least))


def time_on(*harts: int) -> str:
    """A placement: a shard of time on each of these, counted from 0."""
    return "time=" + "+".join(str(MACHINE.first_hart + h) for h in harts)
