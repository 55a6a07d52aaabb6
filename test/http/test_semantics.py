"""RFC 9110: what a request may say that changes nothing here, and what every answer must say."""

import email.utils
import re
import time

import pytest

from observed import answered, in_flight, page
from wire import Client, ask_once, request

DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct"
                  r"|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT")
PAST = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.fixture
def one(server):
    return server("--delay", "none", "--workers", "1", "--log", "off")


def plain(client, method="GET", version="1.1"):
    fields = ["connection: keep-alive"] if version == "1.0" else []
    return client.ask(request("/version", method, fields, version=version), method)


@pytest.mark.parametrize("fields", [
    ["range: bytes=0-0"], ["range: bytes=0-0", 'if-range: "x"'], ['if-range: "x"'],
    ["range: lines=1-99999999999999999999999999"], ["range: bytes=99999999999999999999-"],
    ['if-match: "x"'], [f"if-unmodified-since: {PAST}"], ['if-none-match: "x"'],
    [f"if-modified-since: {PAST}"], ["if-modified-since: Sunday, 06-Nov-94 08:49:37 GMT"],
    ["if-modified-since: nonsense"], ["content-range: bytes 0-0/1"], ["content-location: /nothing"],
    ["te: trailers", "connection: te"], ["max-forwards: 0"], ["accept: image/png"],
    ["accept-encoding: ,, br ,,"], ["accept: ,,text/plain,,"], ["from: a@b"],
    ["authorization: Basic YTpi"], ["upgrade: h2c", "connection: upgrade, http2-settings",
                                    "http2-settings: AAMAAABkAAQAAP__"],
    ["upgrade: websocket", "connection: Upgrade"]], ids=lambda fields: fields[0][:40])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_field_without_a_meaning_here_changes_nothing(one, fields, version):
    """Nothing here has parts, validators or a state that a condition could be about."""
    with Client(one) as client:
        wanted = plain(client)
        if version == "1.0":
            fields = [*fields, "connection: keep-alive"]
        for method in ("GET", "HEAD"):
            answer = client.ask(request("/version", method, fields, version=version), method)
            assert (answer.status, answer.body) == \
                (200, wanted.body if method == "GET" else b"")
            assert answer.get("upgrade") is None and answer.get("content-range") is None
        assert client.ask(request("/nothing", fields=fields)).status == 404
        assert client.ask(request("*", "OPTIONS", fields)).status == 204
        assert plain(client).body == wanted.body, "the connection goes on as it was"


@pytest.mark.parametrize("data, status", [
    (request("/"), 200), (request("/version"), 200), (request("/metrics"), 200),
    (request("*", "OPTIONS"), 204), (request("/nothing"), 404), (request("/version", "PUT"), 405),
    (request("/", "TRACE"), 405), (b"BAD\r\n\r\n", 400), (request(host=None), 400),
    (request("/", "BREW"), 501), (request("a:1", "CONNECT"), 501), (b"GET / HTTP/2.0\r\n\r\n", 505),
    (request("/", fields=["expect: x"]), 417), (b"GET /" + b"a" * 20_000, 414),
    (b"GET / HTTP/1.1\r\nx: " + b"a" * 20_000, 431),
    (request("/", "POST", ["content-length: 99999999"]), 413),
    (request("https://a/"), 421)], ids=lambda value: str(value)[:40])
def test_every_answer_has_a_date_and_a_length(one, data, status):
    """In the one format of dates that is to be sent, and without a field twice."""
    with Client(one) as client:
        answer = client.ask(data)
    assert answer.status == status and answer.reason
    assert DATE.fullmatch(answer.get("date"))
    sent = email.utils.parsedate_to_datetime(answer.get("date")).timestamp()
    assert abs(sent - time.time()) < 60
    names = [name for name, _ in answer.fields]
    assert len(names) == len(set(names))
    if status == 204:
        assert "content-length" not in names and "transfer-encoding" not in names
    else:
        assert answer.body and answer.get("content-type")
        assert ("content-length" in names) != ("transfer-encoding" in names)
    for name, value in answer.fields:
        assert name == name.strip() and value.isprintable(), "no folding, no control bytes"
    if answer.get("allow") is not None:
        assert re.fullmatch(r"[A-Z]+(, [A-Z]+)*", answer.get("allow")), "no empty element"
    assert answer.get("last-modified") is None and answer.get("etag") is None


def test_nothing_is_done_before_the_head_is_whole(server):
    """What follows could still be what refuses it; so nothing is drawn, counted or said."""
    one = server("--delay", "uniform(0ms,1ms)", "--workers", "1")
    with Client(one) as client, Client(one) as other:
        whole = request(fields=["x: y"])
        client.send(whole[:-1])
        for _ in range(5):
            assert other.ask(request("/version")).status == 200
        assert in_flight(one) == 0 and answered(one, 200, route="/") == 0
        client.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.sock.recv(1)
        client.sock.settimeout(30)
        draw = client.ask(whole[-1:]).get("server-timing")
        assert draw.endswith('draw;desc="0"'), "the first draw of all"


def test_trailers_are_not_taken_for_fields(one):
    """A trailer that would frame, route or be repeated as a field of the head does nothing."""
    trailer = b"host: b\r\ncontent-length: 3\r\nx-t: 1\r\nconnection: close\r\nexpect: x\r\n"
    with Client(one) as client:
        client.send(request("/", "POST", ["transfer-encoding: chunked"])
                    + b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n")
        answer = client.answer()
        assert answer.status == 200 and not answer.closes
        assert answer.get("x-t") is None and answer.get("host") == "a"
        assert plain(client).status == 200


def test_method_and_field_names_are_told_apart_by_case_as_they_must(one):
    """Methods mind the case, names of fields do not."""
    assert ask_once(one, request("/version", "get")).status == 501
    shouted = b"HOST: a\r\nCONTENT-LENGTH: 3\r\nCONNECTION: CLOSE\r\n\r\nabc"
    answer = ask_once(one, b"POST /version HTTP/1.1\r\n" + shouted)
    assert answer.status == 405 and answer.closes


def test_lengths_as_long_as_its_own_are_understood(one):
    """A request line of 8,000 octets and more, and a field as long as those it sends."""
    assert ask_once(one, request("/version?" + "q" * 8000)).status == 200
    answer = ask_once(one, request(fields=["x: " + "f" * 8000]))
    assert answer.status == 200 and len(answer.get("x")) == 8000
    assert page(one).value("httpserver_connections_closed_total", reason="bad_request") == 0
