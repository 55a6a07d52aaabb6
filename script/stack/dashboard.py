"""Reads a Grafana dashboard and asks Prometheus what its panels would ask."""

import dataclasses
import json
import math
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy" / "grafana" / "dashboards" / "httpserver.json"


@dataclasses.dataclass
class Series:
    """A line: what its legend says, its labels, and (time, value) in seconds and the panel's unit."""

    legend: str
    labels: dict
    points: list


@dataclasses.dataclass
class Answers:
    """Of one panel: for each target its series, and the exemplars as (time, value, trace)."""

    series: list
    exemplars: list


def load(path=PATH):
    return json.loads(path.read_text())


def panels(dashboard):
    """The panels that ask something, those in collapsed rows included."""
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", [])


def expression(target, variables):
    """The target's PromQL with the variables of dashboard and Grafana put in."""
    text = target["expr"]
    for name in sorted(variables, key=len, reverse=True):
        text = text.replace(f"${{{name}}}", variables[name]).replace(f"${name}", variables[name])
    return text


def _legend(target, labels):
    text = target["legendFormat"]
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _number(text):
    value = float(text)
    return None if math.isnan(value) or math.isinf(value) else value


def ask(prometheus, panel, variables, start, end, step):
    """What the panel would show from `start` to `end`, Unix seconds."""
    series, exemplars = [], []
    for target in panel["targets"]:
        promql = expression(target, variables)
        found = prometheus.ask("query_range", query=promql, start=start, end=end, step=step)["result"]
        series.append([Series(_legend(target, one["metric"]), one["metric"], [
            (time, _number(value)) for time, value in one["values"]]) for one in found])
        if target.get("exemplar"):
            exemplars += [(one["timestamp"], float(one["value"]), one["labels"]["trace_id"])
                          for group in prometheus.ask("query_exemplars", query=promql, start=start, end=end)
                          for one in group["exemplars"]]
    return Answers(series, sorted(set(exemplars)))
