# SPDX-License-Identifier: MIT
"""The supervisor's table, build/gen/assembly.c and assembly_size.h, from the assembly; and the check of what was linked.

    python -m atoll_build.assembly_c --out build/gen
    python -m atoll_build.assembly_c --stamp FILE --programs build/servers
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import assembly, placement
from .assembly import Capability, Component, System
from .errors import BuildError
from .machines import MACHINES
from .paths import rel

ORIGINS = {"pool": "FROM_POOL", "kernel": "FROM_KERNEL", "linux_compat": "FROM_LINUX_COMPAT", "boot": "FROM_BOOT", "trace": "FROM_TRACE"}
PLACES = {assembly.CSPACE: "IN_CSPACE", assembly.CLIENT_VSPACES: "IN_CLIENT_VSPACES", assembly.CLIENT_DOORBELLS: "IN_CLIENT_DOORBELLS"}


def _rights(letters: str) -> str:
    return "RIGHTS_ALL" if len(set(letters)) == len(assembly.RIGHTS) else " | ".join(assembly.RIGHTS[c] for c in letters)


def _object(system: System, name: str) -> str:
    """`kind, which` of an object's name."""
    if name in ("pool", "platform"):
        return f"OBJECT_{name.upper()}, 0"
    if name.startswith("segment."):
        return f"OBJECT_SEGMENT, {system.object_index(name.removeprefix('segment.'))}"
    owner, _, kind = name.rpartition(".")
    if owner == "supervisor":
        return "OBJECT_SUPERVISOR, 0"
    return f"OBJECT_{kind.upper()}, {list(system.components).index(owner)}"


def _grant(system: System, c: Capability) -> str:
    return f"    {{ {PLACES[c.place]}, {_object(system, c.object)}, {_rights(c.rights)}, {c.slot_text}, {c.badge_text} }},   /* {c.object} */"


def _maps(system: System, component: Component) -> list[str]:
    def one(segment: str, prot: str, pages: str, first: str, address: str) -> str:
        return f"    {{ {system.object_index(segment)}, {prot}, {pages}, {first}, {address} }},   /* {segment} */"

    out = [one(f"sessions.{component.name}", "VM_READ | VM_WRITE", "0", "0", "SRV_SESSIONS")]
    out += [one(s, assembly.MAP_RIGHTS[r], "0", "0", system.segments[s].address) for s, r in component.maps.items()]
    for c in system.connections:
        if c.client == component.name:
            out.append(one(f"sessions.{c.server}", "VM_READ | VM_WRITE", "SESSION_PAGES",
                           f"{system.number(component.name)} * SESSION_PAGES",
                           f"SRV_CLIENT_SESSIONS + (uint64_t){system.number(c.server)} * SESSION_BYTES"))
    return out


def _identifier(c: Component) -> str:
    return c.name.replace(".", "_shard_")


def _component(system: System, c: Component) -> str:
    node, own = system.node(c.name), _identifier(c)

    def bits(names: list[str]) -> str:
        return " | ".join(f"1u << {list(system.devices).index(n)}" for n in names) or "0"

    return f"""    {{
        .name = "{c.name}", .program = "{c.program}", .first = {system.number(c.program)}, .shard = {c.shard}, .node = {f'"{node.node}"' if node else 'NULL'}, .node_mode = 0{node.mode if node else 0:o},
        .layout_hash = {assembly.read_interfaces()[c.serves].layout_hash:#x},
        .id = {system.number(c.name)}, .priority = {c.priority}, .budget_ms = {c.budget_ms}, .period_ms = {c.period_ms},
        .stack_bytes = {c.stack:#x}, .nr_coroutines = {c.coroutines}, .coroutine_stack_bytes = {c.coroutine_stack:#x},
        .untyped_share = {c.objects_share}, .untyped_min_bits = {c.objects_least.bit_length() - 1},
        .max_restarts = {c.restarts}, .restarts_ms = {c.restarts_s * 1000},
        .devices = {bits(c.devices)}, .interrupts = {bits(c.interrupts)},
        .asks = {" | ".join(f"1u << SUPERVISOR_{a.upper()}" for a in c.asks) or "0"},
        .map = {own}_maps, .nr_maps = sizeof {own}_maps / sizeof {own}_maps[0],
        .cap = {own}_caps, .nr_caps = sizeof {own}_caps / sizeof {own}_caps[0],
    }},"""


def source(system: System) -> str:
    out = ["/* SPDX-License-Identifier: MIT */", f"/* Written from {rel(system.source.path)} by tools/atoll_build/assembly_c.py; do not edit. */",
           '#include "assembly.h"', "", "const struct shared_segment shared_segments[NR_SHARED] = {"]
    ids = list(system.components)
    out += [f'    {{ "{s.name}", {s.pages_text or 0}, {ORIGINS[s.origin]}, {ids.index(s.owner) + 1 if s.owner else 0} }},'
            for s in system.segments.values()]
    out += ["};", "", "const struct device_kind device_kinds[NR_DEVICE_KINDS] = {"]
    for d in system.devices.values():
        names = ", ".join(f'"{n}"' for n in d.compatible)
        out.append(f'    {{ "{d.name}", {{ {names} }}, {d.bytes:#x}, {sum(1 << b for b in d.behind):#x} }},')
    out += ["};"]
    for c in system.components.values():
        out += ["", f"static const struct grant_map {_identifier(c)}_maps[] = {{", *_maps(system, c), "};"]
        out += [f"static const struct grant_cap {_identifier(c)}_caps[] = {{",
                *(_grant(system, g) for g in assembly.capabilities(system, c.name)), "};"]
    out += ["", "const struct component assembly[NR_COMPONENTS] = {", *(_component(system, c) for c in system.components.values()), "};", ""]
    return "\n".join(out)


def sizes(system: System) -> str:
    return f"""/* SPDX-License-Identifier: MIT */
/* Written from {rel(system.source.path)} by tools/atoll_build/assembly_c.py; do not edit. */
#ifndef ASSEMBLY_SIZE_H
#define ASSEMBLY_SIZE_H

#define NR_COMPONENTS   {len(system.components)}
#define NR_SHARED       {len(system.segments)}
#define NR_DEVICE_KINDS {len(system.devices)}

#endif
"""


def _write(path: Path, text: str) -> None:
    """Leave an unchanged file's time alone, so that nothing is rebuilt because of it."""
    if not path.is_file() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def check_linked(system: System, programs: Path) -> None:
    interfaces = assembly.read_interfaces()
    for c in system.components.values():
        if c.shard == 0:
            assembly.check_program(system, c.name, programs / f"{c.program}.elf", interfaces)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    parser.add_argument("--programs", type=Path)
    parser.add_argument("--stamp", type=Path)
    args = parser.parse_args()
    try:
        system = assembly.load()
        if args.out:
            for machine in MACHINES.values():
                placement.check_table(system, machine)
                there, _ = assembly.of_placement(system, placement.harts_of(machine.default_harts, "", machine))
                assembly.check_memory(there, machine.memory, machine.boot_memory(), f"{rel(machine.folder)}: {machine.memory_text}")
            _write(args.out / "assembly.c", source(system))
            _write(args.out / "assembly_size.h", sizes(system))
        if args.programs:
            check_linked(system, args.programs)
            args.stamp.touch()
    except BuildError as error:
        print(error.render(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
