"""Which of the request's fields come back in the answer of /."""

import pytest

from wire import Client, ask_once, request

OWN = {"date", "content-type", "content-length", "server-timing", "version"}


@pytest.fixture
def one(server):
    return server("--delay", "none", env={"VERSION": "1"})


def copied(one, *fields, **more):
    """The fields that came back beside the server's own, in their order."""
    answer = ask_once(one, request(fields=fields, **more))
    assert answer.status == 200
    return [(name, value) for name, value in answer.fields if name not in OWN]


def test_fields_come_back_in_their_order_with_their_values(one):
    assert copied(one, "User-Agent: curl/8", "X-B: two words", "x-a:no-space", "x-c:  \t spaced\t ",
                  "x-empty:", 'x-odd: "a,b"; c=\\d <>{}', "accept: */*") == [
        ("host", "a"), ("user-agent", "curl/8"), ("x-b", "two words"), ("x-a", "no-space"),
        ("x-c", "spaced"), ("x-empty", ""), ("x-odd", '"a,b"; c=\\d <>{}'), ("accept", "*/*")]


def test_the_name_is_spelled_as_it_was_sent(one):
    with Client(one) as client:
        client.send(request(fields=["X-MiXeD: 1"])
                    + request("/version", fields=["connection: close"]))
        assert b"\r\nX-MiXeD: 1\r\n" in client.rest()


def test_octets_beyond_ascii_come_back_unchanged(one):
    assert ("x-a", "caf\u00e9 \u00ff") in copied(one, "x-a: caf\u00e9 \u00ff")


def test_of_a_repeated_name_the_first_value_comes_back(one):
    assert copied(one, "X-One: first", "x-two: 2", "x-one: second", "X-ONE: third") == [
        ("host", "a"), ("x-one", "first"), ("x-two", "2")]


def test_names_that_look_alike_are_not_taken_for_repeated(one):
    names = [f"{first}{middle}{last}"
             for first in "abxyz" for middle in ("-", "--") for last in "abz"]
    assert copied(one, *(f"{name}: {name}" for name in names)) == \
        [("host", "a")] + [(name, name) for name in names]


UNSAFE = (
    # framing and hop-by-hop
    "Keep-Alive", "TE", "Trailer", "Upgrade", "Proxy-Connection", "HTTP2-Settings",
    "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Authentication-Info",
    # about the answer's content
    "Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Range",
    "Content-Disposition", "Content-Security-Policy", "Content-Security-Policy-Report-Only",
    # what the server says itself
    "Date", "Server", "Version", "Server-Timing", "Age", "Allow", "ETag", "Last-Modified",
    "Expires", "Cache-Control", "Pragma", "Vary", "Accept-Ranges", "Retry-After", "Warning",
    # what makes a client do something
    "Set-Cookie", "Set-Cookie2", "Location", "Refresh", "Link", "Alt-Svc", "Clear-Site-Data",
    "Strict-Transport-Security", "Public-Key-Pins", "Expect-CT", "NEL", "Report-To",
    "Reporting-Endpoints", "Referrer-Policy", "Permissions-Policy", "Feature-Policy",
    "Origin-Agent-Cluster", "Origin-Trial", "Service-Worker-Allowed", "Timing-Allow-Origin",
    "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Cross-Origin-Opener-Policy",
    "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection", "X-Accel-Redirect",
    "X-Sendfile", "SourceMap", "X-SourceMap", "WWW-Authenticate", "Authentication-Info",
    "Sec-WebSocket-Accept",
    "Speculation-Rules", "Accept-CH", "Critical-CH", "Login-Status", "Observe-Browsing-Topics",
    "Use-As-Dictionary", "Attribution-Reporting-Register-Source", "Ad-Auction-Signals",
    # secrets
    "Cookie", "Authorization",
)


def test_unsafe_fields_do_not_come_back(one):
    came = [name for name in UNSAFE for spelling in (name, name.lower(), name.upper())
            if copied(one, f"{spelling}: v", "x-behind: 1") != [("host", "a"), ("x-behind", "1")]]
    assert came == []


def test_unsafe_fields_do_not_come_back_from_behind_a_safe_one(one):
    assert copied(one, "x-a: 1", "set-cookie: a=b", "x-b: 2", "Set-Cookie: c=d") == [
        ("host", "a"), ("x-a", "1"), ("x-b", "2")]


@pytest.mark.parametrize("connection", [
    ["Connection: x-hop"],
    ["connection: keep-alive, X-HOP"],
    ["Connection: x-other , x-hop,, "],
    ["Connection: x-hop", "Connection: keep-alive"],
    ["Connection: keep-alive", "Connection: x-hop"],
    ["Connection: x-hop", "Connection:"],
    ["Connection: x-hop", "x-between: 1", "Connection: \t "],
])
def test_what_connection_names_does_not_come_back(one, connection):
    for fields in ([*connection, "X-Hop: 1", "x-hopper: 2"],
                   ["X-Hop: 1", *connection, "x-hopper: 2"]):
        came = [name for name, _ in copied(one, *fields)]
        assert "x-hop" not in came and "connection" not in came
        assert "x-hopper" in came and "host" in came


def test_the_answers_own_fields_are_not_doubled(one):
    answer = ask_once(one, request(fields=[f"{name}: forged" for name in sorted(OWN - {
        "content-length"})]))
    for name in OWN:
        assert len(answer.all(name)) == 1
        assert answer.get(name) != "forged"


def test_a_large_head_comes_back_whole(server):
    """Each field may grow by a space: the answer's room is for the worst case."""
    one = server("--delay", "none", "--max-head", "60KiB")
    fields = [f"x-{number}:{number}" for number in range(98)]
    head = request(fields=fields)
    fields.append("y:" + "v" * (61440 - len(head) - len("y:\r\n")))
    whole = request(fields=fields)
    assert len(whole) == 61440
    answer = ask_once(one, whole)
    assert answer.status == 200
    assert [f"{name}:{value}" for name, value in answer.fields
            if name not in OWN and name != "host"] == fields


def test_large_heads_pipelined_and_delayed_come_back_whole(server):
    one = server("--delay", "const(1ms)", "--max-head", "60KiB")
    values = [chr(ord("a") + number) * 50_000 for number in range(20)]
    with Client(one) as client:
        client.send(b"".join(request(fields=[f"x-v:{value}"]) for value in values))
        for value in values:
            assert client.answer().get("x-v") == value
