"""script/check-sources finds what it is there for, and takes exceptions that are told in place."""

import pytest

from checks import banned, conformance, includes, sizes
from checks.sources import ROOT, Source

pytestmark = pytest.mark.static


def found(rule, path, text):
    return list(rule.complaints_of(Source(ROOT / path, text)))


@pytest.mark.parametrize("path, header, right", [
    ("src/base/a.c", "base/span.h", True),
    ("src/base/a.c", "meter/cell.h", False),
    ("src/meter/a.c", "base/span.h", True),
    ("src/meter/a.c", "meter.h", True),
    ("src/meter/a.c", "net/loop.h", False),
    ("src/net/a.c", "meter/cell.h", False),
    ("src/http/a.h", "net/loop.h", True),
    ("src/http/a.h", "latency/law.h", False),
    ("src/latency/a.c", "http/request.h", True),
    ("src/app/a.c", "verify/verdict.h", False),
    ("src/server/a.c", "app/index.h", True),
    ("include/meter.h", "base/span.h", False),
    ("src/net/a.c", "loop.h", False),
    ("src/elsewhere/a.c", "base/span.h", False),
])
def test_direction_of_includes(path, header, right):
    assert (found(includes, path, f'#include "{header}"\n') == []) == right


def test_an_include_with_a_reason():
    text = '#include "server/main.h" /* allow(include): the reason */\n'
    assert found(includes, "src/base/a.c", text) == []
    assert found(includes, "src/base/a.c", text.replace(": the reason", "")) != []


def function(lines):
    return "static int\nf(int a,\n  int b)\n{\n" + "    g();\n" * lines + "}\n"


def test_size_of_functions():
    most = sizes.MAX_FUNCTION_LINES - 5
    assert found(sizes, "src/base/a.c", "struct s {\n};\n\n" + function(most)) == []
    complaint = found(sizes, "src/base/a.c", "int x;\n\n" + function(most + 1))
    assert len(complaint) == 1 and complaint[0].startswith("src/base/a.c:3: f has 71 lines")
    told = "int x;\n\n/* allow(function-size): a table in code */\n" + function(most + 1)
    assert found(sizes, "src/base/a.c", told) == []


def test_size_of_files():
    assert found(sizes, "src/base/a.c", "int x;\n" * 500) == []
    assert len(found(sizes, "src/base/a.c", "int x;\n" * 501)) == 1
    assert found(sizes, "src/base/a.c", "/* allow(file-size): made */\n" + "int x;\n" * 501) == []


def test_banned_functions():
    assert len(found(banned, "src/base/a.c", "    strcpy(a, b);\n    n = atoi (text);\n")) == 2
    innocent = '/* strcpy(a, b) */ puts("gets(x)"); my_strcpy(a); handler->system(x); // atoi(a)\n'
    assert found(banned, "src/base/a.c", innocent) == []
    told = "/*\n * allow(banned): the reason\n */\nsystem(x);\n"
    assert found(banned, "test/unit/a.c", told) == []


@pytest.mark.parametrize("row, right", [
    ("| 1 | a thing | `test_x.py::test_a` |", True),
    ("| 1 | a thing | `test_x.py::test_a[the case]`, as seen |", True),
    ("| 1 | a thing | `test_y.c::does_it` |", True),
    ("| 1 | a thing | not applicable: there is none |", True),
    ("| 1 | a thing | `test_x.py::test_b` |", False),
    ("| 1 | a thing | `test_x.py::test_a[no case]` |", False),
    ("| 1 | a thing | `test_y.c::does_not` |", False),
    ("| 1 | a thing | `test_z.py::test_a` |", False),
    ("| 1 | a thing | because |", False),
    ("| 1 | a thing |", False),
])
def test_rows_of_the_conformance_tables(tmp_path, row, right):
    (tmp_path / "test_x.py").write_text('CASES = {"the case": 1}\n\n\ndef test_a():\n    pass\n')
    (tmp_path / "test_y.c").write_text("cmocka_unit_test(does_it),\n")
    page = ("| route | answer |\n|---|---|\n| `/` | not a row of these tables |\n## Conformance\n"
            f"| section | required | shown by |\n|---|---|---|\n{row}\n")
    assert (list(conformance.complaints_of(page, lambda name: list(tmp_path.glob(name)))) == []) \
        == right


def test_the_conformance_tables_name_tests_that_exist():
    assert list(conformance.complaints()) == []
