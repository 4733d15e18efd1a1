# SPDX-License-Identifier: MIT
"""The assembly: servers/system.toml, read and checked, and every capability that follows from it.

`load` reads the file into a System and checks what needs nothing else: names, rights, slots, devices, connections
against the interfaces, cycles of waiting, credits. `check_memory`, `check_placement` and `check_program` check it
against a machine, a placement and a linked program. Each refusal is a BuildError: what, which line, what to do.

`capabilities` is the whole authority of a component. The table that the supervisor works from is written from it
(assembly_c.py), and the test that walks the CSpaces compares with it, so the two cannot drift apart.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from . import components, elf
from .constants import Constants
from .errors import BuildError
from .machines import Machine
from .paths import ROOT, rel

SYSTEM = ROOT / "servers" / "system.toml"

RIGHTS = {"r": "RIGHT_READ", "w": "RIGHT_WRITE", "g": "RIGHT_GRANT", "x": "RIGHT_EXEC", "c": "RIGHT_CONTROL",
          "y": "RIGHT_COPY", "m": "RIGHT_MAP", "l": "RIGHT_CLONE"}
MAP_RIGHTS = {"r": "VM_READ", "rw": "VM_READ | VM_WRITE"}
ORIGINS = ("pool", "kernel", "linux_compat", "boot", "trace")
# What a component may make of its memory, and the CAP_TYPE_* of it.
TYPES = {"untyped": "UNTYPED", "cnode": "CNODE", "tcb": "TCB", "sched": "SCHED_CONTEXT", "endpoint": "ENDPOINT",
         "reply": "REPLY", "notification": "NOTIFICATION", "vspace": "VSPACE", "segment": "SEGMENT"}
ASKS = ("shutdown", "move", "restart")  # SUPERVISOR_* of libipc/system.h
MAX_RESTARTS = 64               # supervisor/assembly.h
MAX_IRQS = 12                   # SRV_IRQ_BIT
STUBS = ("", "_submit", "_queue", "_until", "_finish")      # what a client may call of a method, NAME_METHOD and this
CSPACE, CLIENT_VSPACES, CLIENT_DOORBELLS = "cspace", "client_vspaces", "client_doorbells"


# -- the model --------------------------------------------------------------------------------


@dataclass
class Segment:
    name: str
    origin: str
    pages: int                  # 0: the supervisor finds out
    pages_text: str
    address: str                # constants; "" where none may be
    slot: str
    each_shard: bool = False    # each shard that maps it has one of its own: NAME, NAME.1, ...
    owner: str = ""             # made only if this component is there; "": always


@dataclass
class Device:
    name: str
    compatible: list[str]
    behind: list[int]           # virtio device IDs, or empty: any
    bytes: int                  # not 0: memory instead of a device


@dataclass
class Component:
    """Or one shard of it: the first has the component's name, the others NAME.1, NAME.2 ... (docs/shards.md)."""

    name: str
    id: int
    program: str                # the component: of its program, its placement, and all its shards
    shard: int                  # 0: the first, and of most the only one
    shards: int                 # that there can be
    serves: str
    priority: int
    budget_ms: int
    period_ms: int
    stack: int
    coroutines: int
    coroutine_stack: int
    objects_share: int          # log2: the machine's memory / 2^share ...
    objects_least: int          # ... at least this, a power of two
    makes: list[str]
    pool: str
    platform: str
    maps: dict[str, str]
    holds: dict[str, str]
    devices: list[str]
    interrupts: list[str]
    restart: str
    restarts: int               # after faults, at most so many ...
    restarts_s: int             # ... in so many seconds; 0: the policy is "no"
    builds_processes: bool
    asks: list[str]             # of the supervisor
    line: str                   # where it begins, file:line

    def committed(self, memory: int) -> int:
        """Bytes that it has from the start, whatever happens: kernel objects and stacks."""
        return self.objects(memory) + self.stack + self.coroutines * self.coroutine_stack

    def objects(self, memory: int) -> int:
        bits = self.objects_least.bit_length() - 1
        while 2 << bits <= memory >> self.objects_share:
            bits += 1
        return 1 << bits


@dataclass
class Connection:
    client: str
    server: str
    interface: str
    calls: list[str]
    events: list[str]
    node: str                   # fs: programs reach the server through /dev/NODE; "": they do not
    mode: int                   # of that file
    line: str
    nth: int                    # [[connection]] of the file: shards have several of one


