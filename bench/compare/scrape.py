"""What a scrape of 100,000 series does to the requests beside it.

Two workers on two cores, in a build of its own that has so many series more. hey asks at a steady
rate; in three rounds of four wrk reads /metrics meanwhile on one connection, again and again:
compressed, as Prometheus asks for it, and plain. All of them share the two cores, so what the
clients of the scrape need is taken from the requests as well, and that is not little where a page
is plain: they read hundreds of megabytes a second. How much of the latency that is shows when the
page is read from another server, which nobody asks anything else.
"""

import re
import statistics

from compare.load import requests_of, wrk_report
from compare.report import spread
from stack.process import Process, StartError
from stack.server import Server

CONNECTIONS = 16
REQUESTS_PER_SECOND = 1600
P50 = re.compile(r"50%+ in ([\d.]+) secs")
P99 = re.compile(r"99%+ in ([\d.]+) secs")
ELSEWHERE = "plain, of another server"
ENCODING = {"compressed": "gzip", "plain": "identity", ELSEWHERE: "identity"}
KINDS = ("without", *ENCODING)
BUDGET, BUDGET_KIND = 2.0, "compressed"


def _start_scraper(url, encoding, seconds):
    """Reads the page for so long, one scrape after the other."""
    return Process(["/usr/bin/wrk", "-t1", "-c1", f"-d{seconds}s", "--timeout", "10s",
                    "-H", "Accept: text/plain", "-H", f"Accept-Encoding: {encoding}", url])


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


def _start_server(programs, workers):
    return Server("--workers", workers, "--log", "off", "--delay", "none",
                  binary=programs / "series" / "httpserver", timeout_seconds=60)


def measure(programs, runs, seconds, progress):
    servers = []
    results = {kind: [] for kind in KINDS}
    pages = dict.fromkeys(ENCODING, 0)
    try:
        for workers in (2, 1):
            servers.append(_start_server(programs, workers))
        server, other = servers
        for number in range(1, runs + 1):
            for kind in KINDS[::1 if number % 2 else -1]:
                progress(f"round {number} of {runs}: {kind}")
                scraped = other if kind == ELSEWHERE else server
                scraper = (_start_scraper(scraped.url("/metrics"), ENCODING[kind], seconds + 1)
                           if kind in ENCODING else None)
                results[kind].append(_latencies_us(server, seconds))
                if scraper is not None:
                    pages[kind] += requests_of(wrk_report(scraper, seconds + 1), "/metrics")
    finally:
        for server in servers:
            server.kill()
    return {"latencies": results, "pages": pages}


def text(results):
    latencies, pages = results["latencies"], results["pages"]
    lines = ["Requests beside one scrape after the other of 100,000 series, latency in us: medians "
             "(least-most)",
             f"{'':<28}{'p50':<20}{'p99':<20}{'of that without':<20}{'scrapes':<10}"]
    ratios = {}
    for kind in KINDS:
        cells = [spread(found, 0) for found in zip(*latencies[kind])]
        ratios[kind] = statistics.median(
            busy[1] / idle[1] for busy, idle in zip(latencies[kind], latencies["without"]))
        lines.append(f"{kind:<28}"
                     f"{cells[0]:<20}{cells[1]:<20}{ratios[kind]:<20.2f}{pages.get(kind, ''):<10}")
    ratio = ratios[BUDGET_KIND]
    lines.append(f"p99 beside a {BUDGET_KIND} scrape: {ratio:.2f} of that without, budget "
                 f"{BUDGET:g}: {'within' if ratio <= BUDGET else 'over'}")
    return "\n".join(lines)
