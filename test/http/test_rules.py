"""Rules as the file and the flags say them: which requests they take, and what they do to them."""

import concurrent.futures
import contextlib
import http.client
import json
import math
import re
import subprocess
from collections import Counter

import pytest

from stack.awaiting import await_condition
from stack.exposition import fetch
from stack.server import clean_environment

# Of a share that is far off by chance: an event of one in a million, and the seeds are fixed.
SIGNIFICANCE_SIGMAS = 4.9


@pytest.fixture
def with_file(server, tmp_path):
    """A factory: a server with this text as its configuration file."""
    def start(text, *flags):
        path = tmp_path / "server.yaml"
        path.write_text(text)
        return server("--listen", "127.0.0.1:0", "--config", path, *flags)
    return start


def statuses(one, count, path="/"):
    """Asks one request after the other on one connection."""
    connection = http.client.HTTPConnection(one.host, one.port, timeout=20)
    found = []
    with contextlib.closing(connection):
        for _ in range(count):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
    return found


def expect_share(count, of, share):
    sigma = math.sqrt(of * share * (1 - share))
    assert abs(count - of * share) <= SIGNIFICANCE_SIGMAS * sigma, f"{count} of {of}, not {share}"


def rules_of(one):
    """By name, of those that took a request."""
    return {rule["rule"]: rule for rule in json.loads(one.get("/truth")[2])["rules"]
            if rule["rule"] is not None}


SELECTING = """
delay: none
rules:
  - {route: /, methods: [POST, PUT], errors: {probability: 1, codes: 410}}
  - {route: /, headers: {x-canary: "yes", x-zone: "eu-*"}, errors: "1:411"}
  - {route: /, headers: {x-any: "*"}, errors: {probability: 1, codes: [412]}}
  - {route: /ver*, methods: HEAD, errors: {probability: 1, codes: {413: 2}}}
  - {route: /version, errors: 1}
  - {route: /, methods: DELETE}
  - {route: /*, headers: {x-last: a}, errors: 1:414}
"""


@pytest.mark.parametrize("method, path, headers, status", [
    ("GET", "/", {}, 200),
    ("POST", "/", {}, 410),
    ("PUT", "/", {"x-any": "1"}, 410),  # the first rule that takes it decides
    ("GET", "/", {"X-CANARY": "yes", "x-zone": "eu-west"}, 411),
    ("GET", "/", {"x-canary": "yes"}, 200),
    ("GET", "/", {"x-canary": "YES", "x-zone": "eu-"}, 200),
    ("GET", "/", {"x-any": ""}, 412),
    ("HEAD", "/version", {}, 413),
    ("GET", "/version", {}, 500),
    ("GET", "/version?a=b", {}, 500),
    ("DELETE", "/", {"x-last": "a"}, 200),
    ("PATCH", "/", {"x-last": "a"}, 414),
    ("GET", "/nothing", {"x-last": "a"}, 404),
    ("OPTIONS", "/", {"x-last": "a"}, 204),
    ("POST", "/version", {}, 405),
])
def test_the_first_rule_that_takes_a_request_decides(with_file, method, path, headers, status):
    assert with_file(SELECTING).get(path, method=method, headers=headers)[0] == status


def test_probes_and_admin_routes_are_never_hit(with_file):
    one = with_file("rules: [{route: /*, delay: const(50s), errors: 1:503}]\n",
                    "--errors", "1", "--drain-timeout", "60s")
    for path in ("/healthz", "/livez", "/readyz", "/metrics", "/truth"):
        assert one.get(path, timeout_seconds=5)[0] == 200, path
    assert rules_of(one)["rules[0]"]["served"]["count"] == 0


def test_faults_of_the_index_are_options_like_any_other(server, with_file):
    assert server("--delay", "none", "--errors", "1:503").get("/")[0] == 503
    assert server("--delay", "none", env={"HTTPSERVER_ERRORS": "1:504"}).get("/")[0] == 504
    one = with_file("delay: none\nerrors: 1:502\n")
    assert one.get("/")[0] == 502 and one.get("/version")[0] == 200


def test_an_error_is_an_answer_like_any_other(server):
    one = server("--delay", "none", "--errors", "1:503")
    connection = http.client.HTTPConnection(one.host, one.port, timeout=20)
    with contextlib.closing(connection):
        for method, length in (("GET", True), ("HEAD", False), ("POST", True)):
            connection.request(method, "/", body=b"x" if method == "POST" else None)
            answer = connection.getresponse()
            assert answer.status == 503
            assert answer.getheader("content-type") == "text/plain; charset=utf-8"
            assert bool(answer.read()) == length
        connection.request("GET", "/version")
        assert connection.getresponse().status == 200, "the connection goes on"
    line = await_condition(lambda: [line for line in one.stdout_lines() if "GET / 503" in line],
                           what="the line in the log")
    assert len(line) == 1
    page = await_condition(lambda: (found := fetch(one.url("/metrics"))).value(
        "httpserver_execution_latency_seconds_count", step="total") == 4 and found,
        what="four observations")
    assert page.value("httpserver_requests_total", route="/", method="GET", code="503") == 1


