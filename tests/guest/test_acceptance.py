# SPDX-License-Identifier: MIT
"""What people see from the host's side: the options of a start, own programs, an idle machine, the benchmarks' lines."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from atoll_build import run
from atoll_build.paths import BUILD, ROOT, TESTS
from atoll_build.third_party import BUSYBOX

ATOLL = ROOT / "build.py"
PROMPT = r"/ # "


def atoll(command: str, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([ATOLL, run.Options().machine.name, "--timeout", "120", *options, "--exec", command], capture_output=True,
                          timeout=180, check=False, stdin=subprocess.DEVNULL)


def qemu_cpu_seconds(child: pexpect.spawn) -> float | None:
    """User and system time so far of the QEMU below a build.py; None: not found."""
    for line in subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True, check=True).stdout.splitlines():
        pid, parent, name = line.split(None, 2)
        if parent == str(child.pid) and name.startswith("qemu-system"):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return None


@pytest.fixture()
def shell() -> Iterator[pexpect.spawn]:
    child = pexpect.spawn(str(ATOLL), [run.Options().machine.name, "--timeout", "150"], encoding="utf-8", timeout=60,
                          dimensions=(30, 100), codec_errors="replace")
    child.expect(PROMPT, timeout=90)
    yield child
    child.close(force=True)


# ---- output, status, options ----


def test_ten_megabytes_with_nul_bytes_arrive_whole_on_both_ports() -> None:
    line = b"\x00\x01\x02\r\n\x04\xff" + b"x" * 57
    done = atoll(r"printf '\000\001\002\r\n\004\377' >l; head -c 57 /dev/zero | tr '\0' x >>l; i=0; "
                 "while [ $i -lt 14 ]; do cat l l >m; mv m l; i=$((i+1)); done; "
                 "cat l l l l l l l l l l & cat l >&2; wait; exit 9")
    assert done.returncode == 9
    assert len(done.stdout) == 10 << 20 and len(done.stderr) == 1 << 20
    assert hashlib.md5(done.stdout).digest() == hashlib.md5(line * (10 << 14)).digest()
    assert hashlib.md5(done.stderr).digest() == hashlib.md5(line * (1 << 14)).digest()


def test_a_panic_is_125_with_its_report(tmp_path: Path) -> None:
    image = tmp_path / "bad.img"
    image.write_bytes(b"not a system image" * 1000)
    result = run.run_captured(run.Options(root_image=image, timeout_s=60), 1, 2)
    assert result.status == run.STATUS_PANIC
    assert result.panic.startswith("PANIC") and "hart" in result.panic
    shutil.rmtree(result.folder, ignore_errors=True)


def test_servers_can_be_placed() -> None:
    first = run.Options().machine.first_hart
    done = atoll("cat /proc/atoll/counters; seq 1 20 | xargs -n1 -P4 echo | wc -l", "--smp", "4",
                 "--place", f"proc={first + 1},fs={first + 2},time={first + 3},guests={first}")
    rows = {line.split()[0]: [int(n) for n in line.split()[1:]] for line in done.stdout.decode().splitlines() if " " in line}
    assert done.returncode == 0 and done.stdout.endswith(b"20\n")
    assert rows["nr_reflections"][0] > 0 and rows["nr_reflections"][1:] == [0, 0, 0]
    assert rows["nr_syscalls"][1] > 0 and rows["nr_syscalls"][2] > 0 and rows["nr_syscalls"][3] > 0


def test_a_folder_is_the_root_file_system_and_overlays_lie_over_it(tmp_path: Path) -> None:
    root, over = tmp_path / "root", tmp_path / "over"
    for folder in ("bin", "dev", "proc", "tmp", "etc", "lib"):
        (root / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX / "busybox", root / "bin" / "busybox")
    shutil.copy(BUILD / "musl" / "lib" / "libc.so", root / "lib" / "ld-musl-riscv64.so.1")
    for name in ("sh", "ls", "cat", "mount"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc" / "motto").write_text("from the root\n")
    (over / "etc").mkdir(parents=True)
    (over / "etc" / "more").write_text("from above\n")
    done = atoll("cat /etc/motto /etc/more; ls /bin", "--rootfs", root, "--overlay", over)
    assert (done.returncode, done.stdout) == (0, b"from the root\nfrom above\nbusybox\ncat\nls\nmount\nsh\n")


def test_gdb_is_told_how_to_attach() -> None:
    with subprocess.Popen([ATOLL, run.Options().machine.name, "--gdb", "--timeout", "5", "--exec", "true"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        text = process.stderr.read()
    assert process.returncode == 124        # nobody attached
    words = " ".join(f"-ex '{word.format(':1234')}'" for word in run.Options().machine.attach)
    assert f"build/kernel.elf -x tools/gdb/atoll.py {words}\n" in text


# ---- the user's own programs ----

PROGRAM = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *arg) { return strdup(arg); }
int main(int argc, char **argv)
{
    pthread_t thread;
    void *text;
    int status, p[2];
    char buf[8] = "";
    pthread_create(&thread, NULL, work, argc > 1 ? argv[1] : "none");
    pthread_join(thread, &text);
    pipe(p);
    if (fork() == 0) { write(p[1], "child", 5); _exit(4); }
    wait(&status);
    read(p[0], buf, 5);
    printf("%s %s %d %.3f\n", (char *)text, buf, WEXITSTATUS(status), strtod("1.25", NULL) * 2);
    return 0;
}
"""


