# SPDX-License-Identifier: MIT
"""Fills the templates. Decides C spellings (types, expressions); all placing was done in layout.py."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import jinja2

from .errorlist import ALWAYS
from .layout import MethodLayout, Message, Place, element_size, layout_hash
from .model import SCALARS, Case, Enum, Field, Interface, Method, Object, Param, Struct, TypeRef, Variant, deadline_words

TEMPLATES = Path(__file__).resolve().parent / "templates"
OUTPUTS = ("types.h", "client.h", "client.c", "server.h", "server.c", "trace.c", "fuzz.c", "fuzz.h", "double.h", "double.c")
WIDTH = 110

_C_SCALAR = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t",
             "i8": "int8_t", "i16": "int16_t", "i32": "int32_t", "i64": "int64_t", "bool": "bool"}


@dataclass
class Wire:
    """One method as the templates see it."""

    layout: MethodLayout
    gen: "Generator"

    @property
    def m(self) -> Method:
        return self.layout.method

    @property
    def fn(self) -> str:
        return f"{self.gen.it.name}_{self.m.name}"

    @property
    def ordinal(self) -> str:
        return f"{self.gen.upper}_METHOD_{self.m.name.upper()}"

    @property
    def request(self) -> Message:
        return self.layout.request

    @property
    def response(self) -> Message:
        return self.layout.response

    # ---- prototypes ----

    def out_name(self, param: Param) -> str:
        taken = {p.name for p in self.m.params}
        return f"{param.name}_out" if param.name in taken else param.name

    def param_decls(self) -> list[str]:
        return [d for p in self.m.params for d in self.gen.param_decl(p)]

    def param_names(self) -> list[str]:
        return [n for p in self.m.params for n in self.gen.param_names(p)]

    def result_decls(self) -> list[str]:
        return [d for p in self.m.results for d in self.gen.result_decl(p, self.out_name(p))]

    def result_names(self) -> list[str]:
        return [n for p in self.m.results for n in self.gen.result_names(p, self.out_name(p))]

    def lend_out_decls(self) -> list[str]:
        lent = self.m.lend("lend_out")
        return self.gen.param_decl(lent) if lent else []

    def prototype(self, kind: str) -> str:
        """The client functions' declarators, wrapped. kind: sync, until, queue, submit, finish, post, encode, decode."""
        client, request = "struct rpc_client *rpc", "struct rpc_request *req"
        lists = {
            "sync": (f"error_t {self.fn}", [client, *self.param_decls(), *self.result_decls()]),
            "until": (f"error_t {self.fn}_until",
                      [client, "ticks_t until", *self.param_decls(), *self.result_decls()]),
            "queue": (f"error_t {self.fn}_queue", [client, *self.param_decls(), "struct rpc_request **queued"]),
            "submit": (f"error_t {self.fn}_submit", [client, *self.param_decls(), "struct rpc_request **submitted"]),
            "finish": (f"error_t {self.fn}_finish",
                       [client, request, *self.lend_out_decls(), *self.result_decls()]),
            "post": (f"void {self.fn}", [client, *self.param_decls()]),
            "encode": (f"static error_t {self.m.name}_encode",
                       [client, *self.param_decls(), "struct rpc_request **encoded"]),
            "decode": (f"static error_t {self.m.name}_decode",
                       [client, request, *self.lend_out_decls(), *self.result_decls()]),
        }
        head, args = lists[kind]
        return wrap(f"{head}(", args, ")")

    def call(self, kind: str) -> str:
        lent = self.m.lend("lend_out")
        lent_names = [lent.name] if lent else []
        lists = {
            "encode": (f"{self.m.name}_encode", ["rpc", *self.param_names(), "&req"]),
            "queue": (f"{self.fn}_queue", ["rpc", *self.param_names(), "submitted"]),
            "until": (f"{self.fn}_until", ["rpc", f"rpc_deadline_in(rpc, {self.m.deadline_ns})",
                                           *self.param_names(), *self.result_names()]),
            "finish": ("rpc_finish_until", ["rpc", "req", *(str(w).lower() for w in (self.m.cancellable, self.m.keeps))]),
            "decode": (f"{self.m.name}_decode", ["rpc", "req", *lent_names, *self.result_names()]),
        }
        head, args = lists[kind]
        return wrap(f"{head}(", args, ")", 8)

    def double_prototype(self, kind: str) -> str:
        """Functions with which a test tells its double what to answer. kind: tell, answer."""
        answer = ["error_t error", f"const struct {self.fn}_out *out"]
        lent = ["const void *lent"] if self.m.lend("lend_out") else []
        name = f"void {self.gen.it.name}_double_{self.m.name}"
        if kind == "tell":
            return wrap(f"{name}(", [*answer, *lent], ")")
        return wrap(f"{name}_answer(", ["struct double_call *call", *answer, *lent], ")")

    def double_call(self, kind: str) -> str:
        """How the double's synchronous stub calls its two halves."""
        lent = self.m.lend("lend_out")
        if kind == "submit":
            return wrap(f"{self.fn}_submit(", ["rpc", *self.param_names(), "&req"], ")", 8)
        if kind == "until":
            return wrap(f"{self.fn}(", ["rpc", *self.param_names(), *self.result_names()], ")", 8)
        if kind == "queue":
            return wrap(f"{self.fn}_submit(", ["rpc", *self.param_names(), "queued"], ")", 8)
        return wrap(f"{self.fn}_finish(", ["rpc", "req", *([lent.name] if lent else []), *self.result_names()], ")", 8)

    @property
    def done_member(self) -> str:
        lent = self.m.lend("lend_out")
        result = self.m.done_of(lent) if lent else None
        return result.name if result else ""

    # ---- reference ----

    @property
    def attributes(self) -> list[str]:
        return [w for w in ("nonblocking", "idempotent", "cancellable") if getattr(self.m, w)] \
            + ([f"deadline {deadline_words(self.m.deadline_ns)}"] if self.m.deadline_ns else []) + [f"since {self.m.since}"]

    # ---- fuzzers ----

    @staticmethod
    def fuzz_kind(place: Place) -> str:
        return "FUZZ_" + {"bytes": "array", "give_in": "lend_in"}.get(place.kind, place.kind).upper()

    @staticmethod
    def fuzz_bytes(place: Place) -> int:
        if place.kind in ("scalar", "struct"):
            return place.size
        return element_size(place.param.type) if place.kind == "array" else 1

    # ---- words ----

    def word_exprs(self, message: Message, prefix: str) -> list[tuple[int, str]]:
        """Each inline word that carries scalars, as one C expression."""
        words: dict[int, list[str]] = {}
        for place in message.places:
            if place.area == "word" and place.kind == "scalar":
                words.setdefault(place.word, []).append(_to_word(place, prefix + place.name))
        return [(w, " | ".join(terms)) for w, terms in sorted(words.items())]

    def scalar_from(self, place: Place, source: str) -> str:
        """The value of a scalar in `source.word[]`."""
        base = place.param.type.base
        bits = SCALARS[base][0] * 8
        expr = f"{source}->word[{place.word}]"
        if place.shift:
            expr = f"({expr} >> {place.shift})"
        if base == "bool":
            return f"({expr} & 0xff) != 0"
        if bits == 64:
            return f"(int64_t){expr}" if base == "i64" else expr
        return f"({_C_SCALAR[base]}){expr}"

    def trace_where(self, place: Place) -> str:
        """The address of a fixed piece for the trace decoder; NULL where a request brought no such arena."""
        if place.area == "word":
            return f"&m->word[{place.word}]"
        return f"trace_fixed(m, {place.offset}, {place.size})"

    def scalar_from_words(self, place: Place) -> str:
        return self.scalar_from(place, "").replace("->word", "word")

    @property
    def inline_only(self) -> bool:
        """Everything is a scalar in a word, and there is no deadline: the stub needs no request of its own."""
        return not self.m.deadline_ns and all(p.kind == "scalar" and p.area == "word" for p in [*self.request.places, *self.response.places])

    @property
    def call_flags(self) -> str:
        flags = ["RPC_LONG"] if self.m.cancellable else []
        flags += ["RPC_IDEMPOTENT"] if self.m.idempotent else []
        flags += ["RPC_ONE_RESULT"] if self.response.nr_words <= 1 else []
        return " | ".join(flags) or "0"

    def where(self, place: Place, source: str, arena: str) -> str:
        """The address of a place's fixed piece."""
        if place.area == "word":
            return f"&{source}->word[{place.word}]"
        return f"{arena} + {place.offset}" if place.offset else arena

    @staticmethod
    def aligned(place: Place, address: str) -> str:
        """The address of a fixed piece in the arena, for the compiler to copy in whole words without a call."""
        if place.area == "word" or place.align < 8 or place.offset % 8 or place.size < 16:
            return address
        return f"__builtin_assume_aligned({address}, 8)"

    @property
    def begin_flags(self) -> str:
        flags = []
        if self.layout.needs_arena:
            flags.append("RPC_NEED_ARENA")
        elif any(p.kind == "string" for p in self.request.places):
            flags.append("RPC_WANT_ARENA")
        else:
            lent = [p.name for p in self.request.places if p.kind in ("lend_in", "lend_out")]
            if lent:
                test = " || ".join(f"{name}.bytes <= RPC_LEND_INLINE" for name in lent)
                flags.append(f"({test} ? RPC_WANT_ARENA : 0)")
        if self.m.cancellable:
            flags.append("RPC_LONG")
        return " | ".join(flags) or "0"

    @property
    def variable_order(self) -> list[Place]:
        """Variable parts in the order in which they are put: what must be in the arena, given, strings, lent in, lent out."""
        rank = {"bytes": 0, "array": 0, "give_in": 1, "string": 2, "lend_in": 3, "lend_out": 4}
        return sorted((p for p in self.request.places if p.kind in rank), key=lambda p: rank[p.kind])

    def put_steps(self) -> list[str]:
        """Statements that put the variable parts of a request; they leave the outcome in `err`."""
        calls = []
        for p in self.variable_order:
            where = self.where(p, "req", "req->arena")
            if p.kind == "array":
                size = element_size(p.param.type)
                calls.append(("", "rpc_put_array(", ["req", where, p.name, f"{p.name}_count", str(size)]))
            elif p.kind == "lend_out":
                calls.append(("", "rpc_put_lend_out(", ["req", where, p.name, str(self.response.arena_max)]))
            else:
                calls.append(("err", f"rpc_put_{p.kind}(", ["rpc", "req", where, p.name]))
        return chain(calls, "err")

    def get_steps(self) -> list[str]:
        """Statements with which the server takes the variable parts; they leave the outcome in `bad`."""
        calls = []
        for p in self.variable_order:
            where, limit = self.where(p, "entry", "arena"), self.gen.literal(p.param.type.limit, "u64")
            if p.kind == "string":
                calls.append(("bad", "rpc_get_string(", ["call", "entry", "arena", where, limit, f"&in.{p.name}",
                                                         f"&in.{p.name}_bytes"]))
            elif p.kind in ("bytes", "array"):
                size = element_size(p.param.type) if p.kind == "array" else 1
                count = f"&in.{p.name}_{'count' if p.kind == 'array' else 'bytes'}"
                calls.append(("bad", "rpc_get_array(", ["entry", "arena", where, str(size), limit,
                                                        f"(const void **)&in.{p.name}", count]))
            elif p.kind == "give_in":
                calls.append(("bad", "rpc_get_given(", ["call", "entry", where, limit, f"&in.{p.name}"]))
            else:
                floor = str(self.response.arena_max) if p.kind == "lend_out" else "0"
                calls.append(("bad", "rpc_get_lend(", ["call", "entry", where, limit, floor, f"&in.{p.name}"]))
        return chain(calls, "bad")

    def take_steps(self) -> list[str]:
        """Statements with which the client takes variable results and lent bytes."""
        calls = []
        for p in self.response.places:
            where, name = self.where(p, "req", "req->arena"), self.out_name(p.param)
            if p.kind in ("string", "bytes"):
                calls.append(("err", "rpc_take_bytes(", ["rpc", "req", where, name, f"{name}_bytes"]))
            elif p.kind == "array":
                ref = p.param.type
                calls.append(("err", "rpc_take_array(", ["req", where, name, str(element_size(ref)), str(ref.limit),
                                                         f"{name}_count"]))
        lent = self.m.lend("lend_out")
        if lent:
            calls.append(("err", "rpc_take_lend_out(", ["rpc", "req", lent.name, f"(uint64_t)*{self.done}"]))
        return chain(calls, "err", declared=True)

    @property
    def done(self) -> str:
        lent = self.m.lend("lend_out")
        result = self.m.done_of(lent) if lent else None
        return self.out_name(result) if result else ""

    @property
    def error_words(self) -> str:
        if self.m.is_event:
            return ""
        names = self.gen.it.errors_of(self.m)
        return "any" if names is None else ", ".join(names) or "none of its own"

    @property
    def error_mask(self) -> tuple[int, int] | None:
        """Bit n of the pair: error -n may be answered. None: any error of the list."""
        names = self.gen.it.errors_of(self.m)
        if names is None:
            return None
        bits = 0
        for name in [*names, *ALWAYS]:
            bits |= 1 << self.gen.errors[name]
        return bits & (2**64 - 1), bits >> 64


