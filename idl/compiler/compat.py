# SPDX-License-Identifier: MIT
"""Compares two states of an interface file: what breaks programs that were built, or written, for the old one.

wire: a program built from OLD and one built from NEW do not understand each other. That is so whenever the layout hash
differs, since the two refuse each other then, and when values mean something else, which the hash does not see.
source: C written for OLD does not compile with what is generated from NEW, or must do more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from .diag import Pos
from .emit import Generator
from .layout import type_text
from .model import Const, Enum, Interface, Method, Object, Param, Struct, TypeRef, Variant, deadline_words

Named = TypeVar("Named", Const, Enum, Struct, Variant, Object)


@dataclass(frozen=True)
class Change:
    pos: Pos
    text: str
    wire: bool = False
    source: bool = False

    def __str__(self) -> str:
        breaks = "+".join(w for w, is_set in (("wire", self.wire), ("source", self.source)) if is_set) or "ok"
        return f"{breaks:<12}{self.pos.file}:{self.pos.line}:{self.pos.col}: {self.text}"


def spell(ref: TypeRef) -> str:
    """A type as in the source, with bounds as numbers."""
    if ref.kind in ("string", "bytes"):
        return f"{ref.kind}<{ref.limit}>"
    if ref.kind == "array":
        return f"array<{ref.name}, {ref.limit}>"
    rights = "".join(f"{', ' if i == 0 else ' | '}{name}" for i, name in enumerate(sorted(r.name for r in ref.rights)))
    name = f"handle<{ref.name}{rights}>" if ref.kind == "handle" else ref.name
    return f"{name}[{ref.nr}]" if ref.nr else name


def _spell_param(param: Param) -> str:
    mode = {"in": "", "result": "", "lend_in": "lend in ", "lend_out": "lend out ", "give_in": "give in "}[param.mode]
    return mode + spell(param.type)


def _wire_text(param: Param) -> str:
    """All that the other side sees of a parameter. The names of enums and flags count: they say which values are refused."""
    ref = param.type
    checked = f"{ref.enum.name}" if ref.enum else ""
    return f"{param.mode} {type_text(ref)} {checked}"


class Comparison:
    def __init__(self, old: Generator, new: Generator) -> None:
        self.old, self.new = old.it, new.it
        self.hashes = old.hash, new.hash

    def changes(self) -> Iterator[Change]:
        old, new = self.old, self.new
        if old.version != new.version:
            yield Change(new.pos, f"version {old.version} became {new.version}", wire=True)
        yield from _named(old.consts, new.consts, lambda c: f"constant {c.name}", _const)
        yield from _named(old.enums, new.enums, lambda e: f"{_kind(e)} {e.name}", _enum)
        yield from _named(old.structs, new.structs, lambda s: f"struct {s.name}", _fields)
        yield from _named(old.variants, new.variants, lambda v: f"variant {v.name}", _cases)
        yield from _named(old.objects, new.objects, lambda o: f"object {o.name}", _rights,
                          ": servers need its lookup when a method takes one")
        yield from self._methods()

    def _methods(self) -> Iterator[Change]:
        now = {m.ordinal: m for m in self.new.methods}
        names = {m.name: m for m in self.new.live}
        for method in self.old.methods:
            other = now.pop(method.ordinal, None)
            if method.removed is not None:
                if other is not None and other.removed is None:
                    yield Change(other.pos, f"{other.name} takes ordinal {method.ordinal}, which was that of {method.name}", True)
                continue
            if other is not None and other.removed is None:
                yield from self._method(method, other)
            elif method.name in names:
                moved = names[method.name]
                yield Change(moved.pos, f"{method.name}: ordinal {method.ordinal} became {moved.ordinal}", wire=True)
                yield from self._method(method, moved)
                now.pop(moved.ordinal, None)
            else:
                keep = "" if other else f"; keep it with `removed {self.new.version}`, or its ordinal is used again"
                yield Change(other.pos if other else method.pos, f"{method.name} is gone{keep}", True, True)
        for method in now.values():
            if method.removed is None:
                yield Change(method.pos, f"new {_method_kind(method)} {method.name}: only the layout hash; servers need a handler", True, True)

    def _method(self, old: Method, new: Method) -> Iterator[Change]:
        if old.name != new.name:
            yield Change(new.pos, f"{old.name} is called {new.name}", source=True)
        if old.is_event != new.is_event:
            yield Change(new.pos, f"{new.name}: {_method_kind(old)} became {_method_kind(new)}", True, True)
        yield from self._params(new, "parameter", old.params, new.params)
        yield from self._params(new, "result", old.results, new.results)
        yield from self._errors(old, new)
        for word, added, gone in (
                ("idempotent", "the stub repeats it: the handler must bear that", "the stub no longer repeats it"),
                ("nonblocking", "the handler must not wait", "the handler may wait now"),
                ("cancellable", "the handler must end a wait when asked", "an interrupted wait goes on now")):
            before, after = getattr(old, word), getattr(new, word)
            if before != after:
                text = f"{new.name}: {'now' if after else 'no longer'} {word}: {added if after else gone}"
                yield Change(new.pos, text, source=after or word != "nonblocking")
        if old.deadline_ns != new.deadline_ns:
            text = f"deadline {deadline_words(old.deadline_ns)} became {deadline_words(new.deadline_ns)}"
            yield Change(new.pos, f"{new.name}: {text}", source=0 in (old.deadline_ns, new.deadline_ns))
        if old.since != new.since:
            yield Change(new.pos, f"{new.name}: since {old.since} became {new.since}")

    @staticmethod
    def _params(method: Method, what: str, old: list[Param], new: list[Param]) -> Iterator[Change]:
        for was, now in zip(old, new):
            where = f"{method.name}: {what} {was.name}"
            if _wire_text(was) != _wire_text(now):
                same_c = was.mode == now.mode and was.type.kind == now.type.kind and was.type.name == now.type.name
                yield Change(now.pos, f"{where}, {_spell_param(was)}, became {_spell_param(now)}", True, not same_c)
            elif _spell_param(was) != _spell_param(now):
                yield Change(now.pos, f"{where}, {_spell_param(was)}, became {_spell_param(now)}", source=True)
            if was.name != now.name:
                yield Change(now.pos, f"{where} is called {now.name}", source=True)
        for gone in old[len(new):]:
            yield Change(method.pos, f"{method.name}: {what} {gone.name} is gone", True, True)
        for more in new[len(old):]:
            yield Change(more.pos, f"{method.name}: new {what} {more.name}", True, True)

    def _errors(self, old: Method, new: Method) -> Iterator[Change]:
        was, now = _error_set(self.old, old), _error_set(self.new, new)
        if was == now or old.is_event:
            return
        if now is None:
            yield Change(new.pos, f"{new.name}: may answer any error", source=True)
        elif was is None:
            yield Change(new.pos, f"{new.name}: answers only {', '.join(sorted(now)) or 'errors that any method may'}")
        else:
            if now - was:
                yield Change(new.pos, f"{new.name}: new errors {', '.join(sorted(now - was))}", source=True)
            if was - now:
                yield Change(new.pos, f"{new.name}: no longer answers {', '.join(sorted(was - now))}")


def _named(old: list[Named], new: list[Named], what: Callable[[Named], str],
           compare: Callable[[Named, Named], Iterator[Change]], note: str = "") -> Iterator[Change]:
    """Declarations by their names: which are gone, what became of the others, which are new."""
    now = {d.name: d for d in new}
    for was in old:
        other = now.pop(was.name, None)
        if other is None:
            yield Change(was.pos, f"{what(was)} is gone", source=True)
        else:
            yield from compare(was, other)
    yield from (Change(d.pos, f"new {what(d)}{note}") for d in now.values())


def _const(old: Const, new: Const) -> Iterator[Change]:
    if old.value != new.value:
        yield Change(new.pos, f"constant {new.name}: {old.value} became {new.value}", wire=True)


def _enum(old: Enum, new: Enum) -> Iterator[Change]:
    if (old.base, old.is_flags) != (new.base, new.is_flags):
        yield Change(new.pos, f"{_kind(old)} {old.name} : {old.base} became {_kind(new)} : {new.base}", True, True)
    now = {i.name: i for i in new.items}
    values = {i.value for i in new.items}
    for item in old.items:
        other = now.pop(item.name, None)
        what = f"{old.name}.{item.name}"
        if other is None:
            yield Change(item.pos, f"{what} is gone", wire=item.value not in values, source=True)
        elif other.value != item.value:
            yield Change(other.pos, f"{what}: {item.value} became {other.value}", wire=True)
    for item in now.values():
        yield Change(item.pos, f"new {new.name}.{item.name}: a server built from OLD refuses it (INVALID_ARGUMENT)")


def _fields(old: Struct, new: Struct) -> Iterator[Change]:
    if old.size != new.size:
        yield Change(new.pos, f"struct {old.name}: {old.size} bytes became {new.size}", wire=True)
    now = {f.offset: f for f in new.fields}
    names = {f.name for f in new.fields}
    for field in old.fields:
        other = now.get(field.offset)
        what = f"struct {old.name}: {field.name}"
        if other is None:
            yield Change(new.pos, f"{what} is no longer at offset {field.offset}", True, field.name not in names)
        elif (type_text(field.type), field.type.nr) != (type_text(other.type), other.type.nr):
            yield Change(other.pos, f"{what}, {spell(field.type)}, became {spell(other.type)} {other.name}", True, True)
        elif field.name != other.name:
            yield Change(other.pos, f"{what} is called {other.name}", wire=field.name in names, source=True)
    known = {f.name for f in old.fields} | {f.name for f in new.fields if f.offset in {x.offset for x in old.fields}}
    yield from (Change(f.pos, f"struct {new.name}: new field {f.name}", wire=True) for f in new.fields if f.name not in known)


def _cases(old: Variant, new: Variant) -> Iterator[Change]:
    if old.base != new.base:
        yield Change(new.pos, f"variant {old.name} : {old.base} became {new.base}", True, True)
    now = {c.value: c for c in new.cases}
    for case in old.cases:
        other = now.pop(case.value, None)
        what = f"variant {old.name}: {case.name}"
        if other is None:
            yield Change(new.pos, f"{what}, tag {case.value}, is gone", True, True)
            continue
        was, became = (spell(c.type) if c.type else "nothing" for c in (case, other))
        if was != became:
            yield Change(other.pos, f"{what}, {was}, became {became}", True, True)
        if case.name != other.name:
            yield Change(other.pos, f"{what} is called {other.name}", source=True)
    yield from (Change(c.pos, f"variant {new.name}: new case {c.name}", wire=True) for c in now.values())


def _rights(old: Object, new: Object) -> Iterator[Change]:
    """Values are not on the wire: the server gives and tests them."""
    def value(was: Const, now: Const) -> Iterator[Change]:
        if was.value != now.value:
            yield Change(now.pos, f"{new.name}.{now.name}: {was.value} became {now.value}")
    yield from _named(old.rights, new.rights, lambda r: f"{new.name}.{r.name}", value)


def _kind(enum: Enum) -> str:
    return "flags" if enum.is_flags else "enum"


def _method_kind(method: Method) -> str:
    return "event" if method.is_event else "method"


def _error_set(it: Interface, method: Method) -> set[str] | None:
    names = it.errors_of(method)
    return None if names is None else set(names)


def compare(old: list[Generator], new: list[Generator]) -> list[Change]:
    """All changes, in the order of the new file. A wire break that leaves the layout hash as it was must raise the version."""
    now = {g.it.name: g for g in new}
    found: list[Change] = []
    for was in old:
        other = now.pop(was.it.name, None)
        if other is None:
            found.append(Change(was.it.pos, f"interface {was.it.name} is gone", True, True))
            continue
        changes = list(Comparison(was, other).changes())
        if was.hash == other.hash and any(c.wire for c in changes):
            changes.append(Change(other.it.pos, f"the layout hash does not see this: raise the version to {was.it.version + 1}", True))
        found += sorted(changes, key=lambda c: c.pos)
    return found + [Change(g.it.pos, f"new interface {g.it.name}") for g in now.values()]