@pytest.mark.parametrize("probability", ["0.6", "0.01", "0.333", "0", "1"])
def test_the_error_rate_is_the_probability(server, probability):
    one = server("--delay", "none", "--errors", f"{probability}:500:1,503:3", "--seed", "3",
                 "--log", "off")
    count = 6000
    found = Counter(statuses(one, count))
    errors = found[500] + found[503]
    assert errors + found[200] == count
    expect_share(errors, count, float(probability))
    if errors:
        expect_share(found[503], errors, 0.75)


def outcomes(one, count):
    """Statuses and delays of so many requests, eight at a time."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: one.get("/"), range(count)))
    delays = sorted(re.match(r"delay;dur=([0-9.]+)", fields["server-timing"])[1]
                    for status, fields, _ in answers if status == 200)
    return Counter(status for status, _, _ in answers), delays


@pytest.mark.threads
def test_a_seed_gives_the_same_outcomes_whoever_serves(with_file):
    text = ("seed: 42\nrules: [{route: /, delay: 'uniform(0s,4ms)', "
            "errors: {probability: 0.3, codes: {500: 1, 503: 1, 429: 2}}}]\n")
    first = outcomes(with_file(text, "--workers", "1"), 400)
    second = outcomes(with_file(text, "--workers", "4"), 400)
    assert first == second
    assert len(first[0]) == 4 and len(set(first[1])) > 100
    assert outcomes(with_file(text, "--workers", "4", "--seed", "43"), 400) != first


def test_draw_prints_the_delays_of_any_rule(with_file, binary):
    one = with_file("seed: 4\nrules: [{route: /version}, {route: /, delay: 'uniform(0s,1ms)'}]\n")
    served = [one.get("/")[1]["server-timing"] for _ in range(5)]
    done = subprocess.run([binary, "draw", "--law", "uniform(0s,1ms)", "--seed", "4", "--rule", "2",
                           "--count", "5"], env=clean_environment(), capture_output=True,
                          text=True, check=True, timeout=20)
    assert served == [f'delay;dur={1000 * float(seconds):.6f}, draw;desc="{ordinal}"'
                      for ordinal, seconds in enumerate(done.stdout.split())]


def test_a_share_leaves_the_rest_to_the_next_rule(with_file):
    one = with_file("delay: none\nseed: 8\nlog: off\nrules:\n"
                    "  - {route: /, share: 0.25, errors: 1:503}\n"
                    "  - {route: /, share: 0.5, errors: 1:504}\n")
    found = Counter(statuses(one, 4000))
    expect_share(found[503], 4000, 0.25)
    expect_share(found[504], 4000, 0.375)
    assert found[200] == 4000 - found[503] - found[504]


def test_the_truth_is_told_by_rule(with_file):
    one = with_file("""
delay: const(1ms)
rules:
  - {route: /, headers: {x-a: "1"}, delay: const(2ms), errors: 1:500}
  - {route: /version, delay: 'uniform(3ms,4ms)'}
""")
    for path, headers, count in (("/", {}, 3), ("/", {"x-a": "1"}, 4), ("/version", {}, 5)):
        for _ in range(count):
            one.get(path, headers=headers)
    answer = await_condition(
        lambda: (found := json.loads(one.get("/truth")[2]))["total"]["served"]["count"] == 12
        and found, what="12 requests recorded")
    rules = {rule["rule"]: rule for rule in answer["rules"] if rule["rule"]}
    assert list(rules) == ["default", "rules[0]", "rules[1]"]
    assert not any(rule["served"]["count"] for rule in answer["rules"] if not rule["rule"])
    figures = {name: (rule["route"], rule["law"], rule["draws"], rule["drawn"]["count"],
                      rule["served"]["count"]) for name, rule in rules.items()}
    assert figures == {"default": ("/", "const(1ms)", 0, 3, 3),
                       "rules[0]": ("/", "const(2ms)", 0, 4, 4),
                       "rules[1]": ("/version", "uniform(3ms,4ms)", 5, 5, 5)}
    assert rules["rules[0]"]["definition"] == "/ x-a=1 delay=const(2ms) errors=1:500:1"
    assert rules["rules[0]"]["drawn"]["sum_seconds"] == pytest.approx(0.008)
    assert 0.003 <= rules["rules[1]"]["drawn"]["min_seconds"] < 0.004
    assert all(rule["in_force"] and rule["whole_period"] and rule["until"] is None
               for rule in rules.values())
    page = fetch(one.url("/metrics"))
    assert page.value("httpserver_injected_delay_seconds_count", route="/") == 7
    assert page.value("httpserver_injected_delay_seconds_count", route="/version") == 5
    assert page.value("httpserver_delay_overshoot_seconds_count", route="/version") == 5


def expected_mean(one, route):
    return fetch(one.url("/metrics")).value("httpserver_expected_latency_mean_seconds", route=route)


def test_what_is_expected_follows_the_rules(with_file):
    one = with_file("delay: const(1ms)\n")
    assert expected_mean(one, "/") == 0.001 and expected_mean(one, "/version") is None
    one = with_file("delay: const(1ms)\nrules: [{route: /*, delay: const(2ms)}]\n")
    assert expected_mean(one, "/") == 0.002 and expected_mean(one, "/version") == 0.002
    page = fetch(one.url("/metrics"))
    assert page.value("httpserver_expected_latency_quantile_seconds", route="/version",
                      q="0.99") == 0.002
    # Where it depends on more than the route there is no one law to state.
    one = with_file("delay: const(1ms)\nrules: [{route: /, methods: GET, delay: const(2ms)}]\n")
    assert expected_mean(one, "/") is None
