"""Limits of size and time: each has a status, a close and a count by its reason."""

import pytest

from observed import answered, await_value, closed_by, in_state, page
from stack.awaiting import await_condition
from wire import Client, ask_once, is_alive, request


def head_of(length, *, in_target):
    """A head of exactly `length` bytes."""
    target, fields = ("/version?", []) if in_target else ("/version", ["x: "])
    missing = length - len(request(target, fields=fields))
    if in_target:
        return request(target + "t" * missing)
    return request(target, fields=["x: " + "f" * missing])


@pytest.mark.parametrize("max_head, limit", [(None, 16384), ("1KiB", 1024), ("60KiB", 61440)])
def test_the_limit_of_the_head_is_exact(server, max_head, limit):
    one = server("--delay", "none", *(["--max-head", max_head] if max_head else []))
    with Client(one) as client:
        for in_target in (True, False):
            assert client.ask(head_of(limit, in_target=in_target)).status == 200
    answer = ask_once(one, head_of(limit + 1, in_target=False))
    assert answer.status == 431 and answer.closes and answer.get("date") and answer.body
    # Where the line fits and the head does not, it is the head that is too large.
    assert ask_once(one, head_of(limit + 1, in_target=True)).status in (414, 431)
    answer = ask_once(one, head_of(limit + 100, in_target=True))
    assert answer.status == 414 and answer.closes and answer.get("date") and answer.body
    assert is_alive(one)


@pytest.mark.parametrize("start, status", [
    (b"GET /", 414), (b"GET / HTTP/1.1\r\nhost: a\r\nx: ", 431),
    (b"GET / HTTP/1.1\r\nhost: a\r\n", 431), (b"", 501)])
def test_endless_parts_are_refused_at_the_limit(server, start, status):
    """Also without an end in sight, and while the client goes on sending."""
    one = server("--delay", "none")
    with Client(one) as client:
        try:
            client.send(start + b"a" * 2_000_000)
        except (BrokenPipeError, ConnectionResetError):
            pytest.fail("reset before the answer could be read")
        answer = client.answer()
        assert answer.status == status and answer.closes
    await_value(closed_by, one, "bad_request", 1)


def test_a_hundred_fields_and_no_more(server):
    one = server("--delay", "none")
    fields = [f"x-{number}: 1" for number in range(99)]
    assert ask_once(one, request(fields=fields)).status == 200
    assert ask_once(one, request(fields=[*fields, "y: 1"])).status == 431


