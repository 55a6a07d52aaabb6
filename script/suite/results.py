"""Counts of what really ran, read from the tools' own reports."""

import dataclasses
import json
import re
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


TAP_LINE = re.compile(r"^(not )?ok\b(?:.*(# SKIP))?", re.MULTILINE | re.IGNORECASE)


def of_meson(path, status):
    """Counts Meson's testlog.json test by test of TAP, and shows what the failed programs said.

    A program that failed without a failed test (a crash, a plan not kept) counts one, and so does
    an exit status of Meson's that the report does not explain.
    """
    tally = Tally()
    programs = [json.loads(line) for line in path.open()] if path.exists() else []
    for program in programs:
        counted = Tally()
        for not_ok, skipped in TAP_LINE.findall(program["stdout"]):
            counted.add(Tally(skipped=1) if skipped else one(not not_ok))
        if program["result"] not in ("OK", "SKIP"):
            print(f"{program['name']}: {program['result']}\n{program['stdout']}"
                  f"{program.get('stderr', '')}", flush=True)
            if counted.failed == 0:
                counted.failed = 1
        tally.add(counted)
    if status != 0 and tally.failed == 0:
        tally.failed = 1
    return tally


def of_junit(path, status):
    """Counts pytest's JUnit report test by test.

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
            _show_figures(case)
    if status != 0 and tally.failed == 0:
        tally.failed = 1
    return tally


def _show_figures(case):
    """What the test measured: test/conftest.py's fixture `figure`."""
    for found in case.iter("property"):
        if found.get("name") == "figure":
            print(f"   {case.get('name')}: {found.get('value')}", flush=True)
