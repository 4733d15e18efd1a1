# SPDX-License-Identifier: MIT
"""Starting the system in QEMU.

A start has a folder of its own, build/run/<id>/: the system image with what this start adds (placement,
root file system, overlays, command), the serial console's log, QEMU's own messages.

Without --exec the serial line is this terminal (Ctrl-A x leaves QEMU, Ctrl-A c its monitor).

With --exec the guest's standard output and error leave by two virtio-serial ports, `atoll.stdout` and
`atoll.stderr`. QEMU writes each into a pipe, and a thread here passes on what arrives, so the caller
sees exactly the guest's bytes, as they come; the serial line goes to the log alone. A machine without
virtio has a second serial line, on which servers/fs/drivers/uart_link.c sends frames. The status: the
guest ends QEMU through the sifive_test finisher (pass: 0; fail: `status << 16 | 0x3333`, which QEMU makes
its own exit status). A kernel panic prints a line that begins with PANIC on the serial line, which is
looked for in the log: then the status is 125 and the report goes to standard error. 124: time-out.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import assembly, cpio, placement, rootfs, say, trace
from .errors import BuildError
from .machines import HALTED, MACHINES, Machine, default
from .paths import BUILD, RUN, rel

STATUS_TIMEOUT = 124
STATUS_PANIC = 125
KEEP_RUNS = 8
KERNEL = BUILD / "kernel.elf"
SYSTEM_BASE = BUILD / "system-base.img"
ICOUNT_START_S = 1767225600     # 2026-01-01: the time at the start of each counted run


@dataclass
class Options:
    """What a start of the system may be told; the defaults are the contract's."""

    machine: Machine = field(default_factory=default)
    smp: int = 2
    mem: str = MACHINES["qemu-riscv"].memory_text
    place: str = ""
    rootfs: str = "busybox"
    overlays: list[Path] = field(default_factory=list)
    command: str | None = None          # --exec
    timeout_s: float | None = None
    icount: bool = False
    threads: str = "multi"              # of TCG without icount: multi or single
    gdb: bool = False
    trace: Path | None = None
    append: str = ""                    # further words of the kernel command line
    kernel: Path = KERNEL
    root_image: Path | None = None      # a guest test's own image instead of the system
    qemu: str = "qemu-system-riscv64"
    qemu_args: list[str] = field(default_factory=list)
    env: dict[str, str] | None = None
    keep: bool = False                  # keep the run's folder


@dataclass
class Result:
    status: int
    console: str
    panic: str
    seconds: float
    folder: Path


def check(options: Options) -> None:
    if not 1 <= options.smp <= options.machine.max_harts:
        raise BuildError(f"--smp {options.smp}: the machine has 1 to {options.machine.max_harts} harts")
    if not re.fullmatch(r"\d+[KMGkmg]?", options.mem):
        raise BuildError(f"--mem {options.mem}: not a size", do="write for example --mem 512M or --mem 2G")
    if options.icount and options.smp != 1:
        raise BuildError("--icount counts on one hart only", do="drop --smp or say --smp 1")
    if options.command is not None and "\0" in options.command:
        raise BuildError("--exec: a command cannot hold a NUL byte")
    for folder in options.overlays:
        if not folder.is_dir():
            raise BuildError(f"--overlay {folder}: not a directory")


def make_image(options: Options, out: Path) -> None:
    """The system image of one start: the base image and a second archive with this start's members. The first of them has the
    time of this start, or what SOURCE_DATE_EPOCH says: there the clock begins on a machine without one."""
    now = ICOUNT_START_S if options.icount else int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    base = (options.root_image or SYSTEM_BASE).read_bytes()
    archive = cpio.Archive()
    system = assembly.load()
    archive.file("placement", placement.resolve(options.smp, options.place, options.machine, system).encode(), mtime=now)
    if options.root_image is None:
        archive.file("rootfs.cpio", rootfs.archive_for(options.rootfs))
        for i, folder in enumerate(options.overlays):
            archive.file(f"overlay-{i}.cpio", rootfs.directory_archive(folder))
        if options.command is not None:
            archive.file("exec/command", os.fsencode(options.command))
    image = base + archive.data()
    if options.root_image is None:
        memory = assembly.parse_bytes(options.mem)
        there, _ = assembly.of_placement(system, placement.harts_of(options.smp, options.place, options.machine))
        assembly.check_memory(there, memory, options.machine.boot_memory(len(image), len(image) - len(base)), f"--mem {options.mem}",
                              options.machine.boot_areas(memory, len(image)))
    out.write_bytes(image)