def _to_word(place: Place, value: str) -> str:
    base = place.param.type.base
    size, signed = SCALARS[base]
    if size == 8:
        return f"(uint64_t){value}" if signed else value
    if signed:
        expr = f"(uint{size * 8}_t){value}"
        return f"(uint64_t){expr} << {place.shift}" if place.shift else expr
    return f"(uint64_t){value} << {place.shift}" if place.shift else value


def chain(calls: list[tuple[str, str, list[str]]], var: str, declared: bool = False) -> list[str]:
    """Calls that each run only if all before succeeded. A call without a variable cannot fail."""
    lines: list[str] = []
    started = declared
    for target, head, args in calls:
        if not target:
            if started:
                lines += [f"    if ({var} == 0)", wrap(f"        {head}", args, ");")]
            else:
                lines.append(wrap(f"    {head}", args, ");"))
        elif started:
            lines += [f"    if ({var} == 0)", wrap(f"        {var} = {head}", args, ");")]
        else:
            lines.append(wrap(f"    error_t {var} = {head}", args, ");"))
            started = True
    if not started:
        lines.insert(0, f"    error_t {var} = 0;")
    return lines


def wrap(head: str, args: list[str], tail: str, indent: int = 0) -> str:
    """`head` + args + `tail`, broken to WIDTH with continuation lines under the opening parenthesis."""
    lines: list[str] = []
    line, pad = head, " " * min(len(head), 40)
    for i, arg in enumerate(args):
        piece = arg + (", " if i + 1 < len(args) else tail)
        if indent + len(line) + len(piece.rstrip()) > WIDTH and line.strip() and line != head:
            lines.append(line.rstrip())
            line = pad + " " * indent
        line += piece
    if not args:
        line += tail
    lines.append(line)
    return "\n".join(lines)


