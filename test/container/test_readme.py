"""The README's two commands on a Debian 12 with nothing on it, in a folder that was just cloned."""

import subprocess

import pytest

from engine import docker


@pytest.mark.timeout(600)
def test_the_two_commands(two_commands):
    status = docker("wait", two_commands, timeout_seconds=590)
    told = subprocess.run(["docker", "logs", two_commands], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=True).stdout
    assert status == "0", told[-6000:]
    for row in ("p50 ", "p90 ", "p95 ", "p99 "):
        assert f"\n{row}" in told
    assert "\nverdict: " in told
    assert told.rstrip().endswith(" passed, 0 failed")
