"""The configuration is read again while the server runs: when asked, and when the file changes."""

import json
import os
import pathlib
import signal
import subprocess

import jsonschema
import pytest
import yaml

from stack.awaiting import await_condition
from stack.exposition import fetch
from stack.load import Hey
from stack.server import clean_environment, is_sanitized

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "configuration.schema.json").read_text())


def reloads(one, result):
    return fetch(one.url("/metrics")).value("httpserver_config_reloads_total", result=result)


def last_was_good(one):
    return fetch(one.url("/metrics")).value("httpserver_config_last_reload_successful")


def await_reloads(one, result, count):
    await_condition(lambda: reloads(one, result) == count, what=f"{count} times {result}")


def status(one, path="/"):
    return one.get(path)[0]


def replace(path, text):
    """As programs do that care: another file takes its name."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


@pytest.fixture
def with_file(server, tmp_path):
    path = tmp_path / "server.yaml"

    def start(text, *flags):
        path.write_text(text)
        return server("--listen", "127.0.0.1:0", "--config", path, *flags), path
    return start


def law_of_index(one):
    rules = json.loads(one.get("/truth")[2])["rules"]
    return next(rule["law"] for rule in rules if rule["rule"] == "default" and rule["in_force"])


@pytest.mark.threads
def test_a_hangup_has_it_read_again(with_file):
    one, path = with_file("delay: none\n", "--workers", "2")
    assert (reloads(one, "success"), reloads(one, "failure"), last_was_good(one)) == (0, 0, 1)
    one.send_signal(signal.SIGHUP)
    await_reloads(one, "success", 1)
    one.wait_for_stderr(lambda text: f"httpserver: {path}: read again\n" in text)
    assert status(one) == 200


def test_a_file_that_was_replaced_or_written_is_seen(with_file):
    one, path = with_file("delay: none\n")
    if not is_sanitized():
        assert "Seccomp:\t2\n" in pathlib.Path(f"/proc/{one.pid}/status").read_text()
    replace(path, "delay: none\nrules: [{route: /, errors: 1:503}]\n")
    await_condition(lambda: status(one) == 503, what="the new rule")
    path.write_text("delay: const(1ms)\n")
    await_condition(lambda: status(one) == 200 and law_of_index(one) == "const(1ms)",
                    what="the new law")
    assert reloads(one, "success") == 2 and reloads(one, "failure") == 0
    (path.parent / "another.yaml").write_text("x: y\n")
    replace(path, "delay: const(1ms)\n")  # the same once more: nothing to read
    replace(path, "delay: const(2ms)\n")
    await_condition(lambda: law_of_index(one) == "const(2ms)", what="the last law")
    assert reloads(one, "success") == 3


def make_version(folder, name, text):
    """A ConfigMap's volume as the kubelet writes it: files in a folder of their own, a link to it
    that is replaced at one stroke, and links to the files through it."""
    (folder / name).mkdir()
    (folder / name / "server.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(name)
    (folder / "..data_tmp").rename(folder / "..data")


def test_an_updated_config_map_is_seen(server, tmp_path):
    make_version(tmp_path, "..2026_01", "delay: none\n")
    (tmp_path / "server.yaml").symlink_to("..data/server.yaml")
    one = server("--listen", "127.0.0.1:0", "--config", tmp_path / "server.yaml")
    make_version(tmp_path, "..2026_02", "delay: none\nrules: [{route: /, errors: 1:418}]\n")
    await_condition(lambda: status(one) == 418, what="the new rule")
    make_version(tmp_path, "..2026_03", "delay: none\nrules: [{route: /, errors: 2}]\n")
    await_reloads(one, "failure", 1)
    assert status(one) == 418 and last_was_good(one) == 0
    make_version(tmp_path, "..2026_04", "delay: none\n")
    await_condition(lambda: status(one) == 200, what="no rule")
    assert last_was_good(one) == 1 and reloads(one, "success") == 2


@pytest.mark.parametrize("text, line", [
    ("delay: none\nrules:\n  - {route: /, errors: 1.5}\n",
     ":3:24: 1.5: a probability is from 0 to 1"),
    ("delay: uniform(2s,1s)\n", ":1:8: delay 'uniform(2s,1s)'"),
    ("nonsense\n", ":1:1: expected options"),
    ("a: [\n", ":2:1: "),
])
def test_a_bad_file_is_refused_and_the_old_one_stays(with_file, text, line):
    one, path = with_file("delay: none\nrules: [{route: /, errors: 1:503}]\n")
    assert status(one) == 503
    replace(path, text)
    await_reloads(one, "failure", 1)
    said = one.wait_for_stderr(lambda text: "; what was in force stays\n" in text and text)
    assert f"httpserver: {path}{line}" in said
    assert status(one) == 503
    assert last_was_good(one) == 0 and reloads(one, "success") == 0


def test_what_needs_a_restart_is_said_and_not_done(with_file):
    one, path = with_file("delay: none\nmax-body: 4KiB\nlog: text\n")
    replace(path, "delay: const(1ms)\nmax-body: 1\nlog: text\nworkers: 3\n")
    await_reloads(one, "success", 1)
    wanted = [f"httpserver: {path}:{place}: changed, but not applied: this needs a restart"
              for place in ("2:11: max-body", "4:10: workers")]
    await_condition(lambda: "read again" in one.stderr_text(), what="the line")
    assert [line for line in one.stderr_text().splitlines() if "needs a restart" in line] == \
        sorted(wanted, key=lambda line: "max-body" in line)
    assert one.get("/", method="POST", body=b"12345")[0] == 200
    assert law_of_index(one) == "const(1ms)"


def test_without_a_file_a_hangup_is_answered(server):
    one = server("--delay", "none")
    one.send_signal(signal.SIGHUP)
    one.wait_for_stderr(lambda text: "SIGHUP: there is no --config file" in text)
    assert status(one) == 200 and reloads(one, "success") == 0


def ordinal(one):
    return int(one.get("/")[1]["server-timing"].partition('desc="')[2].rstrip('"'))


def test_rules_that_stay_go_on_and_changed_ones_begin_anew(with_file):
    kept = "  - {route: /, headers: {x-a: '1'}, delay: 'uniform(0s,1ms)'}\n"
    one, path = with_file("delay: 'uniform(0s,2ms)'\nrules:\n" + kept)
    assert [ordinal(one) for _ in range(3)] == [0, 1, 2]
    one.get("/", headers={"x-a": "1"})
    replace(path, "delay: 'uniform(0s,3ms)'\nrules:\n" + kept)
    await_reloads(one, "success", 1)
    assert [ordinal(one) for _ in range(2)] == [0, 1]
    assert one.get("/", headers={"x-a": "1"})[1]["server-timing"].endswith('desc="1"')
    answer = await_condition(
        lambda: (found := json.loads(one.get("/truth")[2]))["total"]["served"]["count"] == 7
        and found, what="seven requests")
    told = {(rule["rule"], rule["law"]): rule for rule in answer["rules"] if rule["rule"]}
    old, new = told["default", "uniform(0s,2ms)"], told["default", "uniform(0s,3ms)"]
    stayed = told["rules[0]", "uniform(0s,1ms)"]
    assert [rule["served"]["count"] for rule in (old, new, stayed)] == [3, 2, 2]
    assert [rule["in_force"] for rule in (old, new, stayed)] == [False, True, True]
    assert [rule["whole_period"] for rule in (old, new, stayed)] == [False, False, True]
    assert old["since"] < old["until"] == new["since"] < answer["now"]
    assert new["until"] is None and stayed["since"] == answer["started"]


def test_a_table_that_changed_is_another_law(with_file, tmp_path):
    table = tmp_path / "table"
    table.write_text("0 1ms\n1 2ms\n")
    one, _ = with_file(f"delay: file({table})\n")
    assert [ordinal(one) for _ in range(2)] == [0, 1]
    one.send_signal(signal.SIGHUP)
    await_reloads(one, "success", 1)
    assert ordinal(one) == 2
    table.write_text("0 1ms\n1 3ms\n")
    one.send_signal(signal.SIGHUP)
    await_reloads(one, "success", 2)
    assert ordinal(one) == 0
    table.write_text("0 1ms\n")
    one.send_signal(signal.SIGHUP)
    await_reloads(one, "failure", 1)
    assert ordinal(one) == 1


@pytest.mark.threads
def test_under_load_no_request_is_lost_or_counted_twice(with_file):
    one, path = with_file("delay: 'uniform(0s,1ms)'\n", "--workers", "2", "--log", "off")
    load = Hey(one.url("/"), connections=20, requests=6000)
    count = 0
    while load.running() or count < 5:
        count += 1
        replace(path, f"delay: 'uniform(0s,{count % 200 + 1}us)'\n"
                      f"rules: [{{route: /, share: 0.5, delay: const({count}ns)}}]\n")
        await_reloads(one, "success", count)
    assert load.answers() == {200: 6000}
    answer = await_condition(
        lambda: (found := json.loads(one.get("/truth")[2]))["total"]["served"]["count"] == 6000
        and found, what="6000 requests recorded")
    assert sum(rule["served"]["count"] for rule in answer["rules"]) == 6000
    assert reloads(one, "failure") == 0


def test_more_changes_than_slots_end_in_what_was_former(with_file):
    one, path = with_file("delay: const(1us)\n", "--log", "off")
    for count in range(2, 122):
        assert status(one) == 200
        replace(path, f"delay: const({count}us)\n")
        await_reloads(one, "success", count - 1)
    answer = await_condition(
        lambda: (found := json.loads(one.get("/truth")[2]))["total"]["served"]["count"] == 120
        and found, what="120 requests recorded")
    former = answer["rules"][-1]
    assert (former["rule"], former["route"], former["law"]) == ("former", None, None)
    assert former["served"]["count"] == 120 - 95
    assert former["drawn"]["sum_seconds"] == pytest.approx(sum(range(1, 26)) * 1e-6)
    laws = [rule["law"] for rule in answer["rules"] if rule["rule"] == "default"]
    assert len(laws) == 96 and laws[0] == "const(121us)" and "const(25us)" not in laws


EXAMPLES = {
    "all": """
