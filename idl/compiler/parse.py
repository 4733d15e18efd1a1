# SPDX-License-Identifier: MIT
"""Tokens to model, by recursive descent. A syntax error ends the file; names are resolved later."""

from __future__ import annotations

from .diag import Diagnostics, Pos
from .lex import Token
from .model import Case, Const, Enum, ErrorName, ErrorSet, Field, Interface, Method, Object, Param, Struct, TypeRef, Variant

_ATTRIBUTES = "errors, nonblocking, idempotent, cancellable, deadline, since, removed"
UNITS = {"us": 1000, "ms": 1000000, "s": 1000000000}


class Parser:
    def __init__(self, tokens: list[Token], diags: Diagnostics) -> None:
        self.tokens = tokens
        self.at = 0
        self.diags = diags

    # ---- tokens ----

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.here
        if token.kind != "end":
            self.at += 1
        return token

    def accept(self, text: str) -> bool:
        if self.here.kind != "end" and self.here.text == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str, hint: str = "") -> Token:
        if self.here.kind == "end" or self.here.text != text:
            raise self.diags.fatal(self.here.pos, "E010", f"expected '{text}', found {self.here}",
                                   hint or f"'{text}' goes here")
        return self.take()

    def ident(self, what: str) -> Token:
        if self.here.kind != "ident":
            raise self.diags.fatal(self.here.pos, "E010", f"expected {what}, found {self.here}",
                                   "a name goes here: letters, digits, '_'")
        return self.take()

    def number(self, what: str, signed: bool = False) -> tuple[int, Pos]:
        pos = self.here.pos
        negative = signed and self.accept("-")
        if self.here.kind != "number":
            raise self.diags.fatal(self.here.pos, "E010", f"expected {what}, found {self.here}", "a number goes here")
        value = self.take().value
        if negative and value > 1 << 63:
            raise self.diags.fatal(pos, "E004", "a number of more than 64 bits", "the smallest is -0x8000000000000000")
        return (-value if negative else value), pos

    def bound(self) -> tuple[int | str, Pos]:
        if self.here.kind == "ident":
            token = self.take()
            return token.text, token.pos
        return self.number("a bound")

    # ---- declarations ----

    def file(self) -> list[Interface]:
        found = []
        while self.here.kind != "end":
            found.append(self.interface())
        return found

    def interface(self) -> Interface:
        doc = self.here.doc
        self.expect("interface", "a file holds `interface NAME version N { ... }`")
        name = self.ident("the interface's name")
        self.expect("version")
        version, _ = self.number("the version")
        result = Interface(name.pos, name.text, version, doc, source=name.pos.file)
        self.expect("{")
        while not self.accept("}"):
            self.member(result)
        return result

    def member(self, into: Interface) -> None:
        token = self.here
        if token.text == "const":
            into.consts.append(self.const())
        elif token.text in ("enum", "flags"):
            into.enums.append(self.enum())
        elif token.text == "struct":
            into.structs.append(self.struct())
        elif token.text == "object":
            into.objects.append(self.object())
        elif token.text == "variant":
            into.variants.append(self.variant())
        elif token.text == "errors":
            self.take()
            if self.here.kind == "ident":
                name = self.take()
                into.error_sets.append(ErrorSet(name.pos, name.text, self.error_names("{", "}"), token.doc))
            else:
                into.errors = (into.errors or []) + self.error_names("{", "}")
        elif token.text in ("method", "event"):
            into.methods.append(self.method())
        else:
            raise self.diags.fatal(token.pos, "E010", f"expected a declaration, found {token}",
                                   "const, enum, flags, struct, variant, object, errors, method or event")

    def const(self) -> Const:
        doc = self.take().doc
        name = self.ident("the constant's name")
        self.expect("=")
        value, _ = self.number("its value", signed=True)
        self.expect(";")
        return Const(name.pos, name.text, value, doc)

    def enum(self) -> Enum:
        keyword = self.take()
        name = self.ident("a name")
        self.expect(":", "write the base type: `enum color : u32 { ... }`")
        base = self.ident("the base type")
        self.expect("{")
        return Enum(name.pos, name.text, base.text, keyword.text == "flags", self.items(), keyword.doc)

    def items(self) -> list[Const]:
        """`NAME = VALUE, ... }`"""
        items: list[Const] = []
        while not self.accept("}"):
            item = self.ident("an enumerator")
            self.expect("=", "every value is written down, since it is part of the wire format")
            value, _ = self.number("its value", signed=True)
            items.append(Const(item.pos, item.text, value, item.doc))
            if not self.accept(","):
                self.expect("}")
                break
        return items

    def struct(self) -> Struct:
        keyword = self.take()
        name = self.ident("the struct's name")
        self.expect("{")
        fields = []
        while not self.accept("}"):
            kind = self.field_type()
            field_name = self.ident("a field's name")
            self.expect(";", "a fixed array is written `u32[4] name;`" if self.here.text == "[" else "")
            fields.append(Field(field_name.pos, field_name.text, kind))
        return Struct(name.pos, name.text, fields, keyword.doc)

    def right(self) -> ErrorName:
        token = self.ident("a right of the object")
        return ErrorName(token.pos, token.text)

    def object(self) -> Object:
        keyword = self.take()
        name = self.ident("the object's name")
        rights: list[Const] = []
        if not self.accept(";"):
            self.expect("{", "`object file { READ = 1, WRITE = 2 }`, or `object file;` without rights")
            rights = self.items()
        return Object(name.pos, name.text, rights, keyword.doc)

    def field_type(self) -> TypeRef:
        kind = self.type()
        if self.accept("["):
            kind.count, kind.bound_pos = self.bound()
            self.expect("]")
        return kind

    def variant(self) -> Variant:
        keyword = self.take()
        name = self.ident("the variant's name")
        self.expect(":", "write the tag's type: `variant value : u32 { ... }`")
        base = self.ident("the tag's type")
        self.expect("{")
        cases = []
        while not self.accept("}"):
            doc, bare = self.here.doc, self.tokens[min(self.at + 1, len(self.tokens) - 1)].text == "="
            kind = None if bare else self.field_type()
            case = self.ident("a case's name")
            self.expect("=", "every tag is written down, since it is part of the wire format")
            value, _ = self.number("its tag", signed=True)
            self.expect(";")
            cases.append(Case(case.pos, case.text, value, kind, doc))
        return Variant(name.pos, name.text, [], keyword.doc, base=base.text, cases=cases)

    def error_names(self, opening: str, closing: str) -> list[ErrorName]:
        self.expect(opening)
        names = []
        while not self.accept(closing):
            token = self.ident("an error's name")
            names.append(ErrorName(token.pos, token.text))
            if not self.accept(","):
                self.expect(closing)
                break
        return names

    def type(self) -> TypeRef:
        token = self.ident("a type")
        if token.text in ("string", "bytes"):
            self.expect("<", f"every {token.text} has a bound: `{token.text}<64>`")
            bound, pos = self.bound()
            self.expect(">")
            return TypeRef(token.pos, token.text, bound=bound, bound_pos=pos)
        if token.text == "array":
            self.expect("<", "an array has an element type and a bound: `array<u32, 16>`")
            element = self.ident("the element type")
            self.expect(",", "an array has a bound: `array<u32, 16>`")
            bound, pos = self.bound()
            self.expect(">")
            return TypeRef(token.pos, "array", element.text, bound=bound, bound_pos=pos)
        if token.text == "handle":
            self.expect("<", "name the object: `handle<file>`")
            name = self.ident("the object's name")
            ref = TypeRef(token.pos, "handle", name.text)
            if self.accept(","):
                ref.rights = [self.right()]
                while self.accept("|"):
                    ref.rights.append(self.right())
            self.expect(">")
            return ref
        return TypeRef(token.pos, "name", token.text)

    # ---- methods ----

    def method(self) -> Method:
        keyword = self.take()
        name = self.ident("the method's name")
        self.expect("=", "every method has an ordinal: `method name = 7 (...)`")
        ordinal, ordinal_pos = self.number("the ordinal")
        method = Method(name.pos, name.text, ordinal, ordinal_pos, keyword.text == "event", [], [], keyword.doc)
        self.expect("(")
        method.params = self.list_of(self.param)
        if not method.is_event:
            self.expect("->", "a method says what it answers: `-> ()` when nothing; an `event` has no answer")
            self.expect("(")
            method.results = self.list_of(self.result)
        elif self.here.text == "->":
            raise self.diags.fatal(self.here.pos, "E030", "an event has no results", "make it a method")
        said: set[str] = set()
        while not self.accept(";"):
            if self.here.text in said:
                raise self.diags.fatal(self.here.pos, "E011", f"{self.here} is said twice", "once is enough")
            said.add(self.here.text)
            self.attribute(method)
        return method

    def list_of(self, parse_one) -> list[Param]:
        found: list[Param] = []
        while not self.accept(")"):
            found.append(parse_one())
            if not self.accept(","):
                self.expect(")")
                break
        return found

    def param(self) -> Param:
        lend = self.accept("lend")
        give = not lend and self.accept("give")
        direction = self.ident("'in', 'lend in', 'lend out' or 'give in'")
        if direction.text not in ("in", "out") or (direction.text == "out" and not lend):
            raise self.diags.fatal(direction.pos, "E010", f"expected 'in', 'lend in', 'lend out' or 'give in', found {direction}",
                                   "results stand behind '->'")
        mode = f"lend_{direction.text}" if lend else "give_in" if give else "in"
        kind = self.type()
        name = self.ident("the parameter's name")
        return Param(name.pos, name.text, kind, mode)

    def result(self) -> Param:
        kind = self.type()
        name = self.ident("the result's name")
        return Param(name.pos, name.text, kind, "result")

    def attribute(self, method: Method) -> None:
        token = self.here
        if token.text == "errors":
            self.take()
            method.errors = self.error_names("(", ")")
        elif token.text in ("nonblocking", "idempotent", "cancellable"):
            self.take()
            setattr(method, token.text, True)
        elif token.text == "deadline":
            self.take()
            value, pos = self.number("a time")
            unit = self.here
            if unit.text not in UNITS:
                raise self.diags.fatal(unit.pos, "E010", f"expected a unit, found {unit}", "`deadline 200 ms`: us, ms or s")
            self.take()
            method.deadline_ns = value * UNITS[unit.text]
            if not 1000 <= method.deadline_ns <= 3600 * UNITS["s"]:
                self.diags.error(pos, "E044", f"a deadline of {value} {unit.text} is outside 1 us..3600 s", "leave it out to wait for ever")
        elif token.text in ("since", "removed"):
            self.take()
            setattr(method, token.text, self.number("a version")[0])
        else:
            raise self.diags.fatal(token.pos, "E011", f"expected an attribute or ';', found {token}", _ATTRIBUTES)


def parse(tokens: list[Token], diags: Diagnostics) -> list[Interface]:
    return Parser(tokens, diags).file()
