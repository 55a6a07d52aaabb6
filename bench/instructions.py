#!/usr/bin/python3
"""Counts the instructions that one request costs in user space, under callgrind.

    bench/instructions.py [--write | --by-function]

The scenario is fixed: the release build, one worker, one connection, one request at a time, `/`
with no delay and no log; once with the same head each time, which the server remembers
(src/http/head_memo.h), and once with no head like the one before. The main thread, which does something once a second, is left out, and the
difference of two runs leaves starting and ending out. The first observation in each bucket of a native
histogram is not counted: how many buckets there are depends on how long requests take. So the figure
repeats within a thousandth whatever else the machine is doing, and a regression shows at once.
--write records it in bench/instructions.txt, which script/test holds the build against;
--by-function tells in which functions they are.
"""

import collections
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "script"))

from stack.server import Server  # noqa: E402

RECORD = ROOT / "bench" / "instructions.txt"
TOLERANCE = 0.03
FEW, MANY = 500, 2500
NOT_COUNTED = "native_observe_slowly"  # with all that it calls
SCENARIOS = SAME, DIFFER = "the same head", "heads that differ"


def request(scenario, number):
    agent = number if scenario == DIFFER else 0
    return (f"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: b/{agent:06}\r\n"
            "Accept: */*\r\n\r\n").encode()


def count_in_a_run(scenario, requests, count):
    """What `count` finds in the profiles of the threads that serve, as one Counter."""
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder) / "callgrind.out"
        # Valgrind makes system calls that the filter would refuse.
        server = Server("--delay", "none", "--log", "off", "--workers", "1", "--seccomp", "off",
                        wrap=["valgrind", "--quiet", "--tool=callgrind",
                              f"--toggle-collect={NOT_COUNTED}", "--collect-atstart=yes",
                              "--separate-threads=yes", f"--callgrind-out-file={profile}"],
                        timeout_seconds=60)
        with server.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(requests):
                sock.sendall(request(scenario, number))
                if not sock.recv(4096).endswith(b"<h1>0</h1>"):
                    raise RuntimeError("not the answer of /")
        if server.stop() != 0:
            raise RuntimeError(server.stderr_text())
        return sum((count(path) for path in profile.parent.glob(profile.name + "-*")
                    if not path.name.endswith("-01")), collections.Counter())


def total_of(profile):
    """Of one thread's profile."""
    for line in profile.read_text().splitlines():
        if line.startswith(("summary:", "totals:")):
            return collections.Counter(all=int(line.split()[1]))
    raise RuntimeError(f"callgrind wrote no total into {profile.name}")


def by_function(profile):
    report = subprocess.run(["callgrind_annotate", "--threshold=100", profile], check=True,
                            capture_output=True, text=True).stdout
    found = collections.Counter()
    for count, name in re.findall(r"^ *([\d,]+) \([ \d.]+%\) +\S+?:([\w.@]+)", report, re.M):
        found[name.partition(".")[0].partition("@")[0]] += int(count.replace(",", ""))
    return found


def instructions_per_request():
    """{scenario: instructions}"""
    return {scenario: per_request(scenario, total_of)["all"] for scenario in SCENARIOS}


def per_request(scenario, count):
    many, few = (count_in_a_run(scenario, requests, count) for requests in (MANY, FEW))
    return collections.Counter({name: (many[name] - few[name]) / (MANY - FEW) for name in many})


def recorded():
    """{scenario: instructions}"""
    lines = [line.split(maxsplit=1) for line in RECORD.read_text().splitlines()
             if not line.startswith("#")]
    return {scenario: float(count) for count, scenario in lines}


def print_functions():
    counts = [per_request(scenario, by_function) for scenario in SCENARIOS]
    print(f"{SAME}, {DIFFER}:")
    for name in sorted(set().union(*counts), key=lambda name: -max(each[name] for each in counts)):
        if max(each[name] for each in counts) >= 1:
            print("".join(f"{each[name]:6.0f}" for each in counts), f" {name}")
    print("".join(f"{sum(each.values()):6.0f}" for each in counts), " all")


def main():
    if sys.argv[1:] == ["--by-function"]:
        print_functions()
        return
    before = recorded() if RECORD.exists() else {}
    measured = instructions_per_request()
    for scenario, count in measured.items():
        print(f"{count:.0f} instructions a request, {scenario}")
        if scenario in before:
            print(f"{before[scenario]:.0f} recorded, {count / before[scenario] - 1:+.1%}")
    if sys.argv[1:] == ["--write"]:
        RECORD.write_text(
            "# Instructions in user space for one request: see bench/instructions.py.\n"
            + "".join(f"{count:.0f} {scenario}\n" for scenario, count in measured.items()))


if __name__ == "__main__":
    main()
