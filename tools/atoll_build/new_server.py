# SPDX-License-Identifier: MIT
"""`./build.py new-server NAME`: a server that builds, runs and passes its tests, to be changed into what one needs.

What is written is in templates/new_server/, with NAME put in; beside new files there are two parts at the end of
servers/system.toml and a word in each line of platform/*/placement. docs/tutorial.md goes on from there.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from . import assembly
from .errors import BuildError
from .machines import MACHINES
from .paths import BUILD, ROOT, TOOLS, rel

TEMPLATES = TOOLS / "atoll_build" / "templates" / "new_server"
# What is written, {} is the name.
FILES = {
    "interface.idl": "idl/interfaces/{}.idl",
    "main.c": "servers/{}/main.c",
    "greet.c": "servers/{}/greet.c",
    "README.md": "servers/{}/README.md",
    "program.c": "programs/{}.c",
    "host_test.c": "tests/host/{}/test_{}.c",
    "guest_test.py": "tests/guest/test_{}.py",
    "fuzz.c": "tests/fuzz/{}/fuzz_{}.c",
}
PARTS = """# ---- {name} ----
[component.{name}]
serves          = "{name}"
priority        = 200
budget_ms       = 10
period_ms       = 10
stack           = "64K"
coroutines      = 8
coroutine_stack = "16K"
objects         = "1/4096"
objects_least   = "64K"
makes           = []
pool            = "r"
platform        = "w"           # debug output
maps            = {{ hart_page = "r" }}
devices         = []
interrupts      = []
restart         = "always"      # docs/restart.md

[[connection]]                  # programs reach it through this file in /dev
client = "fs"
server = "{name}"
interface = "{name}"
node   = "{name}"
mode   = "0666"
"""
TAKEN = {"supervisor", "linux_compat", "guests", "rpc", "atoll", "server", "main",
         "console", "fd", "full", "kmsg", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "vport", "zero"}


def _check(name: str) -> None:
    busybox = BUILD / "busybox" / "busybox.links"
    applets = {Path(line).name for line in busybox.read_text().split()} if busybox.is_file() else set()
    do = "choose another name"
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,14}", name):
        raise BuildError(f"'{name}' cannot be a server's name", do="use 2 to 15 of a-z, 0-9 and _, a letter first")
    system = assembly.load()        # and with it the compiler can be found
    from compiler.check import C_KEYWORDS
    if name in TAKEN | C_KEYWORDS or name.endswith("_t") or name in system.components:
        raise BuildError(f"the name '{name}' is taken", do=do)
    if name in applets:
        raise BuildError(f"'{name}' is a command of busybox, and the new program would take its place", do=do)
    for path in FILES.values():
        if (ROOT / path.format(name, name)).exists():
            raise BuildError(f"{path.format(name, name)} is there already", do=f"remove it, or {do}")


def _place(text: str, name: str) -> str:
    """With time, which has little to do, in each line."""
    return re.sub(r"^(\d+:.*\btime=(\d+))", rf"\1 {name}=\2", text, flags=re.M)


def create(name: str) -> list[str]:
    """Write everything; returns what was written and changed."""
    import jinja2
    _check(name)
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
                             autoescape=False)  # noqa: S701 (C and Python, not HTML)
    done = []
    for template, path in FILES.items():
        out = ROOT / path.format(name, name)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(env.get_template(f"{template}.j2").render(name=name))
        done.append(f"wrote   {rel(out)}")
    system = assembly.SYSTEM
    system.write_text(system.read_text().rstrip("\n") + "\n" + PARTS.format(name=name))
    done.append(f"changed {rel(system)}")
    for machine in MACHINES.values():
        table = machine.folder / "placement"
        table.write_text(_place(table.read_text(), name))
        done.append(f"changed {rel(table)}")
    return done


def command(args: argparse.Namespace) -> int:
    print("\n".join(create(args.name)))
    print(f"""
./build.py build                                        compiles it
./build.py test host/{args.name} fuzz/{args.name} guest/test_{args.name}     tests it
./build.py qemu-riscv --exec '{args.name} greet world'       calls it
docs/tutorial.md goes on from here.""")
    return 0
