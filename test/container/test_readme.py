"""The README's two commands on a Debian 12 with nothing on it, in a folder that was just cloned."""

import subprocess

import pytest

from images import BASE

# Of script/test one stage: it installs what all of them need, and others cannot be under the
# engine's filter of system calls (ThreadSanitizer wants addresses that are not randomised).
COMMANDS = "script/run --seconds 5 && script/test unit"


@pytest.mark.timeout(500)
def test_the_two_commands(source):
    done = subprocess.run(["docker", "run", "--rm", "--network", "host", "--volume",
                           f"{source}:/httpserver", "--workdir", "/httpserver", BASE, "bash", "-c",
                           COMMANDS], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=490, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    for row in ("p50 ", "p90 ", "p95 ", "p99 "):
        assert f"\n{row}" in done.stdout
    assert "\nverdict: " in done.stdout
    assert done.stdout.rstrip().endswith(" passed, 0 failed")
