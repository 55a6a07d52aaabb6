"""/events, /ui/ and /admin/delay over real sockets."""

import json
import re
import signal
import socket

import pytest

from observed import answered, await_value, closed_by
from stack.awaiting import await_condition

TOKEN = "a-token-nobody-guesses"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


class Viewer:
    """A client of /events that reads what comes."""

    def __init__(self, server, version="1.1", fields=()):
        self.socket = server.connect()
        head = [f"GET /events HTTP/{version}", "Host: a", *fields]
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())
        self.text = ""

    def await_text(self, pattern):
        """Reads until the pattern is there, and returns its match."""
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            piece = self.socket.recv(65536)
            assert piece, f"it ended before {pattern!r}: {self.text[-300:]}"
            self.text += piece.decode()

    def rest(self):
        while True:
            piece = self.socket.recv(65536)
            if not piece:
                return self.text
            self.text += piece.decode()

    def close(self):
        self.socket.close()


def second(match):
    return json.loads(match[1])


@pytest.mark.threads
def test_events_come_by_the_second_and_tell_of_requests(server):
    one = server("--delay", "const(3ms)", "--log", "off")
    viewer = Viewer(one)
    viewer.await_text(r"retry: \d+\n\n")
    for _ in range(3):
        assert one.get("/")[0] == 200
    assert one.get("/nothing")[0] == 404
    events = []
    while sum(event["codes"].get("404", 0) for event in events) == 0:
        number = len(events) + 1
        events.append(second(viewer.await_text(rf"id: \d+-{number}\ndata: (.*)\n\n")))
    assert sum(event["codes"].get("200", 0) for event in events) == 3
    rule = events[-1]["rules"][0]
    assert (rule["rule"], rule["since"]["count"], rule["law"]) == ("default", 3, [0.003] * 3)
    assert sum(sum(event["rules"][0]["bins"][1::2]) for event in events) == 3
    assert events[-1]["viewers"] == 1 and events[-1]["in_flight"] == 0
    served = json.loads(one.get("/truth?quantiles=0.5,0.9,0.99")[2])["rules"][0]["served"]
    assert rule["since"]["quantiles"] == list(served["quantiles"].values())
    assert rule["since"]["buckets"] == served["buckets"]
    viewer.close()
    # Neither the stream nor the page is a latency, and a viewer is no request in flight.
    assert json.loads(one.get("/truth")[2])["total"]["served"]["count"] == 3


def test_who_comes_later_sees_what_was_and_who_comes_back_what_was_missed(server):
    one = server("--delay", "none", "--log", "off")
    first = Viewer(one)
    start = first.await_text(r"id: (\d+)-2\n")[1]
    later = Viewer(one, version="1.0")
    later.await_text(rf"id: {start}-1\n")
    back = Viewer(one, fields=[f"Last-Event-ID: {start}-1"])
    back.await_text(rf"id: {start}-2\n")
    assert f"id: {start}-1\n" not in back.text
    other = Viewer(one, fields=["Last-Event-ID: 5-1"])
    other.await_text(rf"id: {start}-1\n")


@pytest.mark.threads
def test_streams_end_when_draining_starts(server):
    one = server("--delay", "none", "--log", "off", "--drain-timeout", "10s")
    viewers = [Viewer(one) for _ in range(3)]
    for viewer in viewers:
        viewer.await_text("id: ")
    one.send_signal(signal.SIGTERM)
    for viewer in viewers:
        assert viewer.rest().endswith("event: draining\ndata: {}\n\n\r\n0\r\n\r\n")
    assert one.wait(20) == 0


def test_viewers_are_bounded_and_counted(server):
    one = server("--delay", "none", "--log", "off")
    viewers = [Viewer(one) for _ in range(64)]
    for viewer in viewers:
        viewer.await_text("HTTP/1.1 200 OK")
    status, _, body = one.get("/events")
    assert status == 503 and b"too many viewers" in body
    page = one.get("/metrics")[2].decode()
    assert 'httpserver_requests_total{code="503",method="GET",route="/events"} 1\n' in page
    assert "\nhttpserver_requests_in_flight 0\n" in page
    for viewer in viewers[:2]:
        viewer.close()
    await_condition(lambda: one.get("/events", method="HEAD")[0] == 200, what="a free place")


def test_a_viewer_that_left_frees_its_place(server):
    one = server("--delay", "none", "--log", "off")
    for _ in range(3):
        viewers = [Viewer(one) for _ in range(64)]
        for viewer in viewers:
            viewer.await_text("HTTP/1.1 200 OK")
            viewer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            viewer.close()
        await_condition(lambda: one.get("/events", method="HEAD")[0] == 200, what="free places")