def _platform_args(machine: Machine) -> list[str]:
    words: list[str] = []
    for line in (machine.folder / "qemu.args").read_text().splitlines():
        words += shlex.split(line, comments=True)
    return words


def _command_line(options: Options) -> str:
    words = [options.append] if options.append else []
    if options.command is None and sys.stdout.isatty():
        size = shutil.get_terminal_size()
        words.append(f"console.rows={size.lines} console.cols={size.columns}")
    if options.trace:
        words.append("trace")
    if options.icount:
        words.append("icount")
    return " ".join(words)


def qemu_command(options: Options, image: Path) -> list[str]:
    """Everything but the character devices."""
    command = [options.qemu, *_platform_args(options.machine), "-smp", str(options.smp + options.machine.other_harts), "-m", options.mem,
               "-kernel", str(options.kernel), "-initrd", str(image)]
    if options.machine.first_code:
        for hart in range(options.smp + options.machine.other_harts):
            command += ["-device", f"loader,addr={options.machine.first_code:#x},cpu-num={hart}"]
    line = _command_line(options)
    if line:
        command += ["-append", line]
    if options.icount:
        command += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc",
                    time.strftime("base=%Y-%m-%dT%H:%M:%S,clock=vm", time.gmtime(ICOUNT_START_S))]
    else:
        command += ["-accel", f"tcg,thread={options.threads}"]
    if options.gdb:
        command += ["-gdb", "tcp::1234", "-S"]
    return command + options.qemu_args


