# SPDX-License-Identifier: MIT
"""The assembly's checks: each thing that is refused, with what the message says, where it points and what it advises."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from atoll_build import assembly, assembly_c, assembly_view, placement
from atoll_build.assembly import Interface, Method, System
from atoll_build.constants import Constants
from atoll_build.errors import BuildError
from atoll_build.machines import MACHINES, Machine

TEXT = assembly.SYSTEM.read_text()


def changed(*changes: tuple[str, str], after: str = "") -> str:
    """servers/system.toml with the first occurrence of each old text, behind `after`, replaced."""
    text = TEXT
    for old, new in changes:
        start = text.index(after) if after else 0
        at = text.index(old, start)
        text = text[:at] + new + text[at + len(old):]
    return text


def refusal(text: str, mark: str, interfaces: dict[str, Interface] | None = None) -> BuildError:
    """The refusal of a text; it must point to the line that holds `mark`, and say what to do."""
    with pytest.raises(BuildError) as caught:
        assembly.load(text=text, interfaces=interfaces)
    file, _, line = caught.value.where.partition(":")
    assert file == "servers/system.toml" and mark in text.splitlines()[int(line) - 1], caught.value.where
    assert caught.value.do
    return caught.value


def interfaces(**nonblocking: bool) -> dict[str, Interface]:
    """The real ones; `fs_open=True` sets or clears nonblocking."""
    out = {}
    for name, it in assembly.read_interfaces().items():
        methods = {m: Method(f.event, nonblocking.get(f"{name}_{m}", f.nonblocking)) for m, f in it.methods.items()}
        out[name] = Interface(name, it.file, it.layout_hash, methods)
    return out


@pytest.fixture(scope="module")
def system() -> System:
    return assembly.load()


def divided(*more: tuple[str, str], shards: int = 3) -> str:
    """time in at most so many shards."""
    return changed(("shards          = 4 ", f"shards = {shards} "), *more)


# -- reading ----------------------------------------------------------------------------------


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    assert "not TOML" in refusal(changed(("priority        = 200", "priority = = 200")), "= = 200").what


@pytest.mark.parametrize(("old", "new", "says"), [
    ('serves          = "time"', 'serfes          = "time"', "'serves' is missing"),
    ("priority        = 200", "priority        = 256", "priority = 256"),
    ("priority        = 200", 'priority        = "high"', "is not a int"),
    ("budget_ms       = 10", "budget_ms       = 11", "a budget of 11 ms does not fit a period of 10 ms"),
    ("coroutines      = 8", "coroutines      = 257", "coroutines = 257"),
    ('stack           = "64K"', 'stack           = "65K5"', "not a size"),
    ('objects         = "1/4096"', 'objects         = "1/4000"', "one over a power of two"),
    ('objects_least   = "64K"', 'objects_least   = "96K"', "no power of two"),
    ('platform        = "w"', 'platform        = "q"', "'q' are no rights"),
    ('restart         = "always"', 'restart         = "often"', "no policy 'often'"),
    ('restart         = "always"', 'restart         = "always"\nrestarts = 0', "restarts = 0"),
    ('restart         = "no"', 'restart         = "always"', "processes are made of its memory"),
    ('sig_pages = "r"', 'sig_pages = "x"', "no rights"),
    ('sig_pages = "r"', 'sick_pages = "r"', "no segment 'sick_pages'"),
    ('sig_pages = "r"', '"sessions.fs" = "rw"', "sessions.fs has no address"),
    ('devices         = ["rtc"]', 'devices         = ["clock"]', "no device 'clock'"),
    ('interrupts      = []', 'interrupts      = ["uart"]', "no device of this component 'uart'"),
    ('asks            = ["shutdown"]', 'asks            = ["reboot"]', "no request to the supervisor 'reboot'"),
    ('restart         = "no"', 'restart         = "no"\ncolour = 1', "nothing is called 'colour'"),
    ('pages   = "NR_SLOTS"', 'pages   = "NR_SLOT"', "no constant NR_SLOT"),
    ("[component.time]", "[component.Time]", "'Time' cannot be a component"),
    ('client = "time"\nserver = "fs"', 'node = "x"\nclient = "time"\nserver = "fs"', "only fs has nodes"),
    ('client = "fs"\nserver = "time"', 'node = "x"\nclient = "fs"\nserver = "time"', "only fs has nodes"),
    ('client = "fs"\nserver = "time"', 'node = "a/b"\nclient = "fs"\nserver = "time"', "/dev/a/b cannot be"),
    ('client = "fs"\nserver = "time"', 'mode = "rw"\nclient = "fs"\nserver = "time"', '"rw" are no permissions'),
    ('client = "time"', 'client = "clock"', "no component 'clock'"),
    ('client = "time"', 'client = "proc"', "connected to itself"),
    ('server = "fs"\ninterface = "fs"', 'server = "proc"\ninterface = "proc"', "connected to proc twice"),
    ("[guests]", "[guest]", "no part 'guest'"),
])
def test_what_makes_no_sense_is_refused_with_its_line(old: str, new: str, says: str) -> None:
    text = changed((old, new))
    with pytest.raises(BuildError) as caught:
        assembly.load(text=text)
    assert says in caught.value.what and caught.value.do
    assert re.fullmatch(r"servers/system\.toml:\d+", caught.value.where)


# -- what the build refuses -------------------------------------------------------------------


def test_interfaces_that_do_not_match_are_refused() -> None:
    error = refusal(changed(('interface = "proc"', 'interface = "fs"')), 'interface = "fs"')
    assert error.what == "time to proc: interfaces do not match: the client wants 'fs', the server serves 'proc'"


def test_an_interface_that_nobody_wrote_is_refused() -> None:
    error = refusal(changed(('serves          = "fs"', 'serves          = "vfs"')), 'serves          = "vfs"')
    assert "serves 'vfs', which is no interface" in error.what and "idl/interfaces/vfs.idl" in error.do


def test_calls_that_the_interface_lacks_are_refused() -> None:
    assert "interface proc has no method 'cpu_times'" in refusal(changed(('["cpu_time"]', '["cpu_times"]')), '"cpu_times"').what
    error = refusal(changed(('events = ["timer_fired"]', 'calls = ["timer_fired"]')), 'calls = ["timer_fired"]')
    assert "fs.timer_fired is an event" in error.what and "events" in error.do


def test_a_cycle_of_blocking_calls_is_refused_and_printed() -> None:
    text = changed(('events = ["process_open", "process_exec", "process_close", "session_ended", "signals_pending"]', 'calls = ["openat"]'))
    error = refusal(text, "calls")
    assert error.what in ("a cycle of blocking calls: proc -> fs -> proc", "a cycle of blocking calls: fs -> proc -> fs")
    assert "proc waits for fs (fs.openat)" in error.detail and "fs waits for proc (proc.rename)" in error.detail


def test_a_cycle_through_three_components_is_found() -> None:
    text = changed(('events = ["timer_fired"]', 'calls = ["openat"]'), ('interface = "time"\nevents', 'interface = "time"\ncalls = ["set_realtime"]\nevents'))
    error = refusal(text, "calls")      # time waits for fs, fs for proc, proc for time
    assert set(re.findall(r"\w+", error.what.split(":")[1])) == {"time", "fs", "proc"} and len(error.detail.splitlines()) == 3


def test_calls_that_are_answered_at_once_close_no_cycle() -> None:
    text = changed(('events = ["process_open", "process_exec", "process_close"]', 'calls = ["timer_overrun"]'))
    assembly.load(text=text)            # time calls proc.cpu_time, proc calls time.timer_overrun: both nonblocking
    with pytest.raises(BuildError, match="a cycle of blocking calls"):
        assembly.load(text=text, interfaces=interfaces(proc_cpu_time=False, time_timer_overrun=False))


def test_credits_that_cannot_cover_a_connection_are_refused() -> None:
    error = refusal(changed(("coroutines      = 24", "coroutines      = 33")), 'calls  = ["stat", "rename"')
    assert "33 coroutines may each have a request there, but a session has credits for 32" in error.what
    assembly.load(text=changed(("coroutines      = 24", "coroutines      = 32")))


def test_two_owners_of_a_device_are_refused() -> None:
    error = refusal(changed(('devices         = ["rtc"]', 'devices         = ["rtc", "uart"]')), 'devices         = ["uart"')
    assert error.what == "device uart has two owners, time and fs"


def test_two_capabilities_for_one_slot_are_refused() -> None:
    error = refusal(changed(('slot    = "SRV_CAP_FD_PAGES"', 'slot    = "SRV_CAP_SIG_PAGES"')), "[component.proc]")
    assert "segment.fd_pages and segment.sig_pages would both be in slot SRV_CAP_SIG_PAGES" in error.what


def test_memory_beyond_the_machines_is_refused_with_the_sum(system: System) -> None:
    system, _ = assembly.of_placement(system, placement.harts_of(2))
    with pytest.raises(BuildError, match="needs 45.62 MiB of memory, the machine has 32 MiB") as caught:
        assembly.check_memory(system, 32 << 20, {"firmware and kernel": 4 << 20, "boot archive": 8 << 20}, "--mem 32M")
    assert "16 MiB  proc: kernel objects" in caught.value.detail
    assert caught.value.where == "--mem 32M" and "--mem" in caught.value.do
    assembly.check_memory(system, 64 << 20, {"firmware and kernel": 4 << 20, "boot archive": 8 << 20}, "--mem 64M")


def test_memory_without_an_aligned_place_for_the_objects_is_refused(system: System) -> None:
    areas = [(0x80400000, 0x81f00000), (0x82500000, 0x83800000)]
    with pytest.raises(BuildError, match="no aligned 16 MiB left for the kernel objects of proc"):
        assembly.check_memory(system, 56 << 20, {}, "--mem 56M", areas)
    assembly.check_memory(system, 60 << 20, {}, "--mem 60M", [(0x80400000, 0x82000000), (0x82500000, 0x83c00000)])


def test_more_memory_gives_more_to_kernel_objects(system: System) -> None:
    assert [system.components["proc"].objects(m << 20) >> 20 for m in (64, 256, 512, 1000, 2048)] == [16, 16, 32, 32, 128]


@pytest.mark.parametrize(("placed", "says"), [
    ({"proc": [1], "fs": [2], "time": [1], "guests": [0]}, "fs on hart 2, but the machine has harts 0 to 1"),
    ({"proc": [1], "fs": [1], "time": [1], "guests": [0, 4]}, "guests on hart 4"),
    ({"proc": [1], "fs": [0, 1], "time": [1], "guests": [0]}, "fs on 2 harts, but it has one shard"),
    ({"proc": [1], "time": [1], "guests": [0]}, "fs is on no hart"),
    ({"proc": [1], "fs": [1], "time": [1], "net": [1], "guests": [0]}, "there is no component 'net'"),
])
def test_harts_that_do_not_exist_are_refused(system: System, placed: dict[str, list[int]], says: str) -> None:
    with pytest.raises(BuildError, match=says) as caught:
        assembly.check_placement(system, placed, 2, MACHINES["qemu-riscv"], "--place")
    assert caught.value.where == "--place" and caught.value.do


def test_harts_that_cannot_run_a_component_are_refused(system: System) -> None:
    with pytest.raises(BuildError, match="hart 0 cannot run time: the S7 has no S-mode") as caught:
        assembly.check_placement(system, {"proc": [1], "fs": [1], "time": [0], "guests": [1]}, 2, MACHINES["qemu-u740"], "--place")
    assert caught.value.do == "choose one of the harts 1 to 2"


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_every_line_of_the_placement_files_holds(system: System, machine: Machine) -> None:
    placement.check_table(system, machine)


# -- shards -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new", "says"), [
    ("shards = 3", "shards = 9", "shards = 9"),
    ("shards = 3", "shards = 0", "shards = 0"),
    ("shards = 3", 'shards = "many"', "is not a int"),
    ("[component.time]", "[component.time_and_space]", "'time_and_space' cannot be a component"),
    ('first_maps      = { time_page = "rw" }', 'first_maps      = { fd_pages = "rw" }', "no shard but the first would have fd_pages"),
    ('serves          = "proc"', 'serves          = "proc"\nshards = 2', "proc cannot be divided"),
    ('address = "SRV_STATE"', 'address = "SRV_STATE"\nslot = "SRV_CAP_FD_PAGES"', "each shard cannot have a time_state of its own"),
    ('client = "fs"\nserver = "time"\ninterface = "time"\nevents = ["fs_timer_set"]', 'client = "fs"\nserver = "time"\ninterface = "time"\nnode = "x"',
     "/dev/x leads to 3 shards"),
    ('client = "time.others"', 'client = "time.1"', "no component 'time.1'"),
    ('client = "time.others"', 'client = "time"', "time is connected to itself"),
    ('client = "time.others"', 'client = "fs"', "fs is connected to time twice"),
])
def test_shards_that_make_no_sense_are_refused_with_their_line(old: str, new: str, says: str) -> None:
    text = divided()
    assert old in text
    with pytest.raises(BuildError) as caught:
        assembly.load(text=text.replace(old, new, 1))
    assert says in caught.value.what and caught.value.do and re.fullmatch(r"servers/system\.toml:\d+", caught.value.where)


def test_shards_that_wait_for_one_another_are_a_cycle() -> None:
    text = divided(('events = ["clock_changed"]', 'calls = ["set_realtime"]'))
    assert "time.1" in refusal(text, "calls").what


def test_each_shard_is_a_component_of_its_own() -> None:
    system = assembly.load(text=divided())
    first, second, third = (system.components[n] for n in system.shards("time"))
    number = system.constants["FIRST_OTHER_SERVER"]
    assert [(c.name, c.id, c.program) for c in (first, second, third)] == [
        ("time", system.constants["SERVER_TIME"], "time"), ("time.1", number, "time"), ("time.2", number + 1, "time")]
    assert (first.devices, second.devices) == (["rtc"], []) and (first.maps["time_page"], second.maps["time_page"]) == ("rw", "r")
    assert "time_state" in first.maps and "time_state.2" in third.maps and "time_state" not in third.maps
    ends = [(c.client, c.server) for c in system.connections]
    for other in ("proc", "fs"):
        assert all((shard, other) in ends and (other, shard) in ends for shard in system.shards("time"))
    assert [e for e in ends if e[0].startswith("time") and e[1].startswith("time")] == [
        ("time.1", "time"), ("time.2", "time"), ("time", "time.1"), ("time", "time.2")]
    held = {(c.object, c.slot_text) for c in assembly.capabilities(system, "proc")}
    assert {("time.2.client_vspaces", f"SRV_CAP_PEER_VSPACES + {number + 1}"), ("segment.sessions.time.1", f"SRV_CAP_SESSIONS + {number}"),
            ("time.1.notification", f"SRV_CAP_PEER_NOTIFICATIONS + {number}"), ("time.notification", "SRV_CAP_PEER_NOTIFICATIONS + SERVER_TIME")} <= held
    table = assembly_c.source(system)
    assert '.name = "time.1", .program = "time", .first = SERVER_TIME, .shard = 1,' in table
    assert "OBJECT_NOTIFICATION, 2, RIGHT_WRITE" in table       # time.2, the third row


def test_shards_do_not_change_the_numbers_of_others() -> None:
    clock = '[component.clock]' + TEXT.split("[component.time]")[1].split("[component.proc]")[0].replace('devices         = ["rtc"]', "devices = []").replace("shards ", "# ")
    system = assembly.load(text=clock + divided())
    number = system.constants["FIRST_OTHER_SERVER"]
    assert (system.components["clock"].id, system.components["time.1"].id) == (number, number + 1)


def test_a_placement_says_which_shards_there_are() -> None:
    system, machine = assembly.load(text=divided()), MACHINES["qemu-riscv"]
    for place, harts in (("", [3]), ("time=2-3", [2, 3]), ("time=3+1", [3, 1]), ("time=0,2,1,fs=2", [0, 2, 1])):
        assert placement.harts_of(4, place)["time"] == harts
        assert f"time={','.join(map(str, harts))}\n" in placement.resolve(4, place, machine, system)
        there, on = assembly.of_placement(system, placement.harts_of(4, place))
        assert [on[n] for n in system.shards("time")[:len(harts)]] == [[h] for h in harts]
        assert list(there.components) == [*system.shards("time")[:len(harts)], "proc", "fs"]
        held = {c.object for name in there.components for c in assembly.capabilities(there, name)}
        assert {n for n in system.shards("time") if f"{n}.notification" in held} == set(system.shards("time")[:len(harts)])
        assert ("segment.sessions.time.2" in held) == ("time_state.2" in there.segments) == (len(harts) == 3)
    assert "time=1,2\n" in placement.resolve(4, "time=2+3", MACHINES["qemu-u740"], system)


def test_more_harts_than_shards_are_refused() -> None:
    system = assembly.load(text=divided())
    with pytest.raises(BuildError, match="time on 4 harts, but it has at most 3 shards") as caught:
        placement.resolve(4, "time=0-3", system=system)
    assert caught.value.where == "--place" and caught.value.do == "name no more; what can be divided is time into 3"
    with pytest.raises(BuildError, match="fs on 2 harts, but it has one shard"):
        placement.resolve(4, "fs=2+3", system=system)
    with pytest.raises(BuildError, match=re.escape("cannot read 'time.1=2'")):
        placement.resolve(4, "time.1=2", system=system)
    with pytest.raises(BuildError, match="cannot read 'fs=proc'"):
        placement.resolve(4, "fs=1,proc", system=system)


def test_the_picture_has_the_shards_of_the_placement(tmp_path: Path) -> None:
    system, machine = assembly.load(text=divided()), MACHINES["qemu-riscv"]
    for place, there in (("time=2+3", ["time", "time.1"]), ("", ["time"])):
        assembly_view.svg(system, placement.harts_of(4, place), machine, tmp_path / "s.svg")
        texts = [t.text for t in ElementTree.parse(tmp_path / "s.svg").iter("{http://www.w3.org/2000/svg}text")]
        assert [n for n in system.components if n in texts] == [*there, "proc", "fs"]
        words = assembly_view.text(system, placement.harts_of(4, place), machine, machine.memory)
        assert ("time.1 -> time: time" in words) == ("time.1" in there) and "time.2" not in words


# -- programs ---------------------------------------------------------------------------------


def program(tmp_path: Path, source: str) -> Path:
    (tmp_path / "p.c").write_text(source)
    out = tmp_path / "p.elf"
    subprocess.run(["riscv64-linux-gnu-gcc", "-static", "-nostdlib", "-no-pie", "-fno-toplevel-reorder", "-O0", "-o", out, tmp_path / "p.c"],
                   check=True, capture_output=True)
    return out


TIME = ("void _start(void) {} void proc_cpu_time(void) {} void proc_signal_process(void) {}"
        "void fs_timer_fired(void) {} void time_set_realtime(void) {} void time_clock_changed(void) {} void rpc_server_survive(void) {}"
        "const struct { const char *name; unsigned long hash; } time_interface = { 0, HASHul };")


def time_program(tmp_path: Path, more: str = "", **replaced: str) -> Path:
    source = TIME.replace("HASH", hex(assembly.read_interfaces()["time"].layout_hash))
    for old, new in replaced.items():
        source = source.replace(old, new)
    return program(tmp_path, source + more)


def test_a_program_that_does_what_the_assembly_says_is_accepted(system: System, tmp_path: Path) -> None:
    assembly.check_program(system, "time", time_program(tmp_path), assembly.read_interfaces())


@pytest.mark.parametrize(("more", "replaced", "says"), [
    ("void proc_kill(void) {}", {}, "time calls proc.kill, which its connection to proc does not list"),
    ("void proc_kill_queue(void) {}", {}, "time calls proc.kill, which its connection to proc does not list"),
    ("void proc_hart_times_until(void) {}", {}, "time calls proc.hart_times, which its connection to proc does not list"),
    ("void proc_signal_group(void) {}", {}, "time posts proc.signal_group, which its connection to proc does not list"),
    ("", {"proc_cpu_time": "cpu_time"}, "proc.cpu_time is listed, but time never calls it"),
    ("", {"time_interface = { 0,": "time_interface = { 0, 1 +"}, "interfaces do not match: time was built for layout"),
    ("", {"rpc_server_survive": "dies"}, "time is to be started again, but does not take its sessions over"),
])
def test_a_program_that_does_something_else_is_refused(system: System, tmp_path: Path, more: str, replaced: dict[str, str], says: str) -> None:
    with pytest.raises(BuildError, match=re.escape(says)) as caught:
        assembly.check_program(system, "time", time_program(tmp_path, more, **replaced), assembly.read_interfaces())
    assert caught.value.do and caught.value.where


def test_the_stubs_of_all_shards_are_in_one_program(system: System, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="time to time: time.set_realtime is listed, but time never calls it"):
        assembly.check_program(system, "time", time_program(tmp_path, time_set_realtime="set_realtime"), assembly.read_interfaces())
    with pytest.raises(BuildError, match="time calls time.getitimer, which its connection to time does not list"):
        assembly.check_program(system, "time", time_program(tmp_path, "void time_getitimer(void) {}"), assembly.read_interfaces())


@pytest.mark.parametrize("stub", ["timer_fired", "openat", "openat_submit", "openat_queue"])
def test_a_call_to_who_is_not_connected_is_refused(tmp_path: Path, stub: str) -> None:
    text = changed(('[[connection]]\nclient = "time"\nserver = "fs"\ninterface = "fs"\nevents = ["timer_fired"]\n', ""))
    method = stub.removesuffix("_submit").removesuffix("_queue")
    with pytest.raises(BuildError, match=f"time calls fs.{method}, but has no connection to who serves it"):
        assembly.check_program(assembly.load(text=text), "time", time_program(tmp_path, fs_timer_fired=f"fs_{stub}"),
                               assembly.read_interfaces())


# -- what comes out ---------------------------------------------------------------------------


def test_a_component_with_a_node_holds_nothing_of_fs_or_of_processes() -> None:
    more = """
