"""The tests that the conformance tables of docs/http.md name exist; each row names one, or a reason."""

import re

from checks.sources import ROOT

PAGE = ROOT / "docs" / "http.md"
ROW = re.compile(r"^\| (?P<section>[^|]+) \| (?P<required>[^|]+) \| (?P<shown>[^|]+) \|$")
NAMED = re.compile(r"`(?P<file>[\w.]+)::(?P<test>\w+)(?:\[(?P<case>[^\]`]+)\])?`")
REASON = "not applicable: "
HEADING = "## Conformance"


def defines(text, file, test):
    """Whether the file has that test, or that part of the reader that all tests use."""
    if file.endswith(".c"):
        return re.search(rf"\bcmocka_unit_test(?:_\w+)?\({test}\b", text) is not None
    return re.search(rf"^\s*(?:def|class) {test}\b", text, re.MULTILINE) is not None


def complaints_of(page, files):
    """`files`: the paths of a file's name, as a function."""
    lines = page.splitlines()
    first = lines.index(HEADING)
    for number, line in enumerate(lines[first:], first + 1):
        if not line.startswith("| ") or line.startswith("| section "):
            continue
        where = f"{PAGE.relative_to(ROOT)}:{number}"
        row = ROW.match(line)
        if row is None:
            yield f"{where}: a row has three cells"
            continue
        named = list(NAMED.finditer(row["shown"]))
        if not named and not row["shown"].startswith(REASON) and row["shown"] != "this table":
            yield f"{where}: neither a test nor a reason"
        for one in named:
            found = files(one["file"])
            if len(found) != 1:
                yield f"{where}: {one['file']}: {len(found)} files below test/ have this name"
            elif not defines(text := found[0].read_text(), one["file"], one["test"]):
                yield f"{where}: {one['file']} has no test named {one['test']}"
            elif one["case"] and f'"{one["case"]}"' not in text:
                yield f"{where}: {one['file']} has no case named {one['case']}"


def complaints():
    return complaints_of(PAGE.read_text(), lambda name: sorted((ROOT / "test").rglob(name)))