@dataclass
class System:
    segments: dict[str, Segment]
    devices: dict[str, Device]
    components: dict[str, Component]
    connections: list[Connection]
    guests_memory: int
    source: Source
    constants: Constants

    def object_index(self, name: str) -> int:
        return list(self.segments).index(name)

    def number(self, name: str) -> str:
        """A component's number as C text: SERVER_NAME, or one that nobody else has."""
        named = f"SERVER_{name.upper()}"
        return named if named in self.constants.text or named in self.constants else str(self.components[name].id)

    def shards(self, name: str) -> list[str]:
        """The components that the component `name` of the file has become."""
        return [c.name for c in self.components.values() if c.program == name]

    def node(self, server: str) -> Connection | None:
        """The connection by which programs reach it."""
        return next((c for c in self.connections if c.server == server and c.node), None)

    def sessions_client(self, server: str) -> list[Connection]:
        return [c for c in self.connections if c.server == server]


@dataclass(frozen=True)
class Method:
    event: bool
    nonblocking: bool


@dataclass(frozen=True)
class Interface:
    name: str
    file: str
    layout_hash: int
    methods: Mapping[str, Method]


@dataclass(frozen=True)
class Capability:
    """One slot of a component's CSpace, or of the CNodes in which it finds its clients."""

    component: str
    place: str                  # cspace, client_vspaces, client_doorbells
    slot: int
    slot_text: str
    type: str                   # of TYPES, or pool, platform
    rights: str                 # letters
    badge: int
    badge_text: str
    object: str                 # proc.notification, segment.fd_pages, pool ...


# -- reading ----------------------------------------------------------------------------------


@dataclass
class Source:
    """The text, to say where something is."""

    text: str
    path: Path

    def where(self, table: str, key: str = "", nth: int = 0) -> str:
        """file:line of a key of a table, or of the table. `nth`: of several [[table]]."""
        lines, seen, best = self.text.splitlines(), -1, 0
        inside = False
        for number, line in enumerate(lines, 1):
            header = re.match(r"\s*\[\[?\s*([\w.\"-]+)\s*\]", line)
            if header:
                inside = header[1].replace('"', "") in (table, f"{table}.{key}")
                if inside and header[1] == table:
                    seen += 1
                inside = inside and seen == nth
                if inside and (not best or header[1] == f"{table}.{key}"):
                    best = number
            elif inside and key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                return f"{rel(self.path)}:{number}"
        return f"{rel(self.path)}:{best or 1}"


class _Table:
    """One table of the file: typed access, and a complaint about keys that nobody asked for."""

    def __init__(self, source: Source, name: str, values: dict[str, Any], nth: int = 0) -> None:
        if not isinstance(values, dict):
            raise BuildError(f"{name} is not a table", where=source.where(name), do=f"write [{name}]")
        self.source, self.name, self.values, self.nth = source, name, dict(values), nth

    def at(self, key: str = "") -> str:
        return self.source.where(self.name, key, self.nth)

    def error(self, key: str, what: str, do: str) -> BuildError:
        return BuildError(f"{self.name}: {what}", where=self.at(key), do=do)

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        if key not in self.values:
            if default is None:
                raise self.error("", f"'{key}' is missing", f"add a line `{key} = ...`; docs/assembly.md lists the keys")
            return default
        value = self.values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, f"{key} = {value!r} is not a {kind.__name__}", "docs/assembly.md lists the keys and their types")
        return value

    def names(self, key: str, allowed: Iterable[str], what: str) -> list[str]:
        found = self.take(key, list, [])
        allowed = list(allowed)
        for name in found:
            if name not in allowed:
                raise self.error(key, f"there is no {what} '{name}'", f"name one of: {', '.join(allowed) or '(there are none)'}")
        if len(set(found)) != len(found):
            raise self.error(key, f"{key} names something twice", "once is enough")
        return found

    def number(self, key: str, low: int, high: int) -> int:
        value = self.take(key, int)
        if not low <= value <= high:
            raise self.error(key, f"{key} = {value}", f"it must be between {low} and {high}")
        return value

    def bytes(self, key: str, multiple: int) -> int:
        text = self.take(key, str)
        value = parse_bytes(text)
        if not value or value % multiple:
            raise self.error(key, f"{key} = \"{text}\" is not a size in multiples of {multiple} bytes", 'write for example "64K"')
        return value

    def rights(self, key: str, value: object, allowed: Iterable[str] | None = None) -> str:
        letters = "".join(RIGHTS) if value == "all" else value
        if not isinstance(letters, str) or not letters or any(c not in RIGHTS for c in letters) or \
                (allowed is not None and letters not in allowed):
            raise self.error(key, f"'{value}' are no rights for {key}",
                             f"use {' or '.join(allowed) if allowed else 'letters of ' + ''.join(RIGHTS) + ', or all'}")
        return letters

    def done(self) -> None:
        for key in self.values:
            raise self.error(key, f"nothing is called '{key}' here", "docs/assembly.md lists the keys")


def parse_bytes(text: str) -> int:
    """512M, 64K, 4096; 0 when it is no size."""
    found = re.fullmatch(r"(\d+)([KMGkmg]?)", text)
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()] if found else 0


