"""Functions of the C library that this project does without."""

import re

from checks.sources import sources

RULE = "banned"
REASONS = {
    "no bound on what it writes": "gets strcpy strcat stpcpy sprintf vsprintf",
    "leaves strings without their end, or hides a truncation": "strncpy strncat",
    "no bound on what it reads into, or undefined on overflow": "scanf fscanf sscanf vsscanf",
    "cannot tell an error from a number": "atoi atol atoll atof",
    "keeps state between calls, for all threads":
        "strtok asctime ctime localtime gmtime rand srand random drand48",
    "takes stack without a limit": "alloca strdupa",
    "runs a shell": "system popen",
    "a race between the name and its use": "tmpnam tempnam mktemp",
}
WHY = {name: reason for reason, names in REASONS.items() for name in names.split()}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(WHY) + r")\s*\(")


def complaints_of(source):
    for index, line in enumerate(source.code):
        for name in CALL.findall(line):
            if not source.allowed(RULE, index):
                yield source.complaint(index, f"{name}: {WHY[name]}")


def complaints():
    for source in sources("src", "include", "bench", "examples"):
        yield from complaints_of(source)
