"""What a request asks for itself: by parameters, by fields, and by the routes made for it."""

import json
import re
import subprocess

import pytest

from observed import answered, await_in_flight, closed_by, page
from stack.awaiting import await_condition
from wire import Client, ask_once, is_alive, request


def text(answer):
    return answer.body.decode()


def asked_seconds(answer):
    return float(re.match(r"delay;dur=([0-9.]+)", answer.get("server-timing"))[1]) / 1000


def test_parameters_and_fields(server):
    one = server("--delay", "none")
    for data in (request("/?delay=20ms"), request("/?delay=0.02"), request("/?delay=const(20ms)"),
                 request("/", fields=["x-delay: 20ms"])):
        answer = ask_once(one, data)
        assert answer.status == 200 and text(answer) == "<h1>20</h1>"
        assert asked_seconds(answer) == 0.02
    answer = ask_once(one, request("/?status=503"))
    assert answer.status == 503 and answer.get("x-injected") == "request; status"
    assert text(answer) == "503 Service Unavailable: injected, as the request asked\n"
    answer = ask_once(one, request("/", "POST", ["X-Status: 201", "x-size: 5KiB"]))
    assert answer.status == 201 and len(answer.body) == 5120
    assert answer.get("x-injected") == "request; status, size"
    answer = ask_once(one, request("/?size=5KiB", "HEAD"), "HEAD")
    assert answer.get("content-length") == "5120"
    for target, wanted in (("/?status=503", "status"), ("/?drip=1s", "drip"), ("/version?burn=1ms", "burn"),
                           ("/bytes/9?drip=1s", "size, drip"), ("/?size=1&status=205", "status, size")):
        answer = ask_once(one, request(target, "HEAD"), "HEAD")
        assert answer.all("x-injected") == [f"request; {wanted}"]
        assert answer.get("content-length") is not None
    answer = ask_once(one, request("/version?status=500"))
    assert answer.status == 500
    assert ask_once(one, request("/?status=304")).status == 304
    assert ask_once(one, request("/?nothing=%41&known")).status == 200


@pytest.mark.parametrize("query, name", [
    ("delay=61s", "delay"), ("delay=uniform(0s,61s)", "delay"), ("delay=1s&delay=1s", "delay"),
    ("delay=file(/etc/passwd)", "delay"), ("delay=%2", "delay"), ("status=499", "status"),
    ("status=99", "status"), ("size=17MiB", "size"), ("size=1G", "size"), ("drip=2m", "drip"),
    ("bandwidth=1", "bandwidth"), ("abort=now", "abort"), ("burn=1s", "burn")])
def test_what_is_wrong_or_too_much_is_refused(server, query, name):
    one = server("--delay", "const(60s)")
    for data in (request("/?" + query), request("/version?" + query)):
        answer = ask_once(one, data)
        assert answer.status == 400 and text(answer).startswith(name + ": ")
        assert text(answer).count("\n") == 1
    assert page(one).value("httpserver_execution_latency_seconds_count", step="total") == 0


def test_limits_are_configured(server):
    one = server("--delay", "none", "--max-delay", "10ms", "--max-size", "1KiB", "--max-burn", "0")
    assert ask_once(one, request("/?delay=10ms&size=1KiB")).status == 200
    for query in ("delay=11ms", "size=1025", "burn=1ns"):
        answer = ask_once(one, request("/?" + query))
        assert answer.status == 400 and "limit" in text(answer)
    assert ask_once(one, request("/bytes/1025")).status == 400
    assert ask_once(one, request("/delay/11ms")).status == 400


def test_wishes_can_be_switched_off(server):
    one = server("--delay", "none", "--request-faults", "off")
    for data in (request("/?status=503&delay=x"), request("/?%zz", fields=["x-status: 503"])):
        answer = ask_once(one, data)
        assert answer.status == 200 and answer.get("x-injected") is None
    assert ask_once(one, request("/status/503")).status == 503


