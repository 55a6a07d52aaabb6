"""The end: what was received is answered, what is idle is closed, and what is cut off is said."""

import re
import resource
import signal
import socket

import pytest

from observed import answered, await_in_flight, await_value, in_state
from stack.awaiting import await_condition
from wire import Client, ask_once, chunks, request

SOON = 60  # seconds; where ending does not depend on a timeout, which is then far longer
LONG = ("--drain-timeout", "600s", "--idle-timeout", "600s", "--head-timeout", "600s",
        "--write-timeout", "600s")


def start_draining(server, number=signal.SIGTERM):
    server.send_signal(number)
    server.wait_for_stderr(lambda text: "draining" in text)


def refuses(server):
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def statuses(server):
    """Of the access log, by count."""
    found = {}
    for line in server.stdout_lines():
        status = line.split()[4]
        found[status] = found.get(status, 0) + 1
    return found


def pause(server):
    """Stops it, and returns when it is stopped."""
    server.send_signal(signal.SIGSTOP)
    stat = f"/proc/{server.pid}/stat"
    await_condition(lambda: open(stat).read().rpartition(")")[2].split()[0] == "T",
                    what="the stop")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_anything_to_do_it_ends_at_once(server, number):
    one = server("--delay", "const(60s)", *LONG)
    assert ask_once(one, request("/healthz")).status == 200
    one.send_signal(number)
    assert one.wait(SOON) == 0
    assert "draining" in one.stderr_text() and "cut off" not in one.stderr_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_all_that_wait_are_answered(server, workers, figure):
    """500 connections with three pipelined requests each, while others are idle."""
    one = server("--delay", "const(500ms)", "--workers", workers, *LONG)
    waiting = [Client(one) for _ in range(500)]
    idle = [Client(one) for _ in range(20)]
    try:
        for client in idle:
            assert client.ask(request("/healthz")).status == 200
        for client in waiting:
            client.send(request() + request("/version") + request("/", "POST", body=b"abc"))
        start_draining(one)
        for client in idle:
            assert client.rest() == b""
        await_condition(lambda: refuses(one), what="new connections being refused")
        for client in waiting:
            answers = [client.answer() for _ in range(3)]
            assert [answer.status for answer in answers] == [200] * 3
            assert [answer.closes for answer in answers] == [False, False, True]
            assert client.rest() == b""
    finally:
        for client in waiting + idle:
            client.close()
    assert one.wait(SOON) == 0
    assert statuses(one) == {"200": 1520}
    figure("500 clients with 3 requests each answered after SIGTERM, exit 0")


def test_an_idle_client_is_closed_while_others_wait(server):
    one = server("--delay", "const(60s)", *LONG)
    with Client(one) as waiting, Client(one) as idle, Client(one) as fresh, Client(one) as partial:
        waiting.send(request())
        assert idle.ask(request("/healthz")).status == 200
        partial.send(b"GET / HTTP/1.1\r\nhos")
        await_value(in_state, one, "reading_head", 1)
        start_draining(one)
        for client in (idle, fresh, partial):
            assert client.is_closed()
        waiting.close()
    assert one.wait(SOON) == 0, "the client that left is not waited for"


def test_a_body_under_way_is_taken(server):
    one = server("--delay", "const(50ms)", *LONG)
    with Client(one) as sized, Client(one) as chunked:
        sized.send(request("/", "POST", ["content-length: 10"]) + b"first")
        chunked.send(request("/version", "GET", ["transfer-encoding: chunked"]) + b"3\r\nabc\r\n")
        await_value(in_state, one, "reading_body", 2)
        start_draining(one)
        await_condition(lambda: refuses(one), what="new connections being refused")
        sized.send(b"after")
        chunked.send(chunks(b"more"))
        for client in (sized, chunked):
            answer = client.answer()
            assert answer.status == 200 and answer.closes
            assert client.rest() == b""
    assert one.wait(SOON) == 0


