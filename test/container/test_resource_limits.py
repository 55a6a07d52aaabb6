"""Limits of memory and processors that the engine sets."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

from engine import needs_root
from stack.awaiting import await_condition

WAITING = 10_000
MEMORY = 128
MIB = 1024 * 1024
OTHER_THREADS = 2  # main and log


@pytest.mark.parametrize("processors, workers", [("0.3", 1), ("1", 1), ("1.5", 2), ("2", 2)])
def test_workers_follow_the_quota(run, processors, workers):
    one = run(options=["--cpus", processors])
    assert one.value("process_threads") - OTHER_THREADS == min(workers, os.cpu_count())


def test_workers_follow_the_set_of_processors(run):
    one = run(options=["--cpuset-cpus", "0"])
    assert one.value("process_threads") - OTHER_THREADS == 1


def send_and_wait(container, head_bytes):
    """A process that sends the requests, from within the container's network, and says when."""
    sender = pathlib.Path(__file__).parent / "waiting.py"
    return subprocess.Popen(["nsenter", "--target", container.inspect("{{.State.Pid}}"), "--net",
                             sys.executable, "-B", sender, "127.0.0.1", "8080", str(WAITING),
                             str(head_bytes)], stdout=subprocess.PIPE, text=True)


def peak_mib(container):
    """What of its memory limit was used at most, as its cgroup says; NaN where it does not."""
    for pattern in (f"memory/**/{container.id}/memory.max_usage_in_bytes",
                    f"**/docker-{container.id}.scope/memory.peak", f"**/{container.id}/memory.peak"):
        for path in pathlib.Path("/sys/fs/cgroup").glob(pattern):
            return int(path.read_text()) / MIB
    return float("nan")


@needs_root
@pytest.mark.timeout(180)
def test_ten_thousand_waiting_requests_fit_into_128_mib(run):
    """With heads of 100 bytes and with heads of 1 KiB, which are repeated in the answers."""
    memory = ["--memory", f"{MEMORY}m", "--memory-swap", f"{MEMORY}m"]
    with contextlib.ExitStack() as stack:
        runs = []
        for size in (100, 1024):
            one = run("--delay", "const(15s)", options=memory)
            assert one.inspect("{{.HostConfig.Memory}}") == str(MEMORY * MIB)
            sender = stack.enter_context(send_and_wait(one, size))
            stack.callback(sender.kill)
            runs.append((one, size, sender))
        for one, size, sender in runs:
            assert sender.stdout.readline() == "sent\n"
            await_condition(lambda: one.value("httpserver_requests_in_flight") == WAITING,
                            timeout_seconds=14, what="all of them waiting")
        for one, size, sender in runs:
            assert json.loads(sender.communicate(timeout=90)[0]) == {"HTTP/1.1 200 OK": WAITING}
            state = one.state()
            assert state["Running"] and not state["OOMKilled"]
            print(f"heads of {size} bytes: {peak_mib(one):.1f} of {MEMORY} MiB at most")
            assert not peak_mib(one) > MEMORY
