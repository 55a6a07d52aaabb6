"""Where a request begins and ends: what is valid is served however it arrives, what is ambiguous is
refused with a status, a reason and a close, and nothing behind it is taken for a request."""

import pytest

from wire import Client, chunks, is_alive, request

END = b"host: a\r\n\r\n"
SMUGGLED = request("/smuggled")
LONG_FIELDS = b"".join(b"x-%d: %s\r\n" % (number, b"v" * 60) for number in range(60))

# Requests of which each is complete, with the status of its answer.
VALID = {
    "get": (request("/version"), 200),
    "no space behind the colon": (b"GET /version HTTP/1.1\r\nhost:a\r\n\r\n", 200),
    "tabs around a value": (b"GET /version HTTP/1.1\r\nhost:\t a \t\r\n\r\n", 200),
    "empty line before": (b"\r\n" + request("/version"), 200),
    "empty value": (b"GET /version HTTP/1.1\r\nx:\r\nhost: a\r\n\r\n", 200),
    "octets beyond ascii in a value": (request("/version", fields=["x: \u00e9\u00ff"]), 200),
    "every token character": (request("/version", fields=["!#$%&'*+-.^_`|~09aZ: 1"]), 200),
    "host with port": (request("/version", host="a:80"), 200),
    "host with an empty port": (request("/version", host="h:"), 200),
    "host with underscore": (request("/version", host="a_b"), 200),
    "host percent-encoded": (request("/version", host="a%20b"), 200),
    "host with sub-delims": (request("/version", host="0.0.0.0=5000"), 200),
    "host of version 6": (request("/version", host="[::1]:8080"), 200),
    "absolute form": (request("http://a/version"), 200),
    "absolute form, other host": (request("http://b:1/version?x", host="a"), 200),
    "absolute form, upper case": (request("HTTP://A/version"), 200),
    "absolute form, no path": (request("http://a"), 200),
    "sized body": (request("/", "POST", body=b"hello"), 200),
    "sized body that looks like a request": (request("/", "POST", body=SMUGGLED), 200),
    "length of zero": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", 200),
    "length with leading zeros": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 003\r\n\r\nabc",
                                  200),
    "body of get": (request("/version", body=b"abc"), 200),
    "body for nobody": (request("/nothing", "PUT", body=b"abc"), 404),
    "body where the method is missing": (request("/version", "POST", body=b"abc"), 405),
    "chunked": (request("/", "POST", ["transfer-encoding: chunked"])
                + chunks(b"hello", b"x" * 300), 200),
    "chunked, no content": (request("/", "POST", ["transfer-encoding: chunked"]) + chunks(), 200),
    "chunked, upper case": (request("/", "POST", ["Transfer-Encoding: CHUNKED"])
                            + b"A\r\n0123456789\r\n0\r\n\r\n", 200),
    "chunked, empty list elements": (request("/", "POST", ["transfer-encoding: , chunked,"])
                                     + chunks(b"abc"), 200),
    "chunk extensions": (request("/", "POST", ["transfer-encoding: chunked"])
                         + b'3;a\r\nabc\r\n2;b=c;d="e; f"\r\nde\r\n1 ; g = h\r\nf\r\n0;z\r\n\r\n',
                         200),
    "chunk size with leading zeros": (request("/", "POST", ["transfer-encoding: chunked"])
                                      + b"0003\r\nabc\r\n000\r\n\r\n", 200),
    "trailers": (request("/", "POST", ["transfer-encoding: chunked", "trailer: x-t"])
                 + chunks(b"abc", trailer=b"x-t: 1\r\nx-u:\r\n"), 200),
    "chunks that look like a request": (request("/", "POST", ["transfer-encoding: chunked"])
                                        + chunks(SMUGGLED, b"\r\n\r\n", SMUGGLED), 200),
    "options *": (request("*", "OPTIONS"), 204),
    "options /": (request("/", "OPTIONS"), 204),
    "many fields": (b"GET /version HTTP/1.1\r\nhost: a\r\n" + LONG_FIELDS + b"\r\n", 200),
    "head": (request("/version", "HEAD"), 200),
    "head of what is not there": (request("/nothing", "HEAD"), 404),
    "head with a body": (request("/", "HEAD", body=b"abc"), 200),
    "expectation of a body that is here": (request("/", "POST", ["expect: 100-continue"], b"a"),
                                           200),
    "length with white space around": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: \t3 \r\n"
                                       b"\r\nabc", 200),
    "codings in two lines": (request("/", "POST", ["transfer-encoding:",
                                                   "transfer-encoding: chunked"])
                             + chunks(b"abc"), 200),
    "higher minor version": (b"GET /version HTTP/1.9\r\nhost: a\r\n\r\n", 200),
    "old and kept alive": (request("/version", version="1.0", host=None,
                                   fields=["connection: keep-alive"]), 200),
}


