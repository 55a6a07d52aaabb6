"""Fixtures for the tests that need a Docker engine: run script/test-container, which starts one."""

import contextlib
import json
import re
import subprocess
import urllib.request

import pytest

import images
from engine import docker, run as run_program, running_engine
from stack.awaiting import await_condition
from stack.process import StartError
from stack.server import ROOT

TAG = "httpserver:test"
# As a deployment should: nothing to write to, no right, and the default filter of system calls.
RESTRICTED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
# Of script/test the stage that is quickest to build: it installs what all of them need, and others cannot
# be under the engine's filter of system calls (ThreadSanitizer wants addresses that are not randomised).
TWO_COMMANDS = "script/run --seconds 5 && script/test clang"
# It takes minutes, while the other tests run.
LAST = "test_readme.py"


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(scope="session", autouse=True)
def engine():
    """A Docker engine that the command line finds, for all tests; where none can be had, all are skipped."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(running_engine(images.MADE, images.KEPT))
        except (StartError, TimeoutError) as error:
            pytest.skip(f"no Docker engine: {error}")
        try:
            images.make_base()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            pytest.exit(f"there is no {images.BASE}, and it could not be made: {error}", returncode=1)
        yield


def copy_of_source(folder):
    """The repository's files in a folder of their own, as whoever clones it has them."""
    folder.mkdir()
    subprocess.run("git ls-files -z --cached --others --exclude-standard"
                   " | tar --create --null --files-from - --ignore-failed-read"
                   f" | tar --extract --directory '{folder}'", shell=True, cwd=ROOT, check=True)
    return folder


@pytest.fixture
def source(tmp_path):
    return copy_of_source(tmp_path / "httpserver")


@pytest.fixture(scope="session", autouse=True)
def two_commands(engine, request, tmp_path_factory):
    """The container in which the README's two commands are at work, from the start on."""
    if request.session.items[-1].path.name != LAST:
        yield None
        return
    folder = copy_of_source(tmp_path_factory.mktemp("readme") / "httpserver")
    container = docker("run", "--detach", "--network", "host", "--volume", f"{folder}:/httpserver",
                       "--workdir", "/httpserver", images.BASE, "bash", "-c", TWO_COMMANDS)
    yield container
    docker("rm", "--force", container)


@pytest.fixture(scope="session")
def image(engine):
    """The image as script/image makes it."""
    images.make_packages()
    run_program(ROOT / "script" / "image", TAG, env=images.older_builder())
    return TAG


class Container:
    def __init__(self, image, *arguments, options=()):
        self.id = docker("run", "--detach", *options, image, *arguments)

    def inspect(self, template):
        return docker("inspect", "--format", template, self.id)

    def state(self):
        return json.loads(self.inspect("{{json .State}}"))

    def address(self):
        """On the first of its networks."""
        return self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}").split()[0]

    def gateway(self):
        return self.inspect("{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}").split()[0]

    def url(self, path="/"):
        """Through the port that is published on the loopback address, or else to the container."""
        published = docker("port", self.id, "8080/tcp", check=False)
        return f"http://{published or self.address() + ':8080'}{path}"

    def get(self, path="/", timeout_seconds=20):
        """(status, headers, body) of one request on a connection of its own."""
        with urllib.request.urlopen(self.url(path), timeout=timeout_seconds) as answer:
            return answer.status, answer.headers, answer.read()

    def value(self, name, **labels):
        """A sample of its metrics page."""
        wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
                         if labels else "")
        return float(re.search(f"^{re.escape(wanted)} (.*)$", self.get("/metrics")[2].decode(), re.M)[1])

    def log(self):
        """The lines on its standard output."""
        return docker("logs", self.id).splitlines()

    def await_log(self, found, count=1):
        """Its lines that hold `found`, once there are so many: they are written behind the answers."""
        def lines():
            return [line for line in self.log() if found in line]
        await_condition(lambda: len(lines()) >= count, what=f"{count} lines in the log with '{found}'")
        return lines()

    def execute(self, *words):
        """Exit status and output of a program that runs in it, beside the server."""
        done = subprocess.run(["docker", "exec", self.id, *words], text=True, capture_output=True,
                              timeout=60, stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout + done.stderr

    def await_ready(self):
        def ready():
            assert self.state()["Running"], docker("logs", self.id)
            return self.execute("/httpserver", "health")[0] == 0
        await_condition(ready, what="the container's readiness")
        return self


@pytest.fixture
def run(image):
    """A factory: `run("--delay", "none", options=["--cpus", "1"])` runs the image's server."""
    started = []

    def start(*arguments, options=()):
        started.append(Container(image, *arguments, options=[*RESTRICTED, *options]))
        return started[-1].await_ready()
    yield start
    for one in started:
        docker("rm", "--force", one.id, check=False)


@pytest.fixture
def network(engine):
    """A network of its own, with the engine's name server in it."""
    name = docker("network", "create", "httpserver-test")
    yield name
    docker("network", "rm", name)