listen: [127.0.0.1:8080]
delay: none
errors: 0.1:503
abort: 0.01
drip: 1s
size: uniform(1KiB,2KiB)
bandwidth: 64KiB
burn: 1ms
rules:
  - route: /version
    methods: [GET, HEAD]
    headers: {x-a: b*}
    share: 0.5
    delay: exp(10ms)
    errors: {probability: 0.1, codes: {500: 1, 503: 3}}
    abort: {probability: 0.1, at: head}
    drip: 100ms
    size: 4KiB
    bandwidth: 1MiB
    burn: 1ms
  - {route: /*, methods: GET, errors: 0.1, abort: 0.1:body, size: 100}
scenario:
  - {name: up, for: 1m, ramp: up, steps: 5, rules: [{route: /, errors: 1}]}
  - {for: 30s}
  - {rules: [{route: /, delay: const(1s)}]}
""",
    "repeat": "scenario: {repeat: true, phases: [{for: 1s}]}\n",
}
WRONG = {
    "rules: {}": ":1:8: expected a list of rules",
    "rules: [a]": ":1:9: expected a rule",
    "rules: [{}]": ":1:9: route is missing",
    "rules: [{route: a}]": ":1:17: a: a path begins with /",
    "rules: [{route: /a*b}]": ":1:17: /a*b: * is allowed at the end only",
    "rules: [{route: /, errors: {codes: 500}}]": ":1:28: probability is missing",
    "rules: [{route: /, errors: {probability: 1, codes: 200}}]": ":1:52: 200: an error's code",
    "rules: [{route: /, errors: {probability: 1, codes: {500: 0}}}]": ":1:53: 500: a weight",
    "rules: [{route: /, abort: 0.1:never}]": ":1:27: 0.1:never: an abort's place",
    "rules: [{route: /, methods: [get]}]": ":1:30: get: not a method",
    "rules: [{route: /, headers: {'a b': c}}]": ":1:30: a b: not the name of a header",
    "rules: [{route: /, share: -1}]": ":1:27: -1: expected a number",
    "rules: [{route: /, burn: 2s}]": ":1:26: 2s: must be from 0s to 1s",
    "rules: [{route: /, size: 2GiB}]": ":1:26: 2GiB: 2GiB is beyond the maximal size of 1GiB",
    "rules: [{route: /, delay: uniform(1s)}]": ":1:27: uniform(1s): expected ','",
    "rules: [{route: /, a: b}]": ":1:20: a: unknown key; there are route, ",
    "rules: [{route: /, route: /}]": ":1:20: route: given twice",
    "rules: []\nrules: []": ":2:1: rules: given twice",
    "scenario: []": ":1:11: expected a list of 1 to 64 phases",
    "scenario: {repeat: true, phases: [{rules: []}]}": ":1:11: the last phase of a scenario that",
    "scenario: [{rules: []}, {rules: []}]": ":1:25: the phase before has no `for`",
    "scenario: [{ramp: up}]": ":1:12: a ramp needs `for`",
    "scenario: [{for: 1s, steps: 3}]": ":1:12: steps are for phases with `ramp`",
    "scenario: [{name: a, for: 1s}, {name: a}]": ":1:39: another phase has this name",
    "scenario: [{name: over}]": ":1:19: over: a phase's name is",
}
NOT_SEEN_BY_THE_SCHEMA = ("twice", "never ends", "another phase", "beyond", "expected ','",
                          "must be from", "a ramp needs", "steps are for", "that repeats",
                          "the phase before", "the last phase", "not the name", "an abort's place")


def judge(text):
    """None when the schema takes it, else why not."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    # JSON has texts for names only.
    document = json.loads(json.dumps(yaml.safe_load(text)))
    return jsonschema.exceptions.best_match(validator.iter_errors(document))


def check(binary, path):
    """Reads the file and ends: `draw` without draws."""
    return subprocess.run([binary, "draw", "--config", path, "--delay", "none", "--count", "0"],
                          env=clean_environment(), capture_output=True, text=True, timeout=20,
                          check=False)


@pytest.mark.static
def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_the_schema_takes_the_server_takes(binary, tmp_path, name):
    path = tmp_path / "server.yaml"
    path.write_text(EXAMPLES[name])
    assert judge(EXAMPLES[name]) is None
    assert check(binary, path).stderr == ""


def documented():
    """The YAML blocks of the documents about it."""
    for name in ("rules", "configuration"):
        text = (ROOT / "docs" / f"{name}.md").read_text()
        for number, block in enumerate(text.split("```yaml\n")[1:]):
            yield pytest.param(block.partition("```")[0], id=f"{name}-{number}")


@pytest.mark.parametrize("text", documented())
def test_the_documents_examples_are_right(binary, tmp_path, text):
    path = tmp_path / "server.yaml"
    path.write_text(text)
    assert judge(text) is None
    assert check(binary, path).stderr == ""


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_place(binary, tmp_path, text):
    path = tmp_path / "server.yaml"
    path.write_text(text)
    done = check(binary, path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"httpserver: {path}{WRONG[text]}"), done.stderr
    assert done.stderr.count("\n") == 1
    if not any(part in done.stderr for part in NOT_SEEN_BY_THE_SCHEMA):
        assert judge(text) is not None


@pytest.mark.parametrize("flag, value, why", [
    ("--errors", "1.01", "a probability is from 0 to 1"),
    ("--errors", "0.1:", "expected a digit at character 1"),
    ("--errors", "0.1:500:", "expected a number at character 1"),
    ("--errors", "0.1:500,", "expected a digit"),
    ("--errors", "0.1:499", "an error's code is from 400 to 599, not 444 or 499"),
    ("--errors", "-0.1", "expected a number"),
    ("--abort", "0.1:tail", "an abort's place is before, head or body"),
    ("--size", "exp(1s)", "expected"),
    ("--bandwidth", "0", "must be from 1 to"),
    ("--burn", "2s", "must be from 0s to 1s"),
])
def test_flags_for_faults_are_checked(binary, flag, value, why):
    done = subprocess.run([binary, "--listen", "127.0.0.1:0", flag, value],
                          env=clean_environment(), capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"httpserver: {flag} '{value}': ") and why in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_that_may_not_be_read_any_more_is_a_failure(server, tmp_path):
    path = tmp_path / "server.yaml"
    path.write_text("delay: none\n")
    path.chmod(0o600)
    one = server("--listen", "127.0.0.1:0", "--config", path, "--user", "65533:65533")
    one.send_signal(signal.SIGHUP)
    await_reloads(one, "failure", 1)
    one.wait_for_stderr(lambda text: "Permission denied; what was in force stays\n" in text)
    assert status(one) == 200
