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


def measure(contender, *, seconds, pipelined=False):
    """One run of wrk against it."""
    script = ["-s", BENCH / "pipeline.lua"] if pipelined else []
    before = cpu_time(contender.group)
    wrk = Process(["/usr/bin/wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
                   "-H", f"{FILLER_HEADER}: {filler_value(contender.port)}", *script,
                   f"http://127.0.0.1:{contender.port}/"], wrap=on_core(cores()[1]))
    ended = wrk.ended_within(seconds + 30)
    wrk.kill()
    spent = cpu_time(contender.group) - before
    report = wrk.stdout_bytes().decode()
    done = DONE.search(report)
    if not ended or wrk.wait() != 0 or done is None or BAD.search(report):
        raise StartError(f"wrk against {contender.name}: {report}{wrk.stderr_text()}")
    requests = int(done[1])
    cpu_us = spent.total_seconds * 1e6 / requests
    return Cost(requests, float(RATE.search(report)[1]), cpu_us, cpu_us * spent.user_share())