def _say_bytes(n: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if n >= size:
            return f"{n / size:.4g} {unit}"
    return f"{n} bytes"


def load(path: Path = SYSTEM, text: str | None = None, interfaces: Mapping[str, Interface] | None = None,
         constants: Constants | None = None) -> System:
    """Read and check. `text`, `interfaces`, `constants`: instead of the tree's own, for tests."""
    source = Source(path.read_text() if text is None else text, path)
    try:
        top = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise BuildError(f"the assembly is not TOML: {error}", where=f"{rel(path)}:{line[1] if line else 1}",
                         do="correct the line; https://toml.io has the format") from None
    for name in top:
        if name not in ("segment", "device", "component", "connection", "guests"):
            raise BuildError(f"the assembly has no part '{name}'", where=source.where(name),
                             do="parts are segment, device, component, connection, guests")
    constants = Constants() if constants is None else constants
    system = System({}, {}, {}, [], 0, source, constants)
    shards = {name: _shards(_Table(source, f"component.{name}", values), constants) for name, values in top.get("component", {}).items()}
    numbers = _numbers([_shard_name(name, i) for name, n in shards.items() for i in range(n)], constants)
    for name, number in numbers.items():
        system.segments[f"sessions.{name}"] = Segment(f"sessions.{name}", "pool", constants["NR_SLOTS"] * constants["SESSION_PAGES"],
                                                      "NR_SLOTS * SESSION_PAGES", "SRV_SESSIONS", f"SRV_CAP_SESSIONS + {number}", owner=name)
    for name, values in top.get("segment", {}).items():
        system.segments[name] = _segment(_Table(source, f"segment.{name}", values), name, constants)
    for name, values in top.get("device", {}).items():
        system.devices[name] = _device(_Table(source, f"device.{name}", values), name)
    for name, values in top.get("component", {}).items():
        for i in range(shards[name]):
            shard = _component(_Table(source, f"component.{name}", values), name, i, numbers, system)
            system.components[shard.name] = shard
    for nth, values in enumerate(top.get("connection", [])):
        system.connections += _connection(_Table(source, "connection", values, nth), system)
    guests = _Table(source, "guests", top.get("guests", {}))
    system.guests_memory = guests.bytes("memory", 4096)
    guests.done()
    _check_devices(system)
    _check_interfaces(system, read_interfaces() if interfaces is None else interfaces)
    _check_credits(system)
    _check_slots(system)
    return system


def _shard_name(name: str, shard: int) -> str:
    return f"{name}.{shard}" if shard else name


def _shards(t: _Table, constants: Constants) -> int:
    return t.number("shards", 1, constants["MAX_SHARDS"]) if "shards" in t.values else 1


def _numbers(names: list[str], constants: Constants) -> dict[str, str]:
    """Of each component SERVER_NAME, or the next number for one that libipc/system.h does not know: shards but the first come last."""
    def known(n: str) -> bool:
        return f"SERVER_{n.upper()}" in constants.text or f"SERVER_{n.upper()}" in constants

    others = sorted((n for n in names if not known(n)), key=lambda n: "." in n)
    return {n: f"SERVER_{n.upper()}" if known(n) else str(constants["FIRST_OTHER_SERVER"] + others.index(n)) for n in names}


def _constant(table: _Table, key: str, constants: Constants, default: str | None = None) -> tuple[int, str]:
    text = table.take(key, str, default)
    try:
        return (constants.value(text), text) if text else (0, "")
    except KeyError as name:
        raise table.error(key, f"there is no constant {name.args[0]}", "see libipc/system.h for the names") from None
    except BuildError as error:
        raise table.error(key, error.what, "write for example NR_SLOTS * FD_PAGES") from None


def _segment(t: _Table, name: str, constants: Constants) -> Segment:
    origin = t.take("from", str, "pool")
    if origin not in ORIGINS:
        raise t.error("from", f"a Segment cannot come from '{origin}'", f"use one of {', '.join(ORIGINS)}")
    pages, text = _constant(t, "pages", constants, None if origin in ("pool", "kernel") else "")
    segment = Segment(name, origin, pages, text, _constant(t, "address", constants, "")[1], _constant(t, "slot", constants, "")[1],
                      t.take("each_shard", bool, False))
    if segment.each_shard and (origin != "pool" or segment.slot):
        raise t.error("each_shard", f"each shard cannot have a {name} of its own", "only what is made, and mapped but not held")
    t.done()
    return segment


def _device(t: _Table, name: str) -> Device:
    device = Device(name, t.take("compatible", list), t.take("behind", list, []), t.take("bytes", int, 0))
    if not 1 <= len(device.compatible) <= 4 or not all(isinstance(n, str) and 1 <= len(n) <= 31 for n in device.compatible):
        raise t.error("compatible", "one to four names of 1 to 31 characters are needed", "take them from the device tree")
    if device.bytes % 4096:
        raise t.error("bytes", f"{device.bytes:#x} is not a number of whole pages", "round it up to 0x1000")
    t.done()
    return device


def _component(t: _Table, name: str, shard: int, numbers: Mapping[str, str], system: System) -> Component:
    constants = system.constants
    shards = _shards(t, constants)
    t.values.pop("shards", None)
    ident = constants.value(numbers[_shard_name(name, shard)])
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,14}" if shards == 1 else r"[a-z][a-z0-9_]{0,12}", name) or ident >= constants["NR_SERVERS"]:
        raise t.error("", f"'{name}' cannot be a component", "a name is at most 15 of a-z, 0-9 and _, 13 with shards; there may be "
                      f"{constants['NR_SERVERS'] - constants['FIRST_OTHER_SERVER']}, with shards, whose numbers are not in libipc/system.h")
    share = t.take("objects", str)
    found = re.fullmatch(r"1/(\d+)", share)
    if not found or int(found[1]).bit_count() != 1:
        raise t.error("objects", f'"{share}" is not one over a power of two', 'write for example "1/4096"')
    least = t.bytes("objects_least", 4096)
    if least.bit_count() != 1:
        raise t.error("objects_least", f"{least} bytes are no power of two", "round it up")
    component = Component(
        _shard_name(name, shard), ident, name, shard, shards, t.take("serves", str), t.number("priority", 1, 255), t.number("budget_ms", 1, 10_000),
        t.number("period_ms", 1, 10_000), t.bytes("stack", 4096), t.number("coroutines", 1, 256),
        t.bytes("coroutine_stack", 4096), int(found[1]).bit_length() - 1, least,
        t.names("makes", TYPES, "kind of object that can be made"), t.rights("pool", t.take("pool", str)),
        t.rights("platform", t.take("platform", str)), _segment_rights(t, "maps", system, True),
        _segment_rights(t, "holds", system, False), t.names("devices", system.devices, "device"), [],
        t.take("restart", str), t.take("restarts", int, 10), t.take("restarts_s", int, 10),
        t.take("builds_processes", bool, False), t.names("asks", ASKS, "request to the supervisor"), t.at())
    component.interrupts = t.names("interrupts", component.devices, "device of this component")
    if component.budget_ms > component.period_ms:
        raise t.error("budget_ms", f"a budget of {component.budget_ms} ms does not fit a period of {component.period_ms} ms",
                      "lower budget_ms or raise period_ms")
    if component.restart not in ("no", "always"):
        raise t.error("restart", f"the supervisor has no policy '{component.restart}'",
                      'write restart = "no" (a fault ends the system) or "always"')
    for key, value, most in (("restarts", component.restarts, MAX_RESTARTS), ("restarts_s", component.restarts_s, 3600)):
        if not 1 <= value <= most:
            raise t.error(key, f"{key} = {value}", f"it must be between 1 and {most}")
    if component.restart == "no":
        component.restarts = component.restarts_s = 0
    elif component.builds_processes:
        raise t.error("restart", f"{name} cannot be started again: processes are made of its memory", 'write restart = "no"')
    if component.builds_processes and shards > 1:
        raise t.error("shards", f"{name} cannot be divided: it makes the processes, and says which shard serves which", "write shards = 1")
    first_maps = _segment_rights(t, "first_maps", system, True)
    for segment in first_maps:
        if segment not in component.maps:
            raise t.error("first_maps", f"no shard but the first would have {segment}", "say what the others may in maps")
    _make_shard(component, first_maps, system)
    room = constants["SRV_DEVICES"] - constants["SRV_CORO_STACKS"]
    if component.coroutines * (component.coroutine_stack + 4096) > room:
        raise t.error("coroutine_stack", f"{component.coroutines} stacks of {_say_bytes(component.coroutine_stack)} and their guard "
                      f"pages do not fit {_say_bytes(room)} of addresses", "lower coroutines or coroutine_stack")
    t.done()
    return component


