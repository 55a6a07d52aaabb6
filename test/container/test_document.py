"""docs/container.md: each command in it, in its order, and what it is said to print."""

import re
import subprocess

import pytest

import images
from engine import docker, needs_root
from stack import ports
from stack.server import ROOT

PAGE = (ROOT / "docs" / "container.md").read_text()
IMAGE = "httpserver:1.0"
CONTAINERS = ("look", "registry", "web", "strict", "small", "slow")
PUBLISHED = ("5000", "8080", "8081", "8082")
NOT_RUN = "docker buildx build"
PROMPT = "$ "
MARK = "-- end of a command: "


def blocks():
    """The lines of each block of code: indented by four, or fenced."""
    lines, fenced = [], False
    for line in PAGE.split("\n"):
        if line == "```":
            fenced = not fenced
            continue
        if fenced or line.startswith("    "):
            lines.append(line if fenced else line[4:])
        elif lines:
            yield lines
            lines = []


def session():
    """[(command, what it prints, or None where nothing is said)] of the whole page."""
    found = []
    for lines in blocks():
        if not lines[0].startswith(PROMPT):
            assert len(lines) == 1 and lines[0].startswith(NOT_RUN), lines
            continue
        for line in lines:
            if line.startswith(PROMPT):
                found.append((line.removeprefix(PROMPT), []))
            else:
                found[-1][1].append(line)
    return [(command, "\n".join(printed) if printed else None) for command, printed in found]


def with_free_ports(command, chosen):
    """The page's ports of this machine may be taken by others."""
    for port, free in chosen.items():
        command = re.sub(rf"-p {port}:|(?<=localhost:){port}\b|(?<=127\.0\.0\.1 ){port}\b",
                         lambda match: match[0].replace(port, str(free)), command)
    return command


def matches(expected, printed):
    """A line `...` stands for any lines, within a line it stands for anything."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else
                      re.escape(line).replace(re.escape("..."), ".*") + r"\n"
                      for line in expected.split("\n"))
    return re.fullmatch(pattern, printed + "\n") is not None


@pytest.fixture
def clean(engine):
    taken = [name for name in CONTAINERS if docker("ps", "--all", "--quiet", "--filter", f"name=^{name}$")]
    assert not taken, f"this engine has containers of the names {taken} already"
    others = docker("image", "ls", "--quiet", "--no-trunc", IMAGE)
    yield
    for name in CONTAINERS:
        docker("rm", "--force", "--volumes", name, check=False)
    docker("network", "rm", "course", check=False)
    # Whoever has followed the page has an image of this name.
    if others:
        docker("tag", others, IMAGE)


@needs_root
@pytest.mark.timeout(240)
def test_every_command_prints_what_the_page_says(source, clean):
    images.make_packages()
    images.make_stand_ins()
    chosen = dict(zip(PUBLISHED, ports.free_from(18090, len(PUBLISHED))))
    commands = session()
    assert len(commands) >= 40
    script = "".join(f"{with_free_ports(command, chosen)}\nstatus=$?\necho\necho '{MARK}'$status\n"
                     for command, _ in commands)
    done = subprocess.run(["bash", "-c", script], cwd=source, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=230, check=False)
    pieces = re.split(rf"\n?\n{re.escape(MARK)}(\d+)\n", done.stdout)
    assert len(pieces) == 2 * len(commands) + 1, done.stdout
    wrong = []
    for (command, expected), printed, status in zip(commands, pieces[0::2], pieces[1::2]):
        if status != "0" or (expected is not None and not matches(expected, printed)):
            wrong.append(f"$ {command}\nended with status {status}, said:\n{printed}\nexpected:\n{expected}")
    assert not wrong, "\n\n".join(wrong)
