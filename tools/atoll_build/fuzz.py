# SPDX-License-Identifier: MIT
"""`./build.py test fuzz`: libFuzzer programs, tests/fuzz/**/fuzz_*.c; docs/fuzzing.md.

A comment in a program says how long its short run is:  fuzz: runs=3000; max_len=700
The short run depends on nothing but the program and its committed corpus: a count of runs and a fixed seed, no time.

`planted.toml` beside a program lists defects: text of a file under test, what it is replaced by, and the input of the corpus that
must then fail with which words (with a pattern: one of them). Each is one more case of the short run, so the program is known to have teeth.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import graph, say
from .errors import BuildError
from .paths import BUILD, ROOT, rel
from .tap import Case

WORK = BUILD / "tests" / "fuzz"
SHORT_TIMEOUT_S = 600
INPUT_TIMEOUT_S = 25        # of one input, on a loaded machine


@dataclass
class Defect:
    """One entry of planted.toml."""

    name: str
    file: str
    old: str
    new: str
    input: str
    says: str
    compile: list[str] = field(default_factory=list)    # of a header: the files that notice


def _options(test: graph.HostTest) -> dict[str, str]:
    words = graph.directive(ROOT / test.sources[0], "fuzz").split(";")
    return {k.strip(): v.strip() for k, _, v in (w.partition("=") for w in words) if v}


def _corpus(test: graph.HostTest) -> Path:
    return (ROOT / test.sources[0]).parent / "corpus"


def _command(test: graph.HostTest, *more: str) -> list[str]:
    crashes = WORK / f"{test.name}.crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    return [str(test.program), f"-artifact_prefix={rel(crashes)}/", f"-timeout={INPUT_TIMEOUT_S}",
            f"-max_len={_options(test).get('max_len', '4096')}", "-rss_limit_mb=2048", *more]


def _run(command: list[str], timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=ROOT,
                          stdin=subprocess.DEVNULL, timeout=timeout)


def _why(output: str) -> str:
    """The first message, a few frames of it, and how to see it again."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if re.search(r"FUZZ:|PANIC:|runtime error|ERROR: ", line)), 0)
    found = re.search(r"Test unit written to (\S+)", output)
    again = [f"again: ./build.py test fuzz --input {found.group(1)}"] if found else []
    frames = [x for x in lines[first:] if not re.search(r"^\s*#\d+ .*(libc|fuzzer::|pthread|abort|raise)", x)]
    return "\n".join(again + frames[:30])


def _play(test: graph.HostTest, inputs: list[Path]) -> list[Case]:
    """One case for each input."""
    cases: list[Case] = []
    left = list(inputs)
    while left:
        done = _run(_command(test, *(rel(p) for p in left)), SHORT_TIMEOUT_S)
        output = done.stdout + done.stderr
        passed = set(re.findall(r"^Executed (\S+) in \d+ ms", output, re.M))
        good = [p for p in left if rel(p) in passed]
        cases += [Case(f"{test.name}: {p.name}", True) for p in good]
        if done.returncode == 0:
            break
        bad = next((p for p in left if rel(p) not in passed), left[0])
        cases.append(Case(f"{test.name}: {bad.name}", False, _why(output)))
        left = left[left.index(bad) + 1:]
    return cases


def _short(test: graph.HostTest) -> list[Case]:
    corpus = _corpus(test)
    cases = _play(test, sorted(corpus.iterdir()) if corpus.is_dir() else [])    # a new program begins without one
    if any(not c.ok for c in cases):
        return cases
    runs = _options(test).get("runs", "1000")
    with tempfile.TemporaryDirectory() as grown:
        done = _run(_command(test, f"-runs={runs}", "-seed=1", "-len_control=0", grown, *([rel(corpus)] if corpus.is_dir() else [])), SHORT_TIMEOUT_S)
    ok = done.returncode == 0
    cases.append(Case(f"{test.name}: {runs} runs from the corpus", ok, "" if ok else _why(done.stdout + done.stderr)))
    return [*cases, *_planted(test)]


def _planted(test: graph.HostTest) -> list[Case]:
    listed = (ROOT / test.sources[0]).parent / "planted.toml"
    if not listed.is_file():
        return []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda d: _plant(test, Defect(**d)), tomllib.loads(listed.read_text())["defect"]))


