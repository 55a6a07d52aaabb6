"""Running out: of connections, of descriptors, of memory. What is there goes on being served."""

import resource
import selectors
import subprocess

import pytest

from observed import (answered, await_in_flight, await_value, closed_by, cpu_seconds, in_state,
                      open_descriptors, page)
from stack.awaiting import await_condition
from stack.server import clean_environment
from wire import Client, is_alive, request


def pauses(client):
    """Asked on a connection that is open already."""
    text = client.ask(request("/metrics")).body.decode()
    return int(next(line.split()[1] for line in text.splitlines()
                    if line.startswith("httpserver_accept_pauses_total ")))


def cpu_of_a_second(server, client):
    """CPU seconds that the server uses while one request of a second waits, and nothing else."""
    before = cpu_seconds(server)
    assert client.ask(request()).status == 200
    return cpu_seconds(server) - before


def close_all(clients):
    for client in clients:
        client.close()


def serve_all(clients):
    """Those in the queue are served when some of those before have gone, in whatever order."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.sock, selectors.EVENT_READ, client)
        while selector.get_map():
            ready = selector.select(30)
            assert ready, f"{len(selector.get_map())} clients are not served"
            for key, _ in ready:
                selector.unregister(key.fileobj)
                assert key.data.answer().status == 200
                key.data.close()


def test_at_the_limit_of_connections_accepting_pauses_and_resumes(server):
    one = server("--delay", "const(1s)", "--workers", "1", "--max-connections", "20")
    clients = [Client(one) for _ in range(60)]
    try:
        for client in clients:
            client.send(request("/healthz"))
        served, queued = clients[:20], clients[20:]
        assert [client.answer().status for client in served] == [200] * 20
        await_condition(lambda: pauses(served[0]) == 1, what="the pause")
        assert cpu_of_a_second(one, served[0]) < 0.5, "waiting for a connection is not spinning"
        for client in queued:
            client.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.sock.recv(1)
            client.sock.settimeout(30)
        for gone, next_one in zip(served + queued[:20], queued):
            gone.close()
            assert next_one.answer().status == 200
    finally:
        close_all(clients)
    assert is_alive(one)


def test_a_client_that_leaves_while_waiting_frees_its_slot_at_once(server):
    one = server("--delay", "const(60s)", "--workers", "1", "--max-connections", "1")
    for leave in (Client.close, Client.reset) * 5:
        client = Client(one).send(request())
        with Client(one).send(request("/healthz")) as behind:
            leave(client)
            assert behind.answer().status == 200


def test_descriptors_run_out_and_come_back(server):
    """The limit is lowered under the running server: nothing is set aside for it."""
    one = server("--delay", "const(1s)", "--workers", "2")
    with Client(one) as first:
        assert first.ask(request("/healthz")).status == 200
        limit = open_descriptors(one) + 8
        resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (limit, limit))
        clients = [Client(one).send(request("/healthz")) for _ in range(300)]
        try:
            await_condition(lambda: pauses(first) >= 1, what="the pause")
            assert open_descriptors(one) <= limit
            assert cpu_of_a_second(one, first) < 0.5, "waiting for a descriptor is not spinning"
            serve_all(clients)
        finally:
            close_all(clients)
        assert first.ask(request("/healthz")).status == 200
    assert is_alive(one)


def test_few_descriptors_are_enough_for_many_clients_in_turn(server):
    one = server("--delay", "const(1s)", "--workers", "1", descriptors=(128, 128))
    with Client(one) as first:
        assert first.ask(request("/healthz")).status == 200
        clients = [Client(one).send(request("/healthz")) for _ in range(300)]
        try:
            await_condition(lambda: pauses(first) >= 1, what="the pause")
            assert cpu_of_a_second(one, first) < 0.5
            serve_all(clients)
        finally:
            close_all(clients)
    assert is_alive(one)


@pytest.mark.parametrize("flags", [[], ["--max-connections", "100"]])
def test_too_few_descriptors_are_said_at_the_start(binary, flags):
    done = subprocess.run(
        ["prlimit", "--nofile=64:64", binary, "--listen", "127.0.0.1:0", *flags],
        env=clean_environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "--max-connections" in done.stderr and "descriptors" in done.stderr


# Memory for waiting requests

@pytest.fixture
def small(server):
    """Room for about a hundred requests that keep fields of 8 KB each."""
    return server("--delay", "const(60s)", "--workers", "1", "--max-held-memory", "1MiB")


def fill(server, clients):
    """Lets requests wait until one is refused, whose answer is returned."""
    for _ in range(1000):
        client = Client(server)
        clients.append(client)
        client.send(request(fields=["x: " + "f" * 7500]) + request("/healthz"))
        client.sock.settimeout(0.001)
        try:
            client._more()
            client.sock.settimeout(30)
            return client
        except TimeoutError:
            client.sock.settimeout(30)
    raise AssertionError("no end of the memory")


def test_without_memory_the_answer_is_503(small):
    clients = []
    try:
        refused = fill(small, clients)
        answer = refused.answer()
        assert answer.status == 503 and answer.closes and b"--max-held-memory" in answer.body
        assert refused.rest() == b""
        # One at least: on a busy machine others were sent before the first refusal was read.
        await_condition(lambda: in_state(small, "waiting") + answered(small, 503, route="/")
                        == len(clients), what="every request waiting or refused")
        waiting, refusals = in_state(small, "waiting"), answered(small, 503, route="/")
        assert waiting >= 80 and refusals >= 1
        assert page(small).value("httpserver_execution_latency_seconds_count", step="total") == 0
        with Client(small) as client:  # what needs no memory goes on
            for _ in range(100):
                assert client.ask(request("/version")).status == 200
    finally:
        close_all(clients)
    await_in_flight(small, 0)
    assert answered(small, 499) == waiting
    await_value(closed_by, small, "memory", refusals)
    with Client(small) as client:
        client.send(request())
        await_value(in_state, small, "waiting", 1)


def test_without_memory_bodies_are_refused_too(small):
    clients = []
    try:
        fill(small, clients)
        with Client(small) as client:
            answer = client.ask(request("/version", "POST", ["content-length: 5"]) + b"ab")
            assert answer.status in (503, 405)
        with Client(small) as client:
            assert client.ask(request("/version", "POST", body=b"whole")).status == 405
    finally:
        close_all(clients)
    await_in_flight(small, 0)
