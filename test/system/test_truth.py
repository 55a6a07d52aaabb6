"""/truth is true: held against what was sent, what `httpserver draw` says and what pages said."""

import concurrent.futures
import contextlib
import http.client
import json
import math
import pathlib
import re
import socket
import subprocess
import zlib
from decimal import Decimal

import pytest

from stack.awaiting import await_condition
from stack.exposition import Page
from stack.load import Hey
from stack.server import clean_environment

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "truth.md"
LATENCY = "httpserver_execution_latency_seconds"
TIMING = re.compile(r'^delay;dur=(\d+\.\d{6}), draw;desc="(\d+)"$')


def truth(one, query=""):
    status, fields, body = one.get("/truth" + query)
    assert status == 200, body
    assert fields["content-type"] == "application/json"
    return json.loads(body, parse_float=Decimal)


def served_count(one, query=""):
    return truth(one, query)["total"]["served"]["count"]


def await_served(one, count):
    """A client may have read an answer that its worker has not recorded yet."""
    await_condition(lambda: served_count(one) >= count, what=f"{count} requests recorded")
    return truth(one)


def draws(binary, law, seed, count):
    done = subprocess.run([binary, "draw", "--delay", law, "--seed", str(seed), "--count",
                           str(count)], env=clean_environment(), check=True, capture_output=True,
                          text=True, timeout=60)
    return [Decimal(line) for line in done.stdout.split()]


def exact_quantile(values, quantile):
    ordered = sorted(values)
    return ordered[max(1, math.ceil(Decimal(quantile) * len(ordered))) - 1]


def request_count(answer, **labels):
    return sum(entry["count"] for entry in answer["requests"]
               if all(entry[name] == value for name, value in labels.items()))


def rule_of(answer, route):
    found = [rule for rule in answer["rules"] if rule["route"] == route]
    assert len(found) == 1
    return found[0]


@pytest.mark.threads
def test_what_was_sent_is_what_is_told(server, binary):
    one = server("--workers", "3", "--delay", "uniform(0s,8ms)", "--seed", "11")
    assert Hey(one.url("/"), connections=25, requests=3000).answers() == {200: 3000}
    for path, count in (("/version", 7), ("/healthz", 4), ("/nothing", 3)):
        for _ in range(count):
            one.get(path)
    one.get("/", method="OPTIONS")

    answer = await_served(one, 3007)
    assert answer["total"]["served"]["count"] == 3007
    assert request_count(answer, route="/", method="GET", code="200") == 3000
    assert request_count(answer, route="/", method="OPTIONS", code="204") == 1
    assert request_count(answer, route="/version", code="200") == 7
    assert request_count(answer, route="/healthz", code="200") == 4
    assert request_count(answer, route="other", code="404") == 3

    index = rule_of(answer, "/")
    assert index["rule"] == "default" and index["law"] == "uniform(0s,8ms)"
    assert index["draws"] == 3000
    expected = draws(binary, "uniform(0s,8ms)", 11, 3000)
    drawn = index["drawn"]
    assert drawn["count"] == 3000
    assert drawn["sum_seconds"] == sum(expected)
    assert drawn["min_seconds"] == min(expected) and drawn["max_seconds"] == max(expected)
    for quantile, value in drawn["quantiles"].items():
        exact = exact_quantile(expected, quantile)
        assert abs(value - exact) <= exact * answer["quantile_relative_error"], quantile

    waited, served = index["waited"], index["served"]
    assert waited["count"] == served["count"] == 3000
    assert drawn["sum_seconds"] <= waited["sum_seconds"] <= served["sum_seconds"]
    version = rule_of(answer, "/version")
    assert version["rule"] is None and version["law"] is None and version["law_expected"] is None
    assert version["drawn"] == {"count": 0, "sum_seconds": 0, "min_seconds": None,
                                "max_seconds": None,
                                "quantiles": dict.fromkeys(drawn["quantiles"])}
    assert version["served"]["count"] == 7
    assert answer["total"]["served"]["sum_seconds"] == \
        served["sum_seconds"] + version["served"]["sum_seconds"]


@pytest.mark.threads
def test_the_histogram_says_the_same(server):
    one = server("--workers", "2", "--delay", "uniform(0s,40ms)")
    Hey(one.url("/"), connections=50, requests=1000).answers()
    answer = await_served(one, 1000)
    histogram = await_condition(
        lambda: (found := Page(one.get("/metrics")[2].decode()).histogram(LATENCY)).count == 1000
        and found, what="1000 observations")
    served = answer["total"]["served"]
    bounds = [Decimal(str(bound)) for bound, _ in histogram.buckets[:-1]]
    assert answer["bounds_seconds"] == bounds
    assert served["buckets"] == [count for _, count in histogram.buckets]
    assert float(served["sum_seconds"]) == pytest.approx(histogram.sum, rel=1e-12)


