"""Somebody sets the clock: what waits and what times out goes by monotonic time alone."""

import email.utils
import mmap
import pathlib
import re
import struct
import subprocess
import time

import pytest

from stack.awaiting import await_condition
from stack.exposition import fetch

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = pathlib.Path(__file__).parent / "clock" / "stepping_clock.c"
DAY = 86400
ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
DELAY_SECONDS = 0.1

pytestmark = pytest.mark.static  # sanitizers want to be the first library that is loaded


class Clock:
    """The shared word of stepping_clock.c."""

    def __init__(self, folder):
        self.library = folder / "stepping_clock.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-Werror", "-o",
                        self.library, SOURCE], check=True)
        self.path = folder / "offset"
        self.path.write_bytes(bytes(8))
        with open(self.path, "r+b") as file:
            self.word = mmap.mmap(file.fileno(), 8)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "STEPPING_CLOCK": str(self.path)}

    def step_to(self, offset_seconds):
        struct.pack_into("=q", self.word, 0, offset_seconds)


def answer(sock):
    data = b""
    while not data.endswith(b"</h1>"):
        piece = sock.recv(65536)
        assert piece, f"closed behind {data}"
        data += piece
    return data


def date_offset(sock):
    """How far the Date of an answer is from this process's clock, in seconds."""
    sock.sendall(ASK)
    date = re.search(rb"\r\ndate: ([^\r]+)\r\n", answer(sock))[1].decode()
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time()


def totals_in_log(one):
    return [float(line.rpartition("total=")[2]) for line in one.stdout_lines() if "GET / " in line]


def test_clock_steps_move_dates_and_nothing_else(server, tmp_path, figure):
    clock = Clock(tmp_path)
    one = server("--delay", f"const({int(DELAY_SECONDS * 1000)}ms)", "--workers", "1",
                 "--idle-timeout", "60s", "--head-timeout", "60s", env=clock.environment())
    steps = (30 * 365 * DAY, -DAY)
    with one.connect() as waiting, one.connect() as idle, one.connect() as partial:
        partial.sendall(ASK[:20])
        idle.sendall(ASK)
        answer(idle)
        for offset in steps:
            started = time.monotonic()
            waiting.sendall(ASK)
            clock.step_to(offset)
            answer(waiting)
            assert DELAY_SECONDS <= time.monotonic() - started < 20
            await_condition(lambda: abs(date_offset(idle) - offset) < 60,
                            what=f"a date that is {offset} s off")
        partial.sendall(ASK[20:])
        answer(partial)
        page = fetch(one.url("/metrics"))
    latency = page.histogram("httpserver_execution_latency_seconds", step="total")
    assert DELAY_SECONDS * latency.count <= latency.sum < 20 * latency.count
    assert page.value("httpserver_connections_closed_total", reason="idle_timeout") == 0
    assert page.value("httpserver_connections_closed_total", reason="head_timeout") == 0
    # A line is written behind the count.
    await_condition(lambda: len(totals_in_log(one)) == latency.count, what="a line for each")
    totals = totals_in_log(one)
    assert all(0 < total < 20 for total in totals)
    figure(f"{len(steps)} steps of the clock by up to 30 years: {len(totals)} answers after their "
           f"delay, latencies of {min(totals):.3f} to {max(totals):.3f} s, none cut off")


def test_no_timer_is_on_the_wall_clock():
    """Whatever waits is given monotonic time: timers, and waits with a deadline."""
    wall = re.compile(r"timerfd_create\(CLOCK_REALTIME|pthread_cond_timedwait|sem_timedwait"
                      r"|pthread_mutex_timedlock|timer_create\(CLOCK_REALTIME")
    found = [f"{path.relative_to(ROOT)}: {match[0]}" for path in sorted(ROOT.glob("src/**/*.c"))
             for match in wall.finditer(path.read_text())]
    assert not found
    assert "timerfd_create(CLOCK_MONOTONIC" in (ROOT / "src/net/loop.c").read_text()
