"""The Helm chart: the same objects as kustomize makes, refusals that say why, and its own test."""

import copy

import pytest
import yaml

import rendering
from rendering import OVERLAYS, RenderError, name_of, only

HELM_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by")


def normalised(objects):
    """{name: object}, without what is each tool's own.

    Helm makes the namespace itself (--create-namespace), labels what it made, and has a test besides; the
    configuration file and the dashboard are compared by what they mean, not by layout.
    """
    found = {}
    for one in copy.deepcopy(objects):
        if one["kind"] == "Namespace" or "helm.sh/hook" in one["metadata"].get("annotations", {}):
            continue
        for label in HELM_LABELS:
            one["metadata"].get("labels", {}).pop(label, None)
        if one["metadata"].get("annotations") == {}:
            del one["metadata"]["annotations"]
        for key in one.get("data", {}):
            one["data"][key] = yaml.safe_load(one["data"][key])
        for match in ROUTES.get(one["kind"], lambda _: [])(one):
            match.sort(key=repr)
        found[name_of(one)] = one
    return found


# The order of alternatives means nothing.
ROUTES = {
    "Ingress": lambda one: [rule["http"]["paths"] for rule in one["spec"]["rules"]],
    "HTTPRoute": lambda one: [rule["matches"] for rule in one["spec"]["rules"]],
    "VirtualService": lambda one: [rule["match"] for rule in one["spec"]["http"]],
    "NetworkPolicy": lambda one: [
        expression["values"] for rule in one["spec"]["ingress"] for peer in rule["from"]
        for expression in peer.get("namespaceSelector", {}).get("matchExpressions", [])],
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_chart_makes_the_objects_of_the_overlay(name, overlays, charts):
    by_kustomize, by_helm = normalised(overlays[name]), normalised(charts[name])
    assert by_helm.keys() == by_kustomize.keys()
    for key, one in by_kustomize.items():
        assert by_helm[key] == one, key


@pytest.mark.parametrize("setting, complaint", [
    ("image.tag=latest", "tag"),
    ("replica=3", "replica"),
    ("scrape=both", "scrape"),
    ("configuration.listen=0.0.0.0:80", "listen"),
    ("configuration.max-delay=1m", "max-delay"),
    ("expose=loadbalancer", "expose"),
    ("terminationGracePeriodSeconds=30", "requests would be cut off"),
])
def test_wrong_values_are_refused(setting, complaint, fetched):
    with pytest.raises(RenderError, match=complaint):
        rendering.helm("plain-prometheus", "--set", setting)


def test_the_dashboard_and_the_autoscaler_can_be_left_out(fetched):
    kinds = [one["kind"] for one in rendering.helm(
        "plain-prometheus", "--set", "dashboard=false,autoscaling.enabled=false")]
    assert "HorizontalPodAutoscaler" not in kinds and kinds.count("ConfigMap") == 1


def test_a_release_of_another_name_shares_nothing_with_the_first(fetched):
    text = yaml.safe_dump_all(rendering.objects(
        rendering.FOLDER / "helm", "template", "second", rendering.CHART, "--namespace", "httpserver",
        "--set", "dashboard=false"))
    selectors = [one for one in yaml.safe_load_all(text) if one["metadata"]["name"].startswith("httpserver")]
    assert selectors == [] and "app: httpserver" not in text


def test_helm_test_runs_verify(charts):
    """The arguments are those of the real command; what it says of a real Prometheus: test_discovery.py."""
    pod = only(charts["plain-prometheus"], "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = pod["spec"]["containers"]
    assert container["image"] == only(charts["plain-prometheus"], "Deployment")[
        "spec"]["template"]["spec"]["containers"][0]["image"]
    assert container["args"][0] == "verify"
    # It is no server: neither Service nor NetworkPolicy may take it for one.
    assert pod["metadata"]["labels"]["app"] != "httpserver"
