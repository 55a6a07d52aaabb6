"""A Docker engine: the one that answers already, or one of our own that leaves nothing behind.

Our own keeps its images below CACHE, apart from any other engine's, so that the next run need not
make the base image again; everything else of it goes away with it.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from stack.awaiting import await_condition
from stack.process import Process, StartError

CACHE = pathlib.Path("/var/cache/httpserver-test-container")
FORWARDING = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = pathlib.Path("/sys/class/net/docker0")
TABLES = ("filter", "nat")
OWN_RULE = re.compile(r"DOCKER|docker0")


def docker(*words, timeout_seconds=300, check=True, **more):
    """Runs docker and returns what it printed, without the last line's end."""
    done = subprocess.run(["docker", *(str(word) for word in words)], text=True, capture_output=True,
                          timeout=timeout_seconds, stdin=subprocess.DEVNULL, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(str(word) for word in words)} ended with status "
                             f"{done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.rstrip("\n")


def answers():
    try:
        return docker("version", "--format", "{{.Server.Version}}", check=False) != ""
    except (OSError, subprocess.TimeoutExpired):
        return False


def _iptables(table, *words):
    """What it printed; nothing where there is no such table, rule or chain."""
    return subprocess.run(["iptables", "--wait", "--table", table, *words], text=True,
                          capture_output=True, timeout=60, check=False).stdout


def _without_own_rules(policies):
    """Takes out of the machine's tables what a stopped engine leaves there."""
    for table in TABLES:
        lines = _iptables(table, "--list-rules").splitlines()
        for line in lines:
            if line.startswith("-A ") and OWN_RULE.search(line):
                _iptables(table, "--delete", *line.split()[1:])
        for line in lines:
            if line.startswith("-N DOCKER"):
                _iptables(table, "--delete-chain", line.split()[1])
    if "-P FORWARD ACCEPT" in policies:
        _iptables("filter", "--policy", "FORWARD", "ACCEPT")


def _remove_folder(folder):
    """A stopped engine leaves its network namespace mounted in it."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _restore_network(policies, forwarding):
    _without_own_rules(policies)
    subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)
    FORWARDING.write_text(forwarding)


def _start(stack):
    """Starts dockerd, told to the command line by DOCKER_HOST; its end is put on the stack."""
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if program is None or os.geteuid() != 0:
        raise StartError("no Docker engine answers, and none can be started: " + (
            "there is no dockerd" if program is None else "that takes root"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="httpserver-docker-"))
    stack.callback(_remove_folder, folder)
    CACHE.mkdir(parents=True, exist_ok=True)
    # Where the bridge is there already, it is another engine's, and so are the rules.
    if not BRIDGE.exists():
        policies = _iptables("filter", "--list-rules").splitlines() or ["-P FORWARD ACCEPT"]
        stack.callback(_restore_network, policies, FORWARDING.read_text())
    host = f"unix://{folder}/docker.sock"
    process = Process([program, "--host", host, "--data-root", CACHE, "--exec-root", folder / "run",
                       "--pidfile", folder / "docker.pid"])
    stack.callback(process.stop)
    os.environ["DOCKER_HOST"] = host
    stack.callback(os.environ.pop, "DOCKER_HOST", None)

    def ready():
        if not process.running():
            raise StartError("dockerd ended: " + process.stderr_text().strip().rpartition("\n")[2])
        return answers()
    await_condition(ready, timeout_seconds=60, what="the engine's readiness")


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
    """In an engine of our own also what a run that was killed has left."""
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
        before = _images().keys()
        try:
            yield
        finally:
            _remove_images(before, names, kept if ours else ())
            if ours:
                _remove_all_but_images()