def fill_output(server, client):
    """Sends large requests one after the other until an answer does not fit into the buffers of
    the kernel; returns their number. All of them have been parsed then."""
    for number in range(1, 500):
        client.send(request(fields=["x: " + "f" * 50_000]))
        await_condition(lambda: answered(server, 200, route="/")
                        + in_state(server, "writing") == number, what=f"request {number}")
        if in_state(server, "writing") == 1:
            return number
    raise AssertionError("the kernel takes everything")


def test_a_slow_reader_gets_its_answers_and_the_close(server):
    """The close comes behind them although no answer could say so any more."""
    one = server("--delay", "none", "--workers", "1", "--max-head", "60KiB", *LONG)
    with Client(one, receive_buffer=4096) as client:
        count = fill_output(one, client)
        start_draining(one)
        await_condition(lambda: refuses(one), what="new connections being refused")
        for _ in range(count):
            answer = client.answer()
            assert answer.status == 200 and len(answer.get("x")) == 50_000
        assert client.rest() == b""
    assert one.wait(SOON) == 0


def test_what_a_slow_reader_has_pipelined_is_answered(server):
    one = server("--delay", "none", "--workers", "1", *LONG)
    with Client(one, receive_buffer=4096, timeout_seconds=1) as client:
        sent = 0
        block = request("/version") * 1000
        try:
            while True:
                sent += client.sock.send(block[sent % len(block):])
        except TimeoutError:
            client.sock.settimeout(30)
        await_value(in_state, one, "writing", 1)
        start_draining(one)
        await_condition(lambda: refuses(one), what="new connections being refused")
        whole = sent // len(request("/version"))
        assert whole > 1000
        for _ in range(whole):
            assert client.answer().status == 200
        assert client.is_closed()
    assert one.wait(SOON) == 0


def test_what_is_readable_is_received(server, tmp_path):
    """Requests of 64 bytes, so that each full read ends between two of them."""
    path = tmp_path / "server.sock"
    one = server("--delay", "none", "--workers", "1", "--listen", f"unix:{path}", *LONG)
    ask = request("/version", fields=["x: " + "y" * 25])
    assert len(ask) == 64
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        with Client(sock=sock) as client:
            assert client.ask(ask).status == 200
            pause(one)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            client.send(ask * 3000)
            one.send_signal(signal.SIGTERM)
            one.send_signal(signal.SIGCONT)
            answers = [client.answer() for _ in range(3000)]
            assert [answer.closes for answer in answers] == [False] * 2999 + [True]
            assert client.rest() == b""
    assert one.wait(SOON) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_in_the_accept_queue_is_received(server, workers):
    one = server("--delay", "const(20ms)", "--workers", workers, *LONG)
    pause(one)
    clients = [Client(one).send(request() * 2) for _ in range(100)]
    try:
        one.send_signal(signal.SIGTERM)
        one.send_signal(signal.SIGCONT)
        for client in clients:
            answers = [client.answer(), client.answer()]
            assert [answer.status for answer in answers] == [200, 200]
            assert [answer.closes for answer in answers] == [False, True]
            assert client.rest() == b""
    finally:
        for client in clients:
            client.close()
    assert one.wait(SOON) == 0


@pytest.mark.heavy
def test_ten_thousand_requests_are_answered(server, figure):
    """They become readable while the server does not run; it wakes up to the order to end."""
    count, aside = 10_000, 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= count + aside or hard == resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + aside, hard))
    one = server("--delay", "const(200ms)", *LONG)
    socks = []
    try:
        for number in range(count):
            sock = socket.socket()
            socks.append(sock)
            # Several source addresses: one has too few ports where the range is small.
            sock.bind((f"127.0.0.{2 + number % 8}", 0))
            sock.settimeout(SOON)
            sock.connect((one.host, one.port))
        await_value(in_state, one, "idle", count + 1)
        pause(one)
        for sock in socks:
            sock.send(request())
        one.send_signal(signal.SIGTERM)
        one.send_signal(signal.SIGCONT)
        answers = 0
        for sock in socks:
            data = b""
            while piece := sock.recv(4096):
                data += piece
            assert data.startswith(b"HTTP/1.1 200 ") and b"\r\nconnection: close\r\n" in data
            answers += data.endswith(b"<h1>200</h1>")
    finally:
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert one.wait(SOON) == 0
    assert answers == count
    figure(f"{answers} of {count} requests answered after SIGTERM, exit 0")


