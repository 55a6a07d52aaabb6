"""A Docker engine: the one that answers already, or one of our own that leaves nothing behind.

Our own keeps its images below CACHE, apart from any other engine's, so that the next run need not
make the base image again; everything else of it goes away with it, or, where a run was killed, when
the next one starts.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import machine
from stack.awaiting import await_condition
from stack.process import Process, StartError

CACHE = pathlib.Path("/var/cache/httpserver-test-container")
# What there is to clear away after an engine of ours; it lies there while one runs.
RECORD = CACHE / "running.json"
LONGEST_RUN_SECONDS = 1200

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="nsenter takes root")


def run(*words, timeout_seconds=300, check=True, **more):
    """Runs a program and returns what it printed, without the last line's end."""
    words = [str(word) for word in words]
    done = subprocess.run(words, text=True, capture_output=True, timeout=timeout_seconds,
                          stdin=subprocess.DEVNULL, check=False, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with status {done.returncode}:\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout.rstrip("\n")


def docker(*words, **more):
    return run("docker", *words, **more)


def answers():
    try:
        return docker("version", "--format", "{{.Server.Version}}", check=False) != ""
    except (OSError, subprocess.TimeoutExpired):
        return False


def _lock(stack):
    """The folder of images is one engine's at a time: waits for another run's end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    file = stack.enter_context(open(CACHE / "lock", "w", encoding="ascii"))

    def taken():
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    await_condition(taken, timeout_seconds=LONGEST_RUN_SECONDS,
                    what=f"the end of another script/test-container, which has {CACHE},")


def _clear(record):
    if record["boot"] == machine.boot():
        # None where the bridge was another engine's; then the rules are too.
        if record["network"] is not None:
            machine.restore_network(record["network"])
        for place in (record["folder"], CACHE):
            machine.unmount(place)
    shutil.rmtree(record["folder"], ignore_errors=True)
    RECORD.unlink()


def _clear_after_one_that_was_killed():
    if not RECORD.exists():
        return
    record = json.loads(RECORD.read_text())
    if record["boot"] == machine.boot():
        machine.end_containers(path.name for path in (CACHE / "containers").glob("*"))
    _clear(record)


def _start(stack):
    """Starts dockerd, told to the command line by DOCKER_HOST; its end is put on the stack."""
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if program is None or os.geteuid() != 0:
        raise StartError("none answers, and none can be started: " + (
            "there is no dockerd" if program is None else "that takes root"))
    _lock(stack)
    _clear_after_one_that_was_killed()
    folder = tempfile.mkdtemp(prefix="httpserver-docker-")
    record = {"boot": machine.boot(), "folder": folder,
              "network": None if machine.has_bridge() else machine.network()}
    whole = RECORD.with_suffix(".new")
    whole.write_text(json.dumps(record))
    whole.replace(RECORD)
    stack.callback(_clear, record)
    host = f"unix://{folder}/docker.sock"
    process = Process([program, "--host", host, "--data-root", CACHE, "--exec-root", f"{folder}/run",
                       "--pidfile", f"{folder}/docker.pid"])
    stack.callback(process.stop)
    os.environ["DOCKER_HOST"] = host
    stack.callback(os.environ.pop, "DOCKER_HOST", None)

    def ready():
        if not process.running():
            told = process.stderr_text().rpartition("failed to start daemon:")[2]
            raise StartError(f"dockerd ended: {' '.join(told.split()[-40:])}")
        return answers()
    await_condition(ready, timeout_seconds=60, what="the readiness of the dockerd that was started")


def _images():
    """{identifier: names}"""
    found = {}
    for line in docker("image", "ls", "--all", "--no-trunc", "--format",
                       "{{.ID}} {{.Repository}}:{{.Tag}}").splitlines():
        identifier, name = line.split()
        found.setdefault(identifier, set()).update({name} - {"<none>:<none>"})
    return found


def _remove_images(before, ours, kept):
    """Those made meanwhile whose names are `ours` or that have none, but what `kept` is made of."""
    wanted = {line for name in kept if docker("image", "ls", "--quiet", name)
              for line in docker("history", "--quiet", "--no-trunc", name).split()}
    made = {identifier for identifier, names in _images().items()
            if identifier not in wanted and identifier not in before
            and all(re.match(ours, name) for name in names)}
    # Again as long as it helps: an image that others are made of cannot go before them.
    while made:
        for identifier in made:
            docker("image", "rm", "--force", identifier, check=False)
        left = made & _images().keys()
        if left == made:
            break
        made = left


def _remove_all_but_images():
    """In an engine of our own nothing is anybody else's."""
    for container in docker("ps", "--all", "--quiet").split():
        docker("rm", "--force", "--volumes", container, check=False)
    for words in (("network", "prune"), ("volume", "prune"), ("image", "prune"),
                  ("builder", "prune", "--keep-storage", "1GB")):
        docker(*words, "--force", check=False)


@contextlib.contextmanager
def running_engine(names, kept):
    """An engine while it lasts.

    `names` (a regular expression) are those of the images that the tests make; what is made has gone
    afterwards. An engine of our own keeps the images `kept`, for the next run.
    """
    with contextlib.ExitStack() as stack:
        ours = not answers()
        if ours:
            _start(stack)
        # Of our own, what a run that was killed has left goes as well.
        before = () if ours else _images().keys()
        try:
            yield
        finally:
            _remove_images(before, names, kept if ours else ())
            if ours:
                _remove_all_but_images()
