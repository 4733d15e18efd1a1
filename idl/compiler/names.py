# SPDX-License-Identifier: MIT
"""The names of the generated C: no two things of one interface may get the same one."""

from __future__ import annotations

from .diag import Diagnostics, Pos
from .model import Interface, Method, Param

# Names that are locals of generated functions: forbidden for parameters and results, harmless as members of structs.
LOCALS = frozenset("rpc req err word call arena entry bad encoded submitted queued until in out".split())


class _Space:
    """Names of one scope. `kinds`: macros clash with all, tags (of structs and enums) only with tags and macros."""

    def __init__(self, diags: Diagnostics) -> None:
        self.diags = diags
        self.seen: dict[tuple[str, str], Pos] = {}

    def add(self, name: str, pos: Pos, *kinds: str) -> None:
        first = next((self.seen[k, name] for k in kinds if (k, name) in self.seen), None)
        if first is not None and first != pos:
            self.diags.error(pos, "E038", f"two things would be called '{name}' in the generated C",
                             f"the other is in line {first.line}: rename one")
        for kind in kinds:
            self.seen.setdefault((kind, name), pos)


def c_names(param: Param) -> list[str]:
    """What one parameter becomes at the server, or a result: itself, and the length or the number behind it."""
    if param.type.kind == "handle" and param.mode != "result":
        return [param.name, f"{param.name}_handle"]
    if param.mode not in ("lend_in", "lend_out", "give_in"):
        suffix = {"string": "_bytes", "bytes": "_bytes", "array": "_count"}.get(param.type.kind)
        if suffix:
            return [param.name, param.name + suffix]
    return [param.name]


def _method(method: Method, diags: Diagnostics) -> None:
    taken = {p.name for p in method.params}
    client, inputs, outputs = _Space(diags), _Space(diags), _Space(diags)
    for param in method.params:
        for name in c_names(param):
            inputs.add(name, param.pos, "local")
        client.add(param.name, param.pos, "local")
        if param.type.kind == "array":
            client.add(f"{param.name}_count", param.pos, "local")
    for result in method.results:
        for name in c_names(result):
            outputs.add(name, result.pos, "local")
            renamed = result.name + "_out" + name[len(result.name):] if result.name in taken else name
            client.add(renamed, result.pos, "local")


def symbols(it: Interface, diags: Diagnostics) -> None:
    """Report (E038) what would clash in the generated C, in the interface's files or in one prototype."""
    space, low, up = _Space(diags), it.name, it.name.upper()
    for name in ("VERSION", "LAYOUT_HASH", "TYPES_H", "CLIENT_H", "SERVER_H", "DOUBLE_H", "FUZZ_H"):
        space.add(f"{up}_{name}", it.pos, "id", "tag")
    for name in ("interface", "trace", "double"):
        space.add(f"{low}_{name}", it.pos, "id")
    space.add(f"{low}_fuzz_methods", it.pos, "id")
    for method in it.live:
        space.add(f"{up}_METHOD_{method.name.upper()}", method.pos, "id", "tag")
        for name in ("{}", "{}_submit", "{}_queue", "{}_until", "{}_finish", "{}_reply", "serve_{}", "double_{}", "double_{}_answer",
                     "double_{}_call", "{}_fuzz"):
            space.add(f"{low}_{name.format(method.name)}", method.pos, "id")
        for suffix in ("in", "out"):
            space.add(f"{low}_{method.name}_{suffix}", method.pos, "tag")
        _method(method, diags)
    for const in it.consts:
        space.add(f"{up}_{const.name}", const.pos, "id", "tag")
    for enum in it.enums:
        space.add(f"{low}_{enum.name}", enum.pos, "tag")
        space.add(f"{low}_{enum.name}_valid", enum.pos, "id")
        for item in enum.items:
            space.add(f"{up}_{enum.name.upper()}_{item.name}", item.pos, "id", "tag")
    for struct in [*it.structs, *it.variants]:
        space.add(f"{low}_{struct.name}", struct.pos, "tag")
    for object_ in it.objects:
        space.add(f"{low}_{object_.name}", object_.pos, "tag")
        space.add(f"{low}_lookup_{object_.name}", object_.pos, "id")
        for right in object_.rights:
            space.add(f"{up}_{object_.name.upper()}_{right.name}", right.pos, "id", "tag")
    for variant in it.variants:
        space.add(f"{low}_{variant.name}_tag", variant.pos, "tag")
        space.add(f"{low}_{variant.name}_valid", variant.pos, "id")
        for case in variant.cases:
            space.add(f"{up}_{variant.name.upper()}_{case.name.upper()}", case.pos, "id", "tag")
