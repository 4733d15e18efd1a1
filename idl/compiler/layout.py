# SPDX-License-Identifier: MIT
"""Decides where every parameter and result travels, and computes the interface's layout hash.

Rules (docs/idl.md): scalars and structs up to 16 bytes fill the six inline words in declaration order; then come the
descriptors of strings and lent buffers (16 bytes) and of bytes and arrays (8 bytes), where they still fit; the rest
goes to the fixed part of the arena slot. Variable parts follow the fixed part, each 8-aligned.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from .diag import Diagnostics
from .model import SCALARS, Interface, Method, Param, TypeRef

WORD_BYTES = 48
ARENA_BYTES = 512
INLINE_STRUCT = 16


def align8(value: int) -> int:
    return (value + 7) & ~7


@dataclass
class Place:
    """Where one parameter travels. kind: scalar, struct, string, bytes, array, lend_in, lend_out, give_in."""

    param: Param
    kind: str
    size: int           # bytes of the fixed piece (value or descriptor)
    align: int
    area: str = ""      # word or arena
    offset: int = 0

    @property
    def name(self) -> str:
        return self.param.name

    @property
    def word(self) -> int:
        return self.offset // 8

    @property
    def shift(self) -> int:
        return self.offset % 8 * 8

    @property
    def where_words(self) -> str:
        if self.area == "arena":
            return f"arena + {self.offset}"
        return f"word {self.word}" + (f", bit {self.shift}" if self.shift else "")

    @property
    def max_variable(self) -> int:
        """Bytes of the variable part that must be in the arena."""
        ref = self.param.type
        if self.kind in ("bytes", "array", "give_in") or (self.kind == "string" and self.param.mode == "result"):
            element = element_size(ref) if self.kind == "array" else 1
            return align8(ref.limit * element + (1 if self.kind == "string" else 0))
        return 0


@dataclass
class Message:
    places: list[Place] = field(default_factory=list)
    nr_words: int = 0
    arena_fixed: int = 0    # bytes, 8-aligned
    arena_max: int = 0      # with the largest variable parts that must be there

    def of(self, name: str) -> Place:
        return next(p for p in self.places if p.name == name)


@dataclass
class MethodLayout:
    method: Method
    request: Message
    response: Message

    @property
    def needs_arena(self) -> bool:
        return self.request.arena_max > 0 or self.response.arena_max > 0

    @property
    def wants_arena(self) -> bool:
        return any(p.kind in ("string", "lend_in", "lend_out") for p in self.request.places)


def element_size(ref: TypeRef) -> int:
    return ref.struct.size if ref.struct else SCALARS[ref.base][0]


def _place(param: Param) -> Place:
    ref = param.type
    if param.mode in ("lend_in", "lend_out", "give_in"):
        return Place(param, param.mode, 16, 8)
    if ref.kind == "string" and param.mode != "result":
        return Place(param, "string", 16, 8)
    if ref.kind in ("string", "bytes", "array"):
        return Place(param, ref.kind, 8, 8)
    if ref.struct:
        # Whole words, so that a struct never shares one with a scalar.
        return Place(param, "struct", ref.struct.size, 8)
    size = SCALARS[ref.base or "u64"][0]
    return Place(param, "scalar", size, size)


def _message(params: list[Param]) -> Message:
    message = Message([_place(p) for p in params])
    used = 0
    first = [p for p in message.places if p.kind == "scalar" or (p.kind == "struct" and p.size <= INLINE_STRUCT)]
    then = [p for p in message.places if p.kind not in ("scalar", "struct")]
    spill: list[Place] = [p for p in message.places if p.kind == "struct" and p.size > INLINE_STRUCT]
    for place in [*first, *then]:
        at = (used + place.align - 1) // place.align * place.align
        if at + place.size <= WORD_BYTES:
            place.area, place.offset = "word", at
            used = at + (align8(place.size) if place.kind == "struct" else place.size)
        else:
            spill.append(place)
    at = 0
    for place in sorted(spill, key=message.places.index):
        at = (at + place.align - 1) // place.align * place.align
        place.area, place.offset = "arena", at
        at += place.size
    message.nr_words = (used + 7) // 8
    message.arena_fixed = align8(at)
    message.arena_max = message.arena_fixed + sum(p.max_variable for p in message.places)
    return message


def lay_out(interface: Interface, diags: Diagnostics) -> list[MethodLayout]:
    layouts = []
    for method in interface.live:
        result = MethodLayout(method, _message(method.params), _message(method.results))
        if method.is_event and result.request.arena_max:
            diags.error(method.pos, "E031", f"the arguments of event '{method.name}' do not fit the six inline words",
                        f"they have {WORD_BYTES} bytes; make it a method, or split it")
        for what, message in (("request", result.request), ("answer", result.response)):
            if message.arena_max > ARENA_BYTES:
                diags.error(method.pos, "E032",
                            f"the {what} of '{method.name}' can take {message.arena_max} bytes; a slot has {ARENA_BYTES}",
                            "lower the bounds, or lend the memory (`lend in bytes<N>`)")
        layouts.append(result)
    return layouts


# ---- layout hash ----

def type_text(ref: TypeRef) -> str:
    """What of a type is on the wire: sizes, offsets, bounds, no names."""
    if ref.variant:
        cases = ",".join(f"{c.value}:{type_text(c.type)}x{c.type.nr}" if c.type else str(c.value)
                         for c in sorted(ref.variant.cases, key=lambda c: c.value))
        text = f"variant{ref.variant.base}:{ref.variant.size}({cases})"
    elif ref.struct:
        fields = ",".join(f"{f.offset}:{type_text(f.type)}x{f.type.nr}" for f in ref.struct.fields)
        text = f"struct{ref.struct.size}({fields})"
    elif ref.enum and not ref.enum.is_flags:
        text = f"enum:{ref.base}"
    else:
        text = ref.base
    return f"{ref.kind}<{text},{ref.limit}>"


def layout_hash(interface: Interface, layouts: list[MethodLayout]) -> int:
    text = [f"{interface.name} {interface.version}"]
    for layout in sorted(layouts, key=lambda x: x.method.ordinal):
        kind = "event" if layout.method.is_event else "method"
        text.append(f"{kind} {layout.method.ordinal}")
        for message in (layout.request, layout.response):
            text.append(";".join(f"{p.kind}@{p.area}{p.offset}:{type_text(p.param.type)}" for p in message.places))
    return int.from_bytes(hashlib.sha256("\n".join(text).encode()).digest()[:8], "little")
