"""Too little memory at the start: one line that says so and exit status 2, or it serves."""

import subprocess

import pytest

from stack.server import Server, binary_path, clean_environment
from stack.process import StartError

MIB = 1024 * 1024
LOADER_FAILED = 127  # the dynamic loader itself found no room: the program never ran

pytestmark = pytest.mark.static  # sanitizers reserve address space of their own


def limited(mebibytes):
    return ["prlimit", f"--as={mebibytes * MIB}"]


def test_scarce_address_space_is_said(figure):
    refused, served = [], []
    for mebibytes in [*range(4, 64, 4), *range(64, 200, 8), *range(200, 600, 40)]:
        command = [binary_path(), "--listen", "127.0.0.1:0", "--delay", "none", "--workers", "2"]
        child = subprocess.Popen([*limited(mebibytes), *command], env=clean_environment(),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        try:
            first = child.stderr.readline()
            if "listening on" in first:
                child.terminate()
                assert child.wait(20) == 0
                served.append(mebibytes)
                continue
            rest = child.stderr.read()
            status = child.wait(20)
        finally:
            child.kill()
            child.stderr.close()
            child.wait()
        if status == LOADER_FAILED and not served and not refused:
            continue
        assert status == 2 and rest == "", f"{mebibytes} MiB: {status} {first}{rest}"
        assert first.startswith("httpserver: ") and first.endswith("\n")
        assert "memory" in first.lower() or "temporarily unavailable" in first
        refused.append(mebibytes)
    assert refused and served and max(refused) < max(served)
    figure(f"address space of {refused[0]} to {refused[-1]} MiB refused in one line with status 2, "
           f"from {min(served)} MiB on served")


def test_a_request_is_served_at_the_least_address_space():
    """What has started has all the memory that it needs for requests."""
    for mebibytes in range(64, 512, 16):
        try:
            one = Server("--delay", "uniform(0s,1ms)", "--workers", "1", wrap=limited(mebibytes))
        except StartError:
            continue
        try:
            for _ in range(50):
                assert one.get("/")[0] == 200
            assert one.get("/metrics")[0] in (200, 503)
            assert one.stop() == 0
        finally:
            one.kill()
        return
    pytest.fail("it starts with no limit tried")
