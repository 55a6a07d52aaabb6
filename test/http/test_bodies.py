"""Bodies of requests: read and dropped, announced with Expect, limited, and slow ones cut off."""

import pytest

from observed import answered, await_value, closed_by, in_state, page
from wire import Client, Closed, ask_once, chunks, request

CHUNKED = "transfer-encoding: chunked"
EXPECT = "expect: 100-continue"
MIB = 1024 * 1024


@pytest.fixture
def one(server):
    return server("--delay", "none", "--workers", "1")


def is_in_order(client):
    """The connection goes on, with the next request where it should be."""
    return client.ask(request("/healthz")).body == b"ok"


@pytest.mark.parametrize("length", [1, 100, 65_535, 65_536, 65_537, 200_000, MIB])
def test_a_sized_body_is_dropped(one, length):
    with Client(one) as client:
        answer = client.ask(request("/", "POST", body=b"x" * length))
        assert (answer.status, answer.closes) == (200, False)
        assert is_in_order(client)


@pytest.mark.parametrize("sizes", [[1], [65_536], [70_000] * 3, [MIB], [1] * 5000,
                                   [1000, 1, 30_000, 7]])
def test_a_chunked_body_is_dropped(one, sizes):
    with Client(one) as client:
        client.send(request("/", "POST", [CHUNKED]) + chunks(*(b"y" * size for size in sizes)))
        assert client.answer().status == 200
        assert is_in_order(client)


def test_a_hundred_thousand_chunks_of_a_byte(one):
    with Client(one) as client:
        client.send(request("/", "POST", [CHUNKED]) + chunks(*[b"z"] * 100_000))
        assert client.answer().status == 200
        assert is_in_order(client)


def test_bodies_follow_each_other(one):
    with Client(one) as client:
        for number in range(1, 60):
            client.send(request("/", "POST", body=b"a" * (number * 997)))
            client.send(request("/version", "PUT", [CHUNKED]) + chunks(b"b" * (number * 499)))
        for _ in range(1, 60):
            assert [client.answer().status, client.answer().status] == [200, 405]
        assert is_in_order(client)


@pytest.mark.parametrize("delay", ["none", "const(20ms)"])
def test_the_answer_follows_the_body(server, delay):
    """Nothing is said before the body is whole, since it could still turn out to be wrong."""
    one = server("--delay", delay)
    with Client(one) as client, Client(one) as other:
        client.send(request("/", "POST", ["content-length: 5"]) + b"abcd")
        for _ in range(5):
            assert is_in_order(other)
        client.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.sock.recv(1)
        client.sock.settimeout(30)
        client.send(b"e")
        assert client.answer().status == 200


# Expect (RFC 9110, section 10.1.1)

@pytest.mark.parametrize("delay", ["none", "const(10ms)"])
@pytest.mark.parametrize("fields, body", [(["content-length: 5"], b"hello"),
                                          ([CHUNKED], chunks(b"hello", trailer=b"x: y\r\n"))])
def test_continue_is_said_when_the_body_is_wanted(server, delay, fields, body):
    with Client(server("--delay", delay)) as client:
        for _ in range(3):
            client.send(request("/", "POST", [EXPECT, *fields]))
            interim = client.head()
            assert (interim.status, interim.fields) == (100, [])
            assert client.ask(body).status == 200
        assert is_in_order(client)


def test_continue_is_not_said_when_the_body_is_here(one):
    with Client(one) as client:
        client.send(request("/", "POST", [EXPECT], b"hello"))
        assert client.answer().status == 200
        assert is_in_order(client)


@pytest.mark.parametrize("fields", [[EXPECT], [EXPECT, "content-length: 0"]])
def test_continue_is_not_said_without_a_body(one, fields):
    with Client(one) as client:
        assert client.ask(request("/", "POST", fields)).status == 200
        assert is_in_order(client)


def test_continue_is_not_said_to_an_old_client(one):
    with Client(one) as client:
        client.send(request("/", "POST", [EXPECT, "content-length: 5"], version="1.0") + b"hello")
        assert client.answer().status == 200


def test_continue_comes_behind_the_answers_before(one):
    with Client(one) as client:
        client.send(request("/version") * 2 + request("/", "POST", [EXPECT, "content-length: 1"]))
        assert [client.answer().status for _ in range(2)] == [200, 200]
        assert client.head().status == 100
        assert client.ask(b"x").status == 200


def test_continue_byte_by_byte(one):
    with Client(one) as client:
        client.send_bytewise(request("/", "POST", ["Expect: 100-Continue", "content-length: 3"]))
        assert client.head().status == 100
        client.send_bytewise(b"abc")
        assert client.answer().status == 200
        assert is_in_order(client)


@pytest.mark.parametrize("fields, body", [(["content-length: 5"], b"hello"),
                                          ([CHUNKED], chunks(b"hello", trailer=b"x: y\r\n"))])
