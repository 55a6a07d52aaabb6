"""What a scrape of 100,000 series does to the requests beside it.

Two workers on two cores, in a build of its own that has so many series more. hey asks at a steady
rate; in every other round a client reads /metrics meanwhile, again and again. All of them share the
two cores, so the clients of the scrape take time as well: what is measured is the worst case.
"""

import re
import statistics
import threading
import urllib.request

from stack.process import Process, StartError
from stack.server import Server

CONNECTIONS = 16
REQUESTS_PER_SECOND = 1600
P50 = re.compile(r"50%+ in ([\d.]+) secs")
P99 = re.compile(r"99%+ in ([\d.]+) secs")
BUDGET = 2.0


class _Scraper:
    """Reads the page until it is stopped, one scrape after the other."""

    def __init__(self, url):
        self._request = urllib.request.Request(url, headers={"Accept": "text/plain"})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.pages = self.bytes = 0
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            with urllib.request.urlopen(self._request, timeout=30) as answer:
                while piece := answer.read(1 << 20):
                    self.bytes += len(piece)
            self.pages += 1

    def stop(self):
        self._stop.set()
        self._thread.join(60)


def _latencies_us(server, seconds):
    """(p50, p99) as hey sees them."""
    hey = Process(["/usr/bin/hey", "-z", f"{seconds}s", "-c", CONNECTIONS,
                   "-q", REQUESTS_PER_SECOND // CONNECTIONS, server.url("/")])
    ended = hey.ended_within(seconds + 30)
    hey.kill()
    report = hey.stdout_bytes().decode()
    p50, p99 = P50.search(report), P99.search(report)
    if not ended or hey.wait() != 0 or p50 is None or p99 is None or "Error dist" in report:
        raise StartError(f"hey: {report}{hey.stderr_text()}")
    return float(p50[1]) * 1e6, float(p99[1]) * 1e6


def measure(programs, runs, seconds, progress):
    server = Server("--workers", 2, "--log", "off", "--delay", "none",
                    binary=programs / "series" / "httpserver", timeout_seconds=60)
    results = {"without": [], "with": []}
    pages = size = 0
    try:
        for number in range(1, runs + 1):
            for kind in list(results)[::1 if number % 2 else -1]:
                progress(f"round {number} of {runs}: {kind} a scrape")
                scraper = _Scraper(server.url("/metrics")) if kind == "with" else None
                results[kind].append(_latencies_us(server, seconds))
                if scraper is not None:
                    scraper.stop()
                    pages += scraper.pages
                    size += scraper.bytes
    finally:
        server.kill()
    return {**results, "pages": pages, "bytes": size}


def text(results):
    lines = [f"Requests beside a scrape of 100,000 series ({results['pages']} of "
             f"{results['bytes'] / max(results['pages'], 1) / 1e6:.1f} MB), latency in us",
             f"{'':<28}{'p50':<24}{'p99':<24}"]
    for kind in ("without", "with"):
        cells = [f"{statistics.median(found):.0f} ({min(found):.0f}-{max(found):.0f})"
                 for found in zip(*results[kind])]
        lines.append(f"{kind + ' the scrape':<28}{cells[0]:<24}{cells[1]:<24}")
    ratio = statistics.median(busy[1] / idle[1]
                              for busy, idle in zip(results["with"], results["without"]))
    lines.append(f"p99: {ratio:.2f} of that without, budget {BUDGET:g}: "
                 f"{'within' if ratio <= BUDGET else 'over'}")
    return "\n".join(lines)
