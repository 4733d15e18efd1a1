# SPDX-License-Identifier: MIT
"""What a source file says. The parser fills these; the checker resolves names in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from .diag import Pos

SCALARS: dict[str, tuple[int, bool]] = {  # name -> (bytes, signed)
    "u8": (1, False), "u16": (2, False), "u32": (4, False), "u64": (8, False),
    "i8": (1, True), "i16": (2, True), "i32": (4, True), "i64": (8, True),
    "bool": (1, False),
}


@dataclass
class TypeRef:
    """A type as written. kind: name, string, bytes, array, handle; `count` is a fixed array's (struct fields)."""

    pos: Pos
    kind: str
    name: str = ""
    bound: Union[int, str, None] = None
    bound_pos: Pos | None = None
    count: Union[int, str, None] = None
    # resolved by the checker:
    base: str = ""                      # scalar name below a scalar, enum, flags or handle
    struct: "Struct | None" = None
    enum: "Enum | None" = None
    limit: int = 0                      # value of `bound`
    nr: int = 0                         # value of `count`, 0: not an array
    rights: list["ErrorName"] = field(default_factory=list)     # handle: as written
    mask: int = 0                       # and their values

    @property
    def variant(self) -> "Variant | None":
        return self.struct if isinstance(self.struct, Variant) else None

    @property
    def is_scalar(self) -> bool:
        return bool(self.base) and self.kind in ("name", "handle")


def deadline_words(ns: int) -> str:
    """As it is written."""
    unit, size = next((u for u in (("s", 1000000000), ("ms", 1000000)) if ns % u[1] == 0), ("us", 1000))
    return f"{ns // size} {unit}" if ns else "none"


@dataclass
class Const:
    pos: Pos
    name: str
    value: int
    doc: str = ""


@dataclass
class Enum:
    pos: Pos
    name: str
    base: str
    is_flags: bool
    items: list[Const]
    doc: str = ""


@dataclass
class Field:
    pos: Pos
    name: str
    type: TypeRef
    offset: int = 0                     # decided by the checker


@dataclass
class Struct:
    pos: Pos
    name: str
    fields: list[Field]
    doc: str = ""
    size: int = 0
    align: int = 1


@dataclass
class Case:
    """One alternative of a variant; `type` is None when the tag says all."""

    pos: Pos
    name: str
    value: int
    type: TypeRef | None
    doc: str = ""


@dataclass
class Variant(Struct):
    """A tag and one of several payloads, as large as the largest: travels like a struct."""

    base: str = "u32"
    cases: list[Case] = field(default_factory=list)
    payload_at: int = 0                 # decided by the checker
    payload_bytes: int = 0


@dataclass
class Object:
    """What handles name: the server's, with rights that a handle carries."""

    pos: Pos
    name: str
    rights: list[Const]
    doc: str = ""


@dataclass
class Param:
    pos: Pos
    name: str
    type: TypeRef
    mode: str                           # in, lend_in, lend_out, give_in, result


@dataclass
class ErrorName:
    pos: Pos
    name: str


@dataclass
class ErrorSet:
    """`errors NAME { ... }`: a name for several errors."""

    pos: Pos
    name: str
    errors: list[ErrorName]             # as written; the checker puts the errors of other sets in their place
    doc: str = ""


@dataclass
class Method:
    pos: Pos
    name: str
    ordinal: int
    ordinal_pos: Pos
    is_event: bool
    params: list[Param]
    results: list[Param]
    doc: str = ""
    errors: list[ErrorName] | None = None   # the checker resolves sets; None also for `errors (any)`
    any_error: bool = False             # `errors (any)`
    nonblocking: bool = False
    idempotent: bool = False
    cancellable: bool = False
    deadline_ns: int = 0                # after which the client gives up; 0: never
    since: int = 1
    removed: int | None = None

    def lend(self, mode: str) -> Param | None:
        return next((p for p in self.params if p.mode == mode), None)

    @property
    def keeps(self) -> bool:
        """May the server have memory of the client's while it serves this? (Strings may stay there too.)"""
        return any(p.mode in ("lend_in", "lend_out") or p.type.kind == "string" for p in self.params)

    def done_of(self, lent: Param) -> Param | None:
        """The result that tells how many bytes of a `lend out` buffer the server wrote."""
        by_name = {r.name: r for r in self.results}
        return by_name.get(f"{lent.name}_done") or by_name.get("done")


@dataclass
class Interface:
    pos: Pos
    name: str
    version: int
    doc: str = ""
    consts: list[Const] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    structs: list[Struct] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    objects: list[Object] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    errors: list[ErrorName] | None = None
    error_sets: list[ErrorSet] = field(default_factory=list)
    source: str = ""

    @property
    def live(self) -> list[Method]:
        return [m for m in self.methods if m.removed is None]

    def errors_of(self, method: Method) -> list[str] | None:
        """What a handler may answer besides what every one may; None: any error."""
        names = method.errors if method.errors is not None else self.errors
        return None if names is None or method.any_error else [n.name for n in names]
