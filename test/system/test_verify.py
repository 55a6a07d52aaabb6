"""`httpserver verify` against the real Prometheus: right on a healthy stack, and it names the
stage of each mistake that was made on purpose."""

import html.parser
import re
import xml.etree.ElementTree

import pytest

from stack import ports
from verify_stack import LAW, REQUESTS, Proxy, Verdict, zoo

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def stacks(binary):
    with zoo() as made:
        yield made


def expect(verdict, status, stage, words=""):
    """The verdict names `stage` as the first fault, and its likely cause has `words`."""
    assert (verdict.status, verdict.report["stage"]) == (status, stage), verdict.output
    assert words in (verdict.stage(stage)["likely_cause"] or ""), verdict.output


def test_a_healthy_stack_holds(stacks):
    verdict = stacks.verify_healthy("--require", "rules,alertmanager")
    assert (verdict.status, verdict.report["verdict"]) == (0, "holds"), verdict.output
    assert verdict.report["stage"] is None
    assert set(verdict.statuses().values()) <= {"ok", "skipped"}
    skipped = [name for name, status in verdict.statuses().items() if status == "skipped"]
    assert skipped in ([], ["native"])
    assert verdict.report["requests_served"] == 2 * REQUESTS
    assert len(verdict.report["servers"]) == 2
    assert {server["law"] for server in verdict.report["servers"]} == {LAW}


def test_a_server_with_several_rules_holds(stacks):
    """What was served is judged, whichever rules it was under; there is no one law to show."""
    verdict = stacks.verify_broken(stacks.servers["ruled"])
    assert (verdict.status, verdict.report["verdict"]) == (0, "holds"), verdict.output
    assert verdict.report["requests_served"] == REQUESTS + 120
    assert [server["law"] for server in verdict.report["servers"]] == [None]
    assert all(row["law_seconds"] is None for row in verdict.report["quantiles"])


def test_the_servers_may_be_named(stacks):
    verdict = stacks.verify_healthy(
        "--target", stacks.servers["one"].url("") + "," + stacks.servers["two"].url("/"))
    assert verdict.status == 0, verdict.output
    assert verdict.statuses()["rules"] == verdict.statuses()["alertmanager"] == "skipped"


def test_every_row_of_the_table_is_right(stacks):
    rows = [row for row in stacks.verify_healthy().report["quantiles"]
            if row["source"] == "classic"]
    assert [row["quantile"] for row in rows] == [0.5, 0.9, 0.95, 0.99, 0.999]
    for row in rows:
        assert row["holds"]
        # What a query of one's own answers, and what the samples that were compared come to.
        asked = stacks.healthy.ask("query", query=row["expression"],
                                   time=stacks.verify_healthy().report["evaluated_at"])
        assert len(asked["result"]) == 1
        assert row["samples_seconds"] == pytest.approx(row["promql_seconds"], rel=1e-9)
        assert row["law_seconds"] == pytest.approx(0.2 * row["quantile"], rel=1e-6)
        # Nothing is answered before its delay is over.
        assert row["true_seconds"] > 0.9 * row["law_seconds"] - 0.01
        assert row["tolerated_lower_seconds"] <= row["promql_seconds"] \
            <= row["tolerated_upper_seconds"]
        # The ends are bounds of the server's, 0.001 * 2^k.
        assert row["tolerated_upper_seconds"] in [0.001 * 2 ** k for k in range(15)]
        assert 0 < row["rank_tolerance"] < 0.2


def test_native_quantiles_where_there_are_native_samples(stacks):
    found = stacks.healthy.ask("query", query="httpserver_request_duration_seconds")["result"]
    verdict = stacks.verify_healthy()
    if not any("histogram" in series for series in found):
        assert verdict.statuses()["native"] == "skipped"
        pytest.skip("the server offers no native histogram")
    assert verdict.statuses()["native"] == "ok", verdict.output
    rows = [row for row in verdict.report["quantiles"] if row["source"] == "native"]
    assert len(rows) == 5
    for row in rows:
        assert row["tolerated_lower_seconds"] <= row["promql_seconds"] \
            <= row["tolerated_upper_seconds"]


