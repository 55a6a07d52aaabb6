"""A container of the image: reached through its port and at its address, looked into, restricted."""

import json
import re
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from engine import docker, needs_root
from stack.awaiting import await_condition

PUBLISHED = ["--publish", "127.0.0.1::8080"]


def test_requests_through_the_published_port(run):
    one = run("--delay", "uniform(0s,200ms)", options=[*PUBLISHED, "--env", "VERSION=1.2.3"])
    for _ in range(4):
        status, headers, body = one.get()
        assert status == 200 and headers["version"] == "1.2.3"
        assert 0 <= int(re.fullmatch(rb"<h1>(\d+)</h1>", body)[1]) <= 200
    requests = one.await_log(" GET / ", 4)
    assert len(requests) == 4
    for line in requests:
        # The engine's proxy stands between: what the server sees is the bridge's end of the host.
        assert re.match(rf"\S+Z {re.escape(one.gateway())} GET / 200 \d+ delay=", line), line


def test_metrics_as_specified(run):
    one = run("--delay", "none", options=PUBLISHED)
    for _ in range(4):
        one.get()
    status, headers, body = one.get("/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    latency = families["httpserver_execution_latency_seconds"]
    assert latency.type == "histogram" and latency.documentation == "Time spent."
    buckets = {sample.labels["le"]: sample.value for sample in latency.samples
               if sample.name.endswith("_bucket")}
    assert [float(bound) for bound in buckets] == [0.001 * 2 ** k for k in range(15)] + [float("inf")]
    assert {sample.labels["step"] for sample in latency.samples} == {"total"}
    assert buckets["+Inf"] == 4
    assert len([name for name in families if name.startswith("process_")]) >= 7
    subprocess.run(["promtool", "check", "metrics"], input=body, check=True, timeout=60)


@needs_root
def test_looked_into_by_namespace(run):
    """PID from inspect, its network seen with nsenter, a request to the address found there."""
    one = run("--delay", "none")
    told = subprocess.run(["nsenter", "--target", one.inspect("{{.State.Pid}}"), "--net", "ip", "a"],
                          capture_output=True, text=True, check=True).stdout
    address = re.search(r"inet ([0-9.]+)/\d+ brd \S+ scope global eth0", told)[1]
    assert address == one.address()
    done = subprocess.run(["curl", "--silent", "--fail", f"http://{address}:8080/"],
                          capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "<h1>0</h1>"
    one.await_log(f" {one.gateway()} GET / 200 ")


def test_restricted_as_a_deployment_should(run):
    one = run("--delay", "none")
    status = dict(line.split(":\t") for line in open(f"/proc/{one.inspect('{{.State.Pid}}')}/status",
                                                     encoding="ascii").read().splitlines())
    assert status["NoNewPrivs"] == "1" and int(status["CapBnd"], 16) == 0
    assert status["Seccomp"] == "2" and int(status["Seccomp_filters"]) == 2, "the engine's and ours"
    assert status["Uid"].split() == ["65532"] * 4 and status["NSpid"].split()[1] == "1"
    errors = subprocess.run(["docker", "logs", one.id], capture_output=True, text=True, check=True).stderr
    assert errors == "httpserver: listening on 0.0.0.0:8080\n", "no warning"


def test_no_shell_to_be_had(run):
    one = run()
    status, told = one.execute("/bin/sh", "-c", "true")
    assert status != 0 and "no such file" in told


def test_health_becomes_healthy(run):
    one = run(options=["--health-interval", "1s"])
    await_condition(lambda: one.state()["Health"]["Status"] == "healthy", timeout_seconds=40,
                    what="the health status")
    checks = one.state()["Health"]["Log"]
    assert {check["ExitCode"] for check in checks} == {0}


def test_health_tells_when_it_is_not(image):
    """The check asks where the server was told to listen: here nobody answers in time."""
    done = subprocess.run(["docker", "run", "--rm", image, "health", "--timeout", "1s"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Connection refused" in done.stderr


def test_another_port_moves_the_health_check_too(run):
    one = run(options=["--env", "HTTPSERVER_LISTEN=:9000", "--health-interval", "1s"])
    await_condition(lambda: one.state()["Health"]["Status"] == "healthy", timeout_seconds=40,
                    what="the health status")


def test_told_wrong_it_says_so_and_ends(image):
    done = subprocess.run(["docker", "run", "--rm", image, "--delay", "sometimes"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "--delay" in done.stderr


def test_addresses_of_other_containers_are_in_the_log(network, run, image):
    one = run("--delay", "none", options=["--network", network, "--network-alias", "web"])
    docker("run", "--rm", "--network", network, image, "health", "--url", "http://web:8080/version")
    line = one.await_log(" /version ")[0]
    subnet = json.loads(docker("network", "inspect", network))[0]["IPAM"]["Config"][0]["Subnet"]
    client = line.split()[1]
    assert client not in (one.gateway(), one.address())
    assert client.rpartition(".")[0] == subnet.rpartition(".")[0]
