"""Signals that are no order to end: the server goes on, and nothing is lost."""

import os
import signal
import time

import pytest

from observed import await_in_flight, closed_by, in_state, page
from stack.awaiting import await_condition
from wire import Client, is_alive, request

TIMEOUT_SECONDS = 0.4


def pause(server):
    """Stops it, and returns when it is stopped."""
    server.send_signal(signal.SIGSTOP)
    stat = f"/proc/{server.pid}/stat"
    await_condition(lambda: open(stat).read().rpartition(")")[2].split()[0] == "T",
                    what="the stop")


def test_who_was_stopped_cuts_nobody_off_for_it(server, figure):
    """What came while it was stopped counts as in time, and delays that passed are over."""
    limit = f"{int(TIMEOUT_SECONDS * 1000)}ms"
    one = server("--delay", "const(100ms)", "--head-timeout", limit, "--body-timeout", limit,
                 "--idle-timeout", "60s", "--write-timeout", limit)
    waiting, head, body = clients = [Client(one) for _ in range(3)]
    try:
        head.send(b"GET /version HTTP/1.1\r\nho")
        body.send(request("/", "POST", ["content-length: 6"]) + b"abc")
        waiting.send(request())
        await_condition(lambda: in_state(one, "reading_body") + in_state(one, "reading_head") == 2,
                        what="the halves")
        pause(one)
        head.send(b"st: a\r\n\r\n")
        body.send(b"def")
        new = Client(one).send(request("/version"))
        clients.append(new)
        time.sleep(3 * TIMEOUT_SECONDS)  # the time that it does not notice
        one.send_signal(signal.SIGCONT)
        assert [client.answer().status for client in clients] == [200] * 4
    finally:
        for client in clients:
            client.close()
    for reason in ("head_timeout", "body_timeout", "write_timeout"):
        assert closed_by(one, reason) == 0
    await_in_flight(one, 0)
    figure(f"stopped for {3 * TIMEOUT_SECONDS:.1f} s with timeouts of {limit}: 4 of 4 answered")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGPIPE])
def test_a_signal_ends_neither_the_server_nor_a_request(server, figure, number):
    one = server("--delay", "const(300ms)", "--workers", "2")
    with Client(one) as client:
        client.send(request() * 2)
        await_in_flight(one, 1)
        for _ in range(20):
            os.kill(one.pid, number)
            assert is_alive(one)
        assert [client.answer().status for _ in range(2)] == [200, 200]
    assert page(one).value("httpserver_requests_total", code="499") in (None, 0)
    assert one.running()
    figure(f"20 times {signal.Signals(number).name}: it serves on")
