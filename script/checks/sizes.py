"""No source file above 500 lines, no function above 70."""

import re

from checks.sources import sources

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
NAME = re.compile(r"(\w+)\s*\(")


def functions(source):
    """(name, index of its first line, number of lines); relies on the layout of .clang-format."""
    start = None
    for index, line in enumerate(source.code):
        if line.rstrip() == "{":
            start = index
            while start > 0 and source.code[start - 1].strip() \
                    and not re.match(r"[}#]", source.code[start - 1]) \
                    and not source.code[start - 1].rstrip().endswith(";"):
                start -= 1
        elif line.startswith("}") and start is not None:
            match = NAME.search(" ".join(source.code[start:index]))
            yield (match[1] if match else "?"), start, index - start + 1
            start = None


def complaints_of(source):
    if len(source.lines) > MAX_FILE_LINES and not source.allowed_at_top("file-size"):
        yield source.complaint(0, f"{len(source.lines)} lines; at most {MAX_FILE_LINES}")
    for name, start, count in functions(source):
        if count > MAX_FUNCTION_LINES and not source.allowed("function-size", start):
            yield source.complaint(start, f"{name} has {count} lines; at most {MAX_FUNCTION_LINES}")


def complaints():
    for source in sources("src", "bench"):
        yield from complaints_of(source)
