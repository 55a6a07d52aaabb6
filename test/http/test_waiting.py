"""Requests that wait: clients that leave, resets, and ten thousand at once."""

import os
import re
import selectors
import socket
import time

import pytest

from observed import (answered, await_in_flight, await_value, closed_by, cpu_seconds, in_state,
                      open_descriptors, page, resident_bytes)
from stack.awaiting import await_condition
from wire import Client, is_alive, request

MIB = 1024 * 1024
OWN = 2  # descriptors that the server may open for itself just after it has said that it listens


def delay_seconds(answer):
    return float(re.match(r"delay;dur=([0-9.]+)", answer.get("server-timing"))[1]) / 1000


@pytest.mark.parametrize("leave", [Client.close, Client.reset,
                                   lambda client: client.sock.shutdown(socket.SHUT_WR)])
def test_a_client_that_leaves_is_counted(server, leave):
    one = server("--delay", "const(60s)")
    with Client(one) as client:
        client.send(request("/?left", "GET"))
        await_in_flight(one, 1)
        leave(client)
        await_in_flight(one, 0)
    assert answered(one, 499, route="/", method="GET") == 1
    assert in_state(one, "waiting") == 0
    assert closed_by(one, "client") == 1
    assert page(one).value("httpserver_execution_latency_seconds_count", step="total") == 0

    def lines():
        return [line.split()[4:6] for line in one.stdout_lines() if " /?left " in line]
    await_condition(lines, what="the line in the log")
    assert lines() == [["499", "0"]]


def test_a_client_that_leaves_with_requests_behind_is_noticed(server):
    """Unread bytes in front of the end do not hide it."""
    one = server("--delay", "const(60s)")
    with Client(one) as client:
        client.send(request() * 3)
        await_in_flight(one, 1)
        client.send(request("/version") * 1000)
        client.close()
    await_in_flight(one, 0)
    assert answered(one, 499) == 1


@pytest.mark.parametrize("busy_poll", ["0s", "1ms"])
def test_nobody_is_answered_early(server, busy_poll):
    """Whether the worker sleeps until a delay is over or polls at the end of it."""
    one = server("--delay", "uniform(0s,6ms)", "--busy-poll", busy_poll, "--workers", "2")
    clients = [Client(one) for _ in range(20)]
    for _ in range(20):
        for client in clients:
            client.send(request("/"))
        for client in clients:
            assert client.answer().status == 200
    for client in clients:
        client.close()

    def lines():
        return [line for line in one.stdout_lines() if "GET / " in line]
    await_condition(lambda: len(lines()) == 400, what="the lines in the log")
    for line in lines():
        delay, total = map(float, re.search(r"delay=(\S+) total=(\S+)", line).groups())
        assert 0 <= delay <= 0.006 and total >= delay


def test_a_client_that_resets_between_answers_is_noticed(server):
    one = server("--delay", "const(20ms)", "--workers", "1")
    for count in range(1, 30):
        client = Client(one)
        client.send(request() * 30)
        for _ in range(count % 5):
            assert client.answer().status == 200
        client.reset()
    await_in_flight(one, 0)
    await_condition(lambda: closed_by(one, "client") == 29, what="all closes")
    assert is_alive(one)


def test_resets_while_waiting_leave_nothing_behind(server, figure):
    one = server("--delay", "const(60s)", "--workers", "2")
    with Client(one) as first:
        first.ask(request("/healthz"))
        before = open_descriptors(one)
        for _ in range(10):
            clients = [Client(one).send(request() if number % 3 else b"GET / HT")
                       for number in range(300)]
            await_in_flight(one, 200)
            for number, client in enumerate(clients):
                client.reset() if number % 2 else client.close()
            await_in_flight(one, 0)
            await_value(in_state, one, "reading_head", 0)
        await_condition(lambda: open_descriptors(one) <= before + OWN, what="the descriptors")
    found = page(one)
    assert found.value("httpserver_requests_total", code="499") == 2000
    assert found.value("httpserver_connections_closed_total", reason="client") >= 3000
    figure("3000 clients left while waiting or asking, 2000 requests ended with 499; descriptors "
           "and gauges as before")