def test_asked_delays_are_reproducible_and_no_draws_of_the_rule(server, binary):
    flags = ("--delay", "uniform(0ms,2ms)", "--seed", "11", "--workers", "1")
    told = []
    for _ in range(2):
        one = server(*flags)
        with Client(one) as client:
            told.append([])
            for _ in range(5):
                client.ask(request("/?delay=5ms"))
                answer = client.ask(request("/?delay=exp(1ms)"))
                told[-1].append(answer.get("server-timing"))
                told[-1].append(client.ask(request()).get("server-timing"))
    assert told[0] == told[1]
    assert told[0][2].endswith('draw;desc="request 1"') and told[0][3].endswith('draw;desc="1"')
    drawn = subprocess.run([binary, "draw", "--law", "uniform(0ms,2ms)", "--seed", "11", "--count",
                            "5"], capture_output=True, text=True, check=True).stdout.split()
    rules = [float(re.match(r"delay;dur=([0-9.]+)", line)[1]) for line in told[0][1::2]]
    assert [f"{milliseconds / 1000:.9f}" for milliseconds in rules] == drawn


def rule_named(truth, name, route):
    return [entry for entry in truth["rules"] if (entry["rule"], entry["route"]) == (name, route)]


def test_the_truth_keeps_asked_delays_apart(server):
    one = server("--delay", "const(1ms)")
    for _ in range(3):
        ask_once(one, request("/?delay=30ms"))
        ask_once(one, request())
    truth = json.loads(ask_once(one, request("/truth")).body)
    assert rule_named(truth, "default", "/")[0]["drawn"]["max_seconds"] == 0.001
    asked = rule_named(truth, None, "/")[0]
    assert asked["drawn"]["count"] == 3 and asked["drawn"]["min_seconds"] == 0.03
    assert truth["total"]["served"]["count"] == 6


def test_delay_route(server):
    one = server("--delay", "const(60s)")
    for path in ("/delay/0.02", "/delay/20ms", "/delay/const(20ms)", "/delay/const%2820ms%29"):
        answer = ask_once(one, request(path))
        assert answer.status == 200 and text(answer) == "<h1>20</h1>"
    assert ask_once(one, request("/delay/none")).status == 200
    assert ask_once(one, request("/delay/61")).status == 400
    assert ask_once(one, request("/delay/")).status == 404
    assert ask_once(one, request("/delay/1ms?delay=1ms")).status == 400
    assert answered(one, 200, route="/delay/{law}", method="GET") == 5


def test_status_route(server):
    one = server("--delay", "const(60s)")
    for code in (200, 204, 205, 301, 304, 401, 404, 405, 418, 503, 599):
        answer = ask_once(one, request(f"/status/{code}"))
        assert answer.status == code and answer.get("x-injected") == "request; status"
    assert ask_once(one, request("/status/401")).get("www-authenticate")
    assert "GET" in ask_once(one, request("/status/405")).get("allow")
    with Client(one) as client:
        codes = [client.ask(request("/status/200:0.25,500:0.75")).status for _ in range(200)]
    assert set(codes) == {200, 500} and 100 < codes.count(500) < 190
    for bad in ("99", "600", "abc", "200:", "200,,500", "444", "499", "200:0"):
        assert ask_once(one, request("/status/" + bad)).status == 400
    assert answered(one, 418, route="/status/{codes}") == 1


def test_bytes_route(server):
    one = server("--delay", "const(60s)")
    first = ask_once(one, request("/bytes/100000?seed=3"))
    assert len(first.body) == 100000 and first.get("content-length") == "100000"
    assert first.body == ask_once(one, request("/bytes/100000?seed=3")).body
    assert first.body[:999] == ask_once(one, request("/bytes/999?seed=3")).body
    assert first.body[:999] != ask_once(one, request("/bytes/999")).body
    assert len(set(first.body)) == 256
    assert ask_once(one, request("/bytes/0")).body == b""
    assert ask_once(one, request("/bytes/1KiB", "HEAD"), "HEAD").get("content-length") == "1024"
    for bad in ("x", "-1", "17MiB", "1?seed=x", "1?seed=1&seed=1"):
        assert ask_once(one, request("/bytes/" + bad)).status == 400


def test_drip_route(server):
    one = server("--delay", "const(60s)")
    with Client(one) as client:
        client.send(request("/drip?duration=0.2&numbytes=5&delay=0.01&code=201"))
        answer = client.answer()
    assert answer.status == 201 and answer.body == b"*****"
    assert answer.get("content-length") == "5"
    for bad in ("duration=x", "duration=61", "numbytes=17MiB", "delay=61", "code=204", "code=1",
                "delay=1&delay=1"):
        answer = ask_once(one, request("/drip?" + bad))
        assert answer.status == 400 and text(answer).startswith(bad.split("=", maxsplit=1)[0])