def _make_shard(c: Component, first_maps: Mapping[str, str], system: System) -> None:
    """The first has what can have one owner only; what each has of its own is made for the others."""
    if c.shard == 0:
        c.maps.update(first_maps)
        return
    c.devices, c.interrupts = [], []
    for name in [n for n in c.maps if system.segments[n].each_shard]:
        own = _shard_name(name, c.shard)
        system.segments[own] = replace(system.segments[name], name=own, owner=c.name)
        c.maps[own] = c.maps.pop(name)


def _segment_rights(t: _Table, key: str, system: System, mapped: bool) -> dict[str, str]:
    found = dict(t.take(key, dict, {}))
    for name, value in found.items():
        segment = system.segments.get(name)
        if segment is None:
            raise t.error(key, f"there is no segment '{name}'", f"name one of: {', '.join(system.segments)}")
        if not (segment.address if mapped else segment.slot) or (mapped and name.startswith("sessions.")):
            raise t.error(key, f"segment {name} has no {'address' if mapped else 'slot'}",
                          "sessions are mapped by serving and by connections" if name.startswith("sessions.")
                          else f"give it one at {system.source.where(f'segment.{name}')}")
        found[name] = t.rights(key, value, MAP_RIGHTS if mapped else None)
        if name.startswith("sessions.") and not mapped:     # of all shards
            shards = [s for s in system.segments if s.startswith(f"{name}.")]
            found = {**found, **dict.fromkeys(shards, found[name])}
    return found


