"""script/check-sources finds what it is there for, and takes exceptions that are told in place."""

import pytest

from checks import banned, includes, sizes
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