def test_headers_and_echo(server):
    one = server("--delay", "none")
    fields = ["X-One: 1", 'x-two: "a\\b"', "x-one: 2", "x-\x7f".replace("\x7f", "y") + ": \xe9"]
    answer = ask_once(one, request("/headers", fields=fields))
    assert json.loads(answer.body)["headers"] == {
        "host": ["a"], "X-One": ["1", "2"], "x-two": ['"a\\b"'], "x-y": ["\ufffd"]}
    answer = ask_once(one, request("/echo?a=%41&b", "PUT", body=b'h\xc3\xa9 "\x01'))
    told = json.loads(answer.body)
    assert (told["method"], told["path"], told["query"], told["version"], told["body"],
            told["body_cut"]) == ("PUT", "/echo", "a=%41&b", "1.1", 'h\u00e9 "\x01', False)
    for size, cut in ((4096, False), (4097, True), (100000, True)):
        for data in (request("/echo", "POST", body=b"\x01" * size),
                     request("/echo", "POST", ["transfer-encoding: chunked"]) +
                     b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"\x01" * size)):
            told = json.loads(ask_once(one, data).body)
            assert told["body"] == "\x01" * min(size, 4096) and told["body_cut"] is cut
    with Client(one) as client:
        client.send(request("/echo", "POST", ["content-length: 6"]) + b"abc")
        client.send(b"def" + request("/version"))
        assert json.loads(client.answer().body)["body"] == "abcdef"
        assert client.answer().status == 200
    answer = ask_once(one, request("/echo?delay=10ms&drip=50ms", "POST", body=b"slow"))
    assert json.loads(answer.body)["body"] == "slow"


def test_a_large_head_is_repeated_or_refused(server):
    one = server("--delay", "none", "--max-head", "60KiB")
    for size, status in ((30000, 200), (55000, 200), (58000, 431)):
        answer = ask_once(one, request("/headers", fields=["x-fill: " + "\\" * (size // 2)]))
        assert answer.status == status
        if status == 200:
            assert json.loads(answer.body)["headers"]["x-fill"] == ["\\" * (size // 2)]
    assert is_alive(one)


@pytest.mark.parametrize("place", ["before", "head", "body"])
def test_aborts(server, place):
    one = server("--delay", "none", "--workers", "1")
    with Client(one) as client:
        client.send(request("/version") + request(f"/?abort={place}&size=1000") + request())
        assert client.answer().status == 200
        with pytest.raises(ConnectionResetError):
            while True:
                client.received += client.sock.recv(65536) or pytest.fail("closed in order")
    head, _, content = client.received.partition(b"\r\n\r\n")
    assert (client.received == b"") == (place == "before")
    assert head.startswith(b"HTTP/1.1 200") or place == "before"
    assert (b"content-length: 1000" in head) == (place == "body")
    assert len(content) == (500 if place == "body" else 0)
    assert answered(one, 444, route="/") == 1
    assert closed_by(one, "fault") == 1
    assert page(one).value("httpserver_execution_latency_seconds_count", step="total") == 1

    def lines():
        return [line.split() for line in one.stdout_lines() if " /?abort=" in line]
    await_condition(lines, what="the line in the log")
    assert lines()[0][4:6] == ["444", str(len(content))]
    assert is_alive(one)


def test_a_client_that_leaves_a_drip_is_noticed(server):
    one = server("--delay", "none")
    with Client(one) as client:
        client.send(request("/?drip=60s&size=100"))
        assert client.head().status == 200
        await_condition(lambda: page(one).value("httpserver_connections", state="paused") == 1,
                        what="the pause")
        assert ask_once(one, request("/version")).status == 200
    await_in_flight(one, 0)
    assert answered(one, 499, route="/") == 1


def test_a_drip_is_finished_while_draining(server):
    one = server("--delay", "none")
    with Client(one) as client:
        client.send(request("/?drip=700ms&size=70"))
        answer = client.head()
        one.send_signal(15)
        body = client.rest()
    assert answer.status == 200 and len(body) == 70
    assert one.wait() == 0


def test_burning_uses_processor_time(server):
    from observed import cpu_seconds
    one = server("--delay", "none", "--workers", "1")
    before = cpu_seconds(one)
    with Client(one) as client:
        for _ in range(5):
            assert client.ask(request("/?burn=60ms")).status == 200
    assert cpu_seconds(one) - before >= 0.25