def test_own_programs_run_static_glibc_static_musl_and_dynamic_musl(tmp_path: Path) -> None:
    source, over = tmp_path / "program.c", tmp_path / "over"
    source.write_text(PROGRAM)
    over.mkdir()
    musl = next((BUILD / "musl" / "bin").glob("*gcc"))
    for name, command in {"glibc": ["riscv64-linux-gnu-gcc", "-static", "-pthread"], "musl": [musl, "-static"],
                          "dynamic": [musl]}.items():
        subprocess.run([*command, "-w", "-O2", "-o", over / name, source], check=True)
    assert b"ld-musl-riscv64" in (over / "dynamic").read_bytes()
    done = atoll("/glibc a; /musl b; /dynamic c", "--overlay", over)
    assert (done.stdout, done.stderr) == (b"a child 4 2.500\nb child 4 2.500\nc child 4 2.500\n", b"")


# ---- an idle machine ----


def test_idle_takes_no_timer_interrupts_and_no_cpu_time(shell: pexpect.spawn) -> None:
    """Ten quiet seconds at the prompt between two looks at the kernel's counts."""

    def timer_interrupts() -> list[int]:
        shell.sendline("grep nr_timer_irqs /proc/atoll/counters")
        shell.expect(r"\nnr_timer_irqs ([0-9 ]+)\r")
        counts = [int(n) for n in shell.match.group(1).split()]
        shell.expect(PROMPT)
        return counts

    timer_interrupts()
    time.sleep(1)
    before = timer_interrupts()
    cpu = qemu_cpu_seconds(shell)
    time.sleep(10)
    spent = qemu_cpu_seconds(shell)
    after = timer_interrupts()
    if cpu is not None and spent is not None:
        print(f"QEMU used {spent - cpu:.2f} s of CPU time in 10 s at the prompt")
    # The two commands themselves may need a few deadlines; a tick of 100 Hz would give 1,000.
    assert sum(after) - sum(before) < 20, (before, after)


# ---- the benchmarks ----


def lxbench(overlay: Path) -> None:
    (overlay / "bin").mkdir()
    subprocess.run(["riscv64-linux-gnu-gcc", "-static", "-O2", "-pthread", "-w", "-o", overlay / "bin" / "lxbench",
                    TESTS / "bench" / "lxbench.c"], check=True)


def test_ping_pong_between_two_harts_gives_figures(tmp_path: Path) -> None:
    lxbench(tmp_path)
    lines = ["futex_pp_pin0", "futex_pp_pin01", "pipe_pp_pin0", "pipe_pp_pin01"]
    done = atoll(f"/bin/lxbench -n 200 {' '.join(lines)}", "--smp", "4", "--overlay", tmp_path)
    figures = {parts[0]: float(parts[1]) for line in done.stdout.decode().splitlines()
               if len(parts := line.split("\t")) == 3 and not line.startswith("#")}
    assert [name for name in lines if figures.get(name, 0) <= 0] == [], done.stdout + done.stderr


def test_every_line_of_the_macro_workload_gives_a_figure(tmp_path: Path) -> None:
    lxbench(tmp_path)
    shutil.copy(TESTS / "bench" / "macro.sh", tmp_path / "macro.sh")
    script = (TESTS / "bench" / "macro.sh").read_text().splitlines()
    wanted = [line.split()[1] for line in script if line.startswith(("s ", "t "))]
    done = subprocess.run([ATOLL, run.Options().machine.name, "--timeout", "300", "--overlay", tmp_path, "--exec", "sh /macro.sh"],
                          capture_output=True, timeout=400, check=False, stdin=subprocess.DEVNULL, text=True)
    figures = {parts[0]: int(parts[1]) for line in done.stdout.splitlines() if len(parts := line.split("\t")) == 3}
    assert [name for name in wanted if figures.get(name, 0) <= 0] == [], done.stdout + done.stderr
