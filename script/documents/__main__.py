"""Puts each part between the lines `NAME: begin` and `NAME: end` of its file."""

import re
import sys

from documents import completion, header, manual, program
from stack.server import ROOT

PACKAGING = ROOT / "packaging"


def parts():
    """(file, name of the part, its lines)"""
    commands = program.commands()
    page = PACKAGING / "man" / "httpserver.1"
    yield page, "commands", manual.of_commands(commands)
    for command in commands:
        if command.options:
            yield page, f"options of {command.name}", manual.of_options(command.options)
    yield PACKAGING / "completion" / "httpserver.bash", "options", completion.bash(commands)
    yield PACKAGING / "completion" / "_httpserver", "options", completion.zsh(commands)
    yield PACKAGING / "man" / "meter.3", "header", header.manual(ROOT / "include" / "meter.h")


def replaced(text, name, lines):
    pattern = re.compile(rf"^(\S+ {re.escape(name)}: begin\b[^\n]*\n).*?^(?=\S+ {re.escape(name)}: end$)",
                         re.MULTILINE | re.DOTALL)
    content = "".join(f"{line}\n" for line in lines)
    text, count = pattern.subn(lambda found: found.group(1) + content, text)
    if count != 1:
        sys.exit(f"there must be one part '{name}: begin' to '{name}: end', not {count}")
    return text


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: script/write-documents [--check]")
    written = {}
    for path, name, lines in parts():
        written[path] = replaced(written.get(path) or path.read_text(), name, lines)
    differing = [path for path, text in written.items() if text != path.read_text()]
    for path in differing:
        if sys.argv[1:]:
            print(f"{path.relative_to(ROOT)}: differs; script/write-documents writes it anew")
        else:
            path.write_text(written[path])
    sys.exit(1 if sys.argv[1:] and differing else 0)


main()
