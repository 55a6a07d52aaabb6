"""What script/run does once everything is installed and built."""

import argparse
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time

from stack import exposition, ports, quantile_table, terminal_plot
from stack.awaiting import await_condition
from stack.load import Hey
from stack.process import StartError
from stack.prometheus import Prometheus
from stack.server import Server, binary_path, clean_environment

SERVER_PORT = 8080
PROMETHEUS_PORT = 9090
CONNECTIONS = 400
PLAIN_PROGRESS_EVERY_SECONDS = 5
# While --keep holds, requests are sent in rounds of this length: every stream has an end.
ROUND_SECONDS = 600


def arguments():
    parser = argparse.ArgumentParser(
        prog="script/run", description="Runs the server and a real Prometheus, and compares.")
    parser.add_argument("--seconds", type=int, default=30, metavar="N",
                        help="how long requests are sent (default 30)")
    parser.add_argument("--keep", action="store_true", help="leave it running until ctrl-C")
    parser.add_argument("server_options", nargs="*", metavar="-- OPTION",
                        help="options of the server, such as: -- --delay 'const(200ms)'")
    chosen = parser.parse_args()
    if not 1 <= chosen.seconds <= 3600:
        parser.error("--seconds must be 1 to 3600")
    return chosen


def say(text):
    print(text, flush=True)


def choose_port(wanted, what, taken=()):
    port = ports.next_free(wanted, taken=taken)
    if port != wanted:
        say(f"port {wanted} is taken; {what} uses {port}")
    return port


def start_server(options, stack):
    """On SERVER_PORT or the next free one; again when another program takes it in between."""
    for attempt in range(5):
        port = choose_port(SERVER_PORT, "the server")
        try:
            server = Server("--listen", f"{ports.LOOPBACK}:{port}", *options,
                            env={name: value for name, value in os.environ.items()
                                 if name == "VERSION"},
                            stdout=stack.enter_context(open(os.devnull, "wb")))
        except StartError:
            if attempt == 4 or ports.is_free(port):
                raise
            continue
        stack.callback(server.stop)
        return server
    raise AssertionError("unreachable")


class Progress:
    """One line that is rewritten on a terminal; elsewhere a plain line every few seconds."""

    def __init__(self, total_seconds):
        self.terminal = sys.stdout.isatty()
        self.started = time.monotonic()
        self.total_seconds = total_seconds
        self.next_plain = PLAIN_PROGRESS_EVERY_SECONDS

    def show(self, page):
        passed = time.monotonic() - self.started
        done = page.value(quantile_table.FAMILY + "_count", step="total") or 0
        waiting = page.value("httpserver_requests_in_flight")
        line = f"{min(passed, self.total_seconds):3.0f}/{self.total_seconds} s  {done:.0f} answered"
        if waiting is not None:
            line += f", {waiting:.0f} waiting"
        if self.terminal:
            print(f"\r{line:<60}", end="", flush=True)
        elif passed >= self.next_plain:
            self.next_plain += PLAIN_PROGRESS_EVERY_SECONDS
            say(line)

    def end(self):
        if self.terminal:
            print("\r" + " " * 60 + "\r", end="", flush=True)


def send_requests(server, seconds):
    """Returns when all requests of the stream have been answered."""
    load = Hey(server.url("/"), connections=CONNECTIONS, seconds=seconds)
    progress = Progress(seconds)
    try:
        while not load.ended_within(1):
            progress.show(exposition.fetch(server.url("/metrics")))
    finally:
        load.kill()
        progress.end()
    load.answers()  # raises when a request got none


def compare(server, prometheus, started):
    """Waits until Prometheus has scraped the last request, then prints the table."""
    page = exposition.fetch(server.url("/metrics"))
    count = page.value(quantile_table.FAMILY + "_count", step="total")
    if not count:
        raise StartError("the server counted no request")
    prometheus.await_value(f'{quantile_table.FAMILY}_count{{step="total"}}', count)
    window = math.ceil(time.monotonic() - started) + 5
    table = quantile_table.rows(page, prometheus.value, window)
    say(f"\n{count:.0f} requests\n\n{quantile_table.text(table, window)}")
    if sys.stdout.isatty():
        say(f"\n{terminal_plot.plot(table)}")


def truth(server):
    return json.loads(server.get("/truth?window=10s&scrapes=0")[2])


def verify(server, prometheus, started):
    """Ends with the verdict of `httpserver verify`, and returns its status."""
    finished = truth(server)["now"]
    say("\nwaiting for the end of the server's slice of ten seconds, then asking for the verdict")
    await_condition(lambda: truth(server)["to"] >= finished, every_seconds=0.2,
                    what="the end of a slice of the truth")
    window = min(math.ceil((time.monotonic() - started) / 10 + 1) * 10, 900)
    command = [binary_path(), "verify", "--prometheus", prometheus.url(""),
               "--target", server.url(""), "--window", f"{window}s"]
    say(f"{server.name} {' '.join(command[1:])}\n")
    return subprocess.run(command, env=clean_environment(), timeout=120, check=False).returncode


def addresses(server, prometheus):
    graph = prometheus.url("/graph?g0.range_input=5m&g0.tab=0&g0.expr=histogram_quantile(0.95,sum"
                           f"%20by%20(le)(rate({quantile_table.FAMILY}_bucket[1m])))")
    return (f"the live page {server.url('/ui/')}\n"
            f"the server    {server.url('/')}\n"
            f"its metrics   {server.url('/metrics')}\n"
            f"Prometheus    {prometheus.url('/')}\n"
            f"p95 in it     {graph}")


def run(chosen):
    with contextlib.ExitStack() as stack:
        server = start_server(chosen.server_options, stack)
        say(f"watch it live: {server.url('/ui/')}\n")
        say(f"{server.name} on {server.url('/')}")
        port = choose_port(PROMETHEUS_PORT, "Prometheus", taken=(server.port,))
        prometheus = Prometheus(f"{server.host}:{server.port}", port=port)
        stack.callback(prometheus.stop)
        say(f"Prometheus on {prometheus.url()}; its first scrape takes some 5 s")
        # The counters' value before the first request is part of what PromQL computes with.
        prometheus.await_scrape()
        started = time.monotonic()
        say(f"{CONNECTIONS} clients send requests for {chosen.seconds} s")
        send_requests(server, chosen.seconds)
        compare(server, prometheus, started)
        status = verify(server, prometheus, started)
        say("\n" + ("open" if chosen.keep else "with --keep it stays, to open") + ":")
        say(addresses(server, prometheus))
        if chosen.keep:
            say("\nrequests go on; ctrl-C ends it")
            while True:
                send_requests(server, ROUND_SECONDS)
        return status


def main():
    def interrupted(number, _frame):
        raise KeyboardInterrupt(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    chosen = arguments()
    if not binary_path().exists():
        sys.exit(f"script/run: {binary_path()} does not exist")
    try:
        sys.exit(run(chosen))
    except KeyboardInterrupt as interruption:
        say("\nended")
        # As --keep is ended by ctrl-C, that is its success.
        number = interruption.args[0]
        sys.exit(0 if chosen.keep and number == signal.SIGINT else 128 + number)
    except (StartError, TimeoutError, OSError, ValueError) as error:
        sys.exit(f"script/run: {error}")


if __name__ == "__main__":
    main()
