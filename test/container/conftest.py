"""Fixtures for the tests that need a Docker engine: run script/test-container, which starts one."""

import json
import os
import re
import subprocess
import urllib.request

import pytest

import images
from engine import docker, running_engine
from stack.awaiting import await_condition
from stack.process import StartError
from stack.server import ROOT

TAG = "httpserver:test"
# As a deployment should: nothing to write to, no right, and the default filter of system calls.
RESTRICTED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


@pytest.fixture(scope="session", autouse=True)
def engine():
    """A Docker engine that the command line finds, for all tests."""
    try:
        with running_engine(images.MADE, images.KEPT):
            images.make_base()
            yield
    except (StartError, TimeoutError) as error:
        pytest.exit(f"script/test-container: {error}", returncode=1)


@pytest.fixture(scope="session")
def image(engine):
    """The image as script/image makes it."""
    images.make_packages()
    done = subprocess.run([ROOT / "script" / "image", TAG], env={**os.environ, "DOCKER_BUILDKIT": "0"},
                          text=True, capture_output=True, timeout=300, stdin=subprocess.DEVNULL,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
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
    docker("network", "rm", name, check=False)


@pytest.fixture
def source(tmp_path):
    """The repository's files in a folder of their own, as whoever clones it has them."""
    folder = tmp_path / "httpserver"
    folder.mkdir()
    subprocess.run("git ls-files -z --cached --others --exclude-standard"
                   " | tar --create --null --files-from - --ignore-failed-read"
                   f" | tar --extract --directory '{folder}'", shell=True, cwd=ROOT, check=True)
    return folder
