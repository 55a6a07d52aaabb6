"""Pushed to a registry and pulled back: the same image."""

import urllib.request

import images
from engine import docker
from stack.awaiting import await_condition


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_pushed_and_pulled_back_it_is_the_same(image, tmp_path):
    images.make_stand_ins()
    docker("save", "--output", tmp_path / "image.tar", image)
    identifier = docker("image", "inspect", "--format", "{{.Id}}", image)
    registry = docker("run", "--detach", "--publish", "127.0.0.1::5000", images.REGISTRY)
    try:
        address = docker("port", registry, "5000/tcp")
        await_condition(lambda: answers(f"http://{address}/v2/"), what="the registry's readiness")
        name = f"{address}/httpserver:test"
        docker("tag", image, name)
        pushed = docker("push", name)
        digest = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", name)
        assert digest.rpartition("@")[2] in pushed
        docker("image", "rm", name, image)
        assert not images.there(image), "what is pulled was not there"
        pulled = docker("pull", name)
        assert digest.rpartition("@")[2] in pulled
        assert docker("image", "inspect", "--format", "{{.Id}}", name) == identifier
        assert docker("run", "--rm", digest, "version").startswith("httpserver ")
    finally:
        docker("load", "--input", tmp_path / "image.tar")
        docker("rm", "--force", registry)