def test_the_law_is_told_exactly(server):
    one = server("--delay", "mix(0.9:const(1ms),0.1:uniform(0s,2s))")
    rule = rule_of(truth(one, "?quantiles=0,0.25,1"), "/")
    assert rule["law_expected"] == {
        "min_seconds": 0, "max_seconds": 2, "mean_seconds": Decimal("0.1009"),
        "quantiles": {"0": 0, "0.25": Decimal("0.001"), "1": 2}}
    one = server("--delay", "exp(20s)", "--max-delay", "100s")
    assert float(rule_of(truth(one), "/")["law_expected"]["max_seconds"]) == pytest.approx(100)
    one = server("--delay", "none")
    one.get("/")
    rule = rule_of(await_served(one, 1), "/")
    assert rule["law"] == "none" and rule["draws"] == 0
    assert rule["drawn"]["count"] == 0 and rule["waited"]["count"] == 0
    assert rule["served"]["count"] == 1


def test_answers_tell_their_draw(server, binary):
    one = server("--workers", "2", "--delay", "uniform(0s,3ms)", "--seed", "5")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        timings = list(pool.map(lambda _: one.get("/")[1]["server-timing"], range(200)))
    expected = draws(binary, "uniform(0s,3ms)", 5, 200)
    seen = set()
    for timing in timings:
        delay_ms, ordinal = TIMING.match(timing).groups()
        assert Decimal(delay_ms) == expected[int(ordinal)] * 1000
        seen.add(int(ordinal))
    assert seen == set(range(200))


def test_who_left_is_counted_and_not_observed(server):
    one = server("--delay", "uniform(59s,60s)", "--drain-timeout", "61s")
    with one.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        await_condition(lambda: rule_of(truth(one), "/")["draws"] == 1, what="a draw")
    await_condition(lambda: request_count(truth(one), route="/", code="499") == 1, what="a 499")
    answer = truth(one)
    assert answer["total"]["served"]["count"] == 0
    assert rule_of(answer, "/")["drawn"]["count"] == 0


@pytest.mark.heavy
def test_a_window_is_of_whole_slices(server):
    one = server("--workers", "2", "--delay", "const(1ms)")
    young = truth(one, "?window=60s")
    if young["covered_seconds"] == 0:  # no multiple of ten seconds has passed since the start
        assert young["from"] == young["to"] == young["started"]
    assert young["window_seconds"] == 60 and young["whole_window"] is False
    assert young["total"]["served"]["count"] == 0

    slices = {}

    def send_until_slices_ended(count):
        one.get("/version")
        sent[0] += 1
        last = truth(one, "?window=10s")
        if last["covered_seconds"] > 0:
            slices[last["to"]] = last
        return len(slices) >= count

    sent = [0]
    await_condition(lambda: send_until_slices_ended(2), timeout_seconds=60, what="two slices")
    first, second = (slices[to] for to in sorted(slices)[:2])
    assert first["from"] == young["started"]
    assert second["from"] == first["to"]
    for one_slice in (first, second):
        assert 0 <= one_slice["to"] % 10 < 5, "a multiple of ten seconds, and the thread's delay"
    assert second["whole_window"] and 5 < second["covered_seconds"] < 15
    assert first["total"]["served"]["count"] > 0

    both = truth(one, "?window=900s")
    assert both["whole_window"] is False and both["from"] == young["started"]
    if both["to"] == second["to"]:
        for figure in ("count", "sum_seconds"):
            assert both["total"]["served"][figure] == sum(
                each["total"]["served"][figure] for each in (first, second))
    # The rest is in the slice that is still open.
    everything = await_served(one, sent[0])
    assert everything["total"]["served"]["count"] == sent[0]
    assert everything["to"] == everything["now"] and everything["from"] == young["started"]


def scrape(one, agent, *, gzip=False):
    headers = {"user-agent": agent, "accept-encoding": "gzip" if gzip else "identity"}
    status, fields, body = one.get("/metrics", headers=headers)
    assert status == 200
    if gzip:
        assert fields["content-encoding"] == "gzip"
        body = zlib.decompress(body, 31)
    return Page(body.decode())


def compare(record, page):
    histogram = page.histogram(LATENCY, step="total")
    assert record["execution_latency_count"] == histogram.count
    assert float(record["execution_latency_sum_seconds"]) == histogram.sum
    assert record["buckets"] == [count for _, count in histogram.buckets]
    told = {(each["route"], each["method"], each["code"]): each["count"]
            for each in record["requests_total"]}
    shown = {(labels["route"], labels["method"], labels["code"]): value
             for labels, value in page.find("httpserver_requests_total")}
    assert told == shown and len(record["requests_total"]) == len(told)
    assert record["requests_left_out"] == 0


@pytest.mark.threads
def test_scrapes_are_told_as_they_were_rendered(server):
    one = server("--workers", "3", "--delay", "uniform(0s,2ms)")
    load = Hey(one.url("/"), connections=20, seconds=3)
    pages = {}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        agents = [f"scraper/{number}" for number in range(200)]
        found = pool.map(lambda agent: scrape(one, agent, gzip=agent.endswith("7")), agents)
        pages = dict(zip(agents, found))
    load.answers()
    # The record of a page is there before its last byte: nothing needs to be awaited.
    answer = truth(one, "?scrapes=1000")
    records = {record["user_agent"]: record for record in answer["scrapes"]}
    assert answer["scrapes_total"] == 200 and set(records) == set(agents)
    assert len({page.histogram(LATENCY).count for page in pages.values()}) > 10, "no load"
    for agent, page in pages.items():
        compare(records[agent], page)
        assert records[agent]["client"] == "127.0.0.1"
        assert records[agent]["format"] == "text"
        assert answer["started"] < records[agent]["time"] < records[agent]["ended"] < answer["now"]
    assert [record["number"] for record in answer["scrapes"]] == list(range(1, 201))


