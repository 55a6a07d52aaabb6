"""Every object that deploy/ makes: right by the schemas, and as this project wants it."""

import itertools
import re

import pytest
import yaml

import rendering
from rendering import OVERLAYS, all_of, name_of, only, seconds
from suite.command import ROOT

# Long after a pod is gone from the endpoints, every node, ingress and mesh has heard of it.
ENDPOINT_LAG_SECONDS = 5
INSIDE = ("/metrics", "/truth", "/events", "/ui/", "/ui/app.js", "/livez", "/readyz", "/healthz")


@pytest.fixture(scope="session")
def everything(overlays, charts):
    """[(where from, object)], all there is."""
    jobs = [yaml.safe_load(path.read_text())
            for path in sorted((ROOT / "deploy/kubernetes/jobs").glob("*.yaml"))]
    made = {**{f"overlay {name}": objects for name, objects in overlays.items()},
            **{f"chart {name}": objects for name, objects in charts.items()},
            "base": rendering.kustomize("deploy/kubernetes/base"),
            "deploy/prometheus": rendering.kustomize("deploy/prometheus"),
            "jobs": jobs}
    return [(source, one) for source, objects in made.items() for one in objects]


def pods(everything):
    """[(where from, metadata, spec)] of all pods."""
    for source, one in everything:
        if one["kind"] == "Pod":
            yield f"{source}: {name_of(one)}", one["metadata"], one["spec"]
        elif one["kind"] in ("Deployment", "Job"):
            template = one["spec"]["template"]
            yield f"{source}: {name_of(one)}", template["metadata"], template["spec"]


def test_the_schemas_have_nothing_against_any(everything):
    found = rendering.complaints([one for _, one in everything])
    complaints = [f"{source}: {name_of(one)}: {text}"
                  for (source, one), texts in zip(everything, found) for text in texts]
    assert not complaints, "\n".join(complaints)
    kinds = {one["kind"] for _, one in everything}
    assert {"ServiceMonitor", "PrometheusRule", "Issuer", "HTTPRoute", "VirtualService",
            "PeerAuthentication", "HorizontalPodAutoscaler", "NetworkPolicy"} <= kinds


@pytest.mark.parametrize("change, complaint", [
    (lambda one: one["spec"].update(replica=2), "/spec/replica is not in the schema"),
    (lambda one: one["spec"].update(replicas="two"), "replicas must be"),
    (lambda one: one["spec"].pop("selector"), "selector"),
    (lambda one: one["spec"]["template"]["spec"]["containers"][0].update(imagePullSecret="x"),
     "imagePullSecret is not in the schema"),
])
def test_the_schemas_notice_a_mistake(overlays, change, complaint):
    one = yaml.safe_load(yaml.safe_dump(only(overlays["plain-prometheus"], "Deployment")))
    change(one)
    (texts,) = rendering.complaints([one])
    assert any(complaint in text for text in texts), texts


def test_images_have_a_version_and_none_is_the_latest(everything):
    for source, _, spec in pods(everything):
        for container in spec["containers"]:
            assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", container["image"]), source


