"""How much longer than drawn a request waits, beside a bare timerfd loop and Go's time.After.

Idle: each process waits for one thing at a time, so that its timer really is set to the whole
delay. Enough of them for a p99 come from several processes of a contender side by side: forty that
wake once a second hardly meet. The contenders take turns, and what is compared is the medians of
the rounds: a moment in which the machine did something else spoils one of them. The bare loop says
how late its answer was in the kernel; ours and the Go server log how long each request took until
its answer was there, which is the same, less the delay. (Go's handlers are over before that: this
one flushes first.)

Ours comes twice: as it is, for the comparison with the bare loop, and with --busy-poll, for those
who want delays closer than a wake-up can be.

Crowded: thousands of requests wait at once, for delays between one second and three. Where others
use the machine too, its processor stops for milliseconds now and then, whatever is on it: what the
bare loop sees meanwhile, on the same core, says how much of the p99 that is.
"""

import itertools
import os
import statistics
import tempfile
import threading

from compare import contenders, waiting
from compare.contenders import on_core
from compare.load import wrk
from stack.process import Process, StartError
from stack.server import Server

LOOP, OURS, GO = "bare timerfd loop", "httpserver", "Go net/http, time.After"
# Those who wake up so much early and poll.
POLLING, LOOP_POLLING, POLL_US = "httpserver, polling", "bare loop, polling", 300
# For each delay in milliseconds: processes of a contender at once, and waits of each in a round.
PLAN = {1: (1, 500), 100: (10, 12), 1000: (40, 3), 2000: (40, 3)}
CROWD = 10000
CROWD_SECONDS = 12
CROWD_WARM_UP_SECONDS = 3
NS_PER_S = 1000000000
CROWD_LOOP_NS = 2000000
BUDGET_OF_LOOP, BUDGET_OF_GO, BUDGET_CROWD_US = 1.2, 0.2, 1000.0
QUANTILES = {0.5: "p50", 0.99: "p99"}


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _ask_repeatedly(server, count, core):
    os.sched_setaffinity(0, {core})  # of this thread: it leaves the server's core alone
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
        server_core, client_core = contenders.cores()
        core = on_core(server_core)
        if name in (LOOP, LOOP_POLLING):
            how = [POLL_US * 1000] if name == LOOP_POLLING else []
            self._process = Process([programs / "timerfd_loop", delay_ms * 1000000, count,
                                     client_core, *how], wrap=core)
            return
        if name in (OURS, POLLING):
            flags = ["--busy-poll", f"{POLL_US}us"] if name == POLLING else []
            self._process = Server("--workers", 1, "--delay", f"const({delay_ms}ms)", *flags,
                                   wrap=core)
        else:
            self._process = Server("--delay", f"{delay_ms}ms", "--log", "text", "--flush",
                                   binary=programs / "go-server", wrap=core)
        self._client = threading.Thread(target=_ask_repeatedly,
                                        args=(self._process, count, client_core), daemon=True)
        self._client.start()

    def overshoots_us(self, timeout_seconds):
        if self.name in (LOOP, LOOP_POLLING):
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


def _one_turn(name, programs, delay_ms):
    """[overshoot in us] of one contender in a round."""
    processes, count = PLAN[delay_ms]
    started, found = [], []
    try:
        for _ in range(processes):
            started.append(_Waits(name, programs, delay_ms, count))
        for waits in started:
            found += waits.overshoots_us(60)
    finally:
        for waits in started:
            waits.kill()
    return found


def measure_idle(programs, runs, progress):
    """{delay in ms: {name: [[overshoot in us] of each round]}}"""
    names = (LOOP, OURS, LOOP_POLLING, POLLING, GO)
    results = {delay_ms: {name: [] for name in names} for delay_ms in PLAN}
    for number in range(1, runs + 1):
        for delay_ms, found in results.items():
            for name in names[::1 if number % 2 else -1]:
                progress(f"round {number} of {runs}: {delay_ms} ms, {name}")
                found[name].append(_one_turn(name, programs, delay_ms))
    return results


