"""The access log: a line for each request, whatever the request was and whoever reads the lines."""

import fcntl
import json
import os
import re
import socket

import pytest

from observed import closed_by, page
from stack.awaiting import await_condition
from wire import Client, ask_once, chunks, is_alive, request

TEXT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) (\S+) (\S+) (\d{3}) (\d+)"
                  r" delay=(-|\d+\.\d{6}) total=(\d+\.\d{6})$")
DROPPED = "httpserver_access_log_lines_dropped_total"


def text_lines(server, count):
    """The log's parts once it has `count` lines; more would be an error."""
    await_condition(lambda: len(server.stdout_lines()) >= count, what=f"{count} lines")
    found = [TEXT.match(line) for line in server.stdout_lines()]
    assert len(found) == count and all(found), server.stdout_lines()
    return [match.groups() for match in found]


def json_lines(server, count):
    await_condition(lambda: len(server.stdout_lines()) >= count, what=f"{count} lines")
    assert len(server.stdout_lines()) == count
    return [json.loads(line) for line in server.stdout_lines()]


def test_a_text_line_has_it_all(server):
    one = server("--delay", "const(30ms)")
    with Client(one) as client:
        answers = [client.ask(request("/?q=1")), client.ask(request("/version", "HEAD"), "HEAD"),
                   client.ask(request("/nothing", "PUT", body=b"abc")),
                   client.ask(request("*", "OPTIONS"))]
    lines = text_lines(one, 4)
    assert [line[1:5] for line in lines] == [
        ("127.0.0.1", "GET", "/?q=1", "200"), ("127.0.0.1", "HEAD", "/version", "200"),
        ("127.0.0.1", "PUT", "/nothing", "404"), ("127.0.0.1", "OPTIONS", "*", "204")]
    assert [int(line[5]) for line in lines] == [len(answer.body) for answer in answers]
    assert [line[6] for line in lines] == ["0.030000", "-", "-", "-"]
    assert float(lines[0][7]) >= 0.03
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)


def test_a_json_line_has_it_all(server):
    one = server("--delay", "const(30ms)", "--log", "json")
    with Client(one) as client:
        length = len(client.ask(request("/?q=1")).body)
        client.ask(request("/version", version="1.0", fields=["connection: keep-alive"]))
        port = client.sock.getsockname()[1]
    first, second = json_lines(one, 2)
    assert first["client"] == "127.0.0.1" and first["port"] == port
    assert (first["method"], first["path"], first["status"]) == ("GET", "/?q=1", 200)
    assert first["protocol"] == "HTTP/1.1" and second["protocol"] == "HTTP/1.0"
    assert first["bytes"] == length
    assert first["delay"] == 0.03 and first["total"] >= 0.03
    assert second["delay"] is None and second["total"] >= 0