def test_what_waits_for_a_free_connection_is_received(server):
    """At --max-connections accepting has paused, yet the queue must not be reset."""
    one = server("--delay", "const(500ms)", "--workers", "1", "--max-connections", "10", *LONG)
    clients = [Client(one).send(request()) for _ in range(30)]
    try:
        start_draining(one)
        for client in clients:
            answer = client.answer()
            assert answer.status == 200 and answer.closes
    finally:
        for client in clients:
            client.close()
    assert one.wait(SOON) == 0


def test_while_the_drain_is_delayed_all_is_served_but_readiness(server):
    one = server("--delay", "const(10ms)", "--drain-delay", "600s", *LONG)
    with Client(one) as old:
        assert old.ask(request("/readyz")).status == 200
        start_draining(one)
        for client in (old, Client(one)):
            with client:
                answer = client.ask(request("/readyz"))
                assert answer.status == 503 and not answer.closes and answer.body
                assert [client.ask(request(target)).status
                        for target in ("/", "/healthz", "/livez", "/version")] == [200] * 4
    one.send_signal(signal.SIGTERM)
    assert one.wait(SOON) == 0, "nothing was cut off by the second signal"


def test_behind_the_drain_delay_comes_the_drain(server):
    one = server("--delay", "const(1s)", "--drain-delay", "300ms", *LONG)
    with Client(one) as client:
        client.send(request())
        start_draining(one)
        assert client.answer().closes
    assert one.wait(SOON) == 0


def cut_off(server):
    found = re.search(r"^httpserver: (\d+) requests were cut off$", server.stderr_text(), re.M)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_signal_cuts_off_and_says_how_many(server, workers, figure):
    one = server("--delay", "const(60s)", "--workers", workers, *LONG)
    clients = [Client(one).send(request()) for _ in range(37)]
    body = Client(one).send(request("/", "POST", ["content-length: 9"]) + b"part")
    try:
        await_in_flight(one, 38)
        start_draining(one)
        await_condition(lambda: refuses(one), what="the drain")
        one.send_signal(signal.SIGINT)
        assert one.wait(SOON) == 1
        for client in clients:
            assert client.is_closed()
    finally:
        for client in [*clients, body]:
            client.close()
    assert cut_off(one) == 38
    assert statuses(one)["499"] == 38, "each has its line in the log"
    figure(f"{cut_off(one)} cut off, said and logged, exit 1")


def test_at_the_drain_timeout_the_rest_is_cut_off(server):
    one = server("--delay", "const(60s)", "--drain-timeout", "200ms")
    with Client(one) as client:
        client.send(request())
        await_in_flight(one, 1)
        one.send_signal(signal.SIGTERM)
        assert one.wait(SOON) == 1
        assert client.is_closed()
    assert "httpserver: 1 requests were cut off" in one.stderr_text()


def test_clients_that_leave_are_not_waited_for(server):
    one = server("--delay", "const(60s)", *LONG)
    clients = [Client(one).send(request()) for _ in range(50)]
    await_in_flight(one, 50)
    start_draining(one)
    await_condition(lambda: refuses(one), what="the drain")
    for number, client in enumerate(clients):
        client.close() if number % 2 else client.reset()
    assert one.wait(SOON) == 0
    assert statuses(one)["499"] == 50


def test_requests_during_the_drain_are_answered_on_open_connections(server):
    """What comes behind a waiting request before its answer is answered, too."""
    one = server("--delay", "const(500ms)", "--workers", "1", *LONG)
    with Client(one) as client:
        client.send(request())
        await_in_flight(one, 1)
        start_draining(one)
        await_condition(lambda: refuses(one), what="the drain")
        client.send(request("/version") * 3)
        closes = [client.answer().closes for _ in range(4)]
        assert closes == [False, False, False, True]
    assert one.wait(SOON) == 0
