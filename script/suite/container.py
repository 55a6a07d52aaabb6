"""What script/test-container runs: test/container, and the count of what it did."""

import os
import sys

from suite.command import BUILDS, ROOT, run
from suite.results import of_junit

LIMIT_SECONDS = 1200


def main():
    os.chdir(ROOT)
    folder = BUILDS / "container"
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "pytest.xml"
    report.unlink(missing_ok=True)
    status, _ = run(["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                     "--timeout=300", "--durations=5", f"--junitxml={report}", *sys.argv[1:],
                     "test/container"], timeout_seconds=LIMIT_SECONDS, show="always")
    tally = of_junit(report, status)
    if tally.skipped:
        print(f"{tally.skipped} skipped")
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(1 if tally.failed else 0)


main()