def test_advice_on_buckets(stacks):
    layouts = {layout["layout"]: layout for layout in stacks.verify_healthy().report["layouts"]}
    assert len(layouts) == 5
    own = layouts["this server's"]
    assert own["bounds_seconds"] == pytest.approx([0.001 * 2 ** k for k in range(15)])
    # 200 ms lies in a bucket that ends at 256 ms; bounds around the quantiles do better.
    assert own["worst_error_ratio"] > 0.1
    fitted = layouts["fitted: 2.5 % around each"]
    assert abs(fitted["worst_error_ratio"]) < 0.05 < abs(own["worst_error_ratio"])
    assert len(fitted["bounds_seconds"]) < len(own["bounds_seconds"])


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_needs_nothing_else(stacks):
    page = stacks.verify_healthy(form="html")
    assert page.status == 0
    tags = Tags()
    tags.feed(page.output)
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(tags.tags)
    assert not {"src", "href", "action", "data"} & {name for name, _ in tags.attributes}
    assert "url(" not in page.output and "@import" not in page.output
    for name in stacks.verify_healthy().statuses():
        assert ("id", name) in tags.attributes
    picture = xml.etree.ElementTree.fromstring(
        re.search(r"<svg.*</svg>", page.output, re.DOTALL)[0])
    outlines = [path for path in picture.iter("path") if path.get("d").endswith("Z")]
    assert len(outlines) == 2
    assert len(list(picture.iter("circle"))) == 10  # five quantiles, true and PromQL's


def test_the_text_has_stages_table_advice_and_verdict(stacks):
    text = stacks.verify_healthy(form="text").output
    for name in stacks.verify_healthy().statuses():
        assert re.search(rf"^  (ok|skipped) +{name} ", text, re.MULTILINE), text
    assert re.search(r"^  classic  p99\.9 .* ok$", text, re.MULTILINE)
    assert "histogram_quantile(0.95, sum by (le)" in text
    assert "client_golang's default" in text
    assert text.endswith("verdict: the stack tells the truth\n")


def test_target_down(stacks):
    class Dead:
        def url(self, path):
            return f"http://127.0.0.1:{stacks.dead_port}{path}"

    expect(stacks.verify_broken(Dead()), 1, "scraped", "target down")


@pytest.mark.parametrize("server, stage, words", [
    ("port", "discovered", "wrong port"),
    ("path", "scraped", "wrong path"),
    ("relabelled", "discovered", "relabelled away"),
    ("twice", "once", "scraped by two jobs"),
    ("metric", "metrics", "metric dropped"),
    ("label", "labels", "label dropped"),
    ("instance", "labels", "label dropped"),
    ("buckets", "buckets", "wrong bucket layout"),
    ("limited", "scraped", "body size limit"),
    ("restarted", "restarts", "restarted server"),
])
def test_the_stage_of_a_mistake_is_named(stacks, server, stage, words):
    expect(stacks.verify_broken(stacks.servers[server]), 1, stage, words)


def test_scrape_slower_than_window(stacks):
    stacks.broken.await_value('up{job="slow"}', 1)
    expect(stacks.verify_broken(stacks.servers["slow"], window="10s"), 1, "interval",
           "scrape slower than window")


def test_two_servers_and_one_missing(stacks):
    verdict = stacks.verify_broken(stacks.servers["one"], stacks.servers["lonely"])
    expect(verdict, 1, "present")
    assert f"missing: 127.0.0.1:{stacks.servers['lonely'].port}" \
        in verdict.stage("present")["evidence"]


def test_one_server_under_two_addresses(stacks):
    server = stacks.servers["addresses"]

    class Mapped:
        def url(self, path):
            return f"http://[::ffff:127.0.0.1]:{server.port}{path}"

    expect(stacks.verify_broken(server, Mapped()), 1, "once", "two addresses")


