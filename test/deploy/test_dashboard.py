"""The Grafana dashboard: its form, and each query of each panel against a real Prometheus."""

import itertools
import re
import time
import xml.dom.minidom

import pytest
import yaml

from stack import dashboard, pictures
from stack.awaiting import await_condition
from stack.load import Hey
from stack.prometheus import Prometheus
from stack.server import Server
from suite.command import ROOT

FAMILY = "httpserver_execution_latency_seconds"
VARIABLES = {"namespace": ".*", "__rate_interval": "15s"}
BOARD = dashboard.load()
PANELS = list(dashboard.panels(BOARD))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def loaded(binary, stack):
    """A Prometheus that has scraped two servers under load, and when that began."""
    servers = [Server("--delay", "uniform(0s,200ms)", "--seed", f"7@{name}", "--log", "off")
               for name in "ab"]
    for server in servers:
        stack.callback(server.stop)
    prometheus = Prometheus(configuration=pictures.configuration(
        {f"httpserver-{name}": f"{server.host}:{server.port}" for name, server in zip("ab", servers)},
        seconds=1), flags=(*pictures.FLAGS, "--scrape.discovery-reload-interval=200ms"))
    stack.callback(prometheus.stop)
    prometheus.await_value("count(up == 1)", 2)
    start = time.time()
    for server in servers:
        stream = Hey(server.url("/"), requests=600, connections=60)
        server.get("/", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
        assert stream.answers() == {200: 600}
    prometheus.await_value(f"sum({FAMILY}_count)", 1202)
    # A second scrape after the last request: rates need two, and the rules are evaluated each second.
    prometheus.await_value("count(count_over_time(up[1m]) > 3)", 2)
    prometheus.await_value('count(job_namespace:httpserver_requests:rate5m)', 1, timeout_seconds=60)
    return prometheus, start


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_query_of_a_panel_gives_data(panel, loaded):
    prometheus, start = loaded
    answers = dashboard.ask(prometheus, panel, VARIABLES, start, time.time(), 1)
    assert len(answers.series) == len(panel["targets"])
    for target, found in zip(panel["targets"], answers.series):
        values = [value for series in found for _, value in series.points if value is not None]
        assert values, target["expr"]
        assert "{{" not in found[0].legend
    # Prometheus 2.42 keeps no exemplars of native histograms, so none of the family by route.
    if any(target.get("exemplar") and FAMILY in target["expr"] for target in panel["targets"]):
        assert TRACE in {trace for _, _, trace in answers.exemplars}


def test_the_measurement_is_near_the_truth_drawn_over_it(loaded):
    prometheus, _ = loaded
    (panel,) = [panel for panel in PANELS if panel["type"] == "bargauge"]
    for target in panel["targets"]:
        promql = dashboard.expression(target, {**VARIABLES, "__rate_interval": "5m"})
        # Buckets double; more a histogram cannot know.
        assert 0.5 < prometheus.value(promql) < 2, promql


def test_the_rules_are_evaluated_without_an_error(loaded):
    """By a Prometheus that stores the family by route as a native histogram, which promtool's cases do not."""
    prometheus, _ = loaded
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    await_condition(lambda: all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"]
                                for rule in group["rules"]),
                    timeout_seconds=60, every_seconds=0.2, what="an evaluation of every rule")
    assert {rule["name"] for rule in rules} >= {"HttpserverTruthAndMeasurementApart"}
    recorded = "job_namespace_route:httpserver_request_duration_seconds:histogram_quantile_rate5m"
    found = {labels["q"]: value for labels, value in prometheus.query(f'{recorded}{{route="/"}}')}
    expected = {labels["q"]: value for labels, value in prometheus.query(
        'max by (q) (httpserver_expected_latency_quantile_seconds{route="/"})')}
    assert found.keys() == {"0.5", "0.9", "0.95", "0.99"} <= expected.keys()


def test_the_variables_find_the_namespace(loaded):
    prometheus, _ = loaded
    assert prometheus.ask("label/kubernetes_namespace/values", **{
        "match[]": "httpserver_build_info"}) == ["httpserver"]
    for panel in PANELS:
        for target in panel["targets"]:
            other = dashboard.expression(target, {**VARIABLES, "namespace": "another"})
            found = prometheus.query(other)
            course = "$namespace" not in target["expr"]
            # A zero that stands for nothing may stay.
            assert course or all(value == 0 or value != value for _, value in found), target["expr"]


def test_the_annotation_can_be_asked(loaded):
    prometheus, _ = loaded
    for annotation in BOARD["annotations"]["list"]:
        if "expr" in annotation:
            prometheus.query(dashboard.expression(annotation, VARIABLES))


def test_the_courses_queries_are_panels():
    asked = {target["expr"] for panel in PANELS for target in panel["targets"]}
    for q in ("0.50", "0.90", "0.95"):
        assert f"histogram_quantile({q}, sum(rate({FAMILY}_bucket[5m])) by (le))" in asked


def test_the_form_is_grafanas():
    assert BOARD["schemaVersion"] == 42  # the last one of this form
    assert BOARD["uid"] == "httpserver" and "id" not in BOARD
    variables = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["namespace"]["type"] == "query"
    assert variables["namespace"]["allValue"] == ".*"
    identities = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(identities)) == len(identities)
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            assert set(re.findall(r"\$\{?(\w+)", target["expr"])) <= {"namespace", "__rate_interval"}


def test_panels_do_not_overlap():
    taken = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = set(itertools.product(range(place["x"], place["x"] + place["w"]),
                                      range(place["y"], place["y"] + place["h"])))
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_provisioning_fits_the_dashboard():
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    source = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"
    # The servers' exemplars carry this label.
    assert source["jsonData"]["exemplarTraceIdDestinations"][0]["name"] == "trace_id"
    provider = yaml.safe_load((folder / "dashboards/httpserver.yaml").read_text())["providers"][0]
    assert provider["options"]["path"].startswith("/")


def test_pictures_are_drawn_and_committed_for_each_panel(loaded, tmp_path):
    prometheus, start = loaded
    pictures.draw(prometheus, start, time.time(), tmp_path, step=1, variables=VARIABLES)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in pictures.FOLDER.glob("*.svg")}, "run script/pictures"
    for path in tmp_path.iterdir():
        xml.dom.minidom.parseString(path.read_text())
    whole = (tmp_path / "dashboard.svg").read_text()
    assert all(panel["title"] in whole for panel in BOARD["panels"])
