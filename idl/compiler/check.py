# SPDX-License-Identifier: MIT
"""Resolves names in the model and refuses what the language forbids. Goes on after an error, to report them all."""

from __future__ import annotations

from .diag import Diagnostics, Pos
from .model import SCALARS, Enum, ErrorName, Interface, Method, Object, Param, Struct, TypeRef, Variant
from .names import LOCALS, symbols

C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long "
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    "asm typeof bool true false linux unix NULL errno".split())

MAX_LEND = 0xFFFFFFFF
MAX_ARENA = 512
MAX_STRUCT = 65536      # bytes; larger than a slot, since structs also describe lent memory
MAX_NESTING = 16        # of structs


class Checker:
    def __init__(self, interface: Interface, errors: dict[str, int], diags: Diagnostics) -> None:
        self.it = interface
        self.errors = errors
        self.diags = diags
        self.consts = {c.name: c for c in interface.consts}
        self.enums = {e.name: e for e in interface.enums}
        self.structs = {s.name: s for s in interface.structs}
        self.variants = {v.name: v for v in interface.variants}
        self.objects = {o.name: o for o in interface.objects}
        self.done_structs: set[str] = set()
        self.known_sets: dict[str, list[ErrorName]] = {}

    def run(self) -> None:
        it = self.it
        before = len(self.diags.found)
        self.c_name(it.name, it.pos)
        self.unique("name", [(c.name, c.pos) for c in it.consts])
        self.unique("type", [(x.name, x.pos) for x in [*it.enums, *it.structs, *it.variants, *it.objects]])
        for object_ in it.objects:
            self.object(object_)
        self.unique("method", [(m.name, m.pos) for m in it.methods])
        self.ordinals()
        for enum in it.enums:
            self.enum(enum)
        for struct in it.structs:
            self.struct(struct, [])
        for variant in it.variants:
            self.variant(variant)
        self.error_sets()
        if it.errors is not None:
            it.errors = self.error_names(it.errors)
        if not 1 <= it.version <= 0xFFFFFFFF:
            self.diags.error(it.pos, "E042", f"version {it.version} is outside 1..{0xFFFFFFFF}", "the first version is 1")
        for method in it.methods:
            self.method(method)
        if not it.live and len(self.diags.found) == before:
            self.diags.error(it.pos, "E037", f"interface '{it.name}' has no methods", "it has at least one method or event")
        if len(self.diags.found) == before:
            symbols(it, self.diags)

    def unique(self, what: str, names: list[tuple[str, Pos]]) -> None:
        seen: dict[str, Pos] = {}
        for name, pos in names:
            if name in seen:
                self.diags.error(pos, "E021", f"{what} '{name}' is declared twice", f"first in line {seen[name].line}")
            seen.setdefault(name, pos)

    def c_name(self, name: str, pos: Pos, locals: frozenset[str] = frozenset()) -> None:
        if name in C_KEYWORDS or name in locals or name.startswith("_") or name.endswith("_t"):
            self.diags.error(pos, "E036", f"'{name}' cannot be a name in the generated C",
                             "choose another one: no keyword, no '_' before, no '_t' behind")

    def ordinals(self) -> None:
        seen: dict[int, Method] = {}
        for method in self.it.methods:
            if not 1 <= method.ordinal <= 0xFFFF:
                self.diags.error(method.ordinal_pos, "E023", f"ordinal {method.ordinal} is outside 1..65535",
                                 "0 is reserved")
            elif method.ordinal in seen:
                free = max(m.ordinal for m in self.it.methods) + 1
                self.diags.error(method.ordinal_pos, "E022",
                                 f"ordinal {method.ordinal} belongs to '{seen[method.ordinal].name}' already",
                                 f"{free} is free; ordinals of removed methods stay taken")
            seen.setdefault(method.ordinal, method)

    def error_sets(self) -> None:
        """Named sets, in order: one may contain those before it."""
        sets = self.it.error_sets
        self.unique("set of errors", [(s.name, s.pos) for s in sets])
        for found in sets:
            if found.name in self.errors or found.name == "any":
                self.diags.error(found.pos, "E021", f"'{found.name}' is the name of an error already", "choose another for the set")
            found.errors = self.error_names(found.errors)
            self.known_sets.setdefault(found.name, found.errors)

    def error_names(self, names: list[ErrorName]) -> list[ErrorName]:
        """The errors, each once; those of a named set in place of its name."""
        found: dict[str, ErrorName] = {}
        for item in names:
            if item.name in self.known_sets:
                for error in self.known_sets[item.name]:
                    found.setdefault(error.name, ErrorName(item.pos, error.name))
            elif item.name in self.errors:
                found.setdefault(item.name, item)
            else:
                later = any(s.name == item.name for s in self.it.error_sets)
                self.diags.error(item.pos, "E029", f"no error is called '{item.name}'",
                                 "a set contains only those declared before it" if later
                                 else "the list is in microkernel/abi/atoll/errors.h")
        return list(found.values())

    def object(self, object_: Object) -> None:
        self.unique("right", [(r.name, r.pos) for r in object_.rights])
        for right in object_.rights:
            if not 1 <= right.value <= 0xFFFFFFFF:
                self.diags.error(right.pos, "E025", f"{right.value} does not fit a set of rights", "1 .. 0xffffffff, a bit for each")

    # ---- types ----

    def enum(self, enum: Enum) -> None:
        if enum.base not in SCALARS or enum.base == "bool":
            self.diags.error(enum.pos, "E020", f"'{enum.base}' cannot be the base of an enum", "u8 .. i64")
            return
        size, signed = SCALARS[enum.base]
        low, high = (-(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1) if signed else (0, (1 << (8 * size)) - 1)
        self.unique("enumerator", [(i.name, i.pos) for i in enum.items])
        if not enum.items:
            self.diags.error(enum.pos, "E037", f"'{enum.name}' has no values", "an enum has at least one")
        for item in enum.items:
            if not low <= item.value <= high:
                self.diags.error(item.pos, "E025", f"{item.value} does not fit {enum.base}", f"{low} .. {high}")

    def bound(self, value: int | str | None, pos: Pos | None, low: int, high: int, where: Pos) -> int:
        at = pos or where
        if isinstance(value, str):
            const = self.consts.get(value)
            if const is None:
                self.diags.error(at, "E020", f"no constant is called '{value}'",
                                 "declare it in this interface: `const NAME = 16;`")
                return low
            value = const.value
        if value is None or not low <= value <= high:
            self.diags.error(at, "E026", f"a bound of {value} is outside {low}..{high}",
                             "lend larger memory: `lend in bytes<N>`" if high == MAX_ARENA else "choose one inside")
            return low
        return value

    def resolve(self, ref: TypeRef, name: str) -> bool:
        """Resolve a scalar, enum or struct name; reports and returns False when there is none."""
        if name in SCALARS:
            ref.base = name
        elif name in self.enums:
            ref.enum = self.enums[name]
            ref.base = ref.enum.base if ref.enum.base in SCALARS else "u32"
        elif name in self.structs:
            ref.struct = self.structs[name]
            self.struct(ref.struct, [])
        elif name in self.variants:
            ref.struct = self.variants[name]
            self.variant(self.variants[name])
        else:
            known = sorted([*self.enums, *self.structs, *self.variants])
            near = [k for k in known if k[:2] == name[:2]]
            self.diags.error(ref.pos, "E020", f"no type is called '{name}'",
                             f"did you mean '{near[0]}'?" if near else "declare it in this interface")
            return False
        return True

    def struct(self, struct: Struct, inside: list[str]) -> None:
        if struct.name in inside:
            self.diags.error(struct.pos, "E034", f"struct '{struct.name}' contains itself", "there are no pointers")
            return
        if len(inside) > MAX_NESTING:
            self.diags.error(struct.pos, "E039", f"struct '{struct.name}' is the {len(inside)}th inside others",
                             f"at most {MAX_NESTING}")
            return
        if struct.name in self.done_structs:
            return
        self.done_structs.add(struct.name)
        self.unique("field", [(f.name, f.pos) for f in struct.fields])
        if not struct.fields:
            self.diags.error(struct.pos, "E037", f"struct '{struct.name}' has no fields", "it has at least one")
        offset = 0
        for field in struct.fields:
            self.c_name(field.name, field.pos)
            size, align = self.field_size(field.type, [*inside, struct.name])
            if offset % align:
                need = align - offset % align
                self.diags.error(field.pos, "E024", f"'{field.name}' would need {need} bytes of padding before it",
                                 "reorder the fields or add an explicit reserved one")
                offset += need
            field.offset = offset
            offset += size
            struct.align = max(struct.align, align)
        if offset % struct.align:
            need = struct.align - offset % struct.align
            self.diags.error(struct.pos, "E024", f"struct '{struct.name}' would end in {need} bytes of padding",
                             "add an explicit reserved field")
            offset += need
        if offset > MAX_STRUCT:
            self.diags.error(struct.pos, "E039", f"struct '{struct.name}' has {offset} bytes", f"at most {MAX_STRUCT}")
        struct.size = offset

    def variant(self, variant: Variant) -> None:
        """A tag, then room for the largest payload; all bytes are named."""
        if variant.name in self.done_structs:
            return
        self.done_structs.add(variant.name)
        if variant.base not in SCALARS or variant.base == "bool":
            self.diags.error(variant.pos, "E020", f"'{variant.base}' cannot be the type of a tag", "u8 .. i64")
            return
        size, signed = SCALARS[variant.base]
        low, high = (-(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1) if signed else (0, (1 << (8 * size)) - 1)
        self.unique("case", [(c.name, c.pos) for c in variant.cases])
        if not variant.cases:
            self.diags.error(variant.pos, "E037", f"'{variant.name}' has no cases", "it has at least one")
        seen: dict[int, Pos] = {}
        largest, align = 0, 1
        for case in variant.cases:
            self.c_name(case.name, case.pos, frozenset(("tag", "reserved", "bytes")))
            if not low <= case.value <= high:
                self.diags.error(case.pos, "E025", f"{case.value} does not fit {variant.base}", f"{low} .. {high}")
            elif case.value in seen:
                self.diags.error(case.pos, "E045", f"tag {case.value} is used twice", f"first in line {seen[case.value].line}")
            seen.setdefault(case.value, case.pos)
            if case.type is not None:
                bytes_, need = self.field_size(case.type, [variant.name])
                largest, align = max(largest, bytes_), max(align, need)
        variant.align = max(size, align)
        variant.payload_at = (size + align - 1) // align * align
        variant.size = (variant.payload_at + largest + variant.align - 1) // variant.align * variant.align
        variant.payload_bytes = variant.size - variant.payload_at
        if variant.size > MAX_STRUCT:
            self.diags.error(variant.pos, "E039", f"variant '{variant.name}' has {variant.size} bytes", f"at most {MAX_STRUCT}")

    def field_size(self, ref: TypeRef, inside: list[str]) -> tuple[int, int]:
        if ref.kind == "handle":
            self.diags.error(ref.pos, "E028", "a handle inside another type would not be looked up", "make it a parameter or a result")
            return 4, 4
        if ref.kind != "name":
            self.diags.error(ref.pos, "E028", f"a {ref.kind} cannot be a field of a struct",
                             "use a fixed array, or make it a parameter")
            return 1, 1
        if ref.name in self.variants:
            self.diags.error(ref.pos, "E028", f"variant '{ref.name}' cannot be inside another type", "make it a parameter or a result")
            return 1, 1
        elif ref.name in self.structs:
            ref.struct = self.structs[ref.name]
            self.struct(ref.struct, inside)
        elif not self.resolve(ref, ref.name):
            return 1, 1
        size, align = (ref.struct.size, ref.struct.align) if ref.struct else (SCALARS[ref.base][0],) * 2
        if ref.count is not None:
            ref.nr = self.bound(ref.count, ref.bound_pos, 1, 4096, ref.pos)
            size *= ref.nr
        return max(size, 1), align

    # ---- methods ----

    def method(self, method: Method) -> None:
        self.unique("parameter", [(p.name, p.pos) for p in method.params])
        self.unique("result", [(p.name, p.pos) for p in method.results])
        if method.errors is not None:
            method.any_error = any(n.name == "any" for n in method.errors)
            if method.any_error and len(method.errors) > 1:
                self.diags.error(method.pos, "E043", f"'{method.name}' has any error and some", "`errors (any)` says it all")
            elif method.any_error and not method.is_event:
                method.errors = None
            else:
                method.errors = self.error_names(method.errors)
        self.attributes(method)
        for mode in ("lend_in", "lend_out", "give_in"):
            lent = [p for p in method.params if p.mode == mode]
            if len(lent) > 1:
                self.diags.error(lent[1].pos, "E027", f"a second '{mode.replace('_', ' ')}' in one method",
                                 "at most one of each")
        for param in [*method.params, *method.results]:
            self.c_name(param.name, param.pos, LOCALS)
            self.param(param)
        if method.is_event:
            self.event(method)
        lent = method.lend("lend_out")
        if lent and not method.is_event:
            done = method.done_of(lent)
            if done is None or not done.type.is_scalar:
                self.diags.error(lent.pos, "E033", f"no result tells how much of '{lent.name}' was written",
                                 f"add a result `u64 done` or `u64 {lent.name}_done`")

    def attributes(self, method: Method) -> None:
        version, pos = self.it.version, method.pos
        if not 1 <= method.since <= version:
            self.diags.error(pos, "E042", f"'{method.name}' is since {method.since}, the interface has version {version}",
                             f"since 1..{version}")
        elif method.removed is not None and not method.since < method.removed <= version:
            self.diags.error(pos, "E042", f"'{method.name}' is removed {method.removed}, the interface has version {version}",
                             f"the first version without it: above {method.since}, at most {version}")
        if method.nonblocking and method.cancellable:
            self.diags.error(pos, "E043", f"'{method.name}' is nonblocking and cancellable",
                             "a request that never waits cannot be cancelled: leave one out")
        if method.is_event and (method.idempotent or method.cancellable or method.deadline_ns or method.errors is not None):
            self.diags.error(pos, "E030", f"event '{method.name}' has an attribute of answers",
                             "an event has no answer: no errors, idempotent, cancellable, deadline")

    def event(self, method: Method) -> None:
        for param in method.params:
            if not param.type.is_scalar and not param.type.struct:
                self.diags.error(param.pos, "E031", f"'{param.name}': an event carries scalars and small structs only",
                                 "its arguments travel in the six inline words")

    def param(self, param: Param) -> None:
        ref = param.type
        if param.mode.startswith("lend_"):
            if ref.kind != "bytes":
                self.diags.error(ref.pos, "E028", "only bytes can be lent", "`lend in bytes<4096> data`")
                return
            ref.limit = self.bound(ref.bound, ref.bound_pos, 1, MAX_LEND, ref.pos)
        elif param.mode == "give_in":
            if ref.kind != "bytes":
                self.diags.error(ref.pos, "E028", "only bytes can be given", "`give in bytes<256> data`")
                return
            ref.limit = self.bound(ref.bound, ref.bound_pos, 1, MAX_ARENA, ref.pos)
        elif ref.kind == "string":
            ref.limit = self.bound(ref.bound, ref.bound_pos, 1, 4095, ref.pos)
        elif ref.kind == "bytes":
            ref.limit = self.bound(ref.bound, ref.bound_pos, 1, MAX_ARENA, ref.pos)
        elif ref.kind == "array":
            if ref.name in self.variants:
                self.diags.error(ref.pos, "E028", f"an array of variant '{ref.name}'", "make it a parameter or a result")
            elif self.resolve(ref, ref.name):
                ref.limit = self.bound(ref.bound, ref.bound_pos, 1, MAX_ARENA, ref.pos)
        elif ref.kind == "handle":
            self.handle(ref)
        else:
            self.resolve(ref, ref.name)

    def handle(self, ref: TypeRef) -> None:
        ref.base = "u32"
        found = self.objects.get(ref.name)
        if found is None:
            self.diags.error(ref.pos, "E020", f"no object is called '{ref.name}'",
                             f"declare it in this interface: `object {ref.name} {{ READ = 1 }}`")
            return
        self.unique("right", [(r.name, r.pos) for r in ref.rights])
        values = {r.name: r.value for r in found.rights}
        for right in ref.rights:
            if right.name not in values:
                self.diags.error(right.pos, "E020", f"object '{ref.name}' has no right '{right.name}'",
                                 f"it has {', '.join(values)}" if values else "it is declared without rights")
            ref.mask |= values.get(right.name, 0)


def check(interface: Interface, errors: dict[str, int], diags: Diagnostics) -> None:
    Checker(interface, errors, diags).run()