def _ends(t: _Table, key: str, system: System) -> list[str]:
    """The components of one end of a connection: NAME is all shards of it, NAME.first one, NAME.others the rest (perhaps none)."""
    text = t.take(key, str)
    name, _, which = text.partition(".")
    parts = {"": slice(None), "first": slice(1), "others": slice(1, None)}
    if name not in system.components or which not in parts:
        raise t.error(key, f"there is no component '{text}'", f"name one of: {', '.join(c.program for c in system.components.values() if not c.shard)}")
    return system.shards(name)[parts[which]]


def _connection(t: _Table, system: System) -> list[Connection]:
    clients, servers = _ends(t, "client", system), _ends(t, "server", system)
    node, mode = t.take("node", str, ""), t.take("mode", str, "0600")
    given = (t.take("interface", str), t.take("calls", list, []), t.take("events", list, []), node,
             int(mode, 8) if re.fullmatch(r"0?[0-7]{1,3}", mode) else -1, t.at(), t.nth)
    out = [Connection(client, server, *given) for client in clients for server in servers]
    for c in out:
        if c.client == c.server:
            raise t.error("client", f"{c.client} is connected to itself", "a component calls its own functions")
        if c.mode < 0:
            raise t.error("mode", f'"{mode}" are no permissions', 'write for example "0666"')
        if node and (not re.fullmatch(r"[\w.-]{1,15}", node) or any(o.node == node for o in system.connections)):
            raise t.error("node", f"/dev/{node} cannot be, or is there already", "a name of 1 to 15 letters, digits, _, . and -")
        if node and (system.components[c.client].serves != "fs" or c.calls or c.events):
            raise t.error("node", "only fs has nodes, and it forwards what programs ask", 'write client = "fs", and neither calls nor events')
        if node and len(out) > 1:
            raise t.error("node", f"/dev/{node} leads to {len(out)} shards", f"write shards = 1 for {servers[0]}: nobody would choose among them")
        if any((o.client, o.server) == (c.client, c.server) for o in system.connections):
            raise t.error("", f"{c.client} is connected to {c.server} twice", "list all calls and events in one connection")
    t.done()
    return out


# -- checks: the assembly alone ---------------------------------------------------------------


def _check_devices(system: System) -> None:
    owner: dict[str, str] = {}
    for component in system.components.values():
        for name in component.devices:
            if name in owner:
                raise BuildError(f"device {name} has two owners, {owner[name]} and {component.name}",
                                 where=system.source.where(f"component.{component.name}", "devices"),
                                 do="take it out of one of them; the other reaches it by a connection to its owner")
            owner[name] = component.name


@cache
def read_interfaces() -> Mapping[str, Interface]:
    """The interfaces of idl/interfaces, by the compiler itself."""
    sys.path.insert(0, str(ROOT / "idl"))
    from compiler.__main__ import compile_files
    from compiler.diag import Diagnostics
    diagnostics = Diagnostics()
    files = [str(components.INTERFACES / f"{n}.idl") for n in components.interface_names()]
    generators = compile_files(files, diagnostics)
    if diagnostics.found:
        raise BuildError("the interfaces do not compile", where="idl/interfaces", detail=diagnostics.render(), do="correct them first")
    return {g.it.name: Interface(g.it.name, f"idl/interfaces/{g.it.name}.idl", g.hash,
                                 {m.name: Method(m.is_event, m.nonblocking) for m in g.it.live}) for g in generators}


def _check_interfaces(system: System, interfaces: Mapping[str, Interface]) -> None:
    for component in system.components.values():
        if component.serves not in interfaces:
            raise BuildError(f"component {component.name} serves '{component.serves}', which is no interface",
                             where=system.source.where(f"component.{component.name}", "serves"),
                             do=f"name one of {', '.join(interfaces)}, or write idl/interfaces/{component.serves}.idl")
    for connection in system.connections:
        def at(key: str, nth: int = connection.nth) -> str:
            return system.source.where("connection", key, nth)
        label = f"{connection.client} to {connection.server}"
        serves = system.components[connection.server].serves
        if connection.interface != serves:
            raise BuildError(f"{label}: interfaces do not match: the client wants '{connection.interface}', the server serves '{serves}'",
                             where=at("interface"), do=f"connect it to who serves {connection.interface}, or write interface = \"{serves}\"")
        known = interfaces[serves]
        for key, names, event in (("calls", connection.calls, False), ("events", connection.events, True)):
            for name in names:
                method = known.methods.get(name)
                if method is None:
                    raise BuildError(f"{label}: interface {serves} has no method '{name}'", where=at(key),
                                     do=f"see {known.file} for those it has")
                if method.event != event:
                    raise BuildError(f"{label}: {serves}.{name} is {'an event' if method.event else 'a call'}", where=at(key),
                                     do=f"list it under {'events' if method.event else 'calls'}")
    _check_cycles(system, interfaces)


