"""What script/bench measures against and how it computes, without measuring anything."""

import socket
import subprocess
import sys

import pytest

from stack.server import ROOT, Server

sys.path.insert(0, str(ROOT / "bench"))

from compare import report  # noqa: E402
from compare.cpu import CpuTime, cpu_time  # noqa: E402

pytestmark = pytest.mark.static
ANSWER_BYTES = 200
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nx-a: b\r\n\r\n"


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    program = tmp_path_factory.mktemp("bench") / "floor"
    subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g",
                    "-fsanitize=address,undefined", ROOT / "bench" / "floor.c", "-o", program],
                   check=True)
    server = Server(0, ANSWER_BYTES, listen=None, binary=program)
    yield server
    server.kill()
    assert not server.sanitizer_report(), server.stderr_text()


def exactly(connection, count):
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        assert piece, f"closed after {len(received)} of {count} bytes"
        received += piece
    return received


@pytest.mark.parametrize("pieces, answers", [
    ([REQUEST], 1),
    ([bytes([byte]) for byte in REQUEST * 2], 2),
    ([REQUEST * 100], 100),
    ([REQUEST[:-1], REQUEST[-1:] + REQUEST], 2),
    ([REQUEST[:-2] + b"x-c: d\r\n", b"\r\n"], 1),
])
def test_the_floor_answers_each_blank_line_once(floor, pieces, answers):
    with floor.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        received = exactly(connection, answers * ANSWER_BYTES)
        one = received[:ANSWER_BYTES]
        assert received == one * answers
        assert one.startswith(b"HTTP/1.1 200 OK\r\n") and one.endswith(b"\r\n\r\n<h1>0</h1>")
        # Nothing more comes: the answer to the next request is the next thing on the connection.
        connection.sendall(REQUEST)
        assert exactly(connection, ANSWER_BYTES) == one
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_cpu_time_is_that_of_the_whole_group(floor):
    before = cpu_time(floor.pid)
    with floor.connect() as connection:
        for _ in range(20):
            connection.sendall(REQUEST * 50)
            exactly(connection, 50 * ANSWER_BYTES)
    assert (cpu_time(floor.pid) - before).total_seconds > 0
    assert CpuTime(2.0, 30, 10).user_share() == 0.75
    assert CpuTime(3.0, 5, 9) - CpuTime(1.0, 2, 3) == CpuTime(2.0, 3, 6)


def results(cost):
    """Rounds in which everything becomes twice as dear; `cost` by contender."""
    return {"plain": {name: [{"cpu_us": us * drift, "user_us": us / 10, "system_us": us,
                              "requests_per_second": 1e5} for drift in (1, 2, 4)]
                      for name, us in cost.items()},
            "pipelined": {}, "waiting": {}}


def test_ratios_are_taken_within_a_round_and_budgets_are_judged():
    found = results({report.FLOOR: 4.0, report.OURS: 5.0})
    assert report.ratio(found, "plain", report.OURS, report.FLOOR, "cpu_us") == 1.25
    judged = {budget["name"]: budget["value"] for budget in report.budgets(found)}
    assert judged["CPU per request, log off"] == 1.25
    assert judged["of it in user space"] == 0.5
    assert judged["memory, 15,000 requests waiting"] is None
    text = report.text(found)
    assert "+18 % over" in text and "not measured" in text
    assert "within" in report.text(results({report.FLOOR: 4.0, report.OURS: 4.2}))
