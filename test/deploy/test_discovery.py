"""Service discovery for real: Prometheus, with exactly deploy/prometheus/prometheus-additional.yaml, finds
two servers through an API server's list and watch. That server is a stand-in; the objects it serves are
those of deploy/kubernetes, with the addresses of the test's servers for pods."""

import json
import subprocess

import pytest
import yaml

import rendering
from kubernetes_api import KubernetesApi
from rendering import only
from stack import ports
from stack.awaiting import await_condition
from stack.load import Hey
from stack.prometheus import Prometheus
from stack.server import Server, binary_path, clean_environment
from suite.command import ROOT
from suite.tools import FOLDER

NAMESPACE = "httpserver"
FAMILY = "httpserver_execution_latency_seconds"
ADDRESSES = {"httpserver-6c7d-one": "127.0.0.11", "httpserver-6c7d-two": "127.0.0.12"}
REQUESTS = 400


def job(api_url):
    """The file as it is; in a cluster it is the API server of the pod that is asked, here the one named."""
    (one,) = yaml.safe_load((ROOT / "deploy/prometheus/prometheus-additional.yaml").read_text())
    (discovery,) = one["kubernetes_sd_configs"]
    assert discovery == {"role": "endpoints"}
    discovery["api_server"] = api_url
    return one


def configuration(api_url):
    return yaml.safe_dump({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [job(api_url)]})


def start_servers(stack):
    """One on each address, all at one port, as pods are."""
    for attempt in range(5):
        port, started = ports.any_free(), {}
        try:
            for name, address in ADDRESSES.items():
                started[name] = Server("--listen", f"{address}:{port}", "--delay", "uniform(0s,200ms)",
                                       "--seed", f"7@{name}", "--log", "off")
            break
        except Exception:
            for server in started.values():
                server.stop()
            if attempt == 4:
                raise
    for server in started.values():
        stack.callback(server.stop)
    return started, port


def endpoints(names, port, service=NAMESPACE):
    return {"metadata": {"name": service, "namespace": NAMESPACE}, "subsets": [{
        "addresses": [{"ip": ADDRESSES[name],
                       "targetRef": {"kind": "Pod", "name": name, "namespace": NAMESPACE}}
                      for name in names],
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}]}]}


def pod(name, port):
    """As the Deployment's template makes it, running at its address."""
    template = only(rendering.kustomize("deploy/kubernetes/overlays/plain-prometheus"),
                    "Deployment")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (only_port,) = container["ports"]
    only_port["containerPort"] = port
    return {"metadata": {**template["metadata"], "name": name, "namespace": NAMESPACE},
            "spec": {**template["spec"], "nodeName": "kind-control-plane"},
            "status": {"phase": "Running", "podIP": ADDRESSES[name], "hostIP": "172.18.0.2",
                       "conditions": [{"type": "Ready", "status": "True"}]}}


class Cluster:
    """The stand-in with the Service and its two pods, two Services of others, and Prometheus."""

    def __init__(self, stack):
        self.servers, self.port = start_servers(stack)
        self.api = KubernetesApi()
        stack.callback(self.api.stop)
        self.service = only(rendering.kustomize("deploy/kubernetes/overlays/plain-prometheus"), "Service")
        self.service["metadata"]["annotations"]["prometheus.io/port"] = str(self.port)
        self.api.put("services", self.service)
        self.put_other_service("silent", {})
        for name in self.servers:
            self.api.put("pods", pod(name, self.port))
        self.api.put("endpoints", endpoints(self.servers, self.port))
        self.prometheus = Prometheus(
            configuration=configuration(self.api.url), binary=FOLDER / "prometheus",
            flags=["--scrape.discovery-reload-interval=200ms"])
        stack.callback(self.prometheus.stop)

    def put_other_service(self, name, annotations):
        self.api.put("services", {
            "metadata": {"name": name, "namespace": NAMESPACE, "annotations": annotations,
                         "labels": {"app": name}},
            "spec": {"ports": [{"name": "http", "port": 80}]}})
        self.api.put("endpoints", endpoints(self.servers, self.port, service=name))

    def targets(self, service=NAMESPACE):
        return [target for target in self.prometheus.targets()
                if target["labels"]["kubernetes_name"] == service]


@pytest.fixture(scope="module")
def cluster(binary, stack):
    made = Cluster(stack)
    await_condition(lambda: [target["health"] for target in made.targets()] == ["up", "up"],
                    timeout_seconds=60, every_seconds=0.1, what="two targets, both up")
    return made


def test_both_pods_are_found_and_relabelled_as_documented(cluster):
    targets = sorted(cluster.targets(), key=lambda target: target["scrapeUrl"])
    assert [target["labels"] for target in targets] == [{
        "job": "kubernetes-endpoints",
        "instance": f"{address}:{cluster.port}",
        "app": "httpserver",
        "kubernetes_namespace": NAMESPACE,
        "kubernetes_name": "httpserver",
        "kubernetes_pod_name": name} for name, address in ADDRESSES.items()]
    assert [target["scrapeUrl"] for target in targets] == [
        f"http://{address}:{cluster.port}/metrics" for address in ADDRESSES.values()]
    assert [target["lastError"] for target in targets] == ["", ""]