def test_continue_split_at_every_place(one, fields, body):
    """The head anywhere; the body once 100 was said, which does not wait for any of it."""
    head = request("/", "POST", [EXPECT, *fields])
    with Client(one) as client, Client(one) as other:
        for at in range(1, len(head)):
            client.send(head[:at])
            assert is_in_order(other)
            client.send(head[at:])
            assert client.head().status == 100, at
            cut = at % len(body)
            client.send(body[:cut])
            assert is_in_order(other)
            assert client.ask(body[cut:]).status == 200, at
        assert is_in_order(client)


@pytest.mark.parametrize("target, method, length, status", [
    ("/nothing", "POST", 5, 404), ("/version", "PUT", 5, 405), ("/", "POST", MIB + 1, 413),
    ("/nothing", "POST", MIB + 1, 413)])
def test_a_final_status_saves_the_body(one, target, method, length, status):
    """No 100; and since the body may come or not, the connection ends."""
    with Client(one) as client:
        answer = client.ask(request(target, method, [EXPECT, f"content-length: {length}"]))
        assert answer.status == status and answer.closes
        client.send(request("/smuggled"))
        assert client.rest() == b""


def test_an_unknown_expectation_fails(one):
    for value in ("101-continue", "100-continue, x", "x=100-continue"):
        answer = ask_once(one, request("/", "POST", [f"expect: {value}", "content-length: 1"]))
        assert answer.status == 417 and answer.closes


# Limits

def test_the_limit_is_exact(server):
    one = server("--delay", "none", "--max-body", "1000")
    for size, status in ((1000, 200), (1001, 413)):
        assert ask_once(one, request("/", "POST", body=b"x" * size)).status == status
        assert ask_once(one, request("/", "POST", [CHUNKED])
                        + chunks(b"x" * 500, b"x" * (size - 500))).status == status
    assert ask_once(one, request("/", "POST", [CHUNKED]) + chunks(*[b"x"] * 1001)).status == 413


def test_no_body_at_all_may_be_allowed(server):
    one = server("--delay", "none", "--max-body", "0")
    assert ask_once(one, request("/", "POST")).status == 200
    assert ask_once(one, request("/", "POST", [CHUNKED]) + chunks()).status == 200
    assert ask_once(one, request("/", "POST", body=b"x")).status == 413
    assert ask_once(one, request("/", "POST", [CHUNKED]) + chunks(b"x")).status == 413


@pytest.mark.parametrize("head", [["content-length: 1073741824"], [CHUNKED]])
def test_a_client_that_sends_on_gets_its_413(one, head):
    """The answer is not lost to a reset although much of the body is never read by anybody."""
    with Client(one) as client:
        client.send(request("/", "POST", head))
        piece = b"4000\r\n" + b"x" * 16384 + b"\r\n"
        sent = 0
        try:
            while sent < 4 * MIB:
                client.send(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pytest.fail("reset while the answer was under way")
        answer = client.answer()
        assert answer.status == 413 and answer.closes
    await_value(closed_by, one, "bad_request", 1)


# Progress

@pytest.mark.parametrize("head, part", [
    (["content-length: 100"], b"some"), ([CHUNKED], b"5\r\nsom"), (["content-length: 100"], b"")])
def test_a_body_without_progress_is_cut_off(server, head, part):
    one = server("--delay", "none", "--body-timeout", "200ms")
    with Client(one) as client:
        client.send(request("/", "POST", head) + part)
        answer = client.answer()
        assert answer.status == 408 and answer.closes and b"body" in answer.body
        assert client.rest() == b""
    await_value(closed_by, one, "body_timeout", 1)


def test_progress_prolongs_the_time(server):
    """More time passes than the limit allows at once; asking elsewhere passes it, too."""
    one = server("--delay", "const(100ms)", "--body-timeout", "3s")
    with Client(one) as client, Client(one) as other:
        client.send(request("/", "POST", ["content-length: 35"]))
        for _ in range(35):
            assert other.ask(request()).status == 200
            client.send(b"x")
        assert client.answer().status == 200


def test_a_client_that_leaves_in_its_body_is_counted(one):
    with Client(one) as client:
        client.send(request("/", "POST", ["content-length: 100"]) + b"part")
        await_value(in_state, one, "reading_body", 1)
        client.close()
    await_value(closed_by, one, "client", 1)
    assert answered(one, 499, route="/", method="POST") == 1
    assert page(one).value("httpserver_requests_in_flight") == 0
    assert page(one).value("httpserver_execution_latency_seconds_count") == 0


def test_a_half_closed_body_is_no_request(one):
    with Client(one) as client:
        client.send(request("/", "POST", ["content-length: 100"]) + b"part")
        client.sock.shutdown(1)
        with pytest.raises(Closed):
            client.answer()
