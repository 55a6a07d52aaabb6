"""Running a tool with a time limit, and showing its output when it matters."""

import os
import pathlib
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDS = ROOT / "build-test"
CORES = len(os.sched_getaffinity(0))


def run(command, *, env=None, timeout_seconds=600, show="failure"):
    """Runs it in the repository's root and returns (exit status, output).

    show: "failure" prints the output when the status is not 0, "always", or "never". The whole
    process group ends with it, and at the time limit (status 124, as timeout(1)).
    """
    child = subprocess.Popen(
        [str(word) for word in command], cwd=ROOT, env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True)
    try:
        output, _ = child.communicate(timeout=timeout_seconds)
        status = child.returncode
    except subprocess.TimeoutExpired:
        _kill_group(child)
        output, _ = child.communicate()
        output += f"\nended after {timeout_seconds} s, the limit\n".encode()
        status = 124
    finally:
        _kill_group(child)
    text = output.decode("utf-8", "replace")
    if show == "always" or (show == "failure" and status != 0):
        print(f"$ {' '.join(str(word) for word in command)}\n{text}", end="", flush=True)
    return status, text


def _kill_group(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    child.poll()
