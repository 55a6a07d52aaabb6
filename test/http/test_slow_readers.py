"""Peers that do not read: bounded memory, order kept, and a deadline."""

import re
import threading

import pytest

from observed import (answered, await_value, closed_by, cpu_seconds, in_flight, in_state, page,
                      resident_bytes)
from stack.awaiting import await_condition
from wire import Client, is_alive, request

MIB = 1024 * 1024
MARK = re.compile(rb"\r\nx-mark: (\d+)\r\n")


def send_until_stuck(client, data):
    """Sends until neither the server nor the kernel takes more; returns the bytes sent."""
    client.sock.settimeout(1)
    sent = 0
    view = memoryview(data)
    try:
        while sent < len(data):
            sent += client.sock.send(view[sent:sent + 65536])
    except TimeoutError:
        pass
    client.sock.settimeout(60)
    return sent


@pytest.mark.parametrize("delay, count, fill", [("none", 100_000, 100),
                                                ("uniform(0us,20us)", 25_000, 1000)])
def test_pipelined_requests_without_reading(server, delay, count, fill):
    one = server("--delay", delay, "--workers", "1", "--log", "off")
    assert is_alive(one)
    data = b"".join(request(fields=[f"x-mark: {number}", "x-fill: " + "f" * fill])
                    for number in range(count))
    with Client(one, receive_buffer=65536) as client:
        before = resident_bytes(one)
        sent = send_until_stuck(client, data)
        assert sent < len(data), "the server must stop reading"
        await_value(in_state, one, "writing", 1)
        assert resident_bytes(one) - before < 8 * MIB
        used = cpu_seconds(one)
        for _ in range(20):  # others are served, and being stuck costs nothing
            assert is_alive(one)
        assert cpu_seconds(one) - used < 1
        sender = threading.Thread(target=lambda: client.sock.sendall(data[sent:]))
        sender.start()
        received, tail, marks = 0, b"", []
        while len(marks) < count:
            piece = client.sock.recv(1 << 20)
            assert piece
            received += len(piece)
            tail += piece
            found = list(MARK.finditer(tail))
            marks += [int(match[1]) for match in found]
            tail = tail[found[-1].end() - 2:] if found else tail
        sender.join(30)
        assert not sender.is_alive()
        assert marks == list(range(count)), "each once, and in order"
        assert resident_bytes(one) - before < 8 * MIB
    await_condition(lambda: in_flight(one) == 0, what="the end")
    assert answered(one, 200, route="/") == count
    assert page(one).value("httpserver_request_duration_seconds_count", route="/") == count


@pytest.mark.parametrize("target", ["/version", "/metrics"])
def test_a_peer_that_takes_nothing_is_closed(server, target):
    one = server("--delay", "none", "--workers", "1", "--write-timeout", "300ms")
    with Client(one, receive_buffer=4096) as client:
        data = request(target) * 200_000
        try:
            send_until_stuck(client, data)
        except (ConnectionResetError, BrokenPipeError):
            pass
        await_value(closed_by, one, "write_timeout", 1)
        assert in_state(one, "writing") == 0
        route = {"route": target, "method": "GET"}
        assert answered(one, 499, **route) > 0 and answered(one, 200, **route) > 0
    assert is_alive(one)


def test_each_byte_taken_prolongs_the_time(server):
    one = server("--delay", "none", "--workers", "1", "--write-timeout", "3s",
                 "--max-head", "60KiB")
    with Client(one, receive_buffer=4096) as client:
        data = request(fields=["x: " + "f" * 50_000]) * 200
        sender = threading.Thread(target=lambda: client.sock.sendall(data))
        sender.start()
        await_value(in_state, one, "writing", 1)
        taken = 0
        for _ in range(45):
            taken += len(client.sock.recv(20_000))
            assert one.get("/healthz")[0] == 200
            threading.Event().wait(0.1)  # the pace of the reader, not a wait for the server
        assert closed_by(one, "write_timeout") == 0
        while taken < 200 * 50_000:
            taken += len(client.sock.recv(1 << 20))
        sender.join(30)
    assert answered(one, 200, route="/") == 200


@pytest.mark.parametrize("answers", [1, 2, 7, 20])
def test_a_refusal_is_kept_for_a_slow_reader(server, answers):
    """It has neither method nor target, and waits in the output with answers that have."""
    one = server("--delay", "none", "--workers", "1", "--max-head", "60KiB")
    with Client(one, receive_buffer=4096) as client:
        large = request(fields=["x: " + "f" * 50_000])
        sent = 0
        while in_state(one, "writing") == 0:
            client.send(large)
            sent += 1
            await_condition(lambda: answered(one, 200, route="/") + in_state(one, "writing")
                            == sent, what=f"request {sent}")
        small = request("/version") * answers + b"BAD\r\n\r\n"
        client.send(small)
        for _ in range(sent + answers):
            assert client.answer().status == 200
        assert client.answer().status == 400
        assert client.rest() == b""


def test_a_peer_that_leaves_with_answers_unread_is_counted(server):
    one = server("--delay", "none", "--workers", "1")
    with Client(one, receive_buffer=4096) as client:
        send_until_stuck(client, request("/version") * 400_000)
        await_value(in_state, one, "writing", 1)
        assert in_flight(one) == 1
        client.close()
    await_value(closed_by, one, "client", 1)
    assert in_flight(one) == 0
    assert answered(one, 499, route="/version") > 0


@pytest.mark.heavy  # a sanitizer's memory is not the server's
def test_many_slow_readers_have_bounded_memory(server):
    one = server("--delay", "none", "--workers", "1", "--max-held-memory", "1MiB")
    before = resident_bytes(one)
    clients = [Client(one, receive_buffer=4096) for _ in range(40)]
    data = memoryview(request(fields=["x: " + "f" * 8000]) * 1000)
    sent = [0] * len(clients)

    def some_memory_is_missing():
        for number, client in enumerate(clients):
            client.sock.setblocking(False)
            try:
                sent[number] += client.sock.send(data[sent[number]:])
            except (BlockingIOError, ConnectionResetError, BrokenPipeError):
                pass
        return closed_by(one, "memory") > 0
    try:
        await_condition(some_memory_is_missing, what="the limit")
        assert in_state(one, "writing") >= 5
        assert resident_bytes(one) - before < 8 * MIB
        assert is_alive(one)
    finally:
        for client in clients:
            client.close()
    await_value(in_state, one, "idle", 1)
    assert in_flight(one) == 0