def test_pods_keep_to_the_restricted_level(everything):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and a read-only root."""
    for source, _, spec in pods(everything):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), source
        assert spec["securityContext"]["runAsNonRoot"] is True, source
        assert spec["securityContext"]["runAsUser"] > 0, source
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, source
        kinds = {key for volume in spec.get("volumes", []) for key in volume if key != "name"}
        assert kinds <= {"configMap", "emptyDir", "projected"}, source
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]}}, source
            assert all("hostPort" not in port for port in container.get("ports", [])), source


def test_pods_have_requests_and_limits_and_no_service_links(everything):
    for source, _, spec in pods(everything):
        assert spec["enableServiceLinks"] is False, source
        for container in spec["containers"]:
            for kind in ("requests", "limits"):
                assert container["resources"][kind].keys() == {"cpu", "memory"}, source


def test_only_prometheus_has_a_token(everything):
    tokens = {source for source, _, spec in pods(everything)
              if spec.get("automountServiceAccountToken") is not False}
    assert tokens == {"deploy/prometheus: Deployment/prometheus"}
    for source, one in everything:
        if name_of(one) == "ServiceAccount/httpserver":
            assert one["automountServiceAccountToken"] is False, source


def test_selectors_select_pods_that_are_there(everything):
    for source, objects in itertools.groupby(everything, key=lambda pair: pair[0]):
        objects = [one for _, one in objects]
        labels = [metadata["labels"] for _, metadata, _ in pods([(source, one) for one in objects])]
        labels += [one["metadata"]["labels"] for one in all_of(objects, "Service")]
        for one in objects:
            spec = one.get("spec", {})
            for selector in (spec.get("selector"), spec.get("podSelector")):
                wanted = (selector or {}).get("matchLabels") or \
                    (selector if one["kind"] == "Service" else None)
                if wanted:
                    assert any(wanted.items() <= found.items() for found in labels), \
                        f"{source}: {name_of(one)}"


@pytest.mark.parametrize("made_by", ["overlays", "charts"])
@pytest.mark.parametrize("name", OVERLAYS)
class TestOneDeployment:
    """What must be true of each way to deploy the servers."""

    @pytest.fixture
    def objects(self, made_by, name, request):
        return request.getfixturevalue(made_by)[name]

    @staticmethod
    def container(objects):
        (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        return container

    def test_two_replicas_as_in_the_course(self, objects):
        deployment = only(objects, "Deployment")
        assert deployment["spec"]["replicas"] == 2
        assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"
        assert self.container(objects)["resources"] == {
            "requests": {"cpu": "250m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}
        scaler = only(objects, "HorizontalPodAutoscaler")["spec"]
        assert scaler["minReplicas"] == 2 < scaler["maxReplicas"]
        assert only(objects, "PodDisruptionBudget")["spec"]["minAvailable"] < scaler["minReplicas"]

    def test_probes_and_services_name_ports_that_are_there(self, objects):
        container = self.container(objects)
        ports = {port["name"] for port in container["ports"]}
        for kind, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
            probe = container[f"{kind}Probe"]["httpGet"]
            assert probe["path"] == path and probe["port"] in ports
        service = only(objects, "Service")["spec"]
        assert {port["targetPort"] for port in service["ports"]} <= ports
        assert [port["port"] for port in service["ports"] if port["name"] == "http"] == [80]
        for monitor in all_of(objects, "ServiceMonitor"):
            assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} \
                <= {port["name"] for port in service["ports"]}
        policy = only(objects, "NetworkPolicy")["spec"]
        allowed = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
        assert allowed == ports

    def test_no_pod_is_scraped_twice(self, objects):
        annotations = only(objects, "Service")["metadata"].get("annotations") or {}
        monitors = all_of(objects, "ServiceMonitor")
        assert bool(monitors) != (annotations.get("prometheus.io/scrape") == "true")
        if not monitors:
            ports = {str(port["containerPort"]): port["name"] for port in self.container(objects)["ports"]}
            probed = self.container(objects)["readinessProbe"]["httpGet"]["port"]
            # Metrics are where the probes are: at the admin port where there is one.
            assert ports[annotations["prometheus.io/port"]] == probed
            assert annotations.keys() == {"prometheus.io/scrape", "prometheus.io/port"}

    def test_a_pod_has_time_to_answer_everybody(self, objects):
        configuration = yaml.safe_load(rendering.configuration(objects))
        grace = only(objects, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        drain_delay, drain_timeout, longest_delay = (
            seconds(configuration[key]) for key in ("drain-delay", "drain-timeout", "max-delay"))
        assert grace == 60
        assert ENDPOINT_LAG_SECONDS < drain_delay
        assert longest_delay < drain_timeout
        assert drain_delay + longest_delay + ENDPOINT_LAG_SECONDS < grace
        assert drain_delay + drain_timeout < grace

    def test_proxies_wait_longer_than_the_longest_delay(self, objects):
        longest = seconds(yaml.safe_load(rendering.configuration(objects))["max-delay"])
        waits = [one["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-read-timeout"] + "s"
                 for one in all_of(objects, "Ingress")]
        waits += [rule["timeouts"]["request"] for one in all_of(objects, "HTTPRoute")
                  for rule in one["spec"]["rules"]]
        waits += [rule["timeout"] for one in all_of(objects, "VirtualService")
                  for rule in one["spec"]["http"]]
        assert all(seconds(wait) > longest for wait in waits)

    def test_what_is_for_those_inside_is_not_routed(self, name, objects):
        matches = [match for one in objects for match in routed(one)]
        if name in ("plain-prometheus", "operator"):
            assert not matches
            return
        for path in ("/", "/delay/const(1s)", "/status/503", "/bytes/10", "/headers", "/echo", "/version"):
            assert any(covers(match, path) for match in matches), path
        for path in INSIDE:
            assert not any(covers(match, path) for match in matches), path

    def test_the_real_server_takes_the_configuration(self, objects, server, tmp_path):
        """With the arguments and variables of the container; only where it listens is the test's."""
        path = tmp_path / "httpserver.yaml"
        path.write_text(rendering.configuration(objects))
        container = self.container(objects)
        arguments = [argument.replace("/etc/httpserver/httpserver.yaml", str(path))
                     for argument in container["args"]]
        variables = {one["name"]: one.get("value", "httpserver-1a2b-xyz") for one in container["env"]}
        variables = {key: value.replace("$(POD_NAME)", variables["POD_NAME"])
                     for key, value in variables.items()}
        variables["HTTPSERVER_LISTEN"] = "127.0.0.1:0"
        admin = "HTTPSERVER_ADMIN_LISTEN" in variables
        if admin:
            variables["HTTPSERVER_ADMIN_LISTEN"] = "127.0.0.1:0"
        # Ended by hand: nobody waits for drain-delay.
        variables["HTTPSERVER_DRAIN_DELAY"] = "0s"
        one = server(*arguments, env=variables, listeners=2 if admin else 1)
        assert one.get("/version")[2].decode().strip() == variables["VERSION"]
        assert [line for line in one.stderr_text().splitlines()
                if "listening on" not in line and "warning" in line] == []
        seed = only_line(one, admin)
        assert f'seed="{variables["HTTPSERVER_SEED"]}"' in seed


