"""Much of everything: what is too much is refused or left unread, in bounded memory, and whoever
behaves is served meanwhile. Each test tells its figures."""

import resource
import selectors
import socket
import time

import pytest

from observed import (answered, await_in_flight, await_value, closed_by, cpu_seconds, in_flight,
                      in_state, open_descriptors, page, resident_bytes)
from stack.awaiting import await_condition
from wire import Client, is_alive, request

MIB = 1024 * 1024
# What the server may grow by: buffers that it had not touched before, and blocks of its pool.
BOUND = 4 * MIB

# Sanitizers have a memory of their own, and take their time.
pytestmark = pytest.mark.heavy


def send_parts(client, total, part):
    """Sends `part` until `total` bytes are sent; a close by the server is an error."""
    view = memoryview(part)
    left = total
    while left > 0:
        left -= client.sock.send(view[:min(left, len(view))])


class Growth:
    """How much more memory the server uses than at first."""

    def __init__(self, server):
        assert is_alive(server)
        self.server, self.before = server, resident_bytes(server)

    def bytes(self):
        return resident_bytes(self.server) - self.before

    def text(self):
        return f"{self.bytes() / MIB:.1f} MiB more resident"


@pytest.mark.parametrize("flags, head, status", [
    ([], ["content-length: 1073741824"], 413),
    (["--max-body", "1GiB"], ["content-length: 1073741824"], 200),
    (["--max-body", "1GiB"], ["transfer-encoding: chunked"], 200),
], ids=["refused", "sized", "chunked"])
def test_a_body_of_a_gibibyte(server, figure, flags, head, status):
    """The client sends all of it before it reads, also where nobody wants it."""
    one = server("--delay", "none", "--workers", "1", *flags)
    growth = Growth(one)
    chunk = b"100000\r\n" + bytes(MIB) + b"\r\n"
    with Client(one) as client:
        client.send(request("/", "POST", head))
        if "chunked" in head[0]:
            send_parts(client, 1024 * len(chunk), chunk)
            client.send(b"0\r\n\r\n")
        else:
            send_parts(client, 1024 * MIB, bytes(MIB))
        answer = client.answer()
        assert (answer.status, answer.closes) == (status, status == 413)
    assert growth.bytes() < BOUND
    figure(f"{answer.status}, {growth.text()}")


@pytest.mark.parametrize("start, total, status", [
    (b"GET / HTTP/1.1\r\nhost: a\r\nx: ", 100_000_000, 431),
    (b"GET /", 10_000_000, 414)], ids=["header", "target"])
def test_a_head_without_end(server, figure, start, total, status):
    one = server("--delay", "none", "--workers", "1")
    growth = Growth(one)
    with Client(one) as client:
        client.send(start)
        send_parts(client, total, b"a" * MIB)
        answer = client.answer()
        assert answer.status == status and answer.closes
    assert growth.bytes() < BOUND
    await_value(closed_by, one, "bad_request", 1)
    figure(f"{total} bytes: {answer.status}, {growth.text()}")


def test_a_hundred_thousand_chunks_of_a_byte(server, figure):
    one = server("--delay", "none", "--workers", "1")
    growth = Growth(one)
    with Client(one) as client:
        client.send(request("/", "POST", ["transfer-encoding: chunked"])
                    + b"1\r\nz\r\n" * 100_000 + b"0\r\n\r\n")
        assert client.answer().status == 200
        assert client.ask(request("/healthz")).body == b"ok"
    assert growth.bytes() < BOUND
    figure(f"200, {growth.text()}")


