"""The images that a registry would give, made here of what Debian's archive gives."""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

from engine import docker, run
from stack.server import ROOT

BASE = "debian:bookworm-slim"
MIRROR = "http://deb.debian.org"
SOURCES = f"""\
deb {MIRROR}/debian bookworm main
deb {MIRROR}/debian bookworm-updates main
deb {MIRROR}/debian-security bookworm-security main
"""
# As the image of Debian's makers has it: a package's files need not be on the disk before the next one's.
FASTER = {"etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n"}
STAND_INS = pathlib.Path(__file__).parent / "stand_ins"
ENVIRONMENT = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deploy" / "compose" / ".env").read_text(), re.M))
PROMETHEUS = f"prom/prometheus:{ENVIRONMENT['PROMETHEUS_TAG']}"
ALERTMANAGER = f"prom/alertmanager:{ENVIRONMENT['ALERTMANAGER_TAG']}"
REGISTRY = "registry:2"
PACKAGES = "httpserver-test/packages"  # the stage that takes longest to make
KEPT = (BASE, PROMETHEUS, ALERTMANAGER, REGISTRY, PACKAGES)
# What the tests make: these, and names that hold ours.
MADE = "|".join([*map(re.escape, KEPT[:-1]), r"(\S+/)?httpserver(-test\S*)?:"])


def older_builder():
    """An environment. The builders do not share their caches: what tests need not choose, this one builds."""
    return {**os.environ, "DOCKER_BUILDKIT": "0"}


def build(*words):
    docker("build", "--network", "host", *words, env=older_builder())


def there(name):
    return docker("image", "ls", "--quiet", name) != ""


def make_base():
    """debian:bookworm-slim, pulled or else made with debootstrap."""
    if there(BASE):
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        docker("pull", BASE, timeout_seconds=60, check=False)
    if there(BASE):
        return
    with tempfile.TemporaryDirectory(prefix="httpserver-base-") as folder:
        root = pathlib.Path(folder) / "root"
        run("debootstrap", "--variant=minbase", "bookworm", root, f"{MIRROR}/debian")
        for name, text in {"etc/apt/sources.list": SOURCES, **FASTER}.items():
            (root / name).write_text(text)
        archive = pathlib.Path(folder) / "root.tar"
        run("tar", "--create", "--file", archive, "--directory", root,
            "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*", ".")
        docker("import", archive, BASE)


def make_stand_ins():
    """Prometheus, Alertmanager and a registry from Debian's packages, under the names that their
    makers' images have; those that are there already are taken."""
    for name, target in ((PROMETHEUS, "prometheus"), (ALERTMANAGER, "alertmanager"),
                         (REGISTRY, "registry")):
        if not there(name):
            build("--target", target, "--tag", name, STAND_INS)


def make_packages():
    """The stage with the compiler; so that later builds find it, whatever network they may use."""
    build("--target", "packages", "--tag", PACKAGES, ROOT)