def method_of(name):
    """How its answer is to be read."""
    return "HEAD" if name.startswith("head") else "GET"


def final_answer(client, name):
    """Behind a 100, which comes when the body was not there yet."""
    answer = client.answer(method_of(name))
    return client.answer() if answer.status == 100 else answer


@pytest.fixture
def one(server):
    return server("--delay", "none", "--workers", "1")


def ask_last(client):
    """One more request, to see that the connection is where it should be, and that it ends."""
    answer = client.ask(request("/healthz", fields=["connection: close"]))
    assert (answer.status, answer.body) == (200, b"ok")
    assert client.rest() == b""


@pytest.mark.parametrize("name", VALID)
def test_valid(one, name):
    data, status = VALID[name]
    with Client(one) as client:
        assert client.send(data).answer(method_of(name)).status == status
        ask_last(client)


@pytest.mark.parametrize("name", VALID)
def test_valid_byte_by_byte(one, name):
    data, status = VALID[name]
    with Client(one) as client:
        client.send_bytewise(data)
        assert final_answer(client, name).status == status
        ask_last(client)


@pytest.mark.parametrize("name", VALID)
def test_valid_split_at_every_place(one, name):
    """The first part is there alone before the second comes: a round trip elsewhere tells so."""
    data, status = VALID[name]
    places = range(1, len(data)) if len(data) < 500 else range(1, len(data), 37)
    with Client(one) as client, Client(one) as other:
        for at in places:
            client.send(data[:at])
            assert other.ask(request("/healthz")).status == 200
            client.send(data[at:])
            assert final_answer(client, name).status == status, at
        ask_last(client)


def test_all_of_them_in_one_go(one):
    with Client(one) as client:
        client.send(b"".join(data for data, _ in VALID.values()))
        for name, (_, status) in VALID.items():
            assert client.answer(method_of(name)).status == status, name
        ask_last(client)


def with_field(field):
    return b"GET / HTTP/1.1\r\nhost: a\r\n" + field + b"\r\n\r\n"


def with_body(fields, body):
    return b"POST / HTTP/1.1\r\nhost: a\r\n" + fields + b"\r\n\r\n" + body


def chunked(body):
    return with_body(b"transfer-encoding: chunked", body)


