"""wrk on a core of its own, and what the server spent meanwhile."""

import dataclasses
import re

from compare.contenders import BENCH, FILLER_HEADER, cores, filler_value, on_core
from compare.cpu import cpu_time
from stack.process import Process, StartError

CONNECTIONS = 64
PIPELINED = 16
DONE = re.compile(r"(\d+) requests in ")
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
BAD = re.compile(r"(Socket errors:.*|Non-2xx or 3xx responses:.*)")


@dataclasses.dataclass(frozen=True)
class Cost:
    requests: int
    requests_per_second: float
    cpu_us: float
    user_us: float

    @property
    def system_us(self):
        return self.cpu_us - self.user_us


def wrk(port, connections, seconds, *, at_once=1, heads_differ=False):
    """Runs wrk on its core and returns its report; StartError when it fails."""
    script, arguments = [], []
    if at_once > 1 or heads_differ:
        script = ["-s", BENCH / "requests.lua"]
        arguments = ["--", at_once, "differ" if heads_differ else "alike"]
    child = Process(["/usr/bin/wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                     "-H", f"{FILLER_HEADER}: {filler_value(port)}", *script,
                     f"http://127.0.0.1:{port}/", *arguments], wrap=on_core(cores()[1]))
    return wrk_report(child, seconds)


def wrk_report(child, seconds):
    """Of a wrk that was started for so long, once it has ended; StartError when it fails."""
    ended = child.ended_within(seconds + 30)
    child.kill()
    report = child.stdout_bytes().decode()
    if not ended or child.wait() != 0:
        raise StartError(f"wrk: {report}{child.stderr_text()}")
    return report


def requests_of(report, what):
    """How many were answered; StartError when not all of them well."""
    done = DONE.search(report)
    if done is None or BAD.search(report):
        raise StartError(f"wrk against {what}: {report}")
    return int(done[1])


def measure(contender, *, seconds, connections=CONNECTIONS, pipelined=False):
    """One run of wrk against it."""
    before = cpu_time(contender.group)
    report = wrk(contender.port, connections, seconds, at_once=PIPELINED if pipelined else 1,
                 heads_differ=contender.heads_differ)
    spent = cpu_time(contender.group) - before
    requests = requests_of(report, contender.name)
    cpu_us = spent.total_seconds * 1e6 / requests
    return Cost(requests, float(RATE.search(report)[1]), cpu_us, cpu_us * spent.user_share())
