"""What others say of libmeter's pages: the strict OpenMetrics parser, promtool, Prometheus."""

import json
import math
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

TEXT, OPENMETRICS, PROTOBUF = 0, 1, 2
OBSERVATIONS = 100000


@pytest.fixture(scope="module")
def demo(drive):
    return drive.parent / "meter_demo"


def page(demo, number):
    return subprocess.run([demo, "page", str(number)], capture_output=True, check=True).stdout


def test_openmetrics_parser_takes_everything(demo):
    families = {f.name: f for f in parse_openmetrics(page(demo, OPENMETRICS).decode())}
    assert families["requests"].type == "counter"
    assert families["requests"].documentation == 'Requests \\ "quoted"\nand more.'
    samples = {s.labels.get("path"): s for s in families["requests"].samples if s.name == "requests_total"}
    assert samples['/\ufffd"} 1\nforged 1\n'].value == 3
    assert samples['/\ufffd"} 1\nforged 1\n'].exemplar.labels == {"trace_id": '"\\\n'}
    assert samples["/\\"].value == 0.5
    assert "refused" not in samples
    refused = families["meter_series_refused"].samples
    assert [(s.labels["family"], s.value) for s in refused if s.name.endswith("_total")] == [("requests_total", 1)]
    assert families["classic_seconds"].type == "histogram"
    marked = [s for s in families["classic_seconds"].samples if s.exemplar]
    assert marked[0].exemplar.labels == {"trace_id": "0123456789abcdef" * 2, "span_id": "0123456789abcdef"}
    assert marked[0].labels["le"] == "0.1"
    assert any(s.name == "classic_seconds_created" for s in families["classic_seconds"].samples)
    assert families["native_seconds"].unit == "seconds"
    assert not [s for s in families["negative"].samples if s.name in ("negative_sum", "negative_count")]
    assert families["build"].type == "info"
    assert families["phase"].type == "stateset"
    assert {s.labels["phase"]: s.value for s in families["phase"].samples} == {"starting": 0, "ready": 1}
    assert families["summary_seconds"].type == "summary"
    emitted = families["emitted_sizes"].samples
    assert [s.value for s in emitted if s.name.endswith("_bucket")] == [1, 3, 6, 10]


def test_text_parser_and_openmetrics_agree(demo):
    text = {(s.name, tuple(sorted(s.labels.items()))) for f in parse_text(page(demo, TEXT).decode()) for s in f.samples}
    assert ("requests_total", (("code", "404"), ("path", "/\\"))) in text
    assert not [name for name, _ in text if "forged" in name or name.endswith("_created")]


def test_summary_quantiles_are_within_their_error(demo):
    samples = {s.labels.get("quantile"): s.value for f in parse_text(page(demo, TEXT).decode())
               if f.name == "summary_seconds" for s in f.samples}
    for quantile, truth in (("0.5", 500), ("0.9", 900), ("0.99", 990)):
        assert abs(samples[quantile] / truth - 1) <= 0.022


def test_promtool_finds_nothing(demo):
    # Only the families that follow promtool's taste in names: it warns about what others chose.
    result = subprocess.run(["promtool", "check", "metrics"], input=page(demo, TEXT), capture_output=True)
    complaints = [line for line in (result.stdout + result.stderr).decode().splitlines()
                  if not any(word in line for word in ("no help text", "abbreviated"))]
    assert complaints == []


def test_text_file_is_the_page(demo, tmp_path):
    path = tmp_path / "demo.prom"
    subprocess.run([demo, "textfile", path], check=True)
    names = {f.name for f in parse_text(path.read_text())}
    assert {"requests", "phase", "native_seconds"} <= names
    assert [p.name for p in tmp_path.iterdir()] == ["demo.prom"]
    failed = subprocess.run([demo, "textfile", tmp_path / "missing" / "x"], capture_output=True)
    assert failed.returncode == 1 and b"creating" in failed.stderr


PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
DELIMITED = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize("accept, expected", [
    ("", TEXT), ("*/*", TEXT), ("text/html, */*;q=0.8", TEXT), ("nonsense;;;,,/", TEXT),
    (PROMETHEUS_2, OPENMETRICS), (PROMETHEUS_3, OPENMETRICS),
    (f"{DELIMITED},{PROMETHEUS_2}", PROTOBUF), (f"{DELIMITED};q=0.6,{PROMETHEUS_3}", PROTOBUF),
    ("text/plain; version=1.0.0", TEXT), ("application/openmetrics-text; version=0.0.1", TEXT),
    ("application/openmetrics-text;q=0, text/plain", TEXT), ("text/plain;q=0.4, application/openmetrics-text;q=0.5", OPENMETRICS),
    ("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"", OPENMETRICS), ("application/*", OPENMETRICS),
    ("application/vnd.google.protobuf", TEXT), ("text/plain;q=0, */*", OPENMETRICS),
    ("application/openmetrics-text;q=0.3,*/*;q=0.9", TEXT), (f"{DELIMITED};q=0,*/*", TEXT),
])
def test_negotiation(demo, accept, expected):
    result = subprocess.run([demo, "negotiate", accept], capture_output=True, check=True, text=True)
    assert int(result.stdout) == expected


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def query(port, expression):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(url, timeout=5) as response:
        return json.load(response)["data"]["result"]


def await_value(port, expression, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            result = query(port, expression)
            if result:
                return float(result[0]["value"][1])
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"no value of {expression} within {seconds} s")


@pytest.fixture
def prometheus(demo, tmp_path):
    """Debian's Prometheus with native histograms on, scraping the demo."""
    server = subprocess.Popen([demo, "serve", str(OBSERVATIONS)], stdout=subprocess.PIPE, text=True)
    target = server.stdout.readline().strip()
    port = free_port()
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n"
        f"- job_name: demo\n  static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n")
    scraper = subprocess.Popen(
        ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'data'}",
         f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=native-histograms,exemplar-storage",
         "--log.level=error"])
    yield port
    for process in (scraper, server):
        process.terminate()
        process.wait(20)


def test_prometheus_reads_native_histograms(prometheus):
    assert await_value(prometheus, "up == 1") == 1
    assert await_value(prometheus, "histogram_count(native_seconds)") == OBSERVATIONS
    # Within a bucket of the truth: 2^(1/8) wide, and PromQL interpolates inside it.
    for quantile in (0.1, 0.5, 0.9, 0.99, 0.999):
        truth = -math.log(1 - quantile) / 10
        value = await_value(prometheus, f"histogram_quantile({quantile}, native_seconds)")
        assert 2 ** (-1 / 8) <= value / truth <= 2 ** (1 / 8)
    mean = await_value(prometheus, "histogram_sum(native_seconds) / histogram_count(native_seconds)")
    assert abs(mean - 0.1) < 0.001
    # What is classic keeps its buckets in protobuf, too.
    assert await_value(prometheus, 'classic_seconds_bucket{le="+Inf"}') == OBSERVATIONS + 1
    values = {r["metric"]["path"]: r["value"][1] for r in query(prometheus, "requests_total")}
    assert values == {'/\ufffd"} 1\nforged 1\n': "3", "/\\": "0.5"}
    assert await_value(prometheus, 'phase{phase="ready"}') == 1
    assert query(prometheus, "forged") == []
