"""libFuzzer programs: test/fuzz/MODULE/fuzz_NAME.c, with what they need beside them.

A program that must link more than the project's own libraries, libyaml and zlib has no place here.
Inputs that once broke something are kept in test/fuzz/MODULE/corpus_NAME/ (or corpus/); a
dictionary is fuzz_NAME.dict. Each program counts twice: the corpus replayed, and a bounded search.
"""

import concurrent.futures

from suite import builds
from suite.command import CORES, ROOT, run
from suite.results import Tally, one

ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


def _link(source):
    """The program's path; None when it cannot be built."""
    folder = builds.ALL["fuzz"].folder
    program = folder / source.stem
    libraries = sorted(folder.glob("src/**/*.a"))
    status, _ = run(["clang", "-std=gnu17", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
                     "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined",
                     f"-I{ROOT}/src", f"-I{ROOT}/include", f"-I{ROOT}/test/fuzz", source,
                     "-o", program, "-Wl,--start-group", *libraries, "-Wl,--end-group",
                     "-lyaml", "-lz", "-lm", "-lpthread"])
    return program if status == 0 else None


def _corpus(source):
    name = source.stem.removeprefix("fuzz_")
    for folder in (source.parent / f"corpus_{name}", source.parent / "corpus"):
        if folder.is_dir():
            return folder
    return None


def _fuzz(source, seconds):
    tally = Tally()
    program = _link(source)
    if program is None:
        return one(False)
    corpus = _corpus(source)
    inputs = sorted(path for path in corpus.rglob("*") if path.is_file()) if corpus else []
    # Without any input the program still must run once on none.
    status, _ = run([program, *(inputs or ["-runs=1"])], env=ENVIRONMENT)
    tally.add(one(status == 0))

    found = builds.ALL["fuzz"].folder / "found" / source.stem
    found.mkdir(parents=True, exist_ok=True)
    dictionary = source.with_suffix(".dict")
    status, _ = run([program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
                     "-print_final_stats=0", "-verbosity=0", f"-artifact_prefix={found.parent}/",
                     *([f"-dict={dictionary}"] if dictionary.exists() else []),
                     found, *([corpus] if corpus else [])],
                    env=ENVIRONMENT, timeout_seconds=seconds + 60)
    tally.add(one(status == 0))
    return tally


def run_all(seconds):
    sources = sorted((ROOT / "test" / "fuzz").glob("*/fuzz_*.c"))
    if not sources:
        return Tally()
    tally = Tally()
    if not builds.make("fuzz", tally):
        return tally
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        for one_program in pool.map(lambda source: _fuzz(source, seconds), sources):
            tally.add(one_program)
    return tally