class Generator:
    def __init__(self, interface: Interface, layouts: list[MethodLayout], errors: dict[str, int]) -> None:
        self.it = interface
        self.errors = errors
        self.upper = interface.name.upper()
        self.hash = layout_hash(interface, layouts)
        self.wires = [Wire(layout, self) for layout in layouts]
        self.env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(str(TEMPLATES)), undefined=jinja2.StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)
        self.env.filters["comment"] = c_comment
        self.env.filters["cell"] = lambda doc: doc.replace("\n", " ").replace("|", "\\|")
        self.env.filters["paragraphs"] = paragraphs
        self.env.filters["hex"] = lambda v: f"0x{v:x}"

    # ---- C spellings ----

    def c_type(self, ref: TypeRef) -> str:
        return f"struct {self.it.name}_{ref.struct.name}" if ref.struct else _C_SCALAR[ref.base]

    def field_type(self, ref: TypeRef) -> str:
        """As a member of a struct on the wire: a bool there is a byte, since its content is not trusted."""
        return "uint8_t" if ref.base == "bool" else self.c_type(ref)

    def param_decl(self, param: Param) -> list[str]:
        ref, name = param.type, param.name
        if param.mode == "lend_out":
            return [f"struct rpc_out {name}"]
        if param.mode == "lend_in" or ref.kind in ("string", "bytes"):
            return [f"struct rpc_in {name}"]
        if ref.kind == "array":
            return [f"const {self.field_type(ref)} *{name}", f"uint32_t {name}_count"]
        if ref.struct:
            return [f"const {self.c_type(ref)} *{name}"]
        return [f"{self.c_type(ref)} {name}"]

    def param_names(self, param: Param) -> list[str]:
        return [param.name, f"{param.name}_count"] if param.type.kind == "array" else [param.name]

    def result_decl(self, param: Param, name: str) -> list[str]:
        ref = param.type
        if ref.kind in ("string", "bytes"):
            return [f"struct rpc_out {name}", f"uint32_t *{name}_bytes"]
        if ref.kind == "array":
            return [f"{self.field_type(ref)} *{name}", f"uint32_t *{name}_count"]
        return [f"{self.c_type(ref)} *{name}"]

    def result_names(self, param: Param, name: str) -> list[str]:
        suffix = {"string": "_bytes", "bytes": "_bytes", "array": "_count"}.get(param.type.kind)
        return [name, name + suffix] if suffix else [name]

    def members(self, param: Param) -> list[str]:
        """Members of struct NAME_METHOD_in or _out."""
        ref, name = param.type, param.name
        if param.mode in ("lend_in", "lend_out", "give_in"):
            return [f"struct rpc_buf {name};"]
        if ref.kind == "string":
            return [f"const char *{name};", f"uint32_t {name}_bytes;"]
        if ref.kind == "bytes":
            return [f"const uint8_t *{name};", f"uint32_t {name}_bytes;"]
        if ref.kind == "array":
            return [f"const {self.field_type(ref)} *{name};", f"uint32_t {name}_count;"]
        if ref.kind == "handle" and param.mode != "result":
            return [f"struct {self.it.name}_{ref.name} *{name};", f"uint32_t {name}_handle;"]
        return [f"{self.c_type(ref)} {name};"]

    def enum_check(self, ref: TypeRef, value: str) -> str:
        return f"{self.it.name}_{ref.enum.name}_valid({value})" if ref.enum else ""

    def literal(self, value: int, base: str = "") -> str:
        if base in ("u64",) or value > 0x7FFFFFFFFFFFFFFF:
            return f"{value}ull"
        if value == -(1 << 63):
            return f"({value + 1}ll - 1)"       # C has no negative literals, and the positive one is too large
        if value > 0x7FFFFFFF or value < -0x80000000:
            return f"({value}ll)" if value < 0 else f"{value}ll"
        if base in ("u32", "u16", "u8"):
            return f"{value}u"
        return f"({value})" if value < 0 else str(value)

    @staticmethod
    def scalar(base: str) -> str:
        return _C_SCALAR[base]

    @staticmethod
    def scalar_bytes(base: str) -> int:
        return SCALARS[base][0]

    @staticmethod
    def unsigned(base: str) -> str:
        return f"uint{8 * SCALARS[base][0]}_t"

    def flags_mask(self, enum: Enum) -> int:
        mask = 0
        for item in enum.items:
            mask |= item.value
        return mask

    def element_size(self, ref: TypeRef) -> int:
        return element_size(ref)

    # ---- output ----

    def render(self, output: str) -> str:
        template = self.env.get_template(f"{output}.j2")
        return template.render(g=self, it=self.it, name=self.it.name, NAME=self.upper, wires=self.wires,
                               source=Path(self.it.source).name, methods=[w for w in self.wires if not w.m.is_event],
                               events=[w for w in self.wires if w.m.is_event])

    def files(self) -> dict[str, str]:
        return {f"{self.it.name}_{output}": self.render(output) for output in OUTPUTS}

    @property
    def looked_up(self) -> list[Object]:
        """Objects that some request names."""
        used = {p.type.name for w in self.wires for p in w.m.params if p.type.kind == "handle"}
        return [o for o in self.it.objects if o.name in used]

    def rights(self, ref: TypeRef) -> str:
        """The rights of a handle type, as an expression of C."""
        return " | ".join(f"{self.upper}_{ref.name.upper()}_{r.name}" for r in ref.rights) or "0"

    @staticmethod
    def is_signed(ref: TypeRef) -> bool:
        return SCALARS[ref.base][1]

    def trace_element(self, ref: TypeRef) -> str:
        """Size of an element and what shows it, as arguments of the trace decoder's functions."""
        return f"{element_size(ref)}, {self.trace_show(ref)}"

    @staticmethod
    def trace_show(ref: TypeRef) -> str:
        return f"show_{ref.struct.name}" if ref.struct else f"trace_{ref.base}"

    def trace_field(self, field: Field | Case) -> str:
        """The statement that shows a field of a struct, or a variant's payload."""
        ref, name = field.type, field.name
        if ref is None:
            return f'trace_word(t, "{name}");'
        if ref.nr:
            return f'trace_list(t, "{name}", v.{name}, {ref.nr}, {self.trace_element(ref)});'
        if ref.struct:
            return f'show_{ref.struct.name}(t, "{name}", &v.{name});'
        return f'trace_{"signed" if self.is_signed(ref) else "unsigned"}(t, "{name}", v.{name});'

    @property
    def _shown(self) -> list[Struct]:
        """Structs and variants of messages, with what is in them."""
        found: list[Struct] = []

        def add(ref: TypeRef | None) -> None:
            if ref and ref.struct and not any(ref.struct is x for x in found):
                found.append(ref.struct)
                for f in ref.struct.fields:
                    add(f.type)
                for c in ref.variant.cases if ref.variant else []:
                    add(c.type)

        for w in self.wires:
            for p in [*w.m.params, *w.m.results]:
                if p.mode in ("in", "result"):
                    add(p.type)
        return found

    @property
    def shown_structs(self) -> list[Struct]:
        shown = self._shown
        return [s for s in self.it.structs if any(s is x for x in shown)]

    @property
    def shown_variants(self) -> list[Variant]:
        shown = self._shown
        return [v for v in self.it.variants if any(v is x for x in shown)]

    @property
    def lends(self) -> bool:
        return any(w.m.lend("lend_out") for w in self.wires)

    def markdown(self) -> str:
        return self.render("reference.md")

    def html(self) -> str:
        """A section; html_page puts sections together."""
        return self.render("reference.html")

    @staticmethod
    def type_words(ref: TypeRef) -> str:
        name = {"name": ref.name, "handle": f"handle {ref.name}" + (f" ({' | '.join(r.name for r in ref.rights)})" if ref.rights else ""), "array": f"array of {ref.name}"}.get(ref.kind, ref.kind)
        return name + (f"[{ref.nr}]" if ref.nr else "") + (f", at most {ref.limit}" if ref.limit else "")


def paragraphs(doc: str) -> str:
    """Documentation comments as HTML; an empty line parts paragraphs."""
    parts = [p.strip() for p in doc.split("\n\n")]
    return "\n".join(f"<p>{html.escape(p)}</p>" for p in parts if p)


def html_page(generators: list[Generator]) -> str:
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(str(TEMPLATES)), undefined=jinja2.StrictUndefined,
                             trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)
    return env.get_template("page.html.j2").render(generators=generators)


def c_comment(doc: str) -> str:
    lines = "".join(c if c.isprintable() or c == "\n" else " " for c in doc.replace("*/", "* /").replace("/*", "/ *")).split("\n")
    if len(lines) == 1:
        return f"/* {lines[0]} */"
    return "/*\n" + "\n".join(f" * {line}".rstrip() for line in lines) + "\n */"
