#!/usr/bin/python3
"""Counts the instructions that one request costs in user space, under callgrind.

    bench/instructions.py [--write]

The scenario is fixed: the release build, one worker, one connection, one request at a time, `/`
with no delay and no log. The main thread, which does something once a second, is left out, and the
difference of two runs leaves starting and ending out. The first observation in each bucket of a native
histogram is not counted: how many buckets there are depends on how long requests take. So the figure
repeats within a thousandth whatever else the machine is doing, and a regression shows at once.
--write records it in bench/instructions.txt, which script/test holds the build against.
"""

import pathlib
import socket
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "script"))

from stack.server import Server  # noqa: E402

RECORD = ROOT / "bench" / "instructions.txt"
TOLERANCE = 0.03
FEW, MANY = 500, 2500
NOT_COUNTED = "native_observe_slowly"  # with all that it calls
REQUEST = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench/1.0\r\n"
           b"Accept: */*\r\n\r\n")


def instructions_of_a_run(requests):
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
            for _ in range(requests):
                sock.sendall(REQUEST)
                if not sock.recv(4096).endswith(b"<h1>0</h1>"):
                    raise RuntimeError("not the answer of /")
        if server.stop() != 0:
            raise RuntimeError(server.stderr_text())
        return sum(total_of(path) for path in profile.parent.glob(profile.name + "-*")
                   if not path.name.endswith("-01"))


def total_of(profile):
    """Of one thread's profile."""
    for line in profile.read_text().splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split()[1])
    raise RuntimeError(f"callgrind wrote no total into {profile.name}")


def instructions_per_request():
    return (instructions_of_a_run(MANY) - instructions_of_a_run(FEW)) / (MANY - FEW)


def recorded():
    for line in RECORD.read_text().splitlines():
        if line and not line.startswith("#"):
            return float(line)
    raise RuntimeError(f"{RECORD} has no figure")


def main():
    measured = instructions_per_request()
    print(f"{measured:.0f} instructions a request")
    if sys.argv[1:] == ["--write"]:
        RECORD.write_text("# Instructions in user space for one request: see bench/instructions.py.\n"
                          f"{measured:.0f}\n")
    elif RECORD.exists():
        print(f"{recorded():.0f} recorded, {measured / recorded() - 1:+.1%}")


if __name__ == "__main__":
    main()