def test_a_service_without_the_annotation_is_not_scraped(cluster):
    dropped = cluster.prometheus.ask("targets", state="dropped")["droppedTargets"]
    assert {target["discoveredLabels"]["__meta_kubernetes_service_name"] for target in dropped} == {"silent"}


def test_the_documented_role_allows_what_was_asked(cluster):
    role = next(one for one in yaml.safe_load_all((ROOT / "deploy/prometheus/rbac.yaml").read_text())
                if one["kind"] == "ClusterRole")
    allowed = {(verb, resource) for rule in role["rules"] for verb in rule["verbs"]
               for resource in rule.get("resources", [])}
    assert cluster.api.refused == []
    assert cluster.api.asked == {(verb, resource) for verb in ("list", "watch")
                                 for resource in ("services", "endpoints", "pods")}
    assert cluster.api.asked <= allowed


@pytest.fixture(scope="module")
def loaded(cluster):
    """With requests, as many to each, all of them scraped."""
    cluster.prometheus.await_value("count(count_over_time(up[20s]) > 2 and up == 1)", 2)
    streams = [Hey(server.url("/"), requests=REQUESTS, connections=40) for server in cluster.servers.values()]
    for stream in streams:
        assert stream.answers() == {200: REQUESTS}
    cluster.prometheus.await_value(f"sum({FAMILY}_count)", REQUESTS * len(streams))
    return cluster.prometheus


@pytest.mark.parametrize("q", ["0.50", "0.90", "0.95"])
def test_the_courses_queries_are_answered(loaded, q):
    answer = loaded.value(f"histogram_quantile({q}, sum(rate({FAMILY}_bucket[5m])) by (le))")
    # uniform(0s,200ms) has the quantile 0.2 q; the bounds about it are a factor of 2 apart.
    assert 0.2 * float(q) / 2 < answer < 0.2 * float(q) * 2


def test_the_adapters_query_gives_a_value_for_each_pod(loaded):
    """prometheus-adapter puts label names and values into its template; so does this."""
    values = yaml.safe_load((ROOT / "deploy/prometheus/prometheus-adapter.values.yaml").read_text())
    (rule,) = values["rules"]["custom"]
    assert len(loaded.query(rule["seriesQuery"])) == 2
    labels = {one["resource"]: label for label, one in rule["resources"]["overrides"].items()}
    query = rule["metricsQuery"].replace("<<.Series>>", rule["name"]["as"]) \
        .replace("<<.LabelMatchers>>", f'{labels["namespace"]}="{NAMESPACE}",{labels["pod"]}=~"{"|".join(ADDRESSES)}"') \
        .replace("<<.GroupBy>>", labels["pod"])
    assert "<<" not in query
    found = loaded.query(query)
    assert {labels_of[labels["pod"]] for labels_of, _ in found} == set(ADDRESSES)
    scaler = only(rendering.kustomize("deploy/kubernetes/base"), "HorizontalPodAutoscaler")
    assert [metric["pods"]["metric"]["name"] for metric in scaler["spec"]["metrics"]] == [rule["name"]["as"]]


def test_verify_holds_as_the_charts_test_runs_it(loaded, cluster, charts):
    (container,) = only(charts["plain-prometheus"], "Pod")["spec"]["containers"]
    arguments = [loaded.url("") if one.startswith("http://") else one for one in container["args"]]
    for server in cluster.servers.values():
        await_condition(lambda: closed(server) == REQUESTS, timeout_seconds=30, every_seconds=0.2,
                        what="the end of a slice of the truth")
    done = subprocess.run([binary_path(), *arguments], capture_output=True, text=True,
                          env=clean_environment(), timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def closed(server):
    """Requests that the truth of closed slices tells of."""
    return json.loads(server.get("/truth?window=60s")[2])["total"]["served"]["count"]


@pytest.fixture(scope="module")
def changed(loaded, cluster):
    """Last: one of the two pods goes, and a Service comes whose metrics are elsewhere; (gone, left)."""
    gone, left = ADDRESSES
    cluster.put_other_service("elsewhere", {
        "prometheus.io/scrape": "true", "prometheus.io/port": str(cluster.port),
        "prometheus.io/scheme": "https", "prometheus.io/path": "/elsewhere"})
    cluster.api.put("endpoints", endpoints([left], cluster.port))
    cluster.api.remove("pods", NAMESPACE, gone)
    return gone, left


def test_a_pod_that_goes_disappears(loaded, cluster, changed):
    _, left = changed
    await_condition(lambda: [target["labels"]["kubernetes_pod_name"] for target in cluster.targets()] == [left],
                    timeout_seconds=30, every_seconds=0.1, what="one target")
    # Its series are marked stale, so that it is not asked about for five minutes more.
    loaded.await_value('count(up{kubernetes_name="httpserver"})', 1)
    ((labels, _),) = loaded.query('up{kubernetes_name="httpserver"}')
    assert labels["kubernetes_pod_name"] == left


def test_scheme_and_path_come_from_annotations_too(cluster, changed):
    wanted = {f"https://{address}:{cluster.port}/elsewhere" for address in ADDRESSES.values()}
    await_condition(lambda: {target["scrapeUrl"] for target in cluster.targets("elsewhere")} == wanted,
                    timeout_seconds=30, every_seconds=0.1, what="targets at the annotated addresses")