REFUSED = {
    # the start line
    "no method": (b" / HTTP/1.1\r\n" + END, 400),
    "two spaces": (b"GET  / HTTP/1.1\r\n" + END, 400),
    "two spaces before the version": (b"GET /  HTTP/1.1\r\n" + END, 400),
    "tab for a space": (b"GET\t/ HTTP/1.1\r\n" + END, 400),
    "space behind the version": (b"GET / HTTP/1.1 \r\n" + END, 400),
    "no version": (b"GET /\r\n" + END, 400),
    "version of one digit": (b"GET / HTTP/1\r\n" + END, 400),
    "version in lower case": (b"GET / http/1.1\r\n" + END, 400),
    "version of two digits": (b"GET / HTTP/1.10\r\n" + END, 400),
    "version with plus": (b"GET / HTTP/+1.1\r\n" + END, 400),
    "version 2": (b"GET / HTTP/2.0\r\n" + END, 505),
    "version 0.9": (b"GET / HTTP/0.9\r\n" + END, 505),
    "preface of version 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n", 505),
    "method of no token": (b"G(T / HTTP/1.1\r\n" + END, 400),
    "method with an octet beyond ascii": (b"G\xe9T / HTTP/1.1\r\n" + END, 400),
    "two empty lines before": (b"\r\n\r\nGET / HTTP/1.1\r\n" + END, 400),
    "bare line feed before": (b"\nGET / HTTP/1.1\r\n" + END, 400),
    "space before": (b" GET / HTTP/1.1\r\n" + END, 400),
    "a client hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "target without slash": (b"GET version HTTP/1.1\r\n" + END, 400),
    "target with fragment": (b"GET /#a HTTP/1.1\r\n" + END, 400),
    "target with an octet beyond ascii": (b"GET /\xe9 HTTP/1.1\r\n" + END, 400),
    "target with NUL": (b"GET /\0 HTTP/1.1\r\n" + END, 400),
    "target of another scheme": (b"GET ftp://a/ HTTP/1.1\r\n" + END, 400),
    "target with user": (b"GET http://u@a/ HTTP/1.1\r\n" + END, 400),
    "target of https without TLS": (b"GET https://a/version HTTP/1.1\r\n" + END, 421),
    "target of https in upper case": (b"GET HTTPS://A/version HTTP/1.1\r\n" + END, 421),
    "target of https without host": (b"GET https:///version HTTP/1.1\r\n" + END, 400),
    "target without host": (b"GET http:///version HTTP/1.1\r\n" + END, 400),
    "asterisk of get": (b"GET * HTTP/1.1\r\n" + END, 400),
    "connect": (b"CONNECT a:80 HTTP/1.1\r\n" + END, 501),
    "unknown method": (b"BREW / HTTP/1.1\r\n" + END, 501),
    "method in lower case": (b"get / HTTP/1.1\r\n" + END, 501),
    # line ends and control bytes
    "bare line feed behind the start line": (b"GET / HTTP/1.1\n" + END, 400),
    "bare line feed behind a field": (b"GET / HTTP/1.1\r\nhost: a\nx: y\r\n", 400),
    "bare line feed at the end": (b"GET / HTTP/1.1\r\nhost: a\r\n\n", 400),
    "bare carriage return in the start line": (b"GET /\r HTTP/1.1\r\n" + END, 400),
    "bare carriage return in a value": (with_field(b"x: a\rb"), 400),
    "carriage return twice": (b"GET / HTTP/1.1\r\r\n" + END, 400),
    "NUL in a value": (with_field(b"x: a\0b"), 400),
    "NUL in a name": (with_field(b"x\0y: a"), 400),
    "bell in a value": (with_field(b"x: \a"), 400),
    "delete in a value": (with_field(b"x: \x7f"), 400),
    "vertical tab around a value": (with_field(b"transfer-encoding: \vchunked"), 400),
    # fields
    "space before the colon": (with_field(b"x : y"), 400),
    "space before the colon of length": (with_body(b"content-length : 3", b"abc"), 400),
    "no colon": (with_field(b"x"), 400),
    "empty name": (with_field(b": y"), 400),
    "name of no token": (with_field(b"x(y): z"), 400),
    "name with an octet beyond ascii": (with_field(b"x\xe9: z"), 400),
    "folded": (with_field(b"x: y\r\n z"), 400),
    "folded with tab": (with_field(b"x: y\r\n\tz"), 400),
    "folded first": (b"GET / HTTP/1.1\r\n host: a\r\n\r\n", 400),
    # Host
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "no host with an absolute target": (b"GET http://a/ HTTP/1.1\r\n\r\n", 400),
    "host twice": (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    "host twice and equal": (b"GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", 400),
    "host twice in 1.0": (b"GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", 400),
    "port of no number": (request(host="h:80a"), 400),
    "host of version 6 without end": (request(host="[::1"), 400),
    "host of version 6 that is none": (request(host="[::g]"), 400),
    "host with a bad escape": (request(host="h%zz"), 400),
    "host with a cut escape": (request(host="h%2"), 400),
    "host with slash": (request(host="a/b"), 400),
    "host with user": (request(host="u@a"), 400),
    "host with space": (request(host="a b"), 400),
    "host with comma and two ports": (request(host="a:1,b:2"), 400),
    "host with an octet beyond ascii": (request(host="\u00e9"), 400),
    # length and transfer coding
    "length and chunked": (with_body(b"content-length: 5\r\ntransfer-encoding: chunked",
                                     b"0\r\n\r\n"), 400),
    "chunked and length": (with_body(b"transfer-encoding: chunked\r\ncontent-length: 5",
                                     b"0\r\n\r\n"), 400),
    "length of zero and chunked": (with_body(b"content-length: 0\r\ntransfer-encoding: chunked",
                                             b"0\r\n\r\n"), 400),
    "differing lengths": (with_body(b"content-length: 3\r\ncontent-length: 4", b"abcd"), 400),
    "repeated length": (with_body(b"content-length: 3\r\ncontent-length: 3", b"abc"), 400),
    "list of lengths": (with_body(b"content-length: 3, 3", b"abc"), 400),
    "signed length": (with_body(b"content-length: +3", b"abc"), 400),
    "negative length": (with_body(b"content-length: -3", b"abc"), 400),
    "hexadecimal length": (with_body(b"content-length: 0x3", b"abc"), 400),
    "length with a space inside": (with_body(b"content-length: 3 3", b"abc"), 400),
    "empty length": (with_body(b"content-length:", b""), 400),
    "quoted length": (with_body(b'content-length: "3"', b"abc"), 400),
    "length that overflows": (with_body(b"content-length: 18446744073709551619", b"abc"), 400),
    "unknown coding": (with_body(b"transfer-encoding: gzip, chunked", b"0\r\n\r\n"), 501),
    "identity": (with_body(b"transfer-encoding: identity, chunked", b"0\r\n\r\n"), 501),
    "chunked not last": (with_body(b"transfer-encoding: chunked, gzip", b"0\r\n\r\n"), 400),
    "chunked twice": (with_body(b"transfer-encoding: chunked, chunked", b"0\r\n\r\n"), 400),
    "chunked in two lines": (with_body(b"transfer-encoding: chunked\r\ntransfer-encoding: chunked",
                                       b"0\r\n\r\n"), 400),
    "nearly chunked": (with_body(b"transfer-encoding: xchunked, chunked", b"0\r\n\r\n"), 501),
    "quoted chunked": (with_body(b'transfer-encoding: "chunked"', b"0\r\n\r\n"), (400, 501)),
    "chunked with parameter": (with_body(b"transfer-encoding: chunked;a=b", b"0\r\n\r\n"),
                               (400, 501)),
    "empty coding": (with_body(b"transfer-encoding:", b"0\r\n\r\n"), 400),
    # chunks
    "chunk size of no digit": (chunked(b"\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with x": (chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size signed": (chunked(b"+3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size negative": (chunked(b"-3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with space before": (chunked(b" 3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with space behind": (chunked(b"3 \r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with words behind": (chunked(b"3 a\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with comma": (chunked(b"3,3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with NUL": (chunked(b"3\0\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size that overflows": (chunked(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size beyond every limit": (chunked(b"fffffffffffffff\r\nabc"), 413),
    "bare line feed behind a chunk size": (chunked(b"3\nabc\r\n0\r\n\r\n"), 400),
    "bare line feed behind the last chunk": (chunked(b"3\r\nabc\r\n0\n\r\n"), 400),
    "bare carriage return in a chunk line": (chunked(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), 400),
    "bare line feed in an extension": (chunked(b"3;a\n\r\nabc\r\n0\r\n\r\n"), 400),
    "control byte in an extension": (chunked(b"3;\x01\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk longer than said": (chunked(b"3\r\nabcd\r\n0\r\n\r\n"), 400),
    "chunk shorter than said": (chunked(b"3\r\nab\r\n0\r\n\r\n"), 400),
    "bare line feed behind a chunk": (chunked(b"3\r\nabc\n0\r\n\r\n"), 400),
    "endless extension": (chunked(b"3;" + b"a" * 70_000), 400),
    "endless extensions of many chunks": (chunked((b"1;" + b"a" * 900 + b"\r\nx\r\n") * 40), 400),
    "trailer with space before the colon": (chunked(b"0\r\nx : y\r\n\r\n"), 400),
    "trailer that is folded": (chunked(b"0\r\nx: y\r\n z\r\n\r\n"), 400),
    "trailer of no name": (chunked(b"0\r\n: y\r\n\r\n"), 400),
    "trailer with a control byte": (chunked(b"0\r\nx: \0\r\n\r\n"), 400),
    "bare line feed in trailers": (chunked(b"0\r\nx: y\n\r\n"), 400),
    "bare line feed at the end of trailers": (chunked(b"0\r\n\n"), 400),
    "endless trailers": (chunked(b"0\r\n" + b"x: y\r\n" * 10_000), 431),
    # expectations
    "another expectation": (with_field(b"expect: 200-ok"), 417),
    "an empty expectation": (with_field(b"expect:"), 417),
}


def assert_refused(client, status):
    answer = client.answer()
    assert answer.status in (status if isinstance(status, tuple) else (status,))
    assert answer.closes
    assert answer.get("date")
    assert answer.get("content-type") == "text/plain; charset=utf-8"
    assert len(answer.body) > 10 and answer.body.endswith(b"\n") and answer.body.count(b"\n") == 1
    assert client.rest() == b"", "one answer, and then the end"


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason_and_a_close(one, name):
    """Also where more requests follow, and in an order that needs no luck: no reset comes first."""
    data, status = REFUSED[name]
    for behind in (b"", b"\r\n\r\n" + SMUGGLED * 3):
        with Client(one) as client:
            client.send(data + behind)
            assert_refused(client, status)
    assert not any("/smuggled" in line for line in one.stdout_lines())


@pytest.mark.parametrize("name", REFUSED)
def test_refused_byte_by_byte(one, name):
    data, status = REFUSED[name]
    with Client(one) as client:
        try:
            client.send_bytewise(data[:3000])
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before its end, and the time for what comes behind is over
        if len(data) <= 3000:
            assert_refused(client, status)
    assert is_alive(one)


def test_what_came_before_is_answered(one):
    with Client(one) as client:
        client.send(request("/version") * 3 + b"BAD\r\n\r\n" + request("/version"))
        assert [client.answer().status for _ in range(3)] == [200] * 3
        assert_refused(client, 400)


def test_head_answers_to_bad_requests_have_no_body(one):
    with Client(one) as client:
        client.send(b"HEAD / HTTP/1.1\r\nhost: a\r\nexpect: no\r\n\r\n")
        answer = client.answer("HEAD")
        assert answer.status == 417 and answer.closes
        assert client.rest() == b""
