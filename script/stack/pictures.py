"""What script/pictures does: two servers, a Prometheus, load in phases, and a picture of each panel."""

import argparse
import contextlib
import os
import pathlib
import re
import threading
import time
import urllib.error
import urllib.request

from stack import dashboard, picture
from stack.load import Hey
from stack.prometheus import Prometheus
from stack.server import Server

FOLDER = dashboard.ROOT / "docs" / "pictures"
LAW = "uniform(0s,2s)"
SCRAPE_SECONDS, STEP_SECONDS = 2, 2
VARIABLES = {"namespace": ".*", "__rate_interval": "15s"}
FLAGS = ("--enable-feature=exemplar-storage,native-histograms",)


def configuration(targets, seconds=SCRAPE_SECONDS):
    """A prometheus.yml that scrapes HOST:PORT by the names that Kubernetes would give the pods."""
    jobs = "".join(f"""
      - targets: ['{address}']
        labels: {{kubernetes_namespace: httpserver, kubernetes_pod_name: {name}}}"""
                   for name, address in targets.items())
    return f"""\
global: {{scrape_interval: {seconds}s, scrape_timeout: {seconds}s, evaluation_interval: {seconds}s}}
rule_files: ['{dashboard.ROOT}/deploy/prometheus/rules/*.yaml']
scrape_configs:
  - job_name: kubernetes-endpoints
    static_configs:{jobs}
"""


def traced(server, path, method="GET", timeout_seconds=20):
    """One request with a trace of its own, as a traced client sends it; whatever comes back is fine."""
    trace = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
    request = urllib.request.Request(server.url(path), headers={"traceparent": trace}, method=method)
    try:
        urllib.request.urlopen(request, timeout=timeout_seconds).read()
    except (urllib.error.HTTPError, OSError):
        pass


class Clients:
    """Traced requests, one after the other in each of a few threads, until they are stopped."""

    def __init__(self, servers, count=6):
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(servers, number), daemon=True)
                         for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, servers, number):
        rounds = 0
        while not self._ended.is_set():
            rounds += 1
            server = servers[(number + rounds) % len(servers)]
            traced(server, "/")
            if number == 0 and rounds % 3 == 0:
                traced(server, "/nowhere")
            if number == 1 and rounds % 4 == 0:
                traced(server, "/", method="BREW")  # 501
            if number == 2:
                traced(server, "/", timeout_seconds=0.3)  # leaves early: 499

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            thread.join()


def load(servers, seconds):
    """Three phases: a few connections, many, a few again."""
    for connections in (60, 240, 120):
        streams = [Hey(server.url("/"), connections=connections, seconds=seconds // 3) for server in servers]
        for stream in streams:
            stream.answers()


def file_name(panel):
    return re.sub(r"[^a-z0-9]+", "-", panel["title"].lower()).strip("-") + ".svg"


def draw(prometheus, start, end, folder, step=STEP_SECONDS, variables=VARIABLES):
    """Writes a picture of each panel and one of the whole into the folder; returns {id: Answers}."""
    folder.mkdir(parents=True, exist_ok=True)
    board = dashboard.load()
    answers = {}
    for panel in dashboard.panels(board):
        answers[panel["id"]] = dashboard.ask(prometheus, panel, variables, start, end, step)
        (folder / file_name(panel)).write_text(
            picture.panel_picture(panel, answers[panel["id"]], start, end))
    (folder / "dashboard.svg").write_text(picture.whole_picture(board, answers, start, end))
    return answers


def main():
    parser = argparse.ArgumentParser(
        prog="script/pictures", description="Draws what each panel of the dashboard shows.")
    parser.add_argument("--seconds", type=int, default=180, metavar="N", help="of load (default 180)")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER, help="default docs/pictures")
    chosen = parser.parse_args()
    with contextlib.ExitStack() as stack:
        servers = [Server("--delay", LAW, "--seed", f"7@{name}", "--log", "off")
                   for name in ("httpserver-5c9f-a", "httpserver-5c9f-b")]
        for server in servers:
            stack.callback(server.stop)
        prometheus = Prometheus(configuration=configuration({
            f"httpserver-5c9f-{name}": f"{server.host}:{server.port}"
            for name, server in zip("ab", servers)}), flags=FLAGS)
        stack.callback(prometheus.stop)
        prometheus.await_scrape()
        clients = Clients(servers)
        stack.callback(clients.stop)
        start = time.time()
        load(servers, chosen.seconds)
        draw(prometheus, start, time.time(), chosen.folder)
    print(f"written to {chosen.folder}")


if __name__ == "__main__":
    main()
