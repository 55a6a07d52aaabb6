"""docker stop: as process 1 the server hears the signal, loses nothing and takes no longer than it must."""

import concurrent.futures

from engine import docker
from stack.awaiting import await_condition

PUBLISHED = ["--publish", "127.0.0.1::8080"]


def test_stop_loses_nothing_and_ends_with_the_longest_delay(run):
    """The engine would kill it 3 s after the longest delay: status 137."""
    requests = 100
    one = run("--delay", "uniform(3s,5s)", options=PUBLISHED)
    with concurrent.futures.ThreadPoolExecutor(requests) as pool:
        answers = [pool.submit(one.get) for _ in range(requests)]
        await_condition(lambda: one.value("httpserver_requests_in_flight") == requests,
                        what="all requests waiting")
        docker("stop", "--time", "8", one.id)
        assert [answer.result()[0] for answer in answers] == [200] * requests
    state = one.state()
    assert state["ExitCode"] == 0 and not state["OOMKilled"]
    assert len([line for line in one.log() if " GET / 200 " in line]) == requests


def test_stop_does_not_wait_where_nobody_does(run):
    one = run("--delay", "const(60s)", "--drain-timeout", "60s")
    docker("stop", "--time", "5", one.id)
    assert one.state()["ExitCode"] == 0


def test_a_request_that_outlasts_the_drain_is_told_of(run):
    one = run("--delay", "const(60s)", "--drain-timeout", "100ms", options=PUBLISHED)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(one.get)
        await_condition(lambda: one.value("httpserver_requests_in_flight") == 1, what="one waiting")
        docker("stop", "--time", "5", one.id)
        assert answer.exception() is not None
    assert one.state()["ExitCode"] == 1