def waits(system: System, interfaces: Mapping[str, Interface]) -> dict[tuple[str, str], list[str]]:
    """(client, server) to the calls in which the answer may depend on what the server waits for."""
    out = {}
    for c in system.connections:
        calls = [m for m in c.calls if not interfaces[c.interface].methods[m].nonblocking]
        if calls:
            out[c.client, c.server] = calls
    return out


def _check_cycles(system: System, interfaces: Mapping[str, Interface]) -> None:
    edges = waits(system, interfaces)

    def visit(path: list[str]) -> list[str]:
        for client, server in edges:
            if client != path[-1]:
                continue
            if server in path:
                return [*path[path.index(server):], server]
            if found := visit([*path, server]):
                return found
        return []

    for name in system.components:
        cycle = visit([name])
        if not cycle:
            continue
        steps = [f"  {a} waits for {b} ({', '.join(f'{system.components[b].serves}.{m}' for m in edges[a, b])})"
                 for a, b in zip(cycle, cycle[1:])]
        nth = next(c.nth for c in system.connections if (c.client, c.server) == (cycle[-2], cycle[-1]))
        raise BuildError(f"a cycle of blocking calls: {' -> '.join(cycle)}", detail="\n".join(steps),
                         where=system.source.where("connection", "calls", nth),
                         do="make one of these calls an event, or nonblocking in its interface if it is answered at once")


def _check_credits(system: System) -> None:
    """What a session has: SQ_ENTRIES requests with their arguments, each coroutine of the client waits for one."""
    credits = system.constants["SQ_ENTRIES"]
    for connection in system.connections:
        need = system.components[connection.client].coroutines
        if connection.calls and need > credits:
            raise BuildError(f"{connection.client} to {connection.server}: {need} coroutines may each have a request there, but a "
                             f"session has credits for {credits}", where=system.source.where("connection", "calls", connection.nth),
                             do=f"lower coroutines of {connection.client}, or raise SQ_ENTRIES and ARENA_SLOTS in libipc/ring.h")
    bits = system.constants["DOORBELL_BITS"]
    for server in system.components:
        rung = {}
        for connection in system.sessions_client(server):
            bit = system.components[connection.client].id % bits
            if bit in rung:
                raise BuildError(f"{connection.client} and {rung[bit]} would ring {server} with the same bit",
                                 where=connection.line, do="give them other numbers in enum server_id")
            rung[bit] = connection.client


def _check_slots(system: System) -> None:
    for component in system.components.values():
        taken: dict[tuple[str, int], Capability] = {}
        for c in capabilities(system, component.name):
            other = taken.setdefault((c.place, c.slot), c)
            if other is not c:
                raise BuildError(f"{component.name}: {c.object} and {other.object} would both be in slot {c.slot_text}",
                                 where=component.line, do="give one of them another slot in libipc/system.h")


# -- what a component holds -------------------------------------------------------------------


def capabilities(system: System, name: str) -> list[Capability]:
    """Everything that the supervisor puts into a component's CSpace and client CNodes, but for its devices."""
    me = system.components[name]
    constants = system.constants
    out: list[Capability] = []

    def give(slot: str, kind: str, rights: str, thing: str, badge: str = "0", place: str = CSPACE) -> None:
        letters = "".join(RIGHTS) if rights == "all" else rights
        out.append(Capability(name, place, constants.value(slot), slot, kind, letters, constants.value(badge), badge, thing))

    give("SRV_CAP_CNODE", "cnode", "all", f"{name}.cnode")
    give("SRV_CAP_TCB", "tcb", "r", f"{name}.tcb")              # TCB_INFO, no more
    give("SRV_CAP_VSPACE", "vspace", "all", f"{name}.vspace")
    give("SRV_CAP_NOTIFICATION", "notification", "all", f"{name}.notification")
    give("SRV_CAP_UNTYPED", "untyped", "all", f"{name}.untyped")
    give("SRV_CAP_POOL", "pool", me.pool, "pool")
    give("SRV_CAP_PLATFORM", "platform", me.platform, "platform")
    give("SRV_CAP_CLIENT_VSPACES", "cnode", "all", f"{name}.client_vspaces")
    give("SRV_CAP_CLIENT_DOORBELLS", "cnode", "all", f"{name}.client_doorbells")
    if me.asks:
        give("SRV_CAP_SUPERVISOR", "endpoint", "w", "supervisor.endpoint", system.number(name))    # its badge says who asks
    for c in system.connections:
        if c.client == name:
            give(f"SRV_CAP_DOORBELL + {system.number(c.server)}", "notification", "w", f"{c.server}.notification",
                 f"1ul << ({system.number(name)} % DOORBELL_BITS)")
        if c.server == name and not c.node:         # what is forwarded is a program's: it must not name memory of fs
            give(system.number(c.client), "vspace", "y", f"{c.client}.vspace", place=CLIENT_VSPACES)
        if c.server == name:
            give(system.number(c.client), "notification", "w", f"{c.client}.notification", "SRV_CLIENT_RING", CLIENT_DOORBELLS)
    for segment, rights in me.holds.items():
        give(system.segments[segment].slot, "segment", rights, f"segment.{segment}")
    for peer in system.components:                  # those with which the processes have sessions
        if not me.builds_processes or f"sessions.{peer}" not in me.holds:
            continue
        give(f"SRV_CAP_PEER_VSPACES + {system.number(peer)}", "cnode", "all", f"{peer}.client_vspaces")
        give(f"SRV_CAP_PEER_DOORBELLS + {system.number(peer)}", "cnode", "all", f"{peer}.client_doorbells")
        give(f"SRV_CAP_PEER_NOTIFICATIONS + {system.number(peer)}", "notification", "w", f"{peer}.notification")
    return out