def test_requests_beyond_the_highest_bound(stacks):
    verdict = stacks.verify_broken(stacks.servers["beyond"])
    expect(verdict, 1, "classic", "wrong bucket layout")
    assert {row["promql_seconds"] for row in verdict.report["quantiles"]} == {16.384}
    assert all(row["true_seconds"] >= 16.4 * 0.999 for row in verdict.report["quantiles"])


def test_a_load_balanced_service(stacks):
    expect(stacks.verify_broken(stacks.balanced), 1, "present", "load-balanced Service")


def test_samples_that_are_not_what_was_rendered(stacks):
    verdict = stacks.verify_broken(stacks.changed)
    expect(verdict, 1, "samples")
    assert "httpserver_requests_total" in verdict.stage("samples")["evidence"]


@pytest.mark.parametrize("offset", ["+300s", "-300s"])
def test_clock_skew_in_the_query_time(stacks, offset):
    expect(stacks.verify_healthy(wrap=("/usr/bin/faketime", "-f", offset),
                                 env={"DONT_FAKE_MONOTONIC": "1",
                                      "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}),
           1, "clocks", "clock skew in the query time")


def test_rule_file_and_alertmanager_missing(stacks):
    verdict = Verdict("--prometheus", stacks.broken.url(""), "--target",
                      stacks.servers["one"].url(""), "--window", "120s", "--require",
                      "alertmanager,rules")
    expect(verdict, 1, "rules", "rule file missing")
    assert verdict.statuses()["alertmanager"] == "failed"
    assert "down" in verdict.stage("alertmanager")["likely_cause"]


def test_a_query_layer_that_changes_answers(stacks):
    def slower(path, body):
        if "histogram_quantile" not in path:
            return body
        return re.sub(rb'"value":\[([\d.]+),"([\d.e-]+)"\]',
                      lambda match: b'"value":[%s,"%g"]' % (match[1], float(match[2]) * 1.01), body)

    proxy = Proxy((ports.LOOPBACK, stacks.healthy.port), change=slower)
    try:
        verdict = Verdict("--prometheus", proxy.url(""), "--window", "120s")
        expect(verdict, 1, "classic", "what answers is not these samples")
    finally:
        proxy.stop()


def test_a_program_without_truth(stacks):
    verdict = stacks.verify_broken(stacks.pretender)
    expect(verdict, 2, "truth")
    assert verdict.statuses()["classic"] == "skipped"


def test_nobody_there(stacks):
    verdict = Verdict("--prometheus", f"http://127.0.0.1:{stacks.dead_port}")
    expect(verdict, 2, "prometheus")
    assert "Connection refused" in verdict.stage("prometheus")["evidence"]
    assert set(verdict.statuses().values()) == {"unknown", "skipped"}


def test_what_is_there_is_no_prometheus(stacks):
    expect(Verdict("--prometheus", stacks.servers["one"].url("")), 2, "prometheus")


def test_without_requests_there_is_no_verdict(stacks):
    verdict = stacks.verify_broken(stacks.servers["quiet"])
    expect(verdict, 2, "classic", "no traffic")
    assert verdict.statuses()["samples"] == "ok"


@pytest.mark.parametrize("arguments, words", [
    (["--window", "15s"], "--window '15s': must be a multiple of 10s"),
    (["--window", "20m"], "--window '20m': must be from 10s to 900s"),
    (["--require", "rules,everything"], "--require 'everything': expected rules or alertmanager"),
    (["--format", "xml"], "--format 'xml'"),
    (["--prometheus", "https://example.org"], "https is not spoken here"),
    (["--target", "example.org:80"], "expected http://HOST[:PORT][/PREFIX]"),
    (["--listen", ":8080"], "--listen: not an option of this command"),
])
def test_wrong_options(binary, arguments, words):
    verdict = Verdict(*arguments, form="text")
    assert verdict.status == 2 and verdict.output == ""
    assert words in verdict.errors and verdict.errors.count("\n") == 1