def test_a_viewer_that_takes_nothing_is_counted_and_frees_its_place(server, tmp_path):
    # Sixty rules with requests in the last minute make seconds of some 30 KB.
    rules = [{"route": f"/bytes/{number}", "delay": "const(0s)"} for number in range(60)]
    file = tmp_path / "server.yaml"
    file.write_text(json.dumps({"rules": rules}))
    one = server("--config", file, "--write-timeout", "300ms", "--log", "off")
    for number in range(60):
        assert one.get(f"/bytes/{number}")[0] == 200
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    # With small segments the kernel keeps little for a peer; on the loopback it would be megabytes.
    stuck.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    stuck.connect((one.host, one.port))
    stuck.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    viewer = Viewer(one, version="1.0")  # without chunks within an event
    # Others are told every second meanwhile.
    await_value(closed_by, one, "write_timeout", 1)
    await_value(answered, one, 499, 1, route="/events", method="GET")
    told = second(viewer.await_text(r'id: .*\ndata: (.*"viewers":1,.*)\n\n'))
    assert len(told["rules"]) == 61 and told["left_out"] == 0
    viewer.close()
    stuck.close()


def test_the_page_is_kept_by_browsers_until_it_changes(server):
    one = server("--delay", "none", "--log", "off")
    status, fields, body = one.get("/ui/")
    assert status == 200 and body.startswith(b"<!doctype html>")
    assert fields["content-type"] == "text/html; charset=utf-8"
    assert fields["cache-control"] == "no-cache" and fields["vary"] == "accept-encoding"
    assert "default-src 'none'" in fields["content-security-policy"]
    assert "unsafe" not in fields["content-security-policy"]
    assert "style=" not in body.decode() and "onclick" not in body.decode()
    packed = one.get("/ui/", headers={"Accept-Encoding": "gzip"})[1]
    assert packed["content-encoding"] == "gzip" and packed["etag"] != fields["etag"]
    for tag in (fields["etag"], f'"x", W/{fields["etag"]}', "*"):
        status, again, body = one.get("/ui/", headers={"If-None-Match": tag})
        assert (status, body, again["etag"]) == (304, b"", fields["etag"])
    assert one.get("/ui/", headers={"If-None-Match": packed["etag"]})[0] == 200
    assert one.get("/ui/", method="HEAD")[2] == b""
    assert one.get("/ui")[0:2][0] == 308 and one.get("/ui")[1]["location"] == "ui/"
    assert one.get("/ui/nothing.js")[0] == 404 and one.get("/ui/../truth")[0] == 404
    assert one.get("/ui/", method="POST")[0] == 405


def test_the_law_changes_with_the_token_alone(server, token_file):
    one = server("--delay", "const(1ms)", "--log", "off", "--admin", token_file)
    wrong = {"Authorization": "Bearer wrong"}
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert one.get("/admin/delay", headers=right)[0] == 405
    assert one.get("/admin/delay", method="POST", body="const(2ms)")[0] == 401
    assert one.get("/admin/delay", method="POST", body="const(2ms)", headers=wrong)[0] == 401
    status, _, reason = one.get("/admin/delay", method="POST", body="const(2", headers=right)
    assert status == 400 and reason.startswith(b"expected ")
    assert one.get("/")[1]["server-timing"] == "delay;dur=1.000000"
    status, _, law = one.get("/admin/delay", method="POST", body="const( 2ms )", headers=right)
    assert (status, law) == (200, b"const(2ms)\n")
    assert one.get("/")[1]["server-timing"] == "delay;dur=2.000000"
    # In pieces and chunks, too; and a body that nobody wants is still read.
    with one.connect() as connection:
        connection.sendall(f"POST /admin/delay HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}"
                           "\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nconst(\r\n".encode())
        connection.sendall(b"4\r\n3ms)\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers = b""
        while piece := connection.recv(65536):
            answers += piece
    assert b"\r\n\r\nconst(3ms)\n" in answers and b"delay;dur=3.000000" in answers
    page = one.get("/metrics")[2].decode()
    assert 'httpserver_expected_latency_mean_seconds{route="/"} 0.003\n' in page
    rules = json.loads(one.get("/truth")[2])["rules"]
    assert rules[0]["law"] == "const(3ms)" and rules[0]["served"]["count"] == 1


def test_without_admin_nothing_changes(server):
    one = server("--delay", "const(1ms)", "--log", "off")
    status, _, body = one.get("/admin/delay", method="POST", body="const(2ms)",
                              headers={"Authorization": "Bearer x"})
    assert status == 403 and b"--admin" in body
    assert json.loads(one.get("/ui/server.json")[2])["admin"] is False


def test_admin_routes_are_where_they_belong(server):
    one = server("--delay", "none", "--log", "off", "--listen", "127.0.0.1:0",
                 "--admin-listen", "127.0.0.1:0", listeners=2)
    for path in ("/ui/", "/events", "/ui/server.json"):
        assert one.get(path, method="HEAD")[0] == 404


def test_a_token_that_is_none_is_said_at_start(binary, tmp_path):
    import subprocess
    short = tmp_path / "short"
    short.write_text("short")
    for path, reason in ((short, "16 to 256"), (tmp_path / "none", "No such file")):
        ended = subprocess.run([binary, "--admin", path, "--listen", "127.0.0.1:0"],
                               capture_output=True, text=True, timeout=20, check=False)
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"httpserver: --admin: {path}: ") and reason in ended.stderr
        assert ended.stderr.count("\n") == 1
