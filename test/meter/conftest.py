"""What the tests of libmeter from outside share: where the build is, and how to make Go programs."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD_DIR", "build")
GO_ENVIRONMENT = {
    **os.environ,
    "GO111MODULE": "off",
    "GOPATH": "/usr/share/gocode",
    "GOFLAGS": "",
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
}


@pytest.fixture(scope="session")
def drive():
    """The program that does to libmeter what a script says."""
    program = BUILD / "test" / "meter" / "meter_drive"
    assert program.exists(), f"build first: {program} is missing"
    return program


@pytest.fixture(scope="session")
def compare(tmp_path_factory):
    """The program that does to client_golang what a script says."""
    program = tmp_path_factory.mktemp("go") / "compare"
    source = ROOT / "test" / "meter" / "compare"
    subprocess.run(
        ["/usr/bin/go", "build", "-o", str(program), "main.go"],
        cwd=source, env=GO_ENVIRONMENT, check=True,
    )
    return program
