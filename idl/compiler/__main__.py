# SPDX-License-Identifier: MIT
"""Command line: python3 -m compiler --out DIR FILE... | --check FILE... | --md FILE FILE... | --check-compat OLD NEW"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .check import check
from .compat import compare
from .diag import Diagnostics, Pos, Stop
from .emit import Generator, html_page
from .errorlist import HEADER, load
from .layout import lay_out
from .lex import lex
from .model import Interface
from .parse import parse


def compile_files(paths: list[str], diags: Diagnostics) -> list[Generator]:
    """All interfaces of the files, ready to emit. Whatever is wrong is in `diags`."""
    generators: list[Generator] = []
    seen: dict[str, Interface] = {}
    try:
        errors = load()
    except (OSError, UnicodeDecodeError):
        diags.error(Pos(str(HEADER), 1, 1), "E040", "cannot read the list of errors", "start the compiler in a whole tree")
        return []
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
            diags.error(Pos(path, 1, 1), "E040", f"cannot read the file: {reason}", "name a file with an interface in it")
            continue
        diags.add_source(path, text)
        try:
            interfaces = parse(lex(path, text, diags), diags)
        except Stop:
            continue
        for interface in interfaces:
            first = seen.setdefault(interface.name.lower(), interface)
            if first is not interface:
                diags.error(interface.pos, "E035", f"interface '{interface.name}' is declared twice",
                            f"first in {first.source}:{first.pos.line}; upper and lower case are one")
                continue
            before = len(diags.found)
            check(interface, errors, diags)
            if len(diags.found) == before:
                layouts = lay_out(interface, diags)
            if len(diags.found) == before:
                generators.append(Generator(interface, layouts, errors))
    return generators


def check_compat(old: str, new: str) -> int:
    """Print the changes; 0: none breaks anything, 1: some do, 2: a file has errors."""
    sides = []
    for path in (old, new):
        diags = Diagnostics()
        sides.append(compile_files([path], diags))
        if diags.found:
            print(diags.render(), file=sys.stderr)
            return 2
    changes = compare(*sides)
    for change in changes:
        print(change)
    wire, source = sum(c.wire for c in changes), sum(c.source for c in changes)
    print(f"{len(changes)} changes: {wire} break the wire, {source} the source")
    return 1 if wire or source else 0


def write_if_changed(path: Path, text: str) -> None:
    """Leave an unchanged file's time alone, so that nothing is rebuilt because of it."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="compiler", description="Compile interface descriptions (docs/idl.md).")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the generated C here")
    parser.add_argument("--md", type=Path, metavar="FILE", help="write the reference here")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the reference as a page of HTML here")
    parser.add_argument("--check", action="store_true", help="only check")
    parser.add_argument("--check-compat", action="store_true", help="compare two files, OLD NEW: what breaks wire or source")
    args = parser.parse_args(argv)
    if args.check_compat:
        if len(args.files) != 2:
            parser.error("--check-compat takes two files, OLD NEW")
        return check_compat(*args.files)

    diags = Diagnostics()
    generators = compile_files(args.files, diags)
    if diags.found:
        print(diags.render(), file=sys.stderr)
        return 1
    if args.check:
        return 0
    try:
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
            for generator in generators:
                for name, text in generator.files().items():
                    write_if_changed(args.out / name, text)
        if args.html:
            args.html.parent.mkdir(parents=True, exist_ok=True)
            write_if_changed(args.html, html_page(generators))
        if args.md:
            args.md.parent.mkdir(parents=True, exist_ok=True)
            write_if_changed(args.md, "\n".join(g.markdown() for g in generators))
    except OSError as problem:
        diags.error(Pos(str(problem.filename or args.out or args.md or args.html), 1, 1), "E041", f"cannot write: {problem.strerror}",
                    "name a folder that can be written")
        print(diags.render(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
