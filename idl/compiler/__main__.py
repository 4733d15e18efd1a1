# SPDX-License-Identifier: MIT
"""Command line: python3 -m compiler --out DIR FILE... | --check FILE... | --md FILE FILE..."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .check import check
from .diag import Diagnostics, Pos, Stop
from .emit import Generator
from .errorlist import load
from .layout import lay_out
from .lex import lex
from .model import Interface
from .parse import parse


def compile_files(paths: list[str], diags: Diagnostics) -> list[Generator]:
    """All interfaces of the files, ready to emit. Whatever is wrong is in `diags`."""
    errors = load()
    generators: list[Generator] = []
    seen: dict[str, Interface] = {}
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
            diags.error(Pos(path, 1, 1), "E040", f"cannot read the file: {reason}")
            continue
        diags.add_source(path, text)
        try:
            interfaces = parse(lex(path, text, diags), diags)
        except Stop:
            continue
        for interface in interfaces:
            if interface.name in seen:
                diags.error(interface.pos, "E035", f"interface '{interface.name}' is declared twice",
                            f"first in {seen[interface.name].source}:{seen[interface.name].pos.line}")
                continue
            seen[interface.name] = interface
            before = len(diags.found)
            check(interface, errors, diags)
            if len(diags.found) == before:
                layouts = lay_out(interface, diags)
                generators.append(Generator(interface, layouts, errors))
    return generators


def write_if_changed(path: Path, text: str) -> None:
    """Leave an unchanged file's time alone, so that nothing is rebuilt because of it."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="compiler", description="Compile interface descriptions (docs/idl.md).")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the generated C here")
    parser.add_argument("--md", type=Path, metavar="FILE", help="write the reference here")
    parser.add_argument("--check", action="store_true", help="only check")
    args = parser.parse_args(argv)

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
        if args.md:
            args.md.parent.mkdir(parents=True, exist_ok=True)
            write_if_changed(args.md, "\n".join(g.markdown() for g in generators))
    except OSError as problem:
        print(f"{problem.filename}: error E041: cannot write: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