def measure_crowd(programs, progress):
    """{"overshoots_us", "loop_us": the bare loop's beside it, "connections"}"""
    connections = waiting.possible(CROWD)
    progress(f"{connections} requests waiting")
    server_core, client_core = contenders.cores()
    with tempfile.TemporaryFile() as log:
        server = Server("--workers", 1, "--delay", "uniform(1s,3s)", stdout=log,
                        wrap=on_core(server_core))
        loop = Process([programs / "timerfd_loop", CROWD_LOOP_NS,
                        CROWD_SECONDS * NS_PER_S // CROWD_LOOP_NS, client_core, "paced"],
                       wrap=on_core(server_core))
        try:
            wrk(server.port, connections, CROWD_SECONDS)
            server.stop()
            if not loop.ended_within(CROWD_SECONDS):
                raise StartError("timerfd_loop did not end")
        finally:
            server.kill()
            loop.kill()
        log.seek(0)
        lines = log.read().decode().splitlines()
    # Those of the first seconds met the opening of all the connections, the last ones that wrk
    # closes them all at once.
    answered = list(itertools.takewhile(lambda line: " 200 " in line, lines))
    late = loop.stdout_lines()
    return {"overshoots_us": ours_us(answered[connections * CROWD_WARM_UP_SECONDS // 2:]),
            "loop_us": [int(line) / 1e3
                        for line in late[len(late) * CROWD_WARM_UP_SECONDS // CROWD_SECONDS:]],
            "connections": connections}


def measure(programs, runs, progress):
    return {"idle": measure_idle(programs, runs, progress), "crowd": measure_crowd(programs, progress)}


def medians(rounds):
    """{q: median over the rounds}"""
    return {q: statistics.median(quantile(values, q) for values in rounds) for q in QUANTILES}


def over_budget(delay_ms, of):
    """(lines for each budget that is missed, for each that is met by polling alone); `of`: medians
    by name."""
    over, by_polling = [], []
    for q, label in QUANTILES.items():
        own, loop, go, polling, bare = (of[name][q]
                                        for name in (OURS, LOOP, GO, POLLING, LOOP_POLLING))
        if own > BUDGET_OF_LOOP * loop:
            over.append(f"{delay_ms} ms, {label}: {own / loop:.2f} of {LOOP}, "
                        f"budget {BUDGET_OF_LOOP}")
        if own > BUDGET_OF_GO * go:
            (over if polling > BUDGET_OF_GO * go else by_polling).append(
                f"{delay_ms} ms, {label}: {own / go:.2f} of {GO}, budget {BUDGET_OF_GO}; "
                f"{LOOP} {loop / go:.2f}, polling {polling / go:.2f}, "
                f"{LOOP_POLLING} {bare / go:.2f}")
    return over, by_polling


def text(results):
    lines = ["Overshoot of delays when idle, us: medians of the rounds, and of the bare loop's",
             f"{'':<28}{'delay':<10}{'waits':<8}{'p50':<10}{'p99':<10}{'of p50':<10}{'of p99':<10}"]
    over, by_polling = [], []
    for delay_ms, found in results["idle"].items():
        of = {name: medians(rounds) for name, rounds in found.items()}
        for name, own in of.items():
            ratios = [own[q] / of[LOOP][q] for q in QUANTILES]
            lines.append(f"{name:<28}{f'{delay_ms} ms':<10}{sum(map(len, found[name])):<8}"
                         f"{own[0.5]:<10.1f}{own[0.99]:<10.1f}{ratios[0]:<10.2f}{ratios[1]:<10.2f}")
        for found_over, lines_of in zip(over_budget(delay_ms, of), (over, by_polling)):
            lines_of += found_over
    crowd = results["crowd"]
    own, loop = ({q: quantile(crowd[whose], q) for q in QUANTILES}
                 for whose in ("overshoots_us", "loop_us"))
    waiting_requests = f"{crowd['connections']:,} requests waiting"
    lines.append(f"\n{waiting_requests}, {len(crowd['overshoots_us']):,} answered: overshoot p50 "
                 f"{own[0.5]:.1f} us, p99 {own[0.99]:.1f} us; the bare loop beside it: "
                 f"{loop[0.5]:.1f} us, {loop[0.99]:.1f} us")
    if own[0.99] > BUDGET_CROWD_US:
        over.append(f"{waiting_requests}: p99 {own[0.99]:.0f} us, budget {BUDGET_CROWD_US:.0f} "
                    f"({LOOP}: {loop[0.99]:.0f})")
    if by_polling:
        lines += ["", f"Met with --busy-poll {POLL_US}us only:", *by_polling]
    return "\n".join(lines + ["", "Over budget:" if over else "All others are met.", *over])