def test_a_million_pipelined_requests_without_reading(server, figure):
    one = server("--delay", "none", "--workers", "1", "--log", "off")
    growth = Growth(one)
    ask = request("/version", fields=["x-fill: " + "f" * 40])
    count = 1_000_000
    with Client(one) as client:
        length = len(client.send(ask).sock.recv(65536))
        data = memoryview(ask * 10_000)
        left = (count - 1) * len(ask)
        client.sock.setblocking(False)

        def send_some():
            nonlocal left
            try:
                while left > 0:
                    at = -left % len(data)
                    left -= client.sock.send(data[at:at + left])
            except BlockingIOError:
                pass

        def is_stuck():
            before = left
            send_some()
            return left == before and in_state(one, "writing") == 1
        await_condition(is_stuck, what="the server to stop reading")
        unread = count - left // len(ask)
        assert left > 0 and growth.bytes() < BOUND
        used = cpu_seconds(one)
        for _ in range(20):
            assert is_alive(one)
        assert cpu_seconds(one) - used < 1, "being stuck costs nothing"
        wanted = (count - 1) * length
        memory = bytearray(MIB)
        with selectors.DefaultSelector() as selector:
            selector.register(client.sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while wanted > 0:
                if left == 0:
                    selector.modify(client.sock, selectors.EVENT_READ)
                assert selector.select(30), f"{wanted} bytes of answers do not come"
                send_some()
                try:
                    got = client.sock.recv_into(memory)
                    assert got > 0, "closed"
                    wanted -= got
                except BlockingIOError:
                    pass
        assert wanted == 0
        assert growth.bytes() < BOUND
        client.sock.settimeout(30)
        assert client.ask(request("/healthz")).body == b"ok"
    assert answered(one, 200, route="/version") == count + 21
    figure(f"{count} answered; the server stopped reading after {unread}, {growth.text()}")


def test_two_thousand_slow_clients(server, figure, tmp_path):
    """Slow heads, slow bodies and slow readers: each is cut off for its reason."""
    path = tmp_path / "server.sock"
    held = 16
    one = server("--delay", "none", "--workers", "1", "--max-held-memory", f"{held}MiB",
                 "--listen", f"127.0.0.1:0,unix:{path}", "--head-timeout", "1500ms",
                 "--body-timeout", "1500ms", "--write-timeout", "1500ms", listeners=2)
    growth = Growth(one)
    fat = request(fields=["x: " + "f" * 8000]) * 100
    clients, readers, spent, most = [], [], [], 0

    def ask_for_more():
        """What a reader can send until the server stops reading, which waits for it to read."""
        for reader in readers:
            try:
                reader.send(fat)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass

    with Client(one) as good:
        def look():
            nonlocal most
            started = time.monotonic()
            assert good.ask(request("/version")).status == 200
            spent.append(time.monotonic() - started)
            most = max(most, growth.bytes())
        try:
            for number in range(2000):
                if number % 10 == 0:
                    reader = socket.socket(socket.AF_UNIX)
                    reader.connect(str(path))
                    clients.append(Client(sock=reader))
                    reader.setblocking(False)
                    readers.append(reader)
                    look()
                elif number % 2 == 0:
                    clients.append(Client(one).send(b"GET / HTTP/1.1\r\nhos"))
                else:
                    head = request("/", "POST", ["content-length: 100"])
                    clients.append(Client(one).send(head + b"part"))

            def all_cut_off():
                ask_for_more()
                look()
                family, found = "httpserver_connections_closed_total", page(one)
                reasons = {name: int(found.value(family, reason=name))
                           for name in ("head_timeout", "body_timeout", "write_timeout", "memory")}
                return reasons if sum(reasons.values()) == 2000 else None
            reasons = await_condition(all_cut_off, what="the end of the slow ones")
        finally:
            for client in clients:
                client.close()
    assert reasons["head_timeout"] == 800 and reasons["body_timeout"] == 1000
    assert answered(one, 408) == 1800
    assert most < held * MIB + BOUND
    await_in_flight(one, 0)
    spent.sort()
    figure(f"{reasons}; at most {most / MIB:.1f} MiB more resident with {held} MiB to hold; a good "
           f"client waited {spent[len(spent) // 2] * 1000:.2f} ms, at most "
           f"{spent[-1] * 1000:.1f} ms")


def test_twenty_thousand_half_requests_with_reset(server, figure):
    one = server("--delay", "const(60s)", "--workers", "2")
    starts = [b"", b"G", b"GET / HTTP/1.1\r\n", request("/", "POST", ["content-length: 5"]),
              request()]
    growth = Growth(one)
    await_value(in_state, one, "idle", 1)
    before = open_descriptors(one)
    reset = b"\1\0\0\0\0\0\0\0"  # SO_LINGER of no time
    count = 20_000
    address = (one.host, one.port)
    for number in range(count):
        sock = socket.create_connection(address)
        sock.sendall(starts[number % len(starts)])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        sock.close()
    await_condition(lambda: page(one).value("httpserver_connections_accepted_total") >= count,
                    what="all of them accepted")
    await_in_flight(one, 0)
    for state in ("reading_head", "reading_body", "waiting", "writing", "lingering"):
        await_value(in_state, one, state, 0)
    await_value(in_state, one, "idle", 1)
    await_condition(lambda: open_descriptors(one) <= before, what="the descriptors")
    found = page(one)
    assert found.value("httpserver_connections_accepted_total") \
        - found.value("httpserver_connections_closed_total") == 1
    assert growth.bytes() < BOUND
    assert is_alive(one)
    figure(f"{count} resets, {answered(one, 499)} requests ended with 499; descriptors and gauges "
           f"as before, {growth.text()}")


def test_a_thousand_clients_and_descriptors_for_a_fifth(server, figure):
    one = server("--delay", "const(1s)", "--workers", "2", descriptors=(256, 256))
    with Client(one) as first:
        assert first.ask(request("/healthz")).status == 200
        clients = [Client(one).send(request("/healthz")) for _ in range(1000)]
        try:
            def pauses():
                text = first.ask(request("/metrics")).body.decode()
                return int(text.partition("\nhttpserver_accept_pauses_total ")[2].split()[0])
            await_condition(pauses, what="the pause")
            used = cpu_seconds(one)
            assert first.ask(request()).status == 200  # takes a second
            spun = cpu_seconds(one) - used
            assert spun < 0.5, "waiting for a connection is not spinning"
            with selectors.DefaultSelector() as selector:
                for client in clients:
                    selector.register(client.sock, selectors.EVENT_READ, client)
                while selector.get_map():
                    assert selector.select(30), f"{len(selector.get_map())} are not served"
                    for key, _ in selector.select(0):
                        selector.unregister(key.fileobj)
                        assert key.data.answer().status == 200
                        key.data.close()
            paused = pauses()
        finally:
            for client in clients:
                client.close()
    await_value(in_state, one, "idle", 1)
    assert is_alive(one) and in_flight(one) == 0
    limit = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)[0]
    figure(f"{len(clients)} clients at {limit} descriptors: all served, {paused} pauses of "
           f"accepting, {spun:.2f} s of CPU in a second of being full")
