"""The commands and options of the program, as its --help tells them."""

import dataclasses
import re
import subprocess

from stack.server import binary_path, clean_environment

COMMAND = re.compile(r"^  (\w+) +(.+?)(?: \(the default\))?$", re.MULTILINE)
# The help's layout: a flag is indented by 2, its meaning by 6 and wrapped between words.
OPTION = re.compile(r"^  (--[^\n]+)\n((?: {6}[^\n]+\n)+)", re.MULTILINE)
MEANING = re.compile(r"(.*) \(default: (.*?)(?:; environment: (\w+))?\)")


@dataclasses.dataclass(frozen=True)
class Option:
    flags: tuple   # --delay, and its other names
    argument: str  # "" for what is true or false
    meaning: str
    default: str
    variable: str  # "" for none

    @property
    def choices(self):
        """The words that it takes, when it takes no others."""
        if not self.argument:
            return ["true", "false"]
        words = self.argument.split("|")
        return words if len(words) > 1 and self.argument == self.argument.lower() else []


@dataclasses.dataclass(frozen=True)
class Command:
    name: str
    summary: str
    options: tuple


def _help(*words):
    return subprocess.run([binary_path(), *words, "--help"], env=clean_environment(), check=True,
                          capture_output=True, text=True).stdout


def _options(text):
    for heading, meaning in OPTION.findall(text):
        if heading == "--help":
            continue
        names, _, argument = heading.partition(" ") if "," not in heading.split(" ")[0] \
            else heading.replace(", ", ",", 1).partition(" ")
        said = MEANING.fullmatch(" ".join(meaning.split()))
        yield Option(tuple(names.split(",")), argument, said[1], said[2], said[3] or "")


def commands():
    listed, _, _ = _help().partition("\nOptions of")
    return [Command(name, summary, tuple(_options(_help(name))))
            for name, summary in COMMAND.findall(listed)]