def test_half_requests_with_reset_leave_nothing_behind(server):
    one = server("--delay", "none", "--workers", "1")
    await_value(in_state, one, "idle", 1)
    before = open_descriptors(one)
    for start in (b"", b"G", b"GET / HTTP/1.1\r\n", request("/", "POST", ["content-length: 5"])):
        for _ in range(250):
            Client(one).send(start).reset()
    await_condition(lambda: open_descriptors(one) <= before + OWN, what="the descriptors")
    await_value(in_state, one, "idle", 1)
    assert is_alive(one)


def test_while_one_waits_others_are_served(server):
    one = server("--delay", "const(60s)", "--workers", "1")
    with Client(one) as waiting, Client(one) as other:
        waiting.send(request())
        await_in_flight(one, 1)
        for _ in range(100):
            assert other.ask(request("/version")).status == 200
        assert in_state(one, "waiting") == 1


def test_waiting_costs_no_processor_time(server):
    one = server("--delay", "const(2s)")
    clients = [Client(one) for _ in range(100)]
    try:
        for client in clients:
            client.send(request() + request("/version"))
        await_in_flight(one, 100)
        before = cpu_seconds(one)
        for client in clients:
            assert [client.answer().status, client.answer().status] == [200, 200]
        assert cpu_seconds(one) - before < 1
    finally:
        for client in clients:
            client.close()


def test_shorter_delays_overtake_longer_ones(server):
    """Each request is due at its own time, whatever the order in which they came."""
    one = server("--delay", "uniform(0ms,1500ms)", "--seed", "5", "--workers", "1")
    with selectors.DefaultSelector() as selector:
        clients = [Client(one) for _ in range(40)]
        try:
            for client in clients:
                client.started = time.monotonic()
                client.send(request())
                selector.register(client.sock, selectors.EVENT_READ, client)
            order = []
            while selector.get_map():
                for key, _ in selector.select(30):
                    selector.unregister(key.fileobj)
                    answer = key.data.answer()
                    told = delay_seconds(answer)
                    assert time.monotonic() - key.data.started >= told
                    order.append(told)
        finally:
            for client in clients:
                client.close()
    assert len(order) == 40
    assert order != sorted(order, reverse=True) and order[0] < 0.75 < order[-1]


@pytest.mark.heavy
def test_ten_thousand_requests_wait_at_once(server, figure):
    import resource
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= count + 500 or hard == resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, hard))
    one = server("--delay", "const(6s)", "--log", "off")
    data = request(fields=["user-agent: waiting/1.0", "accept: */*", "x-fill: " + "f" * 30])
    before = resident_bytes(one)
    socks = []
    selector = selectors.DefaultSelector()
    try:
        for number in range(count):
            sock = socket.socket()
            socks.append(sock)
            # Several source addresses: one has too few ports where the range is small.
            sock.bind((f"127.0.0.{2 + number % 8}", 0))
            sock.connect((one.host, one.port))
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
        for sock in socks:
            sock.send(data)
        await_condition(lambda: in_state(one, "waiting") == count, what="all of them waiting")
        grown = resident_bytes(one) - before
        figure(f"{grown / MIB:.1f} MiB more resident with {count} requests waiting")
        assert grown < 64 * MIB
        ended = 0
        while ended < count:
            ready = selector.select(60)
            assert ready, f"{count - ended} of {count} got no answer"
            for key, _ in ready:
                answer = key.fileobj.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"<h1>6000</h1>")
                selector.unregister(key.fileobj)
                ended += 1
        assert in_state(one, "waiting") == 0
        assert answered(one, 200, route="/") == count
    finally:
        selector.close()
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await_value(in_state, one, "idle", 1)
    assert len(os.listdir(f"/proc/{one.pid}/task")) < 20, "nothing waits on a thread"
