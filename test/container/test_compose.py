"""deploy/compose: the servers, Prometheus, Alertmanager and the load, started with one command.

Grafana cannot be had here: what it would be given is checked for being there.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

import pytest
import yaml

import images
from engine import docker
from stack import ports
from stack.awaiting import await_condition
from stack.server import ROOT

FOLDER = ROOT / "deploy" / "compose"
RULES = ROOT / "deploy" / "prometheus" / "rules"
SERVICES = ["httpserver", "prometheus", "alertmanager", "load"]  # all but grafana
COMMANDS = {"docker-compose": ["docker-compose"], "docker compose": ["docker", "compose"]}
AVAILABLE = [name for name, command in COMMANDS.items()
             if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True,
                                                            check=False).returncode == 0]


class Stack:
    """The services in a project of their own, at ports that are free."""

    def __init__(self, command, image):
        # Not any free port: those that the kernel gives away may be a connection's by then.
        first, second, prometheus, alertmanager = ports.free_from(18080, 4)
        self.command = [*COMMANDS[command], "--project-name", "httpserver-test"]
        self.port = {"prometheus": prometheus, "alertmanager": alertmanager}
        self.environment = {
            **images.older_builder(), "COMPOSE_DOCKER_CLI_BUILD": "0",
            "HTTPSERVER_TAG": image.partition(":")[2],
            "HTTPSERVER_PORTS": f"{first}-{second}", "LOAD_SECONDS": "60",
            "PROMETHEUS_PORT": str(self.port["prometheus"]),
            "ALERTMANAGER_PORT": str(self.port["alertmanager"])}

    def run(self, *words, check=True):
        done = subprocess.run([*self.command, *words], cwd=FOLDER, env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=180, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def containers(self, service):
        return self.run("ps", "--quiet", service).stdout.split()

    def ask(self, service, path):
        url = f"http://127.0.0.1:{self.port[service]}{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)

    def servers_up(self):
        """Addresses of the servers that Prometheus scrapes."""
        try:
            targets = self.ask("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        except OSError:
            return set()
        return {target["labels"]["instance"] for target in targets
                if target["labels"]["job"] == "httpserver" and target["health"] == "up"}


@pytest.fixture(scope="module", params=AVAILABLE or ["docker-compose"])
def stack(request, image):
    images.make_stand_ins()
    one = Stack(request.param, image)
    try:
        one.run("up", "--detach", *SERVICES)
        yield one
    finally:
        one.run("down", "--volumes", "--timeout", "5", check=False)


def test_each_replica_is_a_target(stack):
    replicas = stack.containers("httpserver")
    assert len(replicas) == 2
    await_condition(lambda: len(stack.servers_up()) == 2, timeout_seconds=60, what="two targets up")
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}:8080"
    assert stack.servers_up() == {docker("inspect", "--format", template, one) for one in replicas}


def test_alertmanager_is_known_and_ready(stack):
    await_condition(lambda: stack.ask("prometheus", "/api/v1/alertmanagers")["data"]
                    ["activeAlertmanagers"], what="an Alertmanager that Prometheus knows")
    assert stack.ask("alertmanager", "/api/v2/status")["config"]["original"]


def test_each_replica_is_restricted_and_gets_its_share_of_the_load(stack):
    for one in stack.containers("httpserver"):
        limits = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", one))
        assert limits["ReadonlyRootfs"] and limits["CapDrop"] == ["ALL"]
        assert limits["Memory"] == 128 * 1024 * 1024 and limits["NanoCpus"] == 500_000_000
        await_condition(lambda: " GET / 200 " in docker("logs", "--tail", "50", one),
                        what="requests of the load")


def test_names_and_addresses_are_asked_from_within(stack):
    """The binary in the image, by itself: no libc beside it, no resolver but the engine's."""
    server = stack.containers("httpserver")[0]
    prometheus = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                        stack.containers("prometheus")[0])
    for host in ("prometheus", prometheus):
        docker("exec", server, "/httpserver", "health", "--url", f"http://{host}:9090/-/healthy")
    docker("exec", server, "/httpserver", "health", "--url", "http://alertmanager:9093/-/ready")
    docker("exec", server, "/httpserver", "health", "--url", "http://localhost:8080/healthz")
    done = subprocess.run(["docker", "exec", server, "/httpserver", "health", "--url",
                           "http://no-such-name:9090/"], text=True, capture_output=True, check=False)
    assert done.returncode == 1 and "no-such-name" in done.stderr


@pytest.mark.parametrize("by", ["name", "address"])
def test_the_verdict_is_that_the_stack_tells_the_truth(stack, by):
    host = "prometheus" if by == "name" else docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        stack.containers("prometheus")[0])
    told = []

    # Before two slices of ten seconds have ended there is too little to compare.
    def holds():
        done = stack.run("exec", "-T", "httpserver", "/httpserver", "verify", "--prometheus",
                         f"http://{host}:9090", "--window", "20s", "--require", "alertmanager",
                         check=False)
        told.append(done.stdout + done.stderr)
        return done.returncode == 0
    try:
        await_condition(holds, timeout_seconds=90, every_seconds=2, what="the verdict")
    except TimeoutError:
        pytest.fail(told[-1])
    assert "2 of 2 servers are scraped" in told[-1] and "2 of 2 targets are up" in told[-1]


def test_rules_are_loaded(stack):
    names = {path.name for path in RULES.glob("*.yaml")}
    assert names
    groups = stack.ask("prometheus", "/api/v1/rules")["data"]["groups"]
    assert {group["file"].rpartition("/")[2] for group in groups} == names
    assert all(rule["health"] != "err" for group in groups for rule in group["rules"])


def test_the_tag_is_that_of_this_version():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert images.ENVIRONMENT["HTTPSERVER_TAG"] == version


@pytest.fixture(scope="module")
def services(stack):
    """As docker-compose reads the file, with its variables filled in."""
    return yaml.safe_load(stack.run("config").stdout)["services"]


def mounts(service):
    """{place in the container: place here, or a volume's name}"""
    pairs = ((volume["target"], volume["source"]) if isinstance(volume, dict) else
             (volume.split(":")[1], volume.split(":")[0]) for volume in service.get("volumes", []))
    return dict(pairs)


def test_what_is_mounted_is_there(services):
    """Also for Grafana, which is not started: an engine would make an empty folder of what is not."""
    assert set(services) == {*SERVICES, "grafana"}
    for service in services.values():
        for source in mounts(service).values():
            assert os.path.exists(source) or "/" not in source, source


def test_grafana_gets_what_its_files_ask_for(services):
    """Its form and its queries are tested with the files: here, that they meet what is given to it."""
    grafana = services["grafana"]
    places = mounts(grafana)
    provisioning = pathlib.Path(places["/etc/grafana/provisioning"])
    source = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["url"] == "${PROMETHEUS_URL}"
    assert grafana["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)\}", (provisioning / "datasources/prometheus.yaml").read_text()))
    assert asked <= set(grafana["environment"])
    provider = yaml.safe_load((provisioning / "dashboards/httpserver.yaml").read_text())["providers"][0]
    assert list(pathlib.Path(places[provider["options"]["path"]]).glob("*.json"))
