"""libFuzzer programs: test/fuzz/MODULE/fuzz_NAME.c, with what they need beside them.

They are linked with the project's own libraries, libyaml, zlib and jansson. Inputs worth keeping, such as
those that once broke something, are in test/fuzz/MODULE/NAME_corpus/; a dictionary is
fuzz_NAME.dict. Each program counts twice: the corpus replayed, and a bounded search.
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
                     "-lyaml", "-lz", "-ljansson", "-lm", "-lpthread"])
    return program if status == 0 else None


def _fuzz(source, seconds):
    tally = Tally()
    program = _link(source)
    if program is None:
        return one(False)
    corpus = source.parent / (source.stem.removeprefix("fuzz_") + "_corpus")
    inputs = sorted(path for path in corpus.glob("*") if path.is_file())
    # Without any input the program still must run once on none.
    status, _ = run([program, *(inputs or ["-runs=1"])], env=ENVIRONMENT)
    tally.add(one(status == 0))

    found = builds.ALL["fuzz"].folder / "found" / source.stem
    found.mkdir(parents=True, exist_ok=True)
    dictionary = source.with_suffix(".dict")
    status, _ = run([program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
                     "-print_final_stats=0", "-verbosity=0", f"-artifact_prefix={found.parent}/",
                     *([f"-dict={dictionary}"] if dictionary.exists() else []),
                     found, *([corpus] if inputs else [])],
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