def test_the_last_thousand_scrapes_are_kept(server):
    one = server()
    one.get("/metrics", method="HEAD")  # not rendered, so not told
    connection = http.client.HTTPConnection(one.host, one.port, timeout=20)
    with contextlib.closing(connection):
        for number in range(1, 1041):
            connection.request("GET", "/metrics", headers={"user-agent": "\xe9\"\\" + str(number)})
            connection.getresponse().read()
    answer = truth(one, "?scrapes=1000")
    assert answer["scrapes_total"] == 1040
    assert [record["number"] for record in answer["scrapes"]] == list(range(41, 1041))
    assert answer["scrapes"][-1]["user_agent"] == "\ufffd\"\\1040"
    assert len(truth(one)["scrapes"]) == 20
    assert [record["number"] for record in truth(one, "?scrapes=2")["scrapes"]] == [1039, 1040]
    assert truth(one, "?scrapes=0")["scrapes"] == []


@pytest.mark.parametrize("query", [
    "window=61s", "window=16m", "window=", "window", "window=0", "window=-10s", "window=1e1s",
    "window=10s&window=10s", "windows=10s", "=", "&", "quantiles=", "quantiles=0.5,,1",
    "quantiles=1.5", "quantiles=nan", "quantiles=0.5,0.5", "quantiles=%", "quantiles=%0",
    "quantiles=" + ",".join(f"0.{number:02}" for number in range(1, 18)),
    "scrapes=-1", "scrapes=1001", "scrapes=1.5", "scrapes=%00", "%77indow=10s",
    "window=10s%0d%0ax:y", "x" * 600, "window=" + "9" * 400 + "s"])
def test_what_cannot_be_asked_is_refused_with_one_line(server, query):
    status, fields, body = server().get("/truth?" + query)
    assert status == 400
    assert fields["content-type"] == "text/plain; charset=utf-8"
    assert re.fullmatch(rb"[ -~]{10,239}\n", body), body


def test_clients_may_encode_the_comma(server):
    answer = truth(server(), "?quantiles=0.25%2C0.75&window=10s")
    assert list(answer["total"]["served"]["quantiles"]) == ["0.25", "0.75"]


def test_the_document_shows_the_members_that_are_there(server):
    one = server("--workers", "1")
    one.get("/metrics", headers={"user-agent": "x"})
    one.get("/version")
    answer = truth(one, "?window=10s")
    block = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]
    document = json.loads(block)
    assert list(document) == list(answer)
    assert list(document["total"]["served"]) == list(answer["total"]["served"])
    assert document["bounds_seconds"] == [float(bound) for bound in answer["bounds_seconds"]]
    for member in ("rules", "scrapes"):
        assert list(document[member][0]) == list(answer[member][0]), member
    for member in ("law_expected", "drawn", "waited", "served"):
        assert list(document["rules"][0][member]) == list(answer["rules"][0][member])
    requests = await_condition(lambda: truth(one)["requests"], what="a request")
    assert list(document["requests"][0]) == list(requests[0])
    stated = re.findall(r"^\| (`[^|]*`) \|", DOCUMENT.read_text(), re.MULTILINE)
    for name in re.findall(r"`(\w+)`", " ".join(stated)):
        assert f'"{name}' in block or name in ("window", "quantiles", "scrapes", "_time"), name


def test_it_is_for_admins_and_for_reading(server):
    one = server("--admin-listen", "127.0.0.1:0", listeners=2)
    assert one.get("/truth")[0] == 404
    admin = one.addresses[1].rpartition(":")
    connection = http.client.HTTPConnection(admin[0], int(admin[2]), timeout=20)
    with contextlib.closing(connection):
        for method, status in (("GET", 200), ("HEAD", 200), ("POST", 405), ("OPTIONS", 204)):
            connection.request(method, "/truth")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == status and (method != "HEAD" or body == b"")


def test_many_at_once_are_limited(server):
    """An answer that is not read keeps its memory, so there are so many of them and no more."""
    one = server("--workers", "2")
    for _ in range(200):
        one.get("/metrics")
    slow = []
    with contextlib.ExitStack() as stack:

        def statuses():
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(20)
            sock.connect((one.host, one.port))
            # More answers behind each other than sockets hold, all unread but the first bytes.
            sock.sendall(b"GET /truth?scrapes=1000 HTTP/1.1\r\nhost: a\r\n\r\n" * 100)
            slow.append(sock.recv(12))
            return b"HTTP/1.1 503" in slow

        await_condition(statuses, what="a refusal")
        assert slow.count(b"HTTP/1.1 200") >= 16
        assert one.get("/")[0] == 200
    await_condition(lambda: one.get("/truth")[0] == 200, what="room again")
