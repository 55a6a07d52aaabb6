"""Includes go one way: base <- meter, net <- http <- latency <- app, verify <- server."""

import re

from checks.sources import sources

RULE = "include"
# Modules of one level do not include each other.
LEVELS = (("base",), ("meter", "net"), ("http",), ("latency",), ("app", "verify"), ("server",))
# libmeter must build alone, on the few files of base that it needs.
PUBLIC_HEADERS = {"meter.h": "meter"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def may_include(module):
    """The modules that `module` may include, itself among them."""
    for number, level in enumerate(LEVELS):
        if module in level:
            return {module}.union(*LEVELS[:number])
    raise ValueError(f"src/{module} has no place in script/checks/includes.py")


def complaints_of(source):
    parts = source.name.split("/")
    public = parts[0] == "include"
    try:
        allowed = set() if public else may_include(parts[1])
    except ValueError as error:
        yield source.complaint(0, str(error))
        return
    for index, line in enumerate(source.lines):
        match = INCLUDE.match(line)
        if match is None or source.allowed(RULE, index):
            continue
        if public:
            yield source.complaint(index, "a public header includes system headers only")
            continue
        target = PUBLIC_HEADERS.get(match[1]) or match[1].partition("/")[0]
        if target not in allowed:
            yield source.complaint(
                index, f'"{match[1]}": {parts[1]} includes only {", ".join(sorted(allowed))}')


def complaints():
    for source in sources("src", "include"):
        yield from complaints_of(source)
