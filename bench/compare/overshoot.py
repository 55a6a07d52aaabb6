"""How much longer than drawn a request waits, beside a bare timerfd loop and Go's time.Sleep.

Idle: each process waits for one thing at a time, so that its timer really is set to the whole
delay. Enough of them for a p99 come from several processes of each contender side by side: a dozen
that wake once a second do not meet. The bare loop says how late its answer was in the kernel; ours
and the Go server log how long each request took, which is the same, less the delay.

Crowded: thousands of requests wait at once, for delays between one second and three.
"""

import statistics
import tempfile
import threading

from compare import contenders, waiting
from compare.contenders import on_core
from compare.load import wrk
from stack.process import Process, StartError
from stack.server import Server

LOOP, OURS, GO = "bare timerfd loop", "httpserver", "Go net/http, time.After"
# (delay in milliseconds, processes of each contender, waits of each); those of a group run at once.
GROUPS = (
    ((1, 1, 2000),),
    ((100, 4, 100),),
    ((1000, 4, 50), (2000, 6, 25)),
)
CROWD = 10000
CROWD_SECONDS = 12
CROWD_WARM_UP_SECONDS = 3
BUDGET_OF_LOOP, BUDGET_OF_GO, BUDGET_CROWD_US = 1.2, 0.2, 1000.0


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _ask_repeatedly(server, count):
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    with server.connect() as connection:
        for _ in range(count):
            connection.sendall(request)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200 "):
                raise StartError(f"{server.name}: no answer")


def go_us(lines):
    """Its log ends in the delay and the total, in seconds."""
    return [(float(line.split()[-1]) - float(line.split()[-2])) * 1e6 for line in lines]


class _Waits:
    """One process that waits `count` times for the delay; `overshoots_us` once it is over."""

    def __init__(self, name, programs, delay_ms, count):
        self.name, self._delay_ms = name, delay_ms
        core = on_core(contenders.cores()[0])
        if name == LOOP:
            self._process = Process([programs / "timerfd_loop", delay_ms * 1000000, count,
                                     contenders.cores()[1]], wrap=core)
            return
        if name == OURS:
            self._process = Server("--workers", 1, "--delay", f"const({delay_ms}ms)", wrap=core)
        else:
            self._process = Server("--delay", f"{delay_ms}ms", "--log", "text",
                                   binary=programs / "go-server", wrap=core)
        self._client = threading.Thread(target=_ask_repeatedly, args=(self._process, count),
                                        daemon=True)
        self._client.start()

    def overshoots_us(self, timeout_seconds):
        if self.name == LOOP:
            if not self._process.ended_within(timeout_seconds):
                raise StartError("timerfd_loop did not end")
            return [int(line) / 1e3 for line in self._process.stdout_lines()]
        self._client.join(timeout_seconds)
        if self.name == GO:
            # It writes its log every 100 ms, and knows no orderly end.
            threading.Event().wait(0.3)
            return go_us(self._process.stdout_lines())
        self._process.stop()
        return ours_us(self._process.stdout_lines())

    def kill(self):
        self._process.kill()


def ours_us(lines):
    values = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
    return [(float(value["total"]) - float(value["delay"])) * 1e6 for value in values]


def measure_idle(programs, progress):
    """{delay in ms: {name: [overshoot in us]}}"""
    results = {}
    for group in GROUPS:
        started = []
        try:
            for delay_ms, processes, count in group:
                progress(f"{processes * count} waits of {delay_ms} ms, {processes} at a time")
                for _ in range(processes):
                    for name in (LOOP, OURS, GO):
                        started.append((delay_ms, _Waits(name, programs, delay_ms, count)))
            for delay_ms, waits in started:
                found = results.setdefault(delay_ms, {}).setdefault(waits.name, [])
                found += waits.overshoots_us(180)
        finally:
            for _, waits in started:
                waits.kill()
    return results


def measure_crowd(progress):
    """([overshoot in us], connections)"""
    connections = waiting.possible(CROWD)
    progress(f"{connections} requests waiting")
    with tempfile.TemporaryFile() as log:
        server = Server("--workers", 1, "--delay", "uniform(1s,3s)", stdout=log,
                        wrap=on_core(contenders.cores()[0]))
        try:
            wrk(server.port, connections, CROWD_SECONDS)
            server.stop()
        finally:
            server.kill()
        log.seek(0)
        lines = log.read().decode().splitlines()
    # Those of the first seconds met the opening of all the connections.
    answered = [line for line in lines if " 200 " in line]
    return ours_us(answered[connections * CROWD_WARM_UP_SECONDS // 2:]), connections


def measure(programs, progress):
    return {"idle": measure_idle(programs, progress), "crowd": measure_crowd(progress)}


def text(results):
    lines = ["Overshoot of delays when idle, us: p50, p99, and both of the bare loop's",
             f"{'':<28}{'delay':<10}{'waits':<8}{'p50':<10}{'p99':<10}{'of p50':<10}{'of p99':<10}"]
    over = []
    for delay_ms, found in results["idle"].items():
        base = [quantile(found[LOOP], q) for q in (0.5, 0.99)]
        go = [quantile(found[GO], q) for q in (0.5, 0.99)]
        for name, values in found.items():
            own = [quantile(values, q) for q in (0.5, 0.99)]
            ratios = [mine / theirs for mine, theirs in zip(own, base)]
            lines.append(f"{name:<28}{f'{delay_ms} ms':<10}{len(values):<8}{own[0]:<10.1f}"
                         f"{own[1]:<10.1f}{ratios[0]:<10.2f}{ratios[1]:<10.2f}")
            if name == OURS:
                over += [f"{delay_ms} ms, {what}: {value:.2f} of {whose}, budget {budget}"
                         for budget, whose, values_of in ((BUDGET_OF_LOOP, LOOP, base),
                                                          (BUDGET_OF_GO, GO, go))
                         for what, value in zip(("p50", "p99"),
                                                (mine / theirs for mine, theirs
                                                 in zip(own, values_of)))
                         if value > budget]
    crowd, connections = results["crowd"]
    p99 = quantile(crowd, 0.99)
    lines.append(f"\n{connections:,} requests waiting, {len(crowd):,} answered: overshoot p50 "
                 f"{statistics.median(crowd):.1f} us, p99 {p99:.1f} us")
    if p99 > BUDGET_CROWD_US:
        over.append(f"p99 with {connections:,} waiting: {p99:.0f} us, budget {BUDGET_CROWD_US:.0f}")
    return "\n".join(lines + ["", "Over budget:" if over else "All budgets are met.", *over])