[component.clock]
serves = "time"
priority = 1
budget_ms = 1
period_ms = 1
stack = "4K"
coroutines = 1
coroutine_stack = "4K"
objects = "1/4096"
objects_least = "64K"
pool = "r"
platform = "w"
restart = "no"
[[connection]]
client = "fs"
server = "clock"
interface = "time"
node = "clock"
mode = "0640"
"""
    text = divided(shards=1)            # shards have the numbers after it
    system, before = assembly.load(text=text + more), assembly.load(text=text)
    number = system.constants["FIRST_OTHER_SERVER"]
    assert system.components["clock"].id == number and system.number("clock") == str(number)
    held = [c for c in assembly.capabilities(system, "clock") if not c.object.startswith("clock.")]
    assert [(c.object, c.place, c.rights) for c in held] == [
        ("pool", assembly.CSPACE, "r"), ("platform", assembly.CSPACE, "w"), ("fs.notification", assembly.CLIENT_DOORBELLS, "w")]
    new = [c for c in assembly.capabilities(system, "fs") if c not in assembly.capabilities(before, "fs")]
    assert [(c.object, c.slot_text, c.rights) for c in new] == [("clock.notification", f"SRV_CAP_DOORBELL + {number}", "w")]
    assert assembly.capabilities(system, "proc") == assembly.capabilities(before, "proc")
    table = assembly_c.source(system)
    assert '.name = "clock", .program = "clock", ' in table and '.node = "clock", .node_mode = 0640,' in table and f".id = {number}," in table


def test_every_key_reaches_the_supervisors_table() -> None:
    text = changed(("priority        = 200", "priority        = 77"), ("budget_ms       = 10", "budget_ms       = 3"),
                   ("period_ms       = 10", "period_ms       = 9"), ('stack           = "64K"', 'stack           = "128K"'),
                   ("coroutines      = 8", "coroutines      = 11"), ('coroutine_stack = "16K"', 'coroutine_stack = "20K"'),
                   ('objects         = "1/4096"', 'objects         = "1/64"'), ('objects_least   = "64K"', 'objects_least   = "1M"'),
                   ('platform        = "w"', 'platform        = "rw"'), ("interrupts      = []", 'interrupts      = ["rtc"]'),
                   ('restart         = "always"', 'restart         = "always"\nrestarts = 3\nrestarts_s = 4'))
    table = assembly_c.source(assembly.load(text=text))
    first = table[table.index("const struct component assembly"):].split("    },\n")[0]
    for said in (".priority = 77", ".budget_ms = 3, .period_ms = 9", ".stack_bytes = 0x20000", ".nr_coroutines = 11", ".coroutine_stack_bytes = 0x5000",
                 ".untyped_share = 6, .untyped_min_bits = 20", ".interrupts = 1u << 0", ".max_restarts = 3, .restarts_ms = 4000"):
        assert said in first, said
    assert "OBJECT_PLATFORM, 0, RIGHT_READ | RIGHT_WRITE, SRV_CAP_PLATFORM" in table[:table.index("proc_caps")]


def test_constants_follow_c() -> None:
    constants = Constants()
    assert constants["SRV_CAP_TIME_PAGE"] == constants["SRV_CAP_PROC_PAGES"] + 3
    assert constants.value("1ul << (SERVER_FS % DOORBELL_BITS)") == 4
    with pytest.raises(KeyError):
        constants.value("NO_SUCH_THING + 1")
    with pytest.raises(BuildError):
        constants.value("__import__('os')")


@pytest.mark.parametrize(("smp", "place"), [(1, ""), (2, ""), (4, "fs=2"), (8, "")])
def test_text_and_picture_show_all_components_and_connections(system: System, tmp_path: Path, smp: int, place: str) -> None:
    machine = MACHINES["qemu-riscv"]
    placed = placement.harts_of(smp, place)
    words = assembly_view.text(system, placed, machine, machine.memory)
    system, _ = assembly.of_placement(system, placed)
    for c in system.connections:
        assert f"{c.client} -> {c.server}: {c.interface}" in words
    for c in assembly.capabilities(system, "fs"):
        assert c.object in words
    assembly_view.svg(system, placed, machine, tmp_path / "s.svg")
    picture = ElementTree.parse(tmp_path / "s.svg")
    texts = [t.text for t in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {*system.components, "guests", *(d for c in system.components.values() for d in c.devices)} <= set(texts)
    lines = [e for e in picture.iter("{http://www.w3.org/2000/svg}line") if e.get("class") in ("calls", "events")]
    assert len(lines) == len(system.connections) + 2        # and the legend
