"""wrk on a core of its own, and what the server spent meanwhile."""

import dataclasses
import re

from compare.contenders import BENCH, FILLER_HEADER, cores, filler_value, on_core
from compare.cpu import cpu_time
from stack.process import Process, StartError

CONNECTIONS = 64
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


def wrk(port, connections, seconds, *options, arguments=()):
    """Runs wrk on its core and returns its report; StartError when it fails. `arguments` are for the
    script."""
    return wrk_report(Process(["/usr/bin/wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                               "-H", f"{FILLER_HEADER}: {filler_value(port)}", *options,
                               f"http://127.0.0.1:{port}/", *arguments], wrap=on_core(cores()[1])), seconds)


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


def script_of(contender, pipelined):
    """wrk's options for what it is to ask."""
    if contender.heads_differ:
        return ["-s", BENCH / "unlike.lua"], ["--", "16" if pipelined else "1"]
    return (["-s", BENCH / "pipeline.lua"] if pipelined else []), []


def measure(contender, *, seconds, connections=CONNECTIONS, pipelined=False):
    """One run of wrk against it."""
    before = cpu_time(contender.group)
    options, arguments = script_of(contender, pipelined)
    report = wrk(contender.port, connections, seconds, *options, arguments=arguments)
    spent = cpu_time(contender.group) - before
    requests = requests_of(report, contender.name)
    cpu_us = spent.total_seconds * 1e6 / requests
    return Cost(requests, float(RATE.search(report)[1]), cpu_us, cpu_us * spent.user_share())
