"""Scenarios: phases follow each other in time, and the metric tells which one it is."""

import json
from collections import Counter

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


def test_an_outage_comes_and_goes(with_file):
    one, _ = with_file("""
rules: [{route: /version, errors: 1:501}]
scenario:
  - {name: calm, for: 700ms}
  - name: outage
    for: 1500ms
    rules: [{route: /, errors: 1:503}, {route: /version, errors: 1:504}]
""")
    assert phases(one) == {"calm": 1, "outage": 0, "over": 0}
    assert (one.get("/")[0], one.get("/version")[0]) == (200, 501)
    await_phase(one, "outage")
    assert (one.get("/")[0], one.get("/version")[0]) == (503, 504)
    await_phase(one, "over")
    assert phases(one) == {"calm": 0, "outage": 0, "over": 1}
    assert (one.get("/")[0], one.get("/version")[0]) == (200, 501)
    told = {rule["rule"]: rule for rule in json.loads(one.get("/truth")[2])["rules"]}
    outage = told["scenario[1].rules[0]"]
    assert not outage["in_force"] and 0.5 < outage["until"] - outage["since"] < 10
    assert outage["served"]["count"] == 1


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


def test_a_scenario_repeats(with_file):
    one, _ = with_file("""
scenario:
  repeat: true
  phases: [{name: up, for: 300ms}, {name: down, for: 300ms, rules: [{route: /, errors: 1}]}]
""")
    for name in ("up", "down", "up", "down"):
        await_phase(one, name)
    answer = json.loads(one.get("/truth")[2])
    assert len([rule for rule in answer["rules"] if rule["rule"] == "scenario[1].rules[0]"]) == 1


def test_a_ramp_rises_in_steps(with_file):
    one, _ = with_file("scenario: [{for: 3s, ramp: up, steps: 3, rules: [{route: /, errors: 1}]},"
                       " {rules: [{route: /, errors: 1:503}]}]\n")
    found = Counter(one.get("/")[0] for _ in range(60))
    assert found[500] and found[200], "a third of the requests, or two"
    await_condition(lambda: {one.get("/")[0] for _ in range(40)} == {500}, what="all of them")
    await_phase(one, "2")
    assert one.get("/")[0] == 503
