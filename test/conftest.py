"""Fixtures for all tests that run the real binary over real sockets.

BUILD_DIR selects the build folder (default build/): the same tests run against the release build
and against the sanitizers' builds.
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "script"))

from stack.prometheus import Prometheus  # noqa: E402
from stack.server import Server, binary_path, is_sanitized  # noqa: E402


def pytest_configure(config):
    for line in ("heavy: thousands of connections or many seconds; left out under sanitizers",
                 "threads: runs under ThreadSanitizer too, as threads meet in it",
                 "static: about the repository, not the binary; left out under sanitizers"):
        config.addinivalue_line("markers", line)


@pytest.fixture(scope="session")
def binary():
    path = binary_path()
    if not path.exists():
        pytest.fail(f"{path} does not exist: run script/build, or set BUILD_DIR", pytrace=False)
    return path


@pytest.fixture
def figure(record_property):
    """What a test measured, in a line; script/test prints it when the test has passed."""
    def tell(text):
        record_property("figure", text)
        print(text)

    return tell


# What sanitizers put into a program makes system calls of its own, and qemu-user emulates no
# filter: there is none then.
UNFILTERED = is_sanitized() or "emulated" in os.environ.get("BUILD_DIR", "")


def _is_restricted(process):
    """Whether every thread has the filter of system calls, and can gain no privileges."""
    wanted = {"NoNewPrivs:\t1", "Seccomp:\t2"}
    return all(wanted <= set((task / "status").read_text().splitlines())
               for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir())


@pytest.fixture
def server(binary):
    """A factory: `server("--delay", "none", env={...})` starts a server on a port of its own.

    Each one is a stack.server.Server: `host`, `port`, `url(path)`, `get(path)`, `connect()`,
    `stdout_lines()` (the access log), `stderr_text()`, `send_signal(number)`, `stop()`, `wait()`.
    Its filter of system calls must be on unless the flags say `--seccomp off`.
    At the end of the test those still running get SIGTERM and must end with status 0, and none
    may have left a sanitizer's report. A test that expects another status stops its server itself.
    """
    started = []

    def start(*flags, **options):
        one = Server(*flags, **options)
        started.append(one)
        said = any(str(flag).startswith("--seccomp") for flag in flags)
        assert UNFILTERED or said or _is_restricted(one), \
            f"no filter of system calls: {one.stderr_text()}"
        return one

    yield start

    complaints = []
    for one in started:
        if one.running():
            status = one.stop()
            if status != 0:
                complaints.append(f"status {status} after SIGTERM")
        elif not one.was_awaited and one.wait() != 0:
            complaints.append(f"ended by itself with status {one.wait()}")
        one.kill()
        if one.sanitizer_report():
            complaints.append("a sanitizer's report")
        if complaints:
            complaints.append(f"stderr of {' '.join(one.command)}:\n{one.stderr_text()}")
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def prometheus():
    """A factory: `prometheus(server)` starts Debian's Prometheus that scrapes it every second."""
    started = []

    def start(target, **options):
        started.append(Prometheus(f"{target.host}:{target.port}", **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
