"""Scenarios: phases follow each other in time, and the metric tells which one it is."""

import json

import pytest

from stack.awaiting import await_condition
from stack.exposition import fetch


@pytest.fixture
def with_file(server, tmp_path):
    path = tmp_path / "server.yaml"

    def start(text):
        path.write_text("delay: none\nlog: off\n" + text)
        return server("--listen", "127.0.0.1:0", "--config", path), path
    return start


def phases(one):
    return {labels["phase"]: value
            for labels, value in fetch(one.url("/metrics")).find("httpserver_scenario_phase")}


def await_phase(one, name):
    await_condition(lambda: phases(one).get(name) == 1, every_seconds=0.02, what=f"phase {name}")


def test_without_a_scenario_there_is_no_phase(with_file):
    assert phases(with_file("")[0]) == {}


def during(one, name, ask):
    """What `ask()` finds while the scenario is in that phase, from beginning to end."""
    def attempt():
        if phases(one).get(name) != 1:
            return None
        found = ask()
        return [found] if phases(one).get(name) == 1 else None
    return await_condition(attempt, every_seconds=0.02, what=f"phase {name}")[0]


def test_an_outage_comes_and_goes(with_file):
    one, _ = with_file("""
rules: [{route: /version, errors: 1:501}]
scenario:
  repeat: true
  phases:
    - {name: calm, for: 800ms}
    - name: outage
      for: 800ms
      rules: [{route: /, errors: 1:503}, {route: /version, errors: 1:504}]
""")

    def statuses():
        return one.get("/")[0], one.get("/version")[0]
    for _ in range(2):
        assert during(one, "calm", statuses) == (200, 501)
        assert during(one, "outage", statuses) == (503, 504)
    assert set(phases(one)) == {"calm", "outage", "over"}
    assert sum(phases(one).values()) == 1

    def outages():
        return [rule for rule in json.loads(one.get("/truth")[2])["rules"]
                if rule["rule"] == "scenario[1].rules[0]" and rule["served"]["count"] >= 2]
    await_condition(outages, what="the requests of both outages")
    assert len(outages()) == 1 and not outages()[0]["whole_period"]


def test_behind_the_last_phase_it_is_over(with_file):
    one, _ = with_file("scenario: [{for: 50ms}, {for: 50ms, rules: [{route: /, errors: 1}]}]\n")
    await_phase(one, "over")
    assert phases(one) == {"1": 0, "2": 0, "over": 1}
    assert one.get("/")[0] == 200


def test_the_last_phase_may_stay(with_file):
    one, path = with_file("scenario: [{for: 200ms}, {rules: [{route: /, errors: 1}]}]\n")
    await_phase(one, "2")
    assert one.get("/")[0] == 500
    # A reload that leaves the scenario as it is does not begin it again.
    path.write_text(path.read_text() + "rules: [{route: /version, errors: 1}]\n")
    await_condition(lambda: one.get("/version")[0] == 500, what="the new rule")
    assert phases(one)["2"] == 1
    path.write_text(path.read_text().replace("200ms", "59m"))
    await_phase(one, "1")
    assert one.get("/")[0] == 200


def test_a_ramp_rises_in_steps(with_file):
    one, _ = with_file("""
scenario:
  repeat: true
  phases:
    - {name: rise, for: 1s, ramp: up, steps: 2, rules: [{route: /, errors: 1}]}
    - {name: full, for: 500ms, rules: [{route: /, errors: 1:503}]}
""")
    seen = set()

    def ask():
        seen.add(one.get("/")[0])
        return seen == {200, 500, 503}
    await_condition(ask, every_seconds=0.01, what="half of the requests, all, and the next phase")
    assert during(one, "full", lambda: one.get("/")[0]) == 503