@pytest.mark.parametrize("option, lines", [("a", 1), ("", 1), ("a", 2), ("keep-alive", 1)])
def test_options_of_the_connection_have_a_limit(server, option, lines):
    """Each field is looked up among them, so that many would make a short request a costly one."""
    one = server("--delay", "none")
    for length, status in ((1024, 200), (1025, 431)):
        values = [(f"{option}," * 2048)[:length // lines] for _ in range(lines)]
        values[0] += "," * (length % lines)
        answer = ask_once(one, request(fields=[f"connection: {value}" for value in values]))
        assert answer.status == status, length


def test_a_large_head_behind_others(server):
    """The limit is for each head, not for what is buffered."""
    one = server("--delay", "none")
    with Client(one) as client:
        client.send((head_of(16384, in_target=False) + request("/version")) * 40)
        assert [client.answer().status for _ in range(80)] == [200] * 80


# Time

def test_a_slow_head_is_told_and_cut_off(server):
    one = server("--delay", "none", "--head-timeout", "200ms")
    with Client(one) as client:
        answer = client.ask(b"GET / HTTP/1.1\r\nhost:")
        assert answer.status == 408 and answer.closes and answer.get("date") and answer.body
        assert client.rest() == b""
    await_value(closed_by, one, "head_timeout", 1)
    assert answered(one, 408) == 1


def test_bytes_do_not_prolong_a_heads_time(server):
    one = server("--delay", "none", "--head-timeout", "500ms")
    with Client(one, timeout_seconds=0.02) as client:
        for at in range(10_000):
            try:
                client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx: "[at:at + 1] or b"y")
                client._more()
            except TimeoutError:
                continue
            break
        client.sock.settimeout(30)
        assert client.answer().status == 408


def test_each_head_has_its_own_time(server):
    """Together they take longer than one may."""
    one = server("--delay", "const(100ms)", "--head-timeout", "3s")
    with Client(one) as client, Client(one) as other:
        for _ in range(35):
            client.send(b"GET /version HT")
            other.ask(request())
            assert client.ask(b"TP/1.1\r\nhost: a\r\n\r\n").status == 200


def test_the_time_of_a_partial_head_behind_a_request(server):
    one = server("--delay", "const(50ms)", "--head-timeout", "300ms")
    with Client(one) as client:
        client.send(request() + b"GET / HTT")
        assert client.answer().status == 200
        assert client.answer().status == 408
        assert client.rest() == b""


@pytest.mark.parametrize("before", [b"", request("/version")])
def test_an_idle_connection_is_closed_without_a_word(server, before):
    one = server("--delay", "none", "--idle-timeout", "200ms")
    with Client(one) as client:
        if before:
            assert client.ask(before).status == 200
        assert client.rest() == b""
        await_value(closed_by, one, "idle_timeout", 1)


def test_waiting_is_not_idling(server):
    one = server("--delay", "const(1s)", "--idle-timeout", "100ms", "--head-timeout", "100ms",
                 "--body-timeout", "100ms", "--write-timeout", "100ms")
    with Client(one) as client:
        assert client.ask(request("/", "POST", body=b"abc")).status == 200
    assert answered(one, 408) == 0


@pytest.mark.parametrize("data, reason", [
    (b"BAD\r\n\r\n", "bad_request"),
    (request("/version", fields=["connection: close"]), "complete")])
def test_who_stays_behind_the_last_answer_is_left(server, data, reason):
    """The server does not wait for ever for the client's close, whatever still comes."""
    one = server("--delay", "none", "--workers", "1")
    with Client(one) as client:
        client.ask(data)
        assert client.rest() == b""
        await_value(in_state, one, "lingering", 1)
        found = closed_by(one, reason)

        def sends_on():
            try:
                client.send(b"more")
            except (BrokenPipeError, ConnectionResetError):
                pass
            return in_state(one, "lingering") == 0
        await_condition(sends_on, what="the end of the lingering")
        assert closed_by(one, reason) > found


# Reasons and states

def test_states_are_what_the_connections_do(server):
    one = server("--delay", "const(60s)", "--workers", "1")
    clients = [Client(one) for _ in range(6)]
    idle, head, body, waiting, waiting_too, lingering = clients
    try:
        head.send(b"GET / H")
        body.send(request("/", "POST", ["content-length: 9"]) + b"part")
        waiting.send(request())
        waiting_too.send(request() + request())
        assert lingering.ask(b"BAD\r\n\r\n").status == 400
        await_value(in_state, one, "waiting", 2)
        found = {labels["state"]: value
                 for labels, value in page(one).find("httpserver_connections")}
        assert found == {"idle": 2, "reading_head": 1, "reading_body": 1, "waiting": 2,
                         "writing": 0, "paused": 0, "lingering": 1}, "the scrape's own is idle"
        assert page(one).value("httpserver_requests_in_flight") == 3
        for client in (idle, head, waiting, body, waiting_too):
            client.close()
        await_value(closed_by, one, "client", 5)
        assert answered(one, 499, method="GET") == 2 and answered(one, 499, method="POST") == 1
    finally:
        for client in clients:
            client.close()


def test_reasons_of_closes(server):
    one = server("--delay", "none", "--workers", "1")
    ask_once(one, request("/version", fields=["connection: close"]))
    await_value(closed_by, one, "complete", 1)
    ask_once(one, request("/version"))
    ask_once(one, b"BAD\r\n\r\n")
    await_value(closed_by, one, "bad_request", 1)
    with Client(one) as client:
        client.ask(request("/version"))
        client.reset()
    found = page(one)
    opened = found.value("httpserver_connections_accepted_total")
    closed = found.value("httpserver_connections_closed_total")
    assert opened - closed == found.value("httpserver_connections")
