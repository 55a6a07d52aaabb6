"""Manual pages: they follow from the program and the header, and both readers of Debian like them."""

import os
import re
import subprocess

import pytest

from conftest import ROOT
from stack.server import clean_environment

MANUALS = ["httpserver.1", "meter.3"]
MAN = ROOT / "packaging" / "man"


def rendered(page):
    done = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "--local-file", MAN / page],
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "200", "MANROFFSEQ": ""},
                          capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return re.sub(r".\x08", "", done.stdout)


def test_generated_parts_are_what_they_follow_from():
    done = subprocess.run([ROOT / "script" / "write-documents", "--check"], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("page", MANUALS)
def test_readers_do_not_complain(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MAN / page], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "NAME" in rendered(page)


def test_manual_has_every_option_and_variable(binary):
    text = rendered("httpserver.1")
    for command in ("serve", "draw", "health", "verify"):
        shown = subprocess.run([binary, command, "--help"], env=clean_environment(), check=True,
                               capture_output=True, text=True).stdout
        words = set(re.findall(r"--[a-z-]+\b|HTTPSERVER_[A-Z_]+", shown))
        assert words and [word for word in words if word not in text] == []


def test_manual_has_every_route():
    routes = re.findall(r"`(/\S*)`", " ".join(
        re.findall(r"^\| (`/.*?) \|", (ROOT / "docs" / "http.md").read_text(), re.MULTILINE)))
    words = rendered("httpserver.1").replace(",", " ").split()
    assert len(routes) > 10 and [route for route in routes if route not in words] == []


def test_manual_has_every_function_of_the_library():
    text = rendered("meter.3")
    header = (ROOT / "include" / "meter.h").read_text().partition("not an interface")[0]
    names = set(re.findall(r"\b(meter_\w+)\(", header)) | set(re.findall(r"\b(METER_[A-Z_]+)\b", header))
    names -= {"METER_H", "METER_API", "METER_MUST_CHECK"}
    assert len(names) > 80 and [name for name in names if name not in text] == []


def test_example_of_the_library_manual(tmp_path):
    source = re.search(r"^(#include <meter.h>\n#include <stdio.h>\n.*?^})$",
                       re.sub(r"^ {5}", "", rendered("meter.3"), flags=re.MULTILINE),
                       re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "program.c").write_text(source)
    subprocess.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", "-c",
                    "program.c"], cwd=tmp_path, check=True)


def test_package_and_library_have_one_version():
    version = re.search(r"^  version: '(.+)',$", (ROOT / "meson.build").read_text(), re.MULTILINE)[1]
    changelog = (ROOT / "packaging" / "debian" / "changelog").read_text()
    assert changelog.startswith(f"httpserver ({version}-")
