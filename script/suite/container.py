"""What script/test-container runs: test/container, and the count of what it did."""

import collections
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree

from suite.command import BUILDS, ROOT
from suite.results import of_junit

LIMIT_SECONDS = 1800
CLEANING_SECONDS = 120
NOTHING_TESTED = 77  # the exit status that Automake and Meson read as skipped


def _run(command):
    """Its exit status, with its output shown as it comes.

    At the limit, and when we are told to end, it is interrupted and not killed: there are an engine
    and its containers to clear away.
    """
    # A shell lets what runs in its background ignore interrupts, and that is inherited.
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.send_signal(signal.SIGINT))
    try:
        return child.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"script/test-container: ended after {LIMIT_SECONDS} s, the limit", flush=True)
        child.send_signal(signal.SIGINT)
    try:
        child.wait(CLEANING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return 124  # as timeout(1)


def _say_why(report):
    """A line for each reason that tests were skipped for."""
    skips = xml.etree.ElementTree.parse(report).iter("skipped") if report.exists() else ()
    for reason, number in collections.Counter(skip.get("message") for skip in skips).items():
        print(f"not run: {number} for this reason: {reason}")


def main():
    folder = BUILDS / "container"
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "pytest.xml"
    report.unlink(missing_ok=True)
    # The limit is that of a test; what fixtures start has limits of its own, long ones at first.
    status = _run(["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                   "--timeout=300", "-o", "timeout_func_only=true", "--durations=5",
                   f"--junitxml={report}", *sys.argv[1:], "test/container"])
    _say_why(report)
    tally = of_junit(report, status)
    if tally.skipped:
        print(f"{tally.skipped} skipped")
    print(f"{tally.passed} passed, {tally.failed} failed")
    if tally.failed:
        sys.exit(1)
    sys.exit(0 if tally.passed else NOTHING_TESTED)


main()