def device_capabilities(system: System, name: str, found: Iterable[str]) -> list[Capability]:
    """For the devices of a machine, by kind and in ascending order of addresses (memory last)."""
    me = system.components[name]
    out = []
    for i, kind in enumerate(k for k in found if k in me.devices):
        for base, type_, rights, ok in (("SRV_CAP_DEVICE", "segment", "rw", True),
                                        ("SRV_CAP_IRQ", "irq", "".join(RIGHTS), kind in me.interrupts and i < MAX_IRQS)):
            if ok:
                slot = system.constants[base] + i
                out.append(Capability(name, CSPACE, slot, f"{base} + {i}", type_, rights, 0, "0",
                                      f"{'device' if type_ == 'segment' else 'irq'}.{kind}"))
    return out


def rights_value(system: System, letters: str) -> int:
    return sum(system.constants[RIGHTS[c]] for c in set(letters))


# -- checks: against a machine, a placement, a program ----------------------------------------


def check_memory(system: System, memory: int, boot: Mapping[str, int], asked: str, areas: list[tuple[int, int]] | None = None) -> None:
    """Does what is committed at the start fit? `boot`: what firmware, kernel and archive take; `asked`: who said `memory`;
    `areas`: begin and end of what they leave, for kernel objects, which are aligned to their size."""
    parts = dict(boot)
    for c in system.components.values():
        parts[f"{c.name}: kernel objects"] = c.objects(memory)
        parts[f"{c.name}: stacks"] = c.stack + c.coroutines * c.coroutine_stack
    for device in system.devices.values():
        if device.bytes:
            parts[f"device {device.name}"] = device.bytes
    parts["guests, at least"] = system.guests_memory
    total = sum(parts.values())
    if total > memory:
        lines = "\n".join(f"  {n:>12}  {what}" for what, n in ((w, _say_bytes(b)) for w, b in parts.items()))
        raise BuildError(f"the assembly needs {_say_bytes(total)} of memory, the machine has {_say_bytes(memory)}", detail=lines,
                         where=asked, do="raise --mem, or lower objects_least or coroutines in servers/system.toml")
    areas = list(areas or [(0, memory)])
    for c in sorted(system.components.values(), key=lambda c: -c.objects(memory)):
        size = c.objects(memory)
        for i, (begin, end) in enumerate(areas):
            start = (begin + size - 1) & -size
            if start + size <= end:
                areas[i:i + 1] = [(begin, start), (start + size, end)]
                break
        else:
            raise BuildError(f"{_say_bytes(memory)} of memory have no aligned {_say_bytes(size)} left for the kernel objects of {c.name}",
                             where=asked, do=f"raise --mem, or lower objects_least at {c.line}")


def of_placement(system: System, placed: Mapping[str, list[int]]) -> tuple[System, dict[str, list[int]]]:
    """What is there with this placement: without shards that it gives no hart, and with the harts of each shard."""
    harts = {"guests": placed["guests"]} if "guests" in placed else {}
    for name, on in placed.items():
        if name != "guests":
            harts |= {shard: [hart] for shard, hart in zip(system.shards(name), on)}
    segments = {n: s for n, s in system.segments.items() if not s.owner or s.owner in harts}
    components = {n: replace(c, holds={s: r for s, r in c.holds.items() if s in segments}) for n, c in system.components.items() if n in harts}
    connections = [c for c in system.connections if c.client in harts and c.server in harts]
    return replace(system, segments=segments, components=components, connections=connections), harts


