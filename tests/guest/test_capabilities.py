# SPDX-License-Identifier: MIT
"""No component holds a capability that the assembly does not list, and each holds all that it lists.

The supervisor, asked by the word `caps`, walks every CSpace when it has built everything, each time that it has built a
component again, and when the system ends (servers/supervisor/walk.c). At the start the two lists are the same. At the end a component may have made things
of the memory that it was given, in the slots that are its own, and proc has put its processes into the client CNodes.
"""

from __future__ import annotations

import re
from collections import defaultdict

import guests
import pytest
from atoll_build import assembly, placement, run
from atoll_build.testing import boot_exec

# of a start with --exec: its output leaves by one virtio console, or by the second UART
DEVICES = ["rtc", "uart", "virtio", "dma"] if guests.MACHINE.has_virtio else ["uart", "uart", "dma"]
SYSTEM = assembly.load()
C = SYSTEM.constants
Line = tuple[str, str, int, str, int, int, str]  # component, place, slot, type, rights, badge, object

LINE = re.compile(r"supervisor: cap (start|end|restart) ([\w.]+) (\S+) (\d+) (\w+) (\w+) (\w+) (\S+)")

COMMAND = "echo one | cat >/tmp/file; sleep 0.1 & cat /tmp/file; wait; exit 3"


def boot(smp: int, append: str = "caps", place: str = "", command: str = COMMAND) -> tuple[dict[str, list[Line]], run.Result]:
    result, out, err = boot_exec(run.Options(smp=smp, append=append, place=place, timeout_s=120, command=command))
    assert result.status == 3 and out == "one\n", out + err + result.console[-2000:]
    found = defaultdict(list)
    for when, component, place_, slot, kind, rights, badge, thing in LINE.findall(result.console):
        found[when].append((component, place_, int(slot), kind, int(rights, 16), int(badge, 16), thing))
    return found, result


def all_listed(smp: int = 2, place: str = "") -> set[Line]:
    """What the assembly says, for the devices of this machine and the shards of this placement."""
    there, _ = assembly.of_placement(SYSTEM, placement.harts_of(smp, place, guests.MACHINE))
    return {(c.component, c.place, c.slot, c.type, assembly.rights_value(there, c.rights), c.badge, c.object)
            for name in there.components
            for c in [*assembly.capabilities(there, name), *assembly.device_capabilities(there, name, DEVICES)]}


@pytest.mark.parametrize(("smp", "place"), [*(pytest.param(*n.values, "", marks=n.marks) for n in guests.smp(1, 2, 4)),
                                              (2, guests.time_on(0, 1)), (4, guests.time_on(0, 1, 2, 3))])
def test_components_hold_what_the_assembly_lists_and_nothing_else(smp: int, place: str) -> None:
    found, result = boot(smp, place=place)
    listed = all_listed(smp, place)
    assert "supervisor: cap start done" in result.console and "supervisor: cap end done" in result.console
    assert len(set(found["start"])) == len(found["start"])
    assert set(found["start"]) - listed == set(), "held, but not listed"
    assert listed - set(found["start"]) == set(), "listed, but not held"
    at_end = set(found["end"])
    assert listed - at_end == set(), "lost while it ran"
    for line in at_end - listed:
        assert explained(line, listed), f"nothing in the assembly explains {line}"


def test_moves_give_nobody_anything() -> None:
    found, _ = boot(2, command="for i in 1 2 3; do servers --move fs=0 proc=0 time=0 && servers --move fs=1 proc=1 time=1; done; " + COMMAND)
    at_end, listed = set(found["end"]), all_listed()
    assert listed - at_end == set(), "lost while it ran"
    assert all(explained(line, listed) for line in at_end - listed)


RESTARTABLE = [(name, "") for name, c in SYSTEM.components.items() if c.restart == "always" and not c.shard]


@pytest.mark.parametrize(("name", "place"), [*RESTARTABLE, ("time", guests.time_on(0, 1)), ("time.1", guests.time_on(0, 1))])
def test_a_restarted_component_holds_the_same_as_at_the_start(name: str, place: str) -> None:
    found, _ = boot(2, place=place, command=f"for i in 1 2 3; do servers --restart {name}; done; {COMMAND}")
    listed = all_listed(2, place)
    own = {line for line in listed if line[0] == name}
    again = found["restart"]
    for nth in range(3):                        # three whole walks, one after the other
        first = again[:next((i for i, line in enumerate(again) if i and line == again[0]), len(again))]
        again = again[len(first):]
        assert own - set(first) == set(), "lost"
        for line in set(first) - own:           # only its clients: of its CSpace nothing is left
            assert line[0] == name and line[1] != assembly.CSPACE and explained(line, listed), f"nothing explains {line}"
    assert not again
    assert own - set(found["end"]) == set(), "lost while it ran"


def explained(line: Line, listed: set[Line]) -> bool:
    """May a component have come to this since the start?"""
    component, place, slot, kind, rights, badge, thing = line
    me = SYSTEM.components[component]
    if place == assembly.CLIENT_VSPACES:        # a process: memory that it can copy, and fs map files into
        may = C["RIGHT_READ"] | C["RIGHT_WRITE"] | C["RIGHT_COPY"] | (C["RIGHT_MAP"] if component == "fs" else 0)
        return slot >= C["FIRST_PROCESS_SLOT"] and kind == "vspace" and not rights & ~may and thing == "-"
    if place == assembly.CLIENT_DOORBELLS:
        return slot >= C["FIRST_PROCESS_SLOT"] and (kind, rights, badge, thing) == ("notification", C["RIGHT_WRITE"], 1 << SYSTEM.components[me.program].id, "-")
    if place == assembly.CSPACE and slot < C["SRV_CAP_OWN_FREE"]:
        return False
    if thing == "-":                            # made of its own memory
        return kind in me.makes
    own = [c for c in listed if c[0] == component and c[6] == thing]      # or a copy of what it has, with no more rights
    return any(kind == c[3] and not rights & ~c[4] for c in own)


def test_nothing_is_walked_unless_it_is_asked_for() -> None:
    assert not boot(2, append="")[0]


@pytest.mark.parametrize("line", [
    ("time", "cspace", 6, "pool", 0x51, 0, "pool"),                             # more rights than listed
    ("time", "cspace", 17, "notification", 2, 4, "proc.notification"),          # another's badge
    ("fs", "cspace", 18, "notification", 2, 0, "time.notification"),            # another object
    ("time", "cspace", 200, "segment", 3, 0, "-"),                              # time makes nothing
    ("fs", "cspace/384", 4, "tcb", 0xff, 0, "-"),                               # fs makes no threads
    ("proc", "cspace", 300, "platform", 0xff, 0, "platform"),                   # a copy with more rights
    ("time", "client_vspaces", 20, "vspace", 0x63, 0, "-"),                     # may not map there
    ("fs", "client_doorbells", 20, "notification", 2, 2, "-"),                  # rings as proc
])
def test_the_comparison_would_see_what_is_not_listed(line: Line) -> None:
    assert line not in all_listed() and not explained(line, all_listed())


def test_coroutines_are_those_of_the_assembly() -> None:
    result, out, err = boot_exec(run.Options(smp=2, timeout_s=120, command="cat /proc/atoll/fs"))
    assert result.status == 0 and re.search(rf"coroutines \d+/{SYSTEM.components['fs'].coroutines} high", out), out + err
