"""Fixtures of the tests of deploy/: the tools, what they render, and two servers that are scraped."""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import rendering  # noqa: E402
from suite import tools  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def fetched():
    """helm, kubectl, the schemas and Prometheus; without them nothing here can be said."""
    try:
        tools.make()
    except tools.ToolError as error:
        pytest.exit(f"test/deploy: {error}", returncode=1)


@pytest.fixture(scope="session")
def overlays(fetched):
    """{name: objects} of every overlay, as kubectl renders them."""
    return {name: rendering.kustomize(f"deploy/kubernetes/overlays/{name}")
            for name in rendering.OVERLAYS}


@pytest.fixture(scope="session")
def charts(fetched):
    """{overlay's name: objects} of the chart with the values that go with it."""
    return {name: rendering.helm(name) for name in rendering.OVERLAYS}


@pytest.fixture(scope="module")
def stack():
    """What is pushed on it ends with the module."""
    with contextlib.ExitStack() as made:
        yield made
