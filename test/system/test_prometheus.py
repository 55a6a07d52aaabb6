"""The real Prometheus scrapes the real server, and its answers are those of the law."""

import math
import subprocess

import pytest

from stack import exposition
from stack.load import Hey

pytestmark = pytest.mark.threads

FAMILY = "httpserver_execution_latency_seconds"
BOUNDS = [0.001 * 2 ** k for k in range(15)] + [math.inf]
QUANTILES = (0.5, 0.9, 0.95, 0.99)


def page_of(server):
    return exposition.fetch(server.url("/metrics"))


def send(server, *, requests, connections):
    assert Hey(server.url("/"), requests=requests, connections=connections).answers() \
        == {200: requests}


def test_target_is_up_without_any_complaint(server, prometheus):
    target = server("--delay", "none")
    database = prometheus(target)
    database.await_scrape()
    send(target, requests=200, connections=10)
    database.await_value(f'{FAMILY}_count{{step="total"}}', 200)
    states = [(state["health"], state["lastError"]) for state in database.targets()]
    assert states == [("up", "")]
    # What Prometheus stored is all that the page held, none refused as a duplicate or out of order.
    scraped = database.value("scrape_samples_scraped")
    assert scraped == database.value("scrape_samples_post_metric_relabeling") > 20
    assert "scrape" not in database.process.stderr_text()


def test_promtool_finds_nothing(server):
    target = server("--delay", "none")
    for method, path in (("GET", "/"), ("HEAD", "/"), ("GET", "/nowhere"), ("DELETE", "/"),
                         ("GET", "/healthz"), ("GET", "/metrics")):
        target.get(path, method=method)
    checked = subprocess.run(["/usr/bin/promtool", "check", "metrics"], capture_output=True,
                             text=True, input=page_of(target).text, timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_family_that_dashboards_query(server):
    target = server("--delay", "none")
    target.get("/")
    page = page_of(target)
    assert f"# HELP {FAMILY} Time spent.\n# TYPE {FAMILY} histogram\n" in page.text
    assert [float(labels["le"]) for labels, _ in page.find(FAMILY + "_bucket")] == BOUNDS
    steps = {labels.get("step") for name, labels, _ in page.samples if name.startswith(FAMILY)}
    assert steps == {"total"}


def test_count_equals_the_last_bucket_in_every_scrape_under_load(server):
    target = server("--delay", "none", "--workers", "2")
    load = Hey(target.url("/"), seconds=4, connections=50)
    counts = []
    while load.running():
        histogram = page_of(target).histogram(FAMILY, step="total")
        in_buckets = [count for _, count in histogram.buckets]
        assert in_buckets == sorted(in_buckets)
        assert histogram.buckets[-1] == (math.inf, histogram.count)
        counts.append(histogram.count)
    answered = load.answers()[200]
    assert counts == sorted(counts)
    assert len(set(counts)) > 20, "scrapes did not overlap the load"
    assert page_of(target).histogram(FAMILY).count == answered


def inverse_uniform(least, most):
    return lambda q: least + (most - least) * min(max(q, 0.0), 1.0)


@pytest.mark.parametrize("law, inverse, requests, connections", [
    # The constant lies at a bucket's lower end, far from what a busy machine could add.
    ("const(130ms)", lambda q: 0.13, 300, 50),
    ("uniform(0s,2s)", inverse_uniform(0.0, 2.0), 2000, 400),
])
def test_quantiles_are_those_of_the_law(server, prometheus, law, inverse, requests, connections):
    target = server("--delay", law, "--seed", "1")
    database = prometheus(target)
    database.await_scrape()
    send(target, requests=requests, connections=connections)
    database.await_value(f'{FAMILY}_count{{step="total"}}', requests)
    histogram = page_of(target).histogram(FAMILY, step="total")
    for q in QUANTILES:
        answer = database.value(f"histogram_quantile({q}, sum by (le) ({FAMILY}_bucket))")
        assert answer == pytest.approx(histogram.quantile(q), rel=1e-9)
        # A sample of this size has its q-quantile between these two of the law, but for one in
        # millions; a histogram tells no more than the buckets that they fall into.
        margin = 5 * math.sqrt(q * (1 - q) / requests)
        lower = histogram.bucket_of(inverse(q - margin))[0]
        upper = histogram.bucket_of(inverse(q + margin))[1]
        assert lower < answer <= upper, f"p{q * 100:g} of {law}"


def test_the_law_is_exported_beside_the_measurement(server):
    page = page_of(server("--delay", "uniform(0s,2s)"))
    expected = {float(labels["q"]): value for labels, value in page.find(
        "httpserver_expected_latency_quantile_seconds", route="/")}
    assert set(QUANTILES) <= set(expected)
    for q, value in expected.items():
        assert value == pytest.approx(2 * q, rel=1e-6, abs=1e-9)
    assert page.value("httpserver_expected_latency_mean_seconds", route="/") == pytest.approx(1.0)
