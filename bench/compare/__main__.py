"""Starts all contenders, measures them in turns, and reports."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import signal
import sys
import tempfile

from compare import connections, contenders, load, overshoot, report, scrape, waiting
from compare.contenders import Contender
from stack.process import StartError

WAITING_CONNECTIONS = 15000
# So long that none is answered while the others arrive.
WAITING_DELAY_SECONDS = 50


def arguments():
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Measures what a request costs, beside other servers.")
    parser.add_argument("what", nargs="?", default="costs",
                        choices=("costs", "overshoot", "connections", "scrape"),
                        help="costs (default): of a request, and of one that waits; overshoot: of "
                        "delays; connections: costs on 1 to 15,000; scrape: requests beside one")
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="rounds (default 9)")
    parser.add_argument("--seconds", type=int, default=3, metavar="N",
                        help="of each run (default 3)")
    parser.add_argument("--only", metavar="NAMES",
                        help=f"comma-separated, of: {','.join(short_names())}")
    parser.add_argument("--no-waiting", action="store_true", help="leave the memory out")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="every run, for programs")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.runs < 1 or not 1 <= chosen.seconds <= 60:
        parser.error("--runs must be 1 or more, --seconds 1 to 60")
    chosen.only = chosen.only.split(",") if chosen.only else list(short_names())
    if not set(chosen.only) <= set(short_names()):
        parser.error(f"--only takes {', '.join(short_names())}")
    return chosen


def short_names():
    return {"floor": report.FLOOR, "nginx": report.NGINX, "h2o": report.H2O, "go": report.GO,
            "ours": report.OURS, "log": report.OURS_LOGGING,
            "unlike": report.OURS_UNLIKE, "filtered-floor": report.FLOOR_FILTERED,
            "unfiltered": report.OURS_UNFILTERED}


def start_all(chosen, folder, stack):
    """{name: Contender} of those chosen; ours first, as the floor must answer as many bytes."""
    wanted = {short_names()[name] for name in chosen.only}
    started = {}

    def add(name, process, port, **how):
        stack.callback(process.stop, timeout_seconds=10)
        started[name] = Contender(name, process, port, **how)

    ours = contenders.start_ours("--delay", "none")
    add(report.OURS, ours, ours.port)
    if report.OURS_LOGGING in wanted:
        log = stack.enter_context(open(folder / "access.log", "ab"))
        ours = contenders.start_ours("--delay", "none", log=log)
        add(report.OURS_LOGGING, ours, ours.port)
    if report.OURS_UNLIKE in wanted:
        ours = contenders.start_ours("--delay", "none")
        add(report.OURS_UNLIKE, ours, ours.port, heads_differ=True)
    if report.OURS_UNFILTERED in wanted:
        ours = contenders.start_ours("--delay", "none", "--seccomp", "off")
        add(report.OURS_UNFILTERED, ours, ours.port)
    for name, flags in ((report.FLOOR, ()), (report.FLOOR_FILTERED, ("filtered",))):
        if name in wanted:
            floor = contenders.start_floor(chosen.programs, started[report.OURS].answer_bytes,
                                           *flags)
            add(name, floor, floor.port)
    if report.GO in wanted:
        go = contenders.start_go(chosen.programs, "--delay", "none")
        add(report.GO, go, go.port)
    if report.NGINX in wanted:
        add(report.NGINX, *contenders.start_configured(
            "nginx", ["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c"], "nginx.conf", folder))
    if report.H2O in wanted:
        add(report.H2O, *contenders.start_configured(
            "h2o", ["/usr/bin/h2o", "-c"], "h2o.conf", folder))
    return {name: started[name] for name in report.NAMES if name in wanted}


def measure_costs(started, chosen, folder):
    results = {"plain": {name: [] for name in started}, "pipelined": {name: [] for name in started}}
    for number in range(1, chosen.runs + 1):
        # Each round in the other direction, so that what drifts meets all alike.
        order = list(started)[::1 if number % 2 else -1]
        for kind in results:
            for name in order:
                progress(f"round {number} of {chosen.runs}: {kind}, {report.NAMES[name]}")
                cost = load.measure(started[name], seconds=chosen.seconds,
                                    pipelined=kind == "pipelined")
                results[kind][name].append(
                    {**dataclasses.asdict(cost), "system_us": cost.system_us})
                # The log does not grow beyond one run.
                with contextlib.suppress(FileNotFoundError):
                    os.truncate(folder / "access.log", 0)
    return results


def measure_waiting(chosen):
    results = {report.OURS: [], report.GO: []}
    count = waiting.possible(WAITING_CONNECTIONS)
    constant = f"{WAITING_DELAY_SECONDS}s"
    starts = {
        report.OURS: lambda: contenders.start_ours("--delay", f"const({constant})"),
        report.GO: lambda: contenders.start_go(chosen.programs, "--delay", constant)}
    for number in range(1, min(chosen.runs, 3) + 1):
        for name, start in starts.items():
            if name not in {short_names()[short] for short in chosen.only}:
                continue
            progress(f"{count} requests waiting, {number}: {report.NAMES[name]}")
            server = start()
            try:
                before, during = waiting.measure(server, count)
            finally:
                server.kill()
            results[name].append({"connections": count, "before_bytes": before,
                                  "waiting_bytes": during})
    return results


def progress(line):
    if sys.stderr.isatty():
        print(f"\r{line:<70}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def machine():
    model = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo")
             if line.startswith("model name")]
    return {"kernel": platform.release(), "processor": model[0] if model else platform.machine(),
            "cores": os.cpu_count()}


def measure_costs_and_waiting(chosen):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="httpserver-bench-")))
        folder.chmod(0o755)
        results = measure_costs(start_all(chosen, folder, stack), chosen, folder)
    results["waiting"] = {} if chosen.no_waiting else measure_waiting(chosen)
    return results


def measure(chosen):
    """(results, their text)"""
    if chosen.what == "overshoot":
        results = overshoot.measure(chosen.programs, chosen.runs, progress)
        return results, overshoot.text(results)
    if chosen.what == "connections":
        results = connections.measure(chosen.programs, chosen.runs, chosen.seconds, progress)
        return results, connections.text(results)
    if chosen.what == "scrape":
        results = scrape.measure(chosen.programs, chosen.runs, chosen.seconds, progress)
        return results, scrape.text(results)
    results = measure_costs_and_waiting(chosen)
    return {**results, "budgets": report.budgets(results)}, report.text(results)


def main():
    chosen = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    server_core, load_core = contenders.cores()
    if server_core == load_core:
        print("one core only: the server and the load generator share it", file=sys.stderr)
    try:
        results, text = measure(chosen)
    except (StartError, TimeoutError, OSError, ValueError) as error:
        sys.exit(f"script/bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    progress("")
    print(text)
    if chosen.json:
        chosen.json.write_text(json.dumps(
            {"machine": machine(), "runs": chosen.runs, "seconds": chosen.seconds, **results},
            indent=1, default=dataclasses.asdict) + "\n")


main()
