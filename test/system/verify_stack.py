"""What test_verify.py runs against: real servers and Prometheus, most of them wired up wrongly."""

import contextlib
import http.client
import http.server
import itertools
import json
import pathlib
import subprocess
import tempfile
import threading

from stack import ports
from stack.awaiting import await_condition
from stack.load import Hey
from stack.process import Process
from stack.prometheus import Prometheus
from stack.server import Server, binary_path, clean_environment

LAW = "uniform(0s,200ms)"
BEYOND = "const(16.4s)"  # the highest bound is 16.384 s
# A server with several rules, each with a law of its own.
RULED = """
rules:
  - {route: /, share: 0.5, delay: "uniform(100ms,150ms)", errors: 0.2:503}
  - {route: /version, delay: const(50ms), errors: 0.5}
"""
REQUESTS = 1200
# Prometheus looks for new targets every 5 s unless this (hidden) flag says otherwise.
QUICK = ("--scrape.discovery-reload-interval=200ms",)
DROP_LATENCY = """
    metric_relabel_configs:
      - {source_labels: [__name__], regex: 'httpserver_execution_latency_.*', action: drop}"""
DROP_LABEL = """
    metric_relabel_configs:
      - {regex: 'code', action: labeldrop}"""
DROP_INSTANCE = """
    metric_relabel_configs:
      - {regex: 'instance', action: labeldrop}"""
DROP_BUCKETS = """
    metric_relabel_configs:
      - {source_labels: [le], regex: '0.064|0.128', action: drop}"""
DROP_TARGET = """
    relabel_configs:
      - {source_labels: [__address__], regex: '.*', action: drop}"""


def job(name, *addresses, more=""):
    targets = ", ".join(f"'{address}'" for address in addresses)
    return f"  - job_name: {name}\n    static_configs:\n      - targets: [{targets}]{more}\n"


def configuration(jobs, *, rule_files="", alertmanager=""):
    text = "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
    if rule_files:
        text += f"rule_files: ['{rule_files}']\n"
    if alertmanager:
        text += f"alerting: {{alertmanagers: [static_configs: [targets: ['{alertmanager}']]]}}\n"
    return text + "scrape_configs:\n" + "".join(jobs)


def address(server):
    return f"{server.host}:{server.port}"


class Proxy:
    """Hands requests on to `backends` in turn; `change(path, body)` may alter what they answer."""

    def __init__(self, *backends, change=lambda path, body: body):
        backend = itertools.cycle(backends)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host, port = next(backend)
                connection = http.client.HTTPConnection(host, port, timeout=20)
                connection.request("GET", self.path)
                answer = connection.getresponse()
                body = change(self.path, answer.read())
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                connection.close()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((ports.LOOPBACK, 0), Handler)
        self.host, self.port = self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path=""):
        return f"http://{self.host}:{self.port}{path}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Verdict:
    """What `httpserver verify` said, as its JSON and its exit status have it."""

    def __init__(self, *arguments, wrap=(), env=None, form="json"):
        done = subprocess.run(
            [*wrap, binary_path(), "verify", "--format", form, *map(str, arguments)],
            capture_output=True, text=True, env=clean_environment(env), timeout=60)
        self.status = done.returncode
        self.output = done.stdout
        self.errors = done.stderr
        self.report = json.loads(done.stdout) if form == "json" and done.stdout else None

    def stage(self, name):
        return next(stage for stage in self.report["stages"] if stage["stage"] == name)

    def statuses(self):
        return {stage["stage"]: stage["status"] for stage in self.report["stages"]}


