"""GET /: the delay that was drawn, waited for and told, and the fields that come back."""

import math
import re
import subprocess
import time

import pytest

from stack.exposition import fetch
from stack.server import clean_environment
from wire import Client, ask_once, request

TIMING = re.compile(r"^delay;dur=(\d+)\.(\d{6})(?:, draw;desc=\"\d+\")?$")


def delay_ns(answer):
    """The delay that server-timing tells, exactly."""
    match = TIMING.match(answer.get("server-timing"))
    assert match, answer.fields
    return int(match[1]) * 1_000_000 + int(match[2])


def draw(binary, *arguments):
    """The delays that `httpserver draw` prints, in nanoseconds."""
    done = subprocess.run([binary, "draw", *arguments], env=clean_environment(), check=True,
                          capture_output=True, text=True, timeout=30)
    return [round(float(line) * 1e9) for line in done.stdout.split()]


def test_an_answer_says_its_delay(server):
    one = server("--delay", "uniform(1ms,9ms)", env={"VERSION": "v1.2-rc.3"})
    with Client(one) as client:
        for _ in range(20):
            answer = client.ask(request())
            assert (answer.status, answer.reason) == (200, "OK")
            assert answer.get("content-type") == "text/html; charset=utf-8"
            assert answer.get("version") == "v1.2-rc.3"
            assert 1_000_000 <= delay_ns(answer) <= 9_000_000
            assert answer.body == b"<h1>%d</h1>" % (delay_ns(answer) // 1_000_000)
            assert answer.get("server") is None
            assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.get("date"))


def test_without_version_in_the_environment_it_is_the_builds(server, binary):
    printed = subprocess.run([binary, "version"], env=clean_environment(), capture_output=True,
                             text=True, timeout=30, check=True).stdout
    assert ask_once(server("--delay", "none"), request()).get("version") in printed


@pytest.mark.parametrize("law, least_ns, most_ns", [
    ("const(300ms)", 300_000_000, 300_000_000),
    ("uniform(100ms,400ms)", 100_000_000, 400_000_000),
])
def test_the_delay_is_really_waited(server, law, least_ns, most_ns):
    one = server("--delay", law)
    for _ in range(3):
        with Client(one) as client:
            started = time.monotonic_ns()
            told_ns = delay_ns(client.ask(request()))
            waited_ns = time.monotonic_ns() - started
        assert least_ns <= told_ns <= most_ns
        assert told_ns <= waited_ns < told_ns + 10_000_000_000


def test_no_delay_is_told_as_zero(server):
    for law in ("none", "const(0s)"):
        answer = ask_once(server("--delay", law), request())
        assert delay_ns(answer) == 0
        assert answer.body == b"<h1>0</h1>"


def test_uniform_delays_fill_their_interval(server):
    one = server("--delay", "uniform(0ms,8ms)", "--seed", "3")
    with Client(one) as client:
        delays = [delay_ns(client.ask(request())) for _ in range(200)]
    assert 0 <= min(delays) < 1_000_000 and 7_000_000 < max(delays) <= 8_000_000
    assert len(set(delays)) > 190
    mean_ns, sigma_ns = 4e6, 8e6 / math.sqrt(12 * 200)
    assert abs(sum(delays) / 200 - mean_ns) < 5 * sigma_ns


@pytest.mark.parametrize("seed", ["7", "7@replica-1", "18446744073709551615"])
def test_a_seed_gives_the_same_delays_everywhere(server, binary, seed):
    law = "uniform(0ms,5ms)"
    sequences = []
    for workers in ("1", "2"):
        one = server("--delay", law, "--seed", seed, "--workers", workers)
        with Client(one) as client:
            sequences.append([delay_ns(client.ask(request())) for _ in range(50)])
    assert sequences[0] == sequences[1]
    assert sequences[0] == draw(binary, "--delay", law, "--seed", seed, "--count", "50")


def test_draws_do_not_depend_on_the_connection(server, binary):
    """The ordinal counts requests, whichever connection or worker takes them."""
    one = server("--delay", "uniform(0ms,5ms)", "--seed", "11", "--workers", "2")
    delays = [delay_ns(ask_once(one, request())) for _ in range(30)]
    assert delays == draw(binary, "--delay", "uniform(0ms,5ms)", "--seed", "11", "--count", "30")


def test_different_seeds_give_different_delays(server):
    delays = set()
    for flags in (["--seed", "1"], ["--seed", "2"], ["--seed", "1@a"], [], []):
        one = server("--delay", "uniform(0ms,5ms)", *flags)
        delays.add(delay_ns(ask_once(one, request())))
    assert len(delays) == 5


def test_every_method_of_the_index_is_delayed(server):
    one = server("--delay", "const(50ms)")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        with Client(one) as client:
            started = time.monotonic_ns()
            answer = client.ask(request(method=method), method)
            assert time.monotonic_ns() - started >= 50_000_000
        assert answer.status == 200
        assert delay_ns(answer) == 50_000_000


def test_the_query_does_not_matter(server):
    one = server("--delay", "none")
    for target in ("/?", "/?a=b", "/?/version", "http://a?x", "http://a/?x=/y"):
        answer = ask_once(one, request(target))
        assert (answer.status, answer.body) == (200, b"<h1>0</h1>"), target


def test_what_was_measured_is_what_was_drawn(server):
    one = server("--delay", "const(20ms)")
    with Client(one) as client:
        for _ in range(10):
            client.ask(request())
    page = fetch(one.url("/metrics"))
    injected = page.histogram("httpserver_injected_delay_seconds", route="/")
    total = page.histogram("httpserver_execution_latency_seconds", step="total")
    overshoot = page.histogram("httpserver_delay_overshoot_seconds", route="/")
    assert injected.count == total.count == overshoot.count == 10
    assert injected.sum == pytest.approx(0.2)
    assert total.sum >= injected.sum
    assert dict(total.buckets)[0.016] == 0
    assert 0 < overshoot.sum <= total.sum - injected.sum + 1e-6