def _plant(test: graph.HostTest, defect: Defect) -> Case:
    """Compile the one file with the defect, link it with the others' objects, play the input: it must fail."""
    name = f"{test.name}: planted: {defect.name}"
    source = ROOT / defect.file
    text = source.read_text()
    if text.count(defect.old) != 1:
        return Case(name, False, f"{defect.file}: the text that the defect replaces is there {text.count(defect.old)} times")
    with tempfile.TemporaryDirectory(dir=WORK) as work:
        broken, program = Path(work) / defect.file, f"{work}/fuzz"
        broken.parent.mkdir(parents=True)
        broken.write_text(text.replace(defect.old, defect.new))
        again = defect.compile or [defect.file]
        objects = [f"build/tests/fuzz/{test.name}.o/{s}.o" for s in test.sources if str(s) not in again]
        includes = [f"-I{d}" for i in test.includes for d in ([f"{work}/{i}", i] if (Path(work) / i).is_dir() else [i])]
        for i, file in enumerate(again):
            objects.append(f"{work}/{i}.o")
            built = _run(["clang", *graph.FUZZ_FLAGS.split(), "-Wno-error", *test.defines, *includes,
                          *(w for p in test.prelude for w in ("-include", p)), graph.FUZZ_COVERAGE, "-c", "-o", objects[-1],
                          str(broken) if file == defect.file else file])
            if built.returncode != 0:
                return Case(name, False, built.stderr)
        built = _run(["clang", *graph.FUZZ_LINK.split(), "-o", program, *objects])
        if built.returncode != 0:
            return Case(name, False, built.stderr)
        done = _run([program, f"-artifact_prefix={work}/", f"-timeout={INPUT_TIMEOUT_S}",
                     *(rel(p) for p in sorted(_corpus(test).glob(defect.input)))], SHORT_TIMEOUT_S)
    output = done.stdout + done.stderr
    if done.returncode != 0 and defect.says in output:
        return Case(name, True)
    return Case(name, False, "not found" if done.returncode == 0 else f"found, but not as '{defect.says}':\n{_why(output)}")


def _long(test: graph.HostTest, minutes: float) -> list[Case]:
    grown = WORK / f"{test.name}.corpus"
    grown.mkdir(parents=True, exist_ok=True)
    done = _run(_command(test, f"-max_total_time={int(minutes * 60)}", "-len_control=0", "-print_final_stats=1",
                         rel(grown), *([rel(_corpus(test))] if _corpus(test).is_dir() else [])))
    output = done.stdout + done.stderr
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    edges = re.findall(r"cov: (\d+)", output)
    counters = re.search(r"\((\d+) inline 8-bit counters\)", output)
    print(f"  {test.name}: {executions.group(1) if executions else '?'} executions, {edges[-1] if edges else '?'} of "
          f"{counters.group(1) if counters else '?'} edges, {len(list(grown.iterdir()))} inputs in {rel(grown)}")
    for line in _lines(test, grown):
        print(f"  {line}")
    ok = done.returncode == 0
    return [Case(f"{test.name}: {minutes:g} minutes", ok, "" if ok else _why(output))]


def _lines(test: graph.HostTest, grown: Path) -> list[str]:
    """Lines of the code under test that the corpora reach, by a build that counts them."""
    program = Path(f"{test.program}.cov")
    tools = [next((t for t in (f"llvm-{w}", *(f"llvm-{w}-{n}" for n in range(20, 13, -1))) if shutil.which(t)), "")
             for w in ("profdata", "cov")]
    if not all(tools):
        return ["no count of lines: llvm-profdata and llvm-cov are missing"]
    with graph.lock():
        graph.generate()
        graph.ninja([rel(program)])
    with tempfile.TemporaryDirectory() as work:
        raw, data = f"{work}/raw", f"{work}/data"
        subprocess.run([str(program), "-runs=0", rel(grown), rel(_corpus(test))], cwd=ROOT, capture_output=True,
                       check=False, env={"LLVM_PROFILE_FILE": raw, "PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL)
        subprocess.run([tools[0], "merge", "-o", data, raw], cwd=ROOT, check=True, capture_output=True)
        sources = [str(s) for s in test.sources if s.parts[0] != "tests"]
        report = _run([tools[1], "report", str(program), f"-instr-profile={data}", *sources]).stdout
    (WORK / f"{test.name}.lines").write_text(report)
    total = next((line.split() for line in report.splitlines() if line.startswith("TOTAL")), [])
    if len(total) < 10:
        return ["no count of lines: llvm-cov's report is not understood"]
    return [f"lines: {int(total[7]) - int(total[8])} of {total[7]} ({total[9]}); by file in {rel(WORK)}/{test.name}.lines"]


def run(part: str, minutes: float, inputs: list[Path]) -> list[Case]:
    tests = [t for t in graph.fuzzers() if part in t.name]
    if not tests:
        return []
    with graph.lock():
        graph.generate()
        try:
            graph.ninja([rel(t.program) for t in tests], keep_going=True)
        except BuildError as error:
            return [Case("fuzz: compiles", False, error.render())]
    if inputs:
        if len(tests) > 1:
            raise BuildError("--input belongs to one program", do=f"name it: {' '.join('fuzz/' + t.name for t in tests)}")
        return _play(tests[0], [p.resolve() for p in inputs])
    if minutes:
        say.step(f"fuzz: {minutes:g} minutes for each of: {' '.join(t.name for t in tests)}")
        return [case for t in tests for case in _long(t, minutes)]
    return [case for t in tests for case in _short(t)]
