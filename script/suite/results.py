"""Counts of what really ran, read from the tools' own reports."""

import dataclasses
import xml.etree.ElementTree


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def text(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def one(succeeded):
    """The tally of a check that is right or wrong as a whole."""
    return Tally(passed=1) if succeeded else Tally(failed=1)


def of_junit(path, status):
    """Counts a JUnit report (pytest's, Meson's) test by test.

    `status` is the tool's exit status: a failure that the report does not show (a crash, an error
    in collecting, no report at all) counts one.
    """
    tally = Tally()
    cases = xml.etree.ElementTree.parse(path).iter("testcase") if path.exists() else ()
    for case in cases:
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            tally.failed += 1
        elif "skipped" in kinds:
            tally.skipped += 1
        else:
            tally.passed += 1
    if status != 0 and tally.failed == 0:
        tally.failed = 1
    return tally