def only_line(server, admin):
    """The page's line with the seed, asked for at the admin address where there is one."""
    if admin:
        host, port = server.addresses[1].rsplit(":", 1)
        server.host, server.port = host, int(port)
    page = server.get("/metrics")[2].decode()
    (line,) = [line for line in page.splitlines() if line.startswith("httpserver_seed_info{")]
    return line


def routed(one):
    """The ("exact" or "prefix", path) that an Ingress, HTTPRoute or VirtualService lets through."""
    if one["kind"] == "Ingress":
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                yield path["pathType"].lower(), path["path"]
    elif one["kind"] == "HTTPRoute":
        for rule in one["spec"]["rules"]:
            for match in rule["matches"]:
                yield {"Exact": "exact", "PathPrefix": "prefix"}[match["path"]["type"]], \
                    match["path"]["value"]
    elif one["kind"] == "VirtualService":
        for rule in one["spec"]["http"]:
            for match in rule["match"]:
                ((kind, path),) = match["uri"].items()
                yield kind, path


def covers(match, path):
    """Prefixes are of whole segments, as in Ingress and Gateway API; Istio's end in a slash here."""
    kind, wanted = match
    assert wanted == "/" and kind == "exact" or wanted != "/"
    if kind == "exact":
        return path == wanted
    return path == wanted or path.startswith(wanted.rstrip("/") + "/")


def test_verify_asks_the_prometheus_of_the_walk(charts):
    """The Job and the chart's test are the same command."""
    job = yaml.safe_load((ROOT / "deploy/kubernetes/jobs/verify.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (in_chart,) = only(charts["plain-prometheus"], "Pod")["spec"]["containers"]
    assert (container["image"], container["args"]) == (in_chart["image"], in_chart["args"])


def test_prometheus_operator_gets_the_rules_as_they_are(overlays):
    committed = (ROOT / "deploy/kubernetes/overlays/operator/prometheus-rule.yaml").read_text()
    groups = [group for name in ("recording.yaml", "alerts.yaml") for group in yaml.safe_load(
        (ROOT / "deploy/prometheus/rules" / name).read_text())["groups"]]
    assert yaml.safe_load(committed)["spec"]["groups"] == groups, "run script/prometheus-rule"
    assert only(overlays["operator"], "PrometheusRule")["spec"]["groups"] == groups


def test_the_plain_prometheus_finds_its_configuration_and_rules(fetched):
    """At the paths that its command line and prometheus.yml name."""
    objects = rendering.kustomize("deploy/prometheus")
    spec = only(objects, "Deployment")["spec"]["template"]["spec"]
    (volume,) = [volume["projected"]["sources"] for volume in spec["volumes"] if "projected" in volume]
    files = {}
    for source in volume:
        data = only(objects, "ConfigMap", source["configMap"]["name"])["data"]
        paths = {item["key"]: item["path"] for item in source["configMap"].get("items", [])}
        files.update({paths.get(key, key): text for key, text in data.items()})
    assert "--config.file=/etc/prometheus/prometheus.yml" in spec["containers"][0]["args"]
    assert yaml.safe_load(files["prometheus.yml"])["rule_files"] == ["rules/*.yaml"]
    assert {path for path in files if path.startswith("rules/")} == {
        f"rules/{path.name}" for path in (ROOT / "deploy/prometheus/rules").glob("*.yaml")}


def test_the_namespace_demands_what_the_pods_keep_to(overlays):
    for objects in overlays.values():
        labels = only(objects, "Namespace")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
