"""Connections: kept alive, closed when asked, pipelined in order."""

import json

import pytest

from wire import Client, ask_once, chunks, request

KEEP = "connection: keep-alive"
CLOSE = "connection: close"


@pytest.fixture
def one(server):
    return server("--delay", "none", "--workers", "1")


def test_a_connection_serves_many_requests(one):
    with Client(one) as client:
        for _ in range(300):
            answer = client.ask(request())
            assert answer.status == 200 and answer.get("connection") is None


def test_heads_that_come_again_are_those_of_their_own_requests(one):
    """The server remembers a head that comes often; what is around it must not matter."""
    def echoed(client, target, field, body):
        answer = json.loads(client.ask(request(target, "POST", [field], body.encode())).body)
        return answer["path"], answer["query"], answer["headers"]["x-often"], answer["body"]

    with Client(one) as client, Client(one) as another:
        for number in range(100):
            # The next are alike up to a byte, or longer; the bodies all differ.
            for asking, query, value in ((client, "often", "1"), (another, "often", "1"),
                                         (another, "Often", "1"), (another, "often", "11")):
                body = f"{number:03}{query}"
                assert echoed(asking, f"/echo?{query}", f"x-often: {value}", body) == (
                    "/echo", query, [value], body)
        # In pieces, and several at once.
        often = request("/", fields=["x-often: 1"])
        for _ in range(50):
            assert client.ask(often).get("x-often") == "1"
        client.send_bytewise(often)
        assert client.answer().get("x-often") == "1"
        client.send(often * 20 + request("/", fields=["x-often: 2"]) * 20 + often * 20)
        got = [client.answer().get("x-often") for _ in range(60)]
        assert got == ["1"] * 20 + ["2"] * 20 + ["1"] * 20


@pytest.mark.parametrize("target, method, status", [
    ("/", "GET", 200), ("/version", "GET", 200), ("/metrics", "GET", 200), ("/nothing", "GET", 404),
    ("/version", "DELETE", 405), ("*", "OPTIONS", 204), ("/", "HEAD", 200),
    ("/metrics", "HEAD", 200), ("/nothing", "HEAD", 404)])
@pytest.mark.parametrize("version, field, closes", [
    ("1.1", None, False), ("1.1", KEEP, False), ("1.1", CLOSE, True),
    ("1.1", "Connection: x, CLOSE", True), ("1.1", "connection: keep-alive, close", True),
    ("1.0", None, True), ("1.0", KEEP, False), ("1.0", "Connection: Keep-Alive", False),
    ("1.0", CLOSE, True), ("1.2", None, False)])
def test_who_asks_for_the_close_gets_it(one, target, method, status, version, field, closes):
    ends_by_close = version == "1.0" and target == "/metrics" and method == "GET"
    with Client(one) as client:
        answer = client.ask(request(target, method, [field] if field else [], version=version),
                            method)
        assert answer.status == status
        if closes or ends_by_close and answer.closes:
            assert answer.closes
            client.send(request("/smuggled"))
            assert client.rest() == b""
        else:
            assert answer.get("connection") == ("keep-alive" if version == "1.0" else None)
            assert client.ask(request("/healthz")).body == b"ok"


def test_close_in_a_line_of_its_own(one):
    assert ask_once(one, request(fields=["connection: x", CLOSE, "connection: y"])).closes


def test_an_old_client_gets_no_chunks(one):
    with Client(one) as client:
        answer = client.ask(request("/metrics", version="1.0", host=None))
        assert answer.get("transfer-encoding") is None
        assert b"httpserver_requests_in_flight" in answer.body


def test_a_transfer_coding_of_an_old_client_ends_the_connection(one):
    with Client(one) as client:
        client.send(request("/", "POST", [KEEP, "transfer-encoding: chunked"], version="1.0")
                    + chunks(b"abc"))
        answer = client.answer()
        assert answer.status in (200, 400) and answer.closes
        assert client.rest() == b""


@pytest.mark.parametrize("target", ["/", "/version", "/healthz", "/readyz", "/nothing", "/metrics"])
def test_head_is_get_without_content(one, target):
    with Client(one) as client:
        got = client.ask(request(target))
        head = client.ask(request(target, "HEAD"), "HEAD")
        assert head.status == got.status
        assert head.get("content-type") == got.get("content-type")
        if target != "/metrics":
            assert [name for name, _ in head.fields] == [name for name, _ in got.fields]
            assert int(head.get("content-length")) == len(got.body)
        assert client.ask(request("/healthz")).body == b"ok"


def test_no_answer_that_has_no_content_says_a_length(one):
    answer = ask_once(one, request("*", "OPTIONS"))
    assert answer.get("content-length") is None and answer.get("transfer-encoding") is None


def test_a_client_may_half_close_behind_its_requests(one):
    with Client(one) as client:
        client.send(request("/version") * 50)
        client.sock.shutdown(1)
        assert [client.answer().status for _ in range(50)] == [200] * 50
        assert client.rest() == b""


# Pipelining

def mix(count):
    """Requests of several kinds with the status and the mark that tells their answers apart."""
    for number in range(count):
        kind = number % 4
        if kind == 0:
            yield request("/", fields=[f"x-mark: {number}"]), 200, number
        elif kind == 1:
            yield request("/version"), 200, None
        elif kind == 2:
            yield request(f"/nothing/{number}"), 404, None
        else:
            yield request("/", "POST", [f"x-mark: {number}"], b"x" * (number % 97)), 200, number


@pytest.mark.parametrize("delay", ["none", "const(1ms)", "uniform(0ms,2ms)"])
def test_a_thousand_pipelined_requests_are_answered_in_order(server, delay):
    one = server("--delay", delay)
    sent = list(mix(1000))
    with Client(one) as client:
        client.send(b"".join(data for data, _, _ in sent))
        for _, status, mark in sent:
            answer = client.answer()
            assert answer.status == status
            assert answer.get("x-mark") == (None if mark is None else str(mark))
        assert client.ask(request("/healthz")).body == b"ok"


def test_pipelined_requests_of_every_size_are_answered_in_order(one):
    """Heads end everywhere in the buffers that they are read into."""
    with Client(one) as client:
        client.send(b"".join(request(fields=[f"x-mark: {number}", f"x-fill: {'f' * (number * 13)}"])
                             for number in range(400)))
        for number in range(400):
            answer = client.answer()
            assert answer.get("x-mark") == str(number)
            assert len(answer.get("x-fill")) == number * 13


def test_a_scrape_in_the_middle_keeps_the_order(one):
    with Client(one) as client:
        client.send((request("/version") + request("/metrics") + request("/nothing")) * 20)
        for _ in range(20):
            assert client.answer().get("content-length") is not None
            page = client.answer()
            assert b"# TYPE httpserver_requests_in_flight gauge\n" in page.body
            assert client.answer().status == 404


def test_nothing_behind_a_close_is_answered(one):
    with Client(one) as client:
        client.send(request("/version") * 3 + request("/version", fields=[CLOSE])
                    + request("/smuggled") * 100)
        answers = [client.answer() for _ in range(4)]
        assert [answer.closes for answer in answers] == [False] * 3 + [True]
        assert client.rest() == b""
    assert not any("/smuggled" in line for line in one.stdout_lines())


def test_a_close_behind_a_delay(server):
    with Client(server("--delay", "const(50ms)")) as client:
        client.send(request(fields=[CLOSE]) + request("/smuggled"))
        assert client.answer().closes
        assert client.rest() == b""
