"""Runs the stages asked for, in their order, and ends with the sum of what they counted."""

import argparse
import os
import sys
import time

from suite import arm64, builds, checks, fuzzing, tests, tools
from suite.command import CORES, ROOT
from suite.results import Tally, one


def outside(folder):
    # Most of what these do is waiting: for delays, timeouts, scrapes.
    return lambda _: tests.in_build(
        "gcc", lambda build: tests.outside(build, folder, at_once=2 * CORES))


def meter(_):
    # libmeter's own tests from outside may be absent; those of the server may not.
    if not (ROOT / "test" / "meter").is_dir():
        return Tally()
    return outside("test/meter")(_)


def deploy(_):
    # Said once here, instead of by every test that would miss them.
    try:
        tools.make()
    except tools.ToolError as error:
        print(f"deploy: {error}", flush=True)
        return one(False)
    return outside("test/deploy")(_)


STAGES = {
    "unit": ("unit tests, gcc", lambda _: tests.in_build("gcc", tests.units)),
    "clang": ("unit tests, clang", lambda _: tests.in_build("clang", tests.units)),
    "check": ("static checks", lambda _: checks.run_all()),
    "http": ("protocol, real binary", outside("test/http")),
    "system": ("real Prometheus, options, scripts", outside("test/system")),
    "page": ("the live page in Chromium", outside("test/page")),
    "meter": ("libmeter from outside", meter),
    "deploy": ("Kubernetes, Prometheus, Grafana", deploy),
    "packaging": ("installation, Debian packages, manuals", outside("test/packaging")),
    "asan": ("AddressSanitizer, UBSan", lambda _: tests.with_sanitizer("asan")),
    "tsan": ("ThreadSanitizer", lambda _: tests.with_sanitizer("tsan")),
    "arm64": ("cross-built, under qemu-user", lambda _: arm64.run_all()),
    "fuzz": ("fuzzers", lambda chosen: fuzzing.run_all(chosen.fuzz_seconds)),
}


def arguments():
    parser = argparse.ArgumentParser(
        prog="script/test", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Builds, tests and checks everything, or the stages named:\n" + "\n".join(
            f"  {name:<9} {title}" for name, (title, _) in STAGES.items()))
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    parser.add_argument("--fuzz-seconds", type=int, default=5, metavar="N",
                        help="how long each fuzzer searches (default 5)")
    chosen = parser.parse_args()
    unknown = set(chosen.stages) - set(STAGES)
    if unknown:
        parser.error(f"no stage named {', '.join(sorted(unknown))}")
    return chosen


def main():
    chosen = arguments()
    os.chdir(ROOT)
    total = Tally()
    for name in chosen.stages or STAGES:
        title, stage = STAGES[name]
        started = time.monotonic()
        print(f"== {name}: {title}", flush=True)
        tally = stage(chosen)
        if tally == Tally() and name in chosen.stages:
            print(f"{name}: there is nothing to run")
            tally = one(False)
        total.add(tally)
        print(f"   {tally.text()} in {time.monotonic() - started:.0f} s", flush=True)
    if total.passed + total.failed == 0:
        total = one(False)
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed")
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()