@contextlib.contextmanager
def _run_folder(keep: bool):
    RUN.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        old = sorted((p for p in RUN.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
        for path in old[:-KEEP_RUNS]:
            if not _alive(path):
                shutil.rmtree(path, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{time.strftime('%H%M%S')}-{os.getpid()}-", dir=RUN))
    try:
        yield folder
    finally:
        (folder / "system.img").unlink(missing_ok=True)
        if not keep and not (folder / "failed").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _alive(folder: Path) -> bool:
    """Does the process that made this run's folder still exist?"""
    found = re.match(r"\d+-(\d+)-", folder.name)
    return bool(found) and Path(f"/proc/{found.group(1)}").exists()


class _Relay(threading.Thread):
    """Copies one of QEMU's pipes to a descriptor of ours, as bytes arrive, until QEMU closes it."""

    def __init__(self, source: int, sink: int) -> None:
        super().__init__(daemon=True)
        self._source, self._sink = source, sink

    def run(self) -> None:
        sink_open = True
        while data := os.read(self._source, 65536):
            view = memoryview(data)
            while sink_open and view:
                try:
                    view = view[os.write(self._sink, view):]
                except BlockingIOError:
                    time.sleep(0.01)
                except OSError:         # the reader is gone: keep the guest from blocking on us
                    sink_open = False
        os.close(self._source)


class _Link(threading.Thread):
    """The frames of a second serial line, from the file that QEMU writes, each to its stream's descriptor. A file and
    not a pipe: older QEMUs drop what a full pipe does not take. (Stream, two bytes of length, that many bytes.)"""

    STDOUT, STDERR, TRACE = 1, 2, 3         # servers/fs/streams.c, tracer.c

    def __init__(self, path: Path, sinks: dict[int, int]) -> None:
        super().__init__(daemon=True)
        self._path, self._sinks = path, sinks
        self._ended = threading.Event()

    def finish(self) -> None:
        """QEMU is gone: pass on the rest."""
        self._ended.set()
        self.join()
        if self.TRACE in self._sinks:
            os.close(self._sinks[self.TRACE])

    def run(self) -> None:
        data = b""
        with self._path.open("rb", buffering=0) as source:
            while True:
                last = self._ended.is_set()
                more = source.read(1 << 20) or b""
                data = self._pass_on(data + more)
                if not more and last:
                    return
                if not more:
                    self._ended.wait(0.01)

    def _pass_on(self, data: bytes) -> bytes:
        """All whole frames; returns what is left."""
        at = 0
        while len(data) - at >= 3 and len(data) - at - 3 >= (n := int.from_bytes(data[at + 1:at + 3], "little")):
            frame, at = memoryview(data)[at + 3:at + 3 + n], at + 3 + n
            sink = self._sinks.get(data[at - n - 3])
            while sink is not None and frame:
                try:
                    frame = frame[os.write(sink, frame):]
                except BlockingIOError:
                    time.sleep(0.01)
                except OSError:             # the reader is gone
                    break
        return data[at:]


def find_panic(console: str) -> str:
    """The panic report: from the line that begins with PANIC to the end of the log."""
    found = re.search(r"^PANIC", console.replace("\r", ""), re.M)
    return console.replace("\r", "")[found.start():] if found else ""


def find_end(console: str) -> str:
    """What the supervisor says when it ends the system because of a server: from the first fault to the end of the log."""
    text = console.replace("\r", "")
    found = re.search(r"^supervisor: server \w+ faulted", text, re.M)
    return text[found.start():] if found and "the system ends" in text else ""


def _wait(process: subprocess.Popen[bytes], timeout_s: float | None, halts_in: Path | None = None) -> int | None:
    """QEMU's status, or None when the time is over (QEMU is dead then too). With a console log: the kernel's status
    from there, once it halted on a machine that cannot switch itself off."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        try:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            return process.wait(left if halts_in is None else 0.2 if left is None else min(left, 0.2))
        except subprocess.TimeoutExpired:
            text = halts_in.read_text(errors="replace") if halts_in and halts_in.is_file() else ""
            halted = re.search(rf"^{HALTED}(\d+)", text.replace("\r", ""), re.M)
            if not halted and (deadline is None or time.monotonic() < deadline):
                continue
            process.kill()
            process.wait()
            return int(halted[1]) if halted else None


def run_captured(options: Options, stdout: int, stderr: int) -> Result:
    """Boot with the console in a log. With a command, the guest's output goes to the two descriptors."""
    check(options)
    with _run_folder(options.keep) as folder:
        image = folder / "system.img"
        make_image(options, image)
        console, messages = folder / "console.log", folder / "qemu.log"
        command = qemu_command(options, image)
        command += ["-monitor", "none", "-serial", f"file:{console}"]
        relays: list[_Relay] = []
        child_ends: list[int] = []
        ports: list[tuple[str, str]] = []
        link = None
        if not options.machine.has_virtio:
            link = _open_link(options, folder, command, {_Link.STDOUT: stdout, _Link.STDERR: stderr})
        elif options.command is not None:
            for number, (name, sink) in enumerate((("stdout", stdout), ("stderr", stderr)), 1):
                ours, theirs = os.pipe()
                relays.append(_Relay(ours, sink))
                child_ends.append(theirs)
                command += ["-add-fd", f"fd={theirs},set={number}"]
                ports.append((f"atoll.{name}", f"/dev/fdset/{number}"))
        if options.trace and not link:
            ports.append(("atoll.trace", str(folder / "trace.bin")))
        command += _port_args(ports)
        if options.gdb:
            _tell_gdb(options.machine)
        start = time.monotonic()
        with messages.open("wb") as log:
            try:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                           pass_fds=child_ends, env=options.env, process_group=0)
            except FileNotFoundError:
                raise BuildError(f"{options.qemu} is not installed", do="./build.py doctor") from None
            finally:
                for end in child_ends:
                    os.close(end)
        for relay in relays:
            relay.start()
        if link:
            link.start()
        try:
            status = _wait(process, options.timeout_s, None if options.machine.can_power_off else console)
        except BaseException:
            process.kill()
            process.wait()
            raise
        for relay in relays:
            relay.join()
        if link:
            link.finish()
        if options.trace:
            trace.convert(folder / "trace.bin", options.trace)
        text = console.read_text(errors="replace") if console.is_file() else ""
        panic = find_panic(text)
        result = Result(STATUS_TIMEOUT if status is None else status & 0xff, text, panic,
                        time.monotonic() - start, folder)
        if panic:
            result.status = STATUS_PANIC
        elif status == 1 and messages.stat().st_size and not text:
            raise BuildError("QEMU did not start", detail=messages.read_text(errors="replace"),
                             where=" ".join(command[:4]) + " ...")
        elif status is not None and status < 0:
            raise BuildError(f"QEMU died of signal {-status}", detail=messages.read_text(errors="replace"))
        if panic or status is None:
            (folder / "failed").touch()
        return result


def _open_link(options: Options, folder: Path, command: list[str], sinks: dict[int, int]) -> _Link | None:
    """A second serial line for `command`, if this start has something to send; not yet started."""
    if options.command is None and not options.trace:
        return None
    path = folder / "link.bin"
    path.touch()
    command += ["-serial", f"file:{path}"]
    if options.trace:
        sinks[_Link.TRACE] = os.open(folder / "trace.bin", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    return _Link(path, sinks)


def _port_args(ports: Sequence[tuple[str, str]]) -> list[str]:
    if not ports:
        return []
    out = ["-device", "virtio-serial-device"]
    for i, (name, path) in enumerate(ports):
        out += ["-chardev", f"file,id=port{i},path={path},append=on", "-device", f"virtserialport,chardev=port{i},name={name}"]
    return out


def _tell_gdb(machine: Machine) -> None:
    gdb = "gdb-multiarch" if shutil.which("gdb-multiarch") else "riscv64-linux-gnu-gdb"
    if not shutil.which(gdb):
        gdb = "gdb-multiarch"
        say.step("gdb-multiarch is not installed: apt-get install gdb-multiarch")
    print(f"[atoll] waiting for gdb on port 1234; in another terminal:\n"
          f"  {gdb} build/kernel.elf -x tools/gdb/atoll.py "
          + " ".join(f"-ex '{word.format(':1234')}'" for word in machine.attach), file=sys.stderr, flush=True)


def run_exec(options: Options) -> int:
    """--exec: the guest's bytes on our standard output and error, its status as ours."""
    sys.stdout.flush()
    result = run_captured(options, 1, 2)
    if result.panic:
        sys.stderr.write(result.panic)
        sys.stderr.write(f"\nbuild.py: the kernel panicked; the whole log: {rel(result.folder)}/console.log\n")
    elif result.status == STATUS_PANIC and find_end(result.console):
        sys.stderr.write(find_end(result.console))
    elif result.status == STATUS_TIMEOUT and (result.folder / "failed").exists():
        sys.stderr.write(f"build.py: --timeout {options.timeout_s:g}: time is over; "
                         f"console log: {rel(result.folder)}/console.log\n")
    return result.status


def run_terminal(options: Options) -> int:
    """The serial line on this terminal."""
    check(options)
    with _run_folder(options.keep) as folder:
        image = folder / "system.img"
        make_image(options, image)
        console = folder / "console.log"
        command = qemu_command(options, image)
        command += ["-chardev", f"stdio,id=con,mux=on,signal=off,logfile={console}", "-serial", "chardev:con",
                    "-mon", "chardev=con"]
        link = None if options.machine.has_virtio else _open_link(options, folder, command, {})
        command += _port_args([("atoll.trace", str(folder / "trace.bin"))] if options.trace and not link else [])
        say.step("booting; Ctrl-A x ends QEMU")
        if options.gdb:
            _tell_gdb(options.machine)
        saved = termios.tcgetattr(0) if sys.stdin.isatty() else None
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = subprocess.Popen(command, env=options.env)
            try:
                status = _wait(process, options.timeout_s, None if options.machine.can_power_off else console)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        finally:
            signal.signal(signal.SIGINT, handler)
            if saved is not None:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)
        if link:
            link.start()
            link.finish()
        if options.trace:
            trace.convert(folder / "trace.bin", options.trace)
        if status is None:
            say.warn(f"--timeout {options.timeout_s:g}: time is over")
            return STATUS_TIMEOUT
        text = console.read_text(errors="replace") if console.is_file() else ""
        if find_panic(text):
            (folder / "failed").touch()
            say.warn(f"the kernel panicked; the log: {rel(console)}")
            return STATUS_PANIC
        return status & 0xff if status >= 0 else 128 - status
