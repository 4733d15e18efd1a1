# SPDX-License-Identifier: MIT
"""Where values travel (docs/idl.md, section Layout), and what the layout hash depends on."""

from pathlib import Path

from compiler.__main__ import compile_files
from compiler.diag import Diagnostics
from compiler.layout import MethodLayout


def compile_body(tmp_path: Path, body: str):
    path = tmp_path / "x.idl"
    path.write_text("interface t version 1 {\n" + body + "\n}\n")
    diags = Diagnostics()
    generators = compile_files([str(path)], diags)
    assert not diags.found, diags.render()
    return generators[0]


def layout(tmp_path: Path, body: str) -> MethodLayout:
    return compile_body(tmp_path, body).wires[0].layout


def places(message) -> dict[str, tuple[str, int]]:
    return {p.name: (p.area, p.offset) for p in message.places}


def test_scalars_fill_the_words_in_order_with_natural_alignment(tmp_path):
    m = layout(tmp_path, "method m = 1 (in u8 a, in u32 b, in u16 c, in u64 d, in bool e) -> (i16 r, i64 s);")
    assert places(m.request) == {"a": ("word", 0), "b": ("word", 4), "c": ("word", 8), "d": ("word", 16),
                                 "e": ("word", 24)}
    assert places(m.response) == {"r": ("word", 0), "s": ("word", 8)}
    assert not m.needs_arena and not m.wants_arena


def test_what_does_not_fit_goes_to_the_arena_and_smaller_ones_still_fit(tmp_path):
    m = layout(tmp_path, "method m = 1 (in u64 a, in u64 b, in u64 c, in u64 d, in u64 e, in u32 f, in u64 g, in u32 h)"
                         " -> ();")
    assert places(m.request)["g"] == ("arena", 0)
    assert places(m.request)["h"] == ("word", 44)
    assert m.request.arena_fixed == 8 and m.needs_arena


def test_small_structs_are_inline_and_large_ones_are_not(tmp_path):
    body = "struct s { u64 a; u64 b; } struct l { u64 a; u64 b; u64 c; } struct q { u32 a; }"
    m = layout(tmp_path, body + "method m = 1 (in u32 x, in s s, in q q, in u32 y, in l l) -> (l l, u32 n);")
    assert places(m.request) == {"x": ("word", 0), "s": ("word", 8), "q": ("word", 24), "y": ("word", 32),
                                 "l": ("arena", 0)}
    assert places(m.response) == {"l": ("arena", 0), "n": ("word", 0)}
    assert m.request.arena_max == 24


def test_descriptors_come_after_the_scalars(tmp_path):
    m = layout(tmp_path, "method m = 1 (in string<4095> p, in i32 fd, lend out bytes<4096> d, in u32 flags)"
                         " -> (u64 done);")
    assert places(m.request) == {"p": ("word", 8), "fd": ("word", 0), "d": ("word", 24), "flags": ("word", 4)}
    assert m.wants_arena and not m.needs_arena


def test_variable_parts_count_with_their_bounds(tmp_path):
    m = layout(tmp_path, "struct p { u32 x; u32 y; } method m = 1 (in bytes<13> b, in array<p, 5> a)"
                         " -> (string<8> s, array<u16, 3> t);")
    assert m.request.arena_fixed == 0 and m.request.arena_max == 16 + 40
    assert m.response.arena_max == 16 + 8


def test_variants_have_their_largest_size_and_travel_like_structs(tmp_path):
    body = ("struct p { u64 a; u64 b; } variant v : u8 { none = 0; u64 n = 1; } variant l : u32 { p p = 1; u8[3] x = 2; }"
            " variant t : u16 { a = 1; b = 2; } ")
    g = compile_body(tmp_path, body + "method m = 1 (in v v, in l l, in t t) -> ();")
    assert [(x.name, x.size, x.payload_at, x.payload_bytes) for x in g.it.variants] == \
        [("v", 16, 8, 8), ("l", 24, 8, 16), ("t", 2, 2, 0)]
    assert places(g.wires[0].layout.request) == {"v": ("word", 0), "l": ("arena", 0), "t": ("word", 16)}
    base = g.hash
    for other in (body.replace("n = 1", "n = 2"), body.replace("u64 n", "i64 n"), body.replace("b = 2;", "")):
        assert compile_body(tmp_path, other + "method m = 1 (in v v, in l l, in t t) -> ();").hash != base


def test_hash_ignores_names_and_comments_and_sees_layout(tmp_path):
    def of(body: str) -> int:
        return compile_body(tmp_path, body).hash

    base = of("const N = 8; enum e : u8 { A = 1 } method m = 1 (in u32 a, in string<N> s, in e x) -> (u64 r);")
    assert of("const K = 8; enum f : u8 { B = 3 } /// Doc.\n method n = 1 (in u32 b, in string<K> t, in f y)"
              " -> (u64 q) idempotent;") == base
    others = [
        "enum e : u8 { A = 1 } method m = 1 (in i32 a, in string<8> s, in e x) -> (u64 r);",
        "enum e : u8 { A = 1 } method m = 1 (in u32 a, in string<9> s, in e x) -> (u64 r);",
        "enum e : u8 { A = 1 } method m = 2 (in u32 a, in string<8> s, in e x) -> (u64 r);",
        "enum e : u16 { A = 1 } method m = 1 (in u32 a, in string<8> s, in e x) -> (u64 r);",
        "enum e : u8 { A = 1 } method m = 1 (in e x, in u32 a, in string<8> s) -> (u64 r);",
        "enum e : u8 { A = 1 } method m = 1 (in u32 a, in string<8> s, in e x) -> (u32 r);",
    ]
    hashes = {of(body) for body in others}
    assert len(hashes) == len(others) and base not in hashes


def test_numbers_of_the_ring_agree_with_the_header():
    from compiler import layout as rules
    text = (Path(__file__).resolve().parents[2] / "libipc/include/libipc/ring.h").read_text()
    assert f"#define ARENA_SLOT_BYTES    {rules.ARENA_BYTES}" in text
    assert f"uint64_t word[{rules.WORD_BYTES // 8}];" in text
