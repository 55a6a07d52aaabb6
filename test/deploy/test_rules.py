"""Recording rules and alerts: promtool tests each, and each alert fires in one case and not in another."""

import re
import subprocess

import pytest
import yaml

from suite.command import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules"
CASES = sorted((ROOT / "test" / "deploy" / "rules").glob("*.test.yaml"))
PROMTOOL = "/usr/bin/promtool"


def rules():
    return [rule for path in sorted(RULES.glob("*.yaml"))
            for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return sorted({rule["alert"] for rule in rules() if "alert" in rule})


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_loads_the_rules():
    promtool("check", "rules", "--lint-fatal", *sorted(RULES.glob("*.yaml")))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(".test.yaml"))
def test_each_case(path):
    promtool("test", "rules", path)


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_has_a_case_that_fires_and_one_that_does_not(alert):
    expected = [bool(check["exp_alerts"]) for path in CASES
                for case in yaml.safe_load(path.read_text())["tests"]
                for check in case.get("alert_rule_test", []) if check["alertname"] == alert]
    assert set(expected) == {True, False}


def test_recording_rules_are_named_level_metric_operations():
    names = {rule["record"] for rule in rules() if "record" in rule}
    assert names
    for name in names:
        assert re.fullmatch(r"job_namespace[a-z_]*:httpserver_[a-z_]+:[a-z_]*rate\d+[mh]", name), name


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_has_a_runbook(alert):
    for rule in (rule for rule in rules() if rule.get("alert") == alert):
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^## (\w+)$", (ROOT / path).read_text(), re.MULTILINE)
        assert anchor == alert.lower()
        assert alert in headings, f"{path} has no section {alert}"
        assert rule["labels"]["severity"] in ("info", "warning", "critical")


def test_the_whole_configuration_has_the_same_job():
    job = yaml.safe_load((ROOT / "deploy/prometheus/prometheus-additional.yaml").read_text())
    whole = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert whole["scrape_configs"] == job
