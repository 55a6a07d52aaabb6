"""Unit tests through Meson and tests from outside through pytest, in any of the builds."""

import platform

from suite import builds
from suite.command import CORES, ROOT, run
from suite.results import Tally, of_junit, of_meson, one

SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=99",
}
# gcc 12's ThreadSanitizer cannot live with as much randomness in addresses as newer kernels use.
FIXED_ADDRESSES = ["setarch", platform.machine(), "-R"]


def units(name):
    folder = builds.ALL[name].folder
    report = folder / "meson-logs" / "testlog.json"
    report.unlink(missing_ok=True)
    wrapper = FIXED_ADDRESSES if name == "tsan" else []
    status, output = run([*wrapper, "meson", "test", "-C", folder, "--no-rebuild", "--suite",
                          "unit", "--num-processes", CORES],
                         env=SANITIZER_ENVIRONMENT, show="never")
    if not report.exists():
        print(output)
    return of_meson(report, status)


def outside(name, *folders, select=None, at_once=None):
    """pytest in those of the folders that exist, against the binary of that build."""
    folders = [folder for folder in folders if any((ROOT / folder).glob("**/test_*.py"))]
    if not folders:
        return Tally()
    return run_pytest(builds.ALL[name].folder, folders, select=select, at_once=at_once,
                      wrapper=FIXED_ADDRESSES if name == "tsan" else ())


def run_pytest(build, paths, *, select=None, at_once=None, wrapper=()):
    """pytest in these folders or files, against the binary in the folder `build`."""
    if not (build / "httpserver").exists():
        print(f"{build}/httpserver was not built")
        return one(False)
    report = build / f"pytest-{'-'.join(path.replace('/', '-') for path in paths)[:200]}.xml"
    report.unlink(missing_ok=True)
    status, _ = run([*wrapper, "/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p",
                     "no:cacheprovider", "--timeout=180", f"--junitxml={report}",
                     "-o", "junit_family=xunit1",  # which may hold figures
                     *(["-m", select] if select else []),
                     *(["-n", at_once, "--dist", "loadfile"] if at_once else []), *paths],
                    env={"BUILD_DIR": str(build), **SANITIZER_ENVIRONMENT}, timeout_seconds=900)
    return of_junit(report, status)


def in_build(name, *steps):
    """Builds, then counts the steps; one that counts nothing has not tested anything: a failure."""
    tally = Tally()
    if builds.make(name, tally):
        for step in steps:
            counted = step(name)
            if counted == Tally():
                print("nothing ran")
                counted = one(False)
            tally.add(counted)
    elif tally == Tally():
        print(f"not run: the build {name} failed before")
        tally = one(False)
    return tally


# Instrumented servers are slow: what is heavy is left to the release build, and of the rest
# ThreadSanitizer sees what threads meet in.
SELECTION = {"asan": "not heavy and not static", "tsan": "threads and not heavy"}


def with_sanitizer(name):
    return in_build(name, units, lambda build: outside(
        build, "test/http", "test/system", "test/meter", select=SELECTION[name],
        at_once=2 * CORES))
