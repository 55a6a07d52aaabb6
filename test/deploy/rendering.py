"""What kubectl and helm make of deploy/, as lists of objects."""

import json
import os
import re
import subprocess

import yaml

from suite.command import ROOT
from suite.tools import FOLDER

OVERLAYS = ("plain-prometheus", "operator", "ingress-tls", "gateway", "istio")
CHART = ROOT / "deploy" / "chart" / "httpserver"
VALUES = ROOT / "deploy" / "chart" / "values"


class RenderError(Exception):
    """A tool refused; the text is its own."""


def objects(*command):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ["PATH"], "HOME": str(FOLDER)})
    if done.returncode != 0:
        raise RenderError(done.stderr)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def kustomize(folder):
    return objects(FOLDER / "kubectl", "kustomize", folder)


def helm(overlay, *more):
    """The chart's objects, tests included, with the values of an overlay; the default ones' have no file."""
    values = VALUES / f"{overlay}.yaml"
    return objects(FOLDER / "helm", "template", "httpserver", CHART, "--namespace", "httpserver",
                    *(["--values", values] if values.exists() else []), *more)


def only(objects, kind, name=None):
    """The one object of that kind; an AssertionError when there is another number of them."""
    found = [one for one in objects
             if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]


def all_of(objects, kind):
    return [one for one in objects if one["kind"] == kind]


def name_of(one):
    return f"{one['kind']}/{one['metadata'].get('name') or one['metadata']['generateName']}"


def configuration(objects):
    """The text of the server's configuration file."""
    return only(objects, "ConfigMap", "httpserver")["data"]["httpserver.yaml"]


def seconds(duration):
    match = re.fullmatch(r"([0-9]+)s", duration)
    assert match, duration
    return int(match[1])


def complaints(objects):
    """What the schemas have to say against each object: a list of lists."""
    done = subprocess.run(
        ["node", ROOT / "test" / "deploy" / "tools" / "validate.cjs"], input=json.dumps(objects),
        capture_output=True, text=True, timeout=120,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(FOLDER / "node_modules")})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
