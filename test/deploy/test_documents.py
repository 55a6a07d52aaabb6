"""What the documents of the deployment mention is there: files, folders, commands, pictures, sections."""

import re
import shlex
import subprocess

import pytest

from suite.__main__ import STAGES
from suite.command import ROOT

DOCUMENTS = ("kubernetes.md", "course.md", "alerts.md")
# Programs that a reader has, or that this repository makes.
PROGRAMS = {"kind", "docker", "kubectl", "helm", "curl", "promtool", "httpserver", "nsenter", "histogram_quantile"}
FOLDERS = ("deploy/", "test/", "script/", "docs/", "examples/")


def text_of(name):
    return (ROOT / "docs" / name).read_text()


def commands(text):
    """The indented lines that are commands."""
    return [line.strip() for line in re.findall(r"^    \S.*$", text, re.MULTILINE)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_pictures_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#]+)\)", text_of(name)):
        if "://" not in target:
            assert (ROOT / "docs" / target).exists(), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_mentioned_exist(name):
    text = text_of(name)
    mentioned = {word.rstrip(".,:;`") for word in re.findall(
        rf"(?<![\w/.])(?:{'|'.join(FOLDERS)})[\w./-]+", text)}
    assert mentioned
    for path in sorted(mentioned):
        assert (ROOT / path).exists(), f"docs/{name} mentions {path}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_are_programs_and_stages_that_exist(name):
    text = text_of(name)
    for line in commands(text):
        first = re.split(r"[\s(=]", line)[0]
        if first in ("PID", "job", "kubernetes_namespace"):  # an assignment, two lines of labels
            continue
        assert first in PROGRAMS or (ROOT / first).exists(), f"docs/{name}: {line}"
    for stage in re.findall(r"script/test (\w+)", text):
        assert stage in STAGES, stage


def test_kustomizations_that_are_applied_can_be_rendered():
    for name in DOCUMENTS:
        for folder in re.findall(r"kubectl (?:apply -k|kustomize) (deploy\S*)", text_of(name)):
            assert (ROOT / folder.rstrip("`:") / "kustomization.yaml").exists(), folder


def test_the_walk_names_what_the_objects_are_called(overlays):
    """Namespaces, Services and releases: a name that changed there must change in the walk."""
    text = text_of("kubernetes.md")
    values = (ROOT / "deploy/prometheus/kube-prometheus-stack.annotations.values.yaml").read_text()
    assert "fullnameOverride: monitoring\n" in values and "service/monitoring-prometheus" in text
    assert "name: additional-scrape-configs" in values and "generic additional-scrape-configs" in text
    assert "key: prometheus-additional.yaml" in values
    named = {(one["kind"].lower(), one["metadata"]["name"]) for one in overlays["plain-prometheus"]}
    for kind, name in re.findall(r"-n httpserver \S+ (?:\S+ )?(deployment|service)/(\S+)", text):
        assert (kind, name) in named


@pytest.mark.parametrize("name", DOCUMENTS)
def test_options_of_the_server_are_real(name, binary):
    for line in commands(text_of(name)):
        words = shlex.split(line) if line.startswith("httpserver ") else []
        if len(words) > 1:
            said = subprocess.run([binary, words[1], "--help"], capture_output=True, text=True, timeout=20)
            for option in (word for word in words if word.startswith("--")):
                assert option in said.stdout, line
