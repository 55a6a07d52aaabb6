"""script/test counts what ran: nothing that failed, crashed or never ran may pass as success."""

import json

import pytest

from suite.results import Tally, of_junit, of_meson

pytestmark = pytest.mark.static

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><system-out>text</system-out></testcase>
<testcase name="c"><failure/></testcase><testcase name="d"><error/></testcase>
<testcase name="e"><skipped/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted_case_by_case(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert of_junit(report, 1) == Tally(passed=2, failed=2, skipped=1)


def test_a_failure_that_no_report_shows_counts(tmp_path):
    report = tmp_path / "report.xml"
    assert of_junit(report, 1) == Tally(failed=1)
    assert of_junit(report, 0) == Tally()
    report.write_text("<testsuites><testsuite><testcase name='a'/></testsuite></testsuites>")
    assert of_junit(report, 139) == Tally(passed=1, failed=1)


def test_figures_of_tests_that_passed_are_shown(tmp_path, capsys):
    found = "<properties><property name='figure' value='{} MiB'/></properties>"
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites><testsuite><testcase name='a'>{found.format(1)}</testcase>"
                      f"<testcase name='b'>{found.format(2)}<failure/></testcase>"
                      "</testsuite></testsuites>")
    assert of_junit(report, 1) == Tally(passed=1, failed=1)
    assert capsys.readouterr().out == "   a: 1 MiB\n"


def meson_log(tmp_path, *programs):
    path = tmp_path / "testlog.json"
    path.write_text("".join(json.dumps(dict(zip(("name", "result", "stdout"), program))) + "\n"
                            for program in programs))
    return path


def test_unit_tests_are_counted_by_their_tap_lines(tmp_path, capsys):
    log = meson_log(tmp_path, ("a", "OK", "1..3\nok 1 - x\nok 2 - y\nok 3 - z # SKIP no\n# ok - t\n"),
                    ("b", "ERROR", "1..2\nok 1 - x\nnot ok 2 - y\n# why\n"))
    assert of_meson(log, 1) == Tally(passed=3, failed=1, skipped=1)
    assert "# why" in capsys.readouterr().out


def test_a_unit_test_that_crashed_counts(tmp_path):
    assert of_meson(meson_log(tmp_path, ("a", "ERROR", "1..2\nok 1 - x\n")), 1) \
        == Tally(passed=1, failed=1)
    assert of_meson(tmp_path / "none.json", 1) == Tally(failed=1)
    assert of_meson(meson_log(tmp_path, ("a", "OK", "1..1\nok 1 - x\n")), 2) \
        == Tally(passed=1, failed=1)


def test_sum_and_text():
    tally = Tally(passed=2)
    tally.add(Tally(passed=1, failed=3))
    assert tally == Tally(passed=3, failed=3)
    assert tally.text() == "3 passed, 3 failed"
    tally.add(Tally(skipped=1))
    assert tally.text() == "3 passed, 3 failed, 1 skipped"
