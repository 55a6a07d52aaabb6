"""/metrics in every format, compressed or not, and what a real Prometheus makes of it."""

import gzip

import pytest

from stack.awaiting import await_condition

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"

PROMETHEUS_2_NATIVE = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;"
    "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")


@pytest.mark.parametrize("accept, content_type", [
    (None, TEXT),
    ("*/*", TEXT),
    ("text/plain; version=1.0.0", TEXT),
    ("text/html", TEXT),
    ("application/openmetrics-text;version=1.0.0", OPENMETRICS),
    (PROMETHEUS_3, OPENMETRICS),
    (PROMETHEUS_2_NATIVE, PROTOBUF),
    ("application/openmetrics-text;version=1.0.0;q=0, text/plain;q=0.1", TEXT),
])
def test_the_format_that_accept_asks_for(server, accept, content_type):
    one = server("--delay", "none")
    status, fields, body = one.get("/metrics", headers={"accept": accept} if accept else {})
    assert (status, fields["content-type"]) == (200, content_type)
    assert body.endswith(b"# EOF\n") == (content_type == OPENMETRICS)


@pytest.mark.parametrize("accept_encoding, compressed", [
    ("gzip", True), ("GZIP", True), ("br, gzip;q=0.5", True), ("*", True),
    ("gzip;q=0", False), ("gzip;q=0.000, *", False), ("identity", False), ("br", False),
])
def test_compressed_when_accepted(server, accept_encoding, compressed):
    one = server("--delay", "none")
    _, fields, body = one.get("/metrics", headers={"accept-encoding": accept_encoding})
    assert (fields.get("content-encoding") == "gzip") == compressed
    text = gzip.decompress(body) if compressed else body
    assert b"\nhttpserver_execution_latency_seconds_count" in text


def exemplars_of(one, family):
    _, _, body = one.get("/metrics", headers={"accept": OPENMETRICS})
    return [line.split(" # ", 1)[1] for line in body.decode().splitlines()
            if line.startswith(family + "_bucket") and " # " in line]


@pytest.mark.parametrize("delay", ["none", "const(20ms)"])
def test_a_traced_request_leaves_its_trace(server, delay):
    one = server("--delay", delay, "--workers", "1")
    one.get("/")
    for wrong in ("rubbish", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"):
        one.get("/", headers={"traceparent": wrong})
    families = ("httpserver_execution_latency_seconds", "httpserver_request_duration_seconds")
    for family in families:
        assert exemplars_of(one, family) == []
    one.get("/", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    for family in families:
        await_condition(lambda family=family: len(exemplars_of(one, family)) == 1,
                        timeout_seconds=20, what="the exemplar")
        assert f'trace_id="{TRACE}"' in exemplars_of(one, family)[0]
        assert f'span_id="{PARENT}"' in exemplars_of(one, family)[0]


def test_prometheus_with_native_histograms_keeps_the_buckets(server, prometheus):
    """It takes the one family as native, and the `_bucket` series of the other stay."""
    one = server("--delay", "const(50ms)")
    watching = prometheus(one, native_histograms=True)
    for _ in range(20):
        one.get("/")
    watching.await_value('httpserver_execution_latency_seconds_bucket{le="+Inf"}', 20)
    native = 'histogram_count(httpserver_request_duration_seconds{route="/"})'
    watching.await_value(native, 20)
    assert watching.query("httpserver_request_duration_seconds_bucket") == []
    median = watching.value('histogram_quantile(0.5, httpserver_request_duration_seconds{route="/"})')
    mean = watching.value('histogram_sum(httpserver_request_duration_seconds{route="/"})') / 20
    assert 0.05 / 1.1 <= median
    assert abs(median / mean - 1) < 0.5, "one law, one bucket or two"
