# SPDX-License-Identifier: MIT
"""The command line: one function a command, each returning the exit status."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from . import graph, host, rootfs, run, say, sdcard, third_party
from .errors import BuildError
from .machines import MACHINES, Machine
from .paths import BUILD, PYTHON, ROOT, rel


def _boot_options(boot: argparse.ArgumentParser, machine: Machine) -> None:
    boot.set_defaults(machine=machine)
    boot.add_argument("--smp", type=int, metavar="N",
                      help=f"harts, 1 to {machine.max_harts} (default {machine.default_harts})")
    boot.add_argument("--mem", default=machine.memory_text, metavar="SIZE", help=f"memory (default {machine.memory_text})")
    boot.add_argument("--place", default="", metavar="fs=1,...", help="override the placement file")
    boot.add_argument("--rootfs", default="busybox", metavar="busybox|DIR", help="the root file system")
    boot.add_argument("--overlay", action="append", type=Path, default=[], metavar="DIR",
                      help="files laid over the root file system (may be repeated)")
    boot.add_argument("--exec", dest="guest_command", metavar="CMD",
                      help="run /bin/sh -c CMD without a terminal; its output and status are ours")
    boot.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after this long, with status 124")
    boot.add_argument("--icount", action="store_true", help="deterministic instruction counting, one hart")
    boot.add_argument("--gdb", action="store_true", help="wait for gdb; prints the line to attach")
    boot.add_argument("--trace", type=Path, metavar="FILE",
                      help="write a timeline to FILE, for ui.perfetto.dev (FILE.txt: a line for each event)")
    boot.add_argument("--append", default="", metavar="WORDS", help="further words of the kernel command line")
    boot.add_argument("--qemu10", action="store_true", help="use the newer QEMU under build/qemu10")
    boot.add_argument("--keep", action="store_true", help="keep build/run/<id> with the console log")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", description="Build, run, test and measure Atoll.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for machine, words in ((MACHINES["qemu-riscv"], "install what is missing, build, boot to a shell here"),
                           (MACHINES["qemu-u740"], "the same system on QEMU's sifive_u, laid out as SiFive's U740")):
        _boot_options(commands.add_parser(machine.name, help=words), machine)

    card = commands.add_parser("u740", help="write an SD card's image for SiFive's HiFive Unmatched; docs/u740.md")
    card.add_argument("--out", type=Path, default=BUILD / "u740.img", metavar="FILE", help="where to (default build/u740.img)")
    card.add_argument("--board", choices=sdcard.BOARDS, default=sdcard.BOARDS[0],
                      help="whose U-Boot (default unmatched; unleashed is the one that QEMU models)")
    card.add_argument("--place", default="", metavar="fs=1,...", help="override the placement file")
    card.add_argument("--rootfs", default="busybox", metavar="busybox|DIR", help="the root file system")
    card.add_argument("--overlay", action="append", type=Path, default=[], metavar="DIR",
                      help="files laid over the root file system (may be repeated)")
    card.add_argument("--append", default="", metavar="WORDS", help="words of the kernel command line")

    build = commands.add_parser("build", help="only compile (all, or the named targets)")
    build.add_argument("targets", nargs="*", help="kernel servers linux_compat idl libs image host-tests ...")
    build.add_argument("-k", "--keep-going", action="store_true", help="go on after errors")

    test = commands.add_parser("test", help="run all tests, or some suites")
    test.add_argument("suites", nargs="*", metavar="SUITE", help="a suite, or suite/part of a name; see docs/building.md")
    test.add_argument("--list", action="store_true", help="list the suites and what they hold")
    test.add_argument("--machine", choices=sorted(MACHINES), help="what guests run on (default: qemu-riscv)")
    test.add_argument("--smp", default="", metavar="N,...", help="harts of the guests (default: each suite's choice)")
    test.add_argument("--on-linux", action="store_true", help="run compat on Debian's Linux, or record busybox there")
    test.add_argument("--minutes", type=float, default=0, metavar="N", help="fuzz, idl/fuzz: the long run, N minutes a program")
    test.add_argument("--input", type=Path, action="append", default=[], metavar="FILE", help="fuzz: only this input")
    test.add_argument("-v", "--verbose", action="store_true", help="show every test, not only failures")

    bench = commands.add_parser("bench", help="measure")
    bench.add_argument("suites", nargs="*", metavar="SUITE")
    bench.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    bench.add_argument("--vs", choices=["linux"], help="lxbench and macro beside Debian's riscv64 Linux, in instructions and wall-clock; writes docs/bench")
    bench.add_argument("--rounds", type=int, default=5, metavar="N", help="--vs: rounds of wall-clock (default 5)")
    bench.add_argument("--wall", action="store_true", help="wall-clock on the newer QEMU instead of instructions")

    trace = commands.add_parser("trace", help="what a timeline says")
    trace.add_argument("what", choices=["summary", "draw"],
                       help="summary: the costliest calls and where their time went; draw: a picture")
    trace.add_argument("file", type=Path, metavar="FILE", help="written by qemu-riscv --trace FILE")
    trace.add_argument("--top", type=int, default=15, metavar="N", help="summary: rows of a table (default 15)")
    trace.add_argument("--out", type=Path, metavar="SVG", help="draw: where to (default FILE.svg)")
    trace.add_argument("--program", default="", metavar="NAME", help="draw: only while this program runs")
    trace.add_argument("--span", type=float, nargs=2, metavar=("BEGIN", "END"), help="draw: only this time, in us")

    table = commands.add_parser("assembly", help="check the assembly, and show what the system consists of")
    table.add_argument("--svg", type=Path, metavar="FILE", help="draw it instead: components in their harts, and who calls whom")
    table.add_argument("--machine", choices=MACHINES, default="qemu-riscv", help="whose placement (default qemu-riscv)")
    table.add_argument("--smp", type=int, metavar="N", help="on this many harts (default: the machine's)")
    table.add_argument("--mem", metavar="SIZE", help="with this much memory (default: the machine's)")
    table.add_argument("--place", default="", metavar="fs=1,...", help="override the placement file")

    profile = commands.add_parser("profile", help="count instructions by function under --icount")
    profile.add_argument("guest_command", metavar="CMD", help="what to run in the guest")
    profile.add_argument("--minus", metavar="CMD", help="subtract the counts of this command")
    profile.add_argument("--per", type=int, default=1, metavar="N", help="divide all by this number of operations")
    profile.add_argument("--top", type=int, default=60, metavar="N", help="functions to print (default 60)")
    profile.add_argument("--overlay", action="append", type=Path, default=[], metavar="DIR")
    profile.add_argument("--program", action="append", type=Path, default=[], metavar="FILE",
                         help="a static guest program to take symbols from")

    commands.add_parser("idl", help="compile, check or compare interfaces; docs/idl.md", add_help=False)

    new = commands.add_parser("new-server", help="write a new server with its interface, tests and a program; docs/tutorial.md")
    new.add_argument("name", metavar="NAME", help="of the server, its interface, its node in /dev and its program")

    commands.add_parser("doctor", help="what is installed, what is missing, and how to mend it")
    clean = commands.add_parser("clean", help="remove what was compiled")
    clean.add_argument("--all", action="store_true", help="also what was fetched")
    return parser


def prepare(targets: list[str], *, keep_going: bool = False, guest: bool = True) -> graph.Writer:
    """Everything a start needs: packages, sources, compiled parts. Quick when nothing changed."""
    host.ensure(host.RUN_PACKAGES)
    with graph.lock():
        writer = graph.generate()
        if guest:
            graph.require_complete(writer)
        wanted = [t for t in targets if t in writer.phony or t.startswith("build/")]
        graph.ninja(wanted, keep_going=keep_going)
        if guest:
            third_party.ensure_busybox()
            if "programs" in writer.phony:
                graph.ninja(["programs"])
            rootfs.ensure_busybox_archive()
    return writer


def _qemu_riscv(args: argparse.Namespace) -> int:
    options = run.Options(smp=args.smp if args.smp is not None else 1 if args.icount else args.machine.default_harts,
                          machine=args.machine, mem=args.mem, place=args.place,
                          rootfs=args.rootfs, overlays=args.overlay, command=args.guest_command,
                          timeout_s=args.timeout, icount=args.icount, gdb=args.gdb, trace=args.trace,
                          append=args.append, keep=args.keep)
    run.check(options)
    say.set_quiet(options.command is not None and not sys.stderr.isatty())
    prepare(["kernel", "servers", "linux_compat", "image"])
    if args.qemu10:
        options.qemu, options.env, options.qemu_args = third_party.measuring_qemu()
    return run.run_terminal(options) if options.command is None else run.run_exec(options)


def _u740(args: argparse.Namespace) -> int:
    machine = MACHINES["qemu-u740"]
    options = run.Options(machine=machine, smp=machine.max_harts, mem="8G", place=args.place, rootfs=args.rootfs, overlays=args.overlay)
    run.check(options)
    if "\n" in args.append:
        raise BuildError("--append: extlinux.conf has one line for it")
    prepare(["kernel", "servers", "linux_compat", "image"])
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        system = Path(folder) / "system.img"
        run.make_image(options, system)
        sdcard.write(args.board, run.KERNEL, system, args.out, args.append)
    print(f"wrote {args.out}: {args.out.stat().st_size >> 20} MiB; docs/u740.md says how it comes onto a card")
    return 0


def _build(args: argparse.Namespace) -> int:
    host.ensure(host.RUN_PACKAGES)
    with graph.lock():
        writer = graph.generate()
        for target in args.targets:
            if target not in writer.phony and not (ROOT / target).exists() and not target.startswith("build/"):
                raise BuildError(f"there is nothing called '{target}' to build",
                                 do=f"name one of: {' '.join(sorted(writer.phony)) or '(nothing yet)'}")
        if any(t.startswith("compat") or t == "programs" for t in args.targets):
            third_party.ensure_musl()
        graph.ninja(args.targets, keep_going=args.keep_going)
    for part in writer.missing if not args.targets else []:
        say.warn(f"not there yet: {part}")
    return 0


def _idl(args: argparse.Namespace) -> int:
    """Hand over to the compiler, with the interfaces as default input."""
    host.ensure(host.RUN_PACKAGES)
    words = args.arguments or ["--out", "build/gen", *sorted(rel(p) for p in (ROOT / "idl/interfaces").glob("*.idl"))]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "idl")}
    return subprocess.run([PYTHON, "-m", "compiler", *words], env=env, check=False,
                          cwd=None if args.arguments else ROOT).returncode


def _clean(args: argparse.Namespace) -> int:
    keep = () if args.all else ("apt", "third_party", "musl", "busybox", "qemu10", "stamps")
    for path in BUILD.iterdir() if BUILD.is_dir() else ():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return 0


def _test(args: argparse.Namespace) -> int:
    from . import testing
    try:
        smp = [int(n) for n in args.smp.split(",") if n]
    except ValueError:
        raise BuildError(f"--smp {args.smp}: not a list of numbers", do="write for example --smp 1,2,4") from None
    if args.machine:
        os.environ["ATOLL_MACHINE"] = args.machine
    if args.on_linux:
        return testing.run_on_linux(args.suites)
    return testing.run_suites(args.suites, verbose=args.verbose, list_only=args.list, smp=smp,
                              minutes=args.minutes, inputs=args.input)


def _bench(args: argparse.Namespace) -> int:
    from . import bench
    return bench.run_suites(args.suites, json_file=args.json, vs=args.vs, wall=args.wall,
                            rounds=args.rounds)


def _profile(args: argparse.Namespace) -> int:
    from . import profile
    options = run.Options(overlays=args.overlay, smp=1, icount=True)
    say.set_quiet(not sys.stderr.isatty())
    prepare(["kernel", "servers", "linux_compat", "image"])
    return profile.profile(options, args.guest_command, args.minus, args.per, args.top, args.program)


def _trace(args: argparse.Namespace) -> int:
    from . import timeline, tracesvg
    if args.what == "draw":
        out = args.out or args.file.with_suffix(".svg")
        tracesvg.draw(args.file, out, args.program, tuple(args.span) if args.span else None)
        print(f"wrote {out}")
        return 0
    print(timeline.summary(args.file, args.top), end="")
    return 0


def _assembly(args: argparse.Namespace) -> int:
    from . import assembly, assembly_view, placement
    machine = MACHINES[args.machine]
    options = run.Options(machine=machine, smp=args.smp if args.smp is not None else machine.default_harts, mem=args.mem or machine.memory_text)
    run.check(options)
    system, memory = assembly.load(), assembly.parse_bytes(options.mem)
    placement.resolve(options.smp, args.place, machine, system)
    placed = placement.harts_of(options.smp, args.place, machine)
    assembly.check_memory(assembly.of_placement(system, placed)[0], memory, machine.boot_memory(), f"--mem {options.mem}")
    if args.svg:
        assembly_view.svg(system, placed, machine, args.svg)
        print(f"wrote {args.svg}")
    else:
        print(assembly_view.text(system, placed, machine, memory), end="")
    return 0


def _new_server(args: argparse.Namespace) -> int:
    from . import new_server
    host.ensure(host.RUN_PACKAGES)
    return new_server.command(args)


COMMANDS = {"assembly": _assembly, "new-server": _new_server, "trace": _trace, "qemu-riscv": _qemu_riscv, "qemu-u740": _qemu_riscv, "u740": _u740, "profile": _profile, "build": _build, "test": _test, "bench": _bench, "idl": _idl,
            "doctor": lambda _: host.doctor(), "clean": _clean}


def _terminated(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def main(argv: list[str]) -> int:
    # All that follows `idl` is the compiler's, options too, which argparse would take for its own.
    args = _parser().parse_args(argv[:1] if argv[:1] == ["idl"] else argv)
    if args.command == "idl":
        args.arguments = argv[1:]
    # A plain death by signal would leave QEMU running: unwind instead, every start of a program ends its own.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    try:
        return COMMANDS[args.command](args)
    except BuildError as error:
        print(error.render(), file=sys.stderr)
        return 126 if args.command in MACHINES else 1
    except KeyboardInterrupt:
        print("\nbuild.py: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