HOSTILE = ['/"', "/\\", '/","status":200,"x":"', "/%00%0a", "/<script>", "/\\u0000", "/{}", "/'",
           "/x y".replace(" ", "%20"), "/" + "\\\"" * 500, "/a" * 5000, "/?" + "&" * 1500,
           "http://a/\\\"", "/`|^~"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_hostile_paths_stay_in_their_place(server, form):
    one = server("--delay", "none", "--log", form, "--workers", "1")
    for target in HOSTILE:
        with Client(one) as client:
            client.ask(request(target))
    if form == "json":
        for target, line in zip(HOSTILE, json_lines(one, len(HOSTILE))):
            assert line["status"] == 404 or target.startswith("/?")
            assert line["path"] == target[:1024]
            assert line.get("path_truncated", False) == (len(target) > 1024)
    else:
        for target, line in zip(HOSTILE, text_lines(one, len(HOSTILE))):
            assert line[4] in ("404", "200")
            shown = re.sub(r"\\x([0-9a-f]{2})", lambda hexed: chr(int(hexed[1], 16)), line[3])
            assert shown == target[:1024] + ("..." if len(target) > 1024 else "")


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_could_not_be_parsed_has_a_line(server, form):
    one = server("--delay", "none", "--log", form, "--workers", "1", "--head-timeout", "300ms")
    bad = [(b"\0\1\2\r\n\r\n", 400), (b"GET /\xff\x80\"\\ HTTP/1.1\r\n\r\n", 400),
           (b"\"\\\" / HTTP/1.1\r\n\r\n", 400),
           (b"GET / HTTP/1.1\r\nhost: a\r\nx: \x1b[2J\r\n\r\n", 400),
           (b"M" * 300 + b" / HTTP/1.1\r\nhost: a\r\n\r\n", 501), (b"GET / HTTP/9.9\r\n\r\n", 505),
           (b"GET /" + b"a" * 20000, 414), (b"GET / HTTP/1.1\r\nhost:", 408)]
    for data, status in bad:
        assert ask_once(one, data).status == status
    if form == "json":
        assert [line["status"] for line in json_lines(one, len(bad))] == [each[1] for each in bad]
    else:
        assert [int(line[4]) for line in text_lines(one, len(bad))] == [each[1] for each in bad]
    assert all(character.isprintable() for line in one.stdout_lines() for character in line)


def test_a_line_for_each_of_many(server):
    one = server("--delay", "none")
    with Client(one) as client:
        for block in range(20):
            client.send(b"".join(request(f"/{block * 100 + number}") for number in range(100)))
            for _ in range(100):
                client.answer()
    assert [line[3] for line in text_lines(one, 2000)] == [f"/{number}" for number in range(2000)]


def test_the_log_is_whole_after_the_end(server):
    """What was answered last is in it, although nobody waited for the log."""
    one = server("--delay", "none", "--workers", "2")
    for _ in range(30):
        assert is_alive(one)
    assert one.stop() == 0
    assert len(one.stdout_lines()) == 30


def test_off_is_off(server):
    one = server("--delay", "none", "--log", "off")
    assert is_alive(one)
    assert one.stop() == 0
    assert one.stdout_bytes() == b""


# Whose address it is

@pytest.mark.parametrize("fields, client", [
    ([], "127.0.0.1"),
    (["X-Forwarded-For: 192.0.2.7"], "192.0.2.7"),
    (["x-forwarded-for: 198.51.100.1, 192.0.2.7"], "192.0.2.7"),
    (["x-forwarded-for: 198.51.100.1, 127.0.0.3, 127.0.0.2"], "198.51.100.1"),
    (["x-forwarded-for: 198.51.100.1", "x-forwarded-for: 192.0.2.7"], "192.0.2.7"),
    (["x-forwarded-for: 2001:db8::7"], "2001:db8::7"),
    (["x-forwarded-for: nonsense"], "127.0.0.1"),
    (["x-forwarded-for: 192.0.2.7, nonsense"], "127.0.0.1"),
    (["x-forwarded-for:"], "127.0.0.1"),
    (["forwarded: for=192.0.2.7;proto=https"], "192.0.2.7"),
    (['forwarded: for=198.51.100.1, For="[2001:db8::7]:4711"'], "2001:db8::7"),
    ([r'forwarded: for="192\.0.2\.7"'], "192.0.2.7"),
    (["forwarded: for=unknown"], "127.0.0.1"),
    (["forwarded: by=192.0.2.1"], "127.0.0.1"),
])
def test_a_trusted_proxy_names_the_client(server, fields, client):
    trusting = server("--delay", "none", "--trust-forwarded", "127.0.0.0/8,10.0.0.0/8")
    ask_once(trusting, request(fields=fields))
    assert text_lines(trusting, 1)[0][1] == client
    wary = server("--delay", "none")
    ask_once(wary, request(fields=fields))
    assert text_lines(wary, 1)[0][1] == "127.0.0.1"


def test_an_untrusted_proxy_names_nobody(server):
    one = server("--delay", "none", "--trust-forwarded", "10.0.0.0/8,::1/128")
    ask_once(one, request(fields=["x-forwarded-for: 192.0.2.7"]))
    assert text_lines(one, 1)[0][1] == "127.0.0.1"


def test_clients_of_version_6(server):
    one = server("--delay", "none", "--listen", "[::1]:0", "--trust-forwarded", "::1/128")
    with socket.create_connection(("::1", one.port)) as sock, Client(sock=sock) as client:
        client.ask(request())
        client.ask(request(fields=["x-forwarded-for: 192.0.2.9"]))
    assert [line[1] for line in text_lines(one, 2)] == ["::1", "192.0.2.9"]


# Output that is slow, stuck or gone

def dropped(server):
    return page(server).value(DROPPED)


def read_all(descriptor, until):
    """Reads until `until(bytes so far)`."""
    data = b""
    while not until(data):
        piece = os.read(descriptor, 65536)
        assert piece, "the end of the pipe"
        data += piece
    return data


@pytest.mark.parametrize("form, fill", [("text", b""), ("json", b""), ("text", b"full")])
def test_a_pipe_that_nobody_reads_stops_nothing(server, form, fill, figure):
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        if fill:
            os.write(writer, b"." * 4095 + b"\n")
        one = server("--delay", "none", "--workers", "1", "--log", form, stdout=writer)
        sent = 0
        with Client(one) as client:
            while dropped(one) < 1000:
                client.send(request(f"/{'p' * 900}") * 500)
                for _ in range(500):
                    assert client.answer().status == 404
                sent += 500
                assert sent <= 50_000, "where do all the lines go?"
            lost = dropped(one)
            mark = b"/when-it-reads-again"
            # Once somebody reads, lines come again, and whole ones at that.
            os.set_blocking(reader, False)
            data = b""

            def marked():
                nonlocal data
                client.ask(request(mark.decode()))
                try:
                    while piece := os.read(reader, 65536):
                        data += piece
                except BlockingIOError:
                    pass
                return mark in data
            await_condition(marked, what="lines after the pause")
            assert dropped(one) >= lost
        figure(f"stdout blocked: {sent} requests answered, {lost:.0f} lines lost and counted")
        whole = data.decode().split("\n")[bool(fill):-1]
        for line in whole:
            assert json.loads(line) if form == "json" else TEXT.match(line), line
    finally:
        os.close(writer)
        one.send_signal(15)
        os.set_blocking(reader, True)
        while os.read(reader, 65536):
            pass
        os.close(reader)


def test_the_end_does_not_wait_for_a_stuck_pipe(server):
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, b"x" * 4096)
        one = server("--delay", "none", stdout=writer)
        for _ in range(25):
            assert is_alive(one)
        one.send_signal(15)
        assert one.wait(60) == 0
        assert re.search(r"25 lines of the access log were lost", one.stderr_text())
    finally:
        os.close(writer)
        os.close(reader)


def test_a_closed_pipe_stops_nothing(server, figure):
    reader, writer = os.pipe()
    one = server("--delay", "none", stdout=writer)
    os.close(writer)
    os.close(reader)
    for _ in range(25):
        assert is_alive(one)
    await_condition(lambda: dropped(one) >= 25, what="the losses being counted")
    figure(f"stdout closed: 25 requests answered, {dropped(one):.0f} lines lost and counted")
    assert one.stop() == 0


def test_a_full_disk_stops_nothing(server, figure):
    with open("/dev/full", "wb") as full:
        one = server("--delay", "none", stdout=full.fileno())
        for _ in range(25):
            assert is_alive(one)
        await_condition(lambda: dropped(one) >= 25, what="the losses being counted")
        figure(f"stdout full: 25 requests answered, {dropped(one):.0f} lines lost and counted")
        assert one.stop() == 0


def test_nothing_is_dropped_when_all_is_well(server):
    one = server("--delay", "none")
    with Client(one) as client:
        for _ in range(10):
            client.send(request("/", "POST", ["transfer-encoding: chunked"]) + chunks(b"x"))
            assert client.answer().status == 200
    assert dropped(one) == 0
    assert closed_by(one, "cut_off") == 0