def check_placement(system: System, placed: Mapping[str, list[int]], harts: int, machine: Machine, where: str) -> None:
    """`placed`: harts by component (one for each shard that there is to be), and of `guests`, as the machine numbers them;
    `harts`: how many of them are used."""
    first, last = machine.first_hart, machine.first_hart + harts - 1
    shards = {c.program: c.shards for c in system.components.values()}
    for name in [*shards, "guests"]:
        if not placed.get(name):
            raise BuildError(f"placement: {name} is on no hart", where=where, do=f"add {name}=HART")
    for name, on in placed.items():
        if name not in shards and name != "guests":
            raise BuildError(f"placement: there is no component '{name}'", where=where,
                             do=f"name one of {', '.join([*shards, 'guests'])}")
        for hart in on:
            if hart in machine.refused:
                raise BuildError(f"placement: hart {hart} cannot run {name}: {machine.refused[hart]}", where=where,
                                 do=f"choose one of the harts {first} to {last}")
            if not first <= hart <= last:
                raise BuildError(f"placement: {name} on hart {hart}, but the machine has harts {first} to {last}", where=where,
                                 do="raise --smp or choose another hart")
        if name != "guests" and len(on) > shards[name]:
            most = "one shard" if shards[name] == 1 else f"at most {shards[name]} shards"
            can = " and ".join(f"{n} into {k}" for n, k in shards.items() if k > 1)
            raise BuildError(f"placement: {name} on {len(on)} harts, but it has {most}", where=where,
                             do=f"name {'one hart' if shards[name] == 1 else 'no more'}; what can be divided is {can or 'nothing in this assembly'}")


def check_program(system: System, name: str, program: Path, interfaces: Mapping[str, Interface]) -> None:
    """Compare what the assembly says of a component with the stubs that are linked into its program."""
    symbols = _symbols(program)
    connected: dict[str, list[Connection]] = {}     # all shards of both ends: there is one program, and it has the stubs of all
    for c in system.connections:
        if system.components[c.client].program == name:
            connected.setdefault(system.components[c.server].program, []).append(c)
    for server, group in connected.items():
        _check_calls(system, name, server, group, interfaces[group[0].interface], symbols)
    for other in interfaces.values():
        used = [m for m in other.methods if other.name != system.components[name].serves and _calls(symbols, other, m)]
        if used and not any(other.name == group[0].interface for group in connected.values()):
            raise BuildError(f"{name} calls {other.name}.{used[0]}, but has no connection to who serves it", where=rel(program),
                             do=f"add a [[connection]] to {rel(system.source.path)}")
    if system.components[name].restart == "always" and "rpc_server_survive" not in symbols:
        raise BuildError(f"{name} is to be started again, but does not take its sessions over", where=rel(program),
                         do='call rpc_server_survive (docs/restart.md), or write restart = "no"')
    own = interfaces[system.components[name].serves]
    found = _layout_hash(program, symbols.get(f"{own.name}_interface"))
    if found is not None and found != own.layout_hash:
        raise BuildError(f"interfaces do not match: {name} was built for layout {found:#x} of {own.name}, its clients for "
                         f"{own.layout_hash:#x}", where=rel(program), do="build it again")


def _calls(symbols: Mapping[str, int], interface: Interface, method: str) -> bool:
    return any(f"{interface.name}_{method}{stub}" in symbols for stub in STUBS)


def _check_calls(system: System, client: str, server: str, group: list[Connection], interface: Interface, symbols: Mapping[str, int]) -> None:
    """`group`: between the shards of these two."""
    for method, facts in interface.methods.items():
        used = _calls(symbols, interface, method)
        key = "events" if facts.event else "calls"
        lists = next((c for c in group if method in (c.events if facts.event else c.calls)), None)
        where = system.source.where("connection", key, (lists or group[0]).nth)
        if used and not lists:
            raise BuildError(f"{client} {'posts' if facts.event else 'calls'} {interface.name}.{method}, which its connection to "
                             f"{server} does not list", where=where, do=f"add it to {key}")
        if lists and not used:
            raise BuildError(f"{client} to {server}: {interface.name}.{method} is listed, but {client} never "
                             f"{'posts' if facts.event else 'calls'} it", where=where, do=f"take it out of {key}")


def _symbols(program: Path) -> dict[str, int]:
    done = subprocess.run([f"{components.CROSS}nm", "--defined-only", program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"cannot read the symbols of {rel(program)}", detail=done.stderr, do="build it again")
    return {words[2]: int(words[0], 16) for words in map(str.split, done.stdout.splitlines()) if len(words) == 3}


def _layout_hash(program: Path, address: int | None) -> int | None:
    """The layout_hash of a struct rpc_interface (libipc/server.h: name, then the hash)."""
    for segment in elf.load(program).segments if address else ():
        at = address - segment.vaddr if address else -1
        if 0 <= at <= len(segment.data) - 16:
            return int.from_bytes(segment.data[at + 8:at + 16], "little")
    return None
