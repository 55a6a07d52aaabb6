"""What a request costs the server on one connection and on thousands, all of them busy.

wrk asks on every connection as soon as it has its answer. With few of them the server sleeps between
requests, which costs the kernel more than a request itself; with many, each turn of the loop finds
many events, and what a connection needs has left the caches. The floor, which keeps nothing of a
connection, shows which part of the curve is the kernel's.
"""

import statistics

from compare import contenders, load, report, waiting
from compare.contenders import Contender

STEPS = (1, 4, 16, 64, 256, 1024, 4096, 15000)


def measure(programs, runs, seconds, progress):
    """{connections: {name: [Cost]}}"""
    most = waiting.possible(STEPS[-1])
    ours = contenders.start_ours("--delay", "none")
    floor = None
    try:
        started = [Contender(report.OURS, ours, ours.port)]
        floor = contenders.start_floor(programs, started[0].answer_bytes)
        started.append(Contender(report.FLOOR, floor, floor.port))
        results = {}
        for number in range(1, runs + 1):
            for step in STEPS:
                step = min(step, most)
                for contender in started[::1 if number % 2 else -1]:
                    progress(f"round {number} of {runs}: {step} connections, {contender.name}")
                    cost = load.measure(contender, seconds=seconds, connections=step)
                    results.setdefault(step, {}).setdefault(contender.name, []).append(cost)
        return results
    finally:
        ours.kill()
        if floor is not None:
            floor.kill()


def _median(costs, field):
    return statistics.median(getattr(cost, field) for cost in costs)


def text(results):
    lines = ["CPU per request by the number of connections, us",
             f"{'connections':<14}{'httpserver':<14}{'in user space':<16}{'floor':<10}"
             f"{'of floor':<10}{'requests/s':<12}"]
    for step, found in results.items():
        ours, floor = found[report.OURS], found[report.FLOOR]
        ratio = statistics.median(one.cpu_us / other.cpu_us for one, other in zip(ours, floor))
        lines.append(f"{step:<14,}{_median(ours, 'cpu_us'):<14.2f}{_median(ours, 'user_us'):<16.2f}"
                     f"{_median(floor, 'cpu_us'):<10.2f}{ratio:<10.3f}"
                     f"{_median(ours, 'requests_per_second'):<12,.0f}")
    return "\n".join(lines)
