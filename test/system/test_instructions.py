"""A request costs no more instructions than recorded: see bench/instructions.py."""

import pathlib
import platform
import subprocess
import sys

import pytest

from stack.server import binary_path

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from bench import instructions  # noqa: E402


def why_not_here():
    """The record is of one compiler, scanner and kind of build; elsewhere it says nothing."""
    if platform.machine() != "x86_64":
        return "recorded with the SSE2 scanner"
    compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=False)
    if "Debian 12.2.0" not in compiler.stdout:
        return "recorded with Debian 12's gcc"
    if binary_path().parent.name not in ("build", "gcc"):  # script/build's and script/test's
        return "recorded with the release build"
    return None


@pytest.mark.static
def test_instructions_a_request():
    if reason := why_not_here():
        pytest.skip(reason)
    wanted = instructions.recorded()
    for scenario, measured in instructions.instructions_per_request().items():
        print(f"{measured:.0f} instructions a request, {scenario}, {wanted[scenario]:.0f} recorded")
        assert abs(measured / wanted[scenario] - 1) <= instructions.TOLERANCE, (
            f"{measured:.0f} instructions a request, {scenario}, {wanted[scenario]:.0f} recorded: "
            "when that is meant to be, run bench/instructions.py --write")