class Zoo:
    """One Prometheus that is wired up as it should be, and one with a mistake in each job."""

    def __init__(self, stack):
        self._stack = stack
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.dead_port = ports.any_free()
        self.servers = {name: self._server() for name in (
            "one", "two", "port", "path", "relabelled", "twice", "addresses", "metric", "label",
            "instance", "slow", "lonely", "buckets", "limited", "quiet", "restarted")}
        self.servers["beyond"] = self._server("--delay", BEYOND)
        (self.folder / "ruled.yaml").write_text(RULED)
        self.servers["ruled"] = self._server("--config", self.folder / "ruled.yaml",
                                             "--listen", f"{ports.LOOPBACK}:0")
        self.balanced = self._proxy(self.servers["one"], self.servers["two"])
        self.changed = self._proxy(self.servers["lonely"], change=self._one_request_more)
        self.pretender = self._pretender()
        self.alertmanager = self._alertmanager()
        self.healthy = self._healthy()
        self.broken = self._broken()

    def _server(self, *flags):
        law = () if "--delay" in flags else ("--delay", LAW)
        server = Server(*law, "--seed", "1", "--log", "off", *flags)
        self._stack.callback(server.stop)
        return server

    def _proxy(self, *servers, **options):
        proxy = Proxy(*[(server.host, server.port) for server in servers], **options)
        self._stack.callback(proxy.stop)
        return proxy

    @staticmethod
    def _one_request_more(path, body):
        if path != "/metrics":
            return body
        lines = [line + b"1" if line.startswith(b"httpserver_requests_total{") else line
                 for line in body.split(b"\n")]
        return b"\n".join(lines)

    def _pretender(self):
        """Another program that exposes what servers are recognised by."""
        page = b"# TYPE httpserver_build_info gauge\nhttpserver_build_info{version=\"0\"} 1\n"
        return self._proxy(self.servers["one"], change=lambda path, body: page)

    def _alertmanager(self):
        port = ports.any_free()
        (self.folder / "alertmanager.yml").write_text(
            "route: {receiver: none}\nreceivers: [{name: none}]\n")
        process = Process([
            "/usr/bin/prometheus-alertmanager", f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/alertmanager", "--cluster.listen-address=",
            f"--web.listen-address={ports.LOOPBACK}:{port}"])
        self._stack.callback(process.stop)
        return f"{ports.LOOPBACK}:{port}"

    def _healthy(self):
        (self.folder / "rules.yml").write_text(
            "groups:\n  - name: latency\n    rules:\n"
            "      - {record: 'job:httpserver_requests:rate1m', "
            "expr: 'sum by (job) (rate(httpserver_requests_total[1m]))'}\n")
        return self._prometheus(configuration(
            [job("httpserver", address(self.servers["one"]), address(self.servers["two"]))],
            rule_files=f"{self.folder}/rules.yml", alertmanager=self.alertmanager),
            native_histograms=True)

    def _broken(self):
        at = {name: address(server) for name, server in self.servers.items()}
        mapped = f"[::ffff:127.0.0.1]:{self.servers['addresses'].port}"
        return self._prometheus(configuration([
            job("down", f"127.0.0.1:{self.dead_port}"),
            job("path", at["path"], more="\n    metrics_path: /metric"),
            job("relabelled", at["relabelled"], more=DROP_TARGET),
            job("twice", at["twice"]), job("twice_again", at["twice"]),
            job("addresses", at["addresses"], mapped),
            job("metric", at["metric"], more=DROP_LATENCY),
            job("label", at["label"], more=DROP_LABEL),
            job("instance", at["instance"], more=DROP_INSTANCE),
            job("slow", at["slow"], more="\n    scrape_interval: 6s"),
            job("missing", at["one"]),
            job("buckets", at["buckets"], more=DROP_BUCKETS),
            job("limited", at["limited"], more="\n    body_size_limit: 1KB"),
            job("quiet", at["quiet"]),
            job("beyond", at["beyond"]),
            job("ruled", at["ruled"]),
            job("restarted", at["restarted"]),
            job("balanced", address(self.balanced)),
            job("changed", address(self.changed)),
            job("pretender", address(self.pretender)),
        ], rule_files=f"{self.folder}/missing-*.yml", alertmanager=f"127.0.0.1:{self.dead_port}"))

    def _prometheus(self, text, **options):
        prometheus = Prometheus(configuration=text, flags=QUICK, **options)
        self._stack.callback(prometheus.stop)
        return prometheus

    def fill(self):
        """Sends requests between scrapes, restarts one server, and waits until all is settled."""
        await_condition(lambda: all(target["health"] != "unknown"
                                    for target in self.broken.targets()),
                        timeout_seconds=30, every_seconds=0.2, what="a scrape of every target")
        self.broken.await_value('up{job="beyond"}', 1)
        beyond = Hey(self.servers["beyond"].url("/"), requests=20, connections=20)
        self._stack.callback(beyond.kill)
        self.healthy.await_value("count(count_over_time(up[1m]) > 2)", 2)
        for name in ("one", "two"):
            answers = Hey(self.servers[name].url("/"), requests=REQUESTS, connections=60).answers()
            assert answers == {200: REQUESTS}
        self.broken.await_value('max(count_over_time(up{job="ruled"}[1m]) > bool 1)', 1)
        for path, count in (("/", REQUESTS), ("/version", 120)):
            answers = Hey(self.servers["ruled"].url(path), requests=count, connections=60).answers()
            assert sum(answers.values()) == count and len(answers) == 2
        self._restart()
        assert beyond.answers() == {200: 20}
        for name, count in (("one", REQUESTS), ("two", REQUESTS), ("beyond", 20),
                            ("ruled", REQUESTS + 120)):
            await_condition(lambda: self._closed(name) == count, timeout_seconds=30,
                            every_seconds=0.2, what="the end of a slice of the truth")
        # The end of a slice may come before the first scrape that shows its last requests.
        for prometheus, selector, count in (
                (self.healthy, 'route="/"', 2 * REQUESTS),
                (self.broken, 'job="beyond",route="/"', 20),
                (self.broken, 'job="ruled",route=~"/|/version"', REQUESTS + 120)):
            prometheus.await_value(f"sum(httpserver_requests_total{{{selector}}})", count)

    def _closed(self, name):
        _, _, body = self.servers[name].get("/truth?window=120s")
        return json.loads(body)["total"]["served"]["count"]

    def _restart(self):
        old = self.servers["restarted"]
        self.broken.await_value('max(count_over_time(up{job="restarted"}[1m]) > bool 1)', 1)
        assert old.stop() == 0
        self.servers["restarted"] = self._server("--listen", address(old))
        self.broken.await_value('changes(process_start_time_seconds{job="restarted"}[1m])', 1)

    def verify_healthy(self, *arguments, **options):
        return Verdict("--prometheus", self.healthy.url(""), "--window", "120s", *arguments,
                       **options)

    def verify_broken(self, *servers, window="120s"):
        return Verdict("--prometheus", self.broken.url(""), "--window", window,
                       "--target", ",".join(server.url("") for server in servers))


@contextlib.contextmanager
def zoo():
    with contextlib.ExitStack() as stack:
        made = Zoo(stack)
        made.fill()
        yield made
