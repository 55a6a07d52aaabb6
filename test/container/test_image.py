"""What is in the image, what it says of itself, and that a commit makes the same one twice."""

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile

import pytest

from engine import docker
from images import PACKAGES
from stack.server import ROOT

LARGEST_BYTES = 4 * 1024 * 1024


def files_of(image):
    """{path: bytes} of all that a container of the image has, without what the engine adds."""
    container = docker("create", image)
    try:
        archive = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        return {member.name: members.extractfile(member).read() for member in members
                if member.isfile()}


ADDED_BY_ENGINE = {".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"}


@pytest.fixture(scope="module")
def files(image):
    return {name: data for name, data in files_of(image).items() if name not in ADDED_BY_ENGINE}


@pytest.fixture(scope="module")
def bill(files):
    return json.loads(files["sbom.spdx.json"])


def test_the_binary_its_licences_and_its_bill_and_nothing_else(files):
    licences = {name for name in files if name.startswith("licenses/")}
    assert set(files) - licences == {"httpserver", "sbom.spdx.json"}
    assert {"licenses/httpserver.txt", "licenses/glibc.txt"} <= licences
    assert files["licenses/httpserver.txt"] == (ROOT / "LICENSE").read_bytes()


def test_it_is_small(image, files):
    size = int(docker("image", "inspect", "--format", "{{.Size}}", image))
    print(f"{size} bytes, of them the binary {len(files['httpserver'])}")
    assert size <= LARGEST_BYTES
    assert size == sum(map(len, files.values())), "no layer hides another's files"


def test_the_binary_is_static_and_position_independent(files, tmp_path):
    binary = tmp_path / "httpserver"
    binary.write_bytes(files["httpserver"])
    told = subprocess.run(["readelf", "--wide", "--file-header", "--program-headers", "--dynamic", binary],
                          capture_output=True, text=True, check=True).stdout
    assert re.search(r"Type: +DYN ", told) and re.search(r"FLAGS_1.* PIE", told)
    assert "INTERP" not in told and "NEEDED" not in told
    assert "GNU_STACK" in told and not re.search(r"GNU_STACK .* RWE", told) and "GNU_RELRO" in told


def test_what_it_says_of_itself(image):
    told = json.loads(docker("image", "inspect", image))[0]
    config = told["Config"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])
    assert config["Entrypoint"] == ["/httpserver"] and not config["Cmd"]
    assert set(config["ExposedPorts"]) == {"8080/tcp"}
    assert config["Healthcheck"]["Test"] == ["CMD", "/httpserver", "health"]
    labels = {name.removeprefix("org.opencontainers.image."): text
              for name, text in config["Labels"].items()}
    revision = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True,
                              check=True).stdout.strip()
    assert labels["title"] == "httpserver" and labels["licenses"] == "Apache-2.0"
    assert labels["revision"].removesuffix("-modified") == revision
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])
    assert docker("run", "--rm", image, "version") == f"httpserver {labels['version']}"


def test_the_same_commit_gives_the_same_files(image, files):
    """Built again by the other builder, in another folder, with nothing taken from the first."""
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))
    epoch = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True,
                           text=True, check=True).stdout.strip()
    again = "httpserver:again"
    # Debian's command line has BuildKit in it; others need a plugin.
    subprocess.run(["/usr/bin/docker", "build", "--network", "host", "--tag", again,
                    "--build-arg", "SOURCE_FOLDER=/another/place/of/the/source",
                    "--build-arg", f"REVISION={labels['org.opencontainers.image.revision']}",
                    "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", ROOT],
                   env={**os.environ, "DOCKER_BUILDKIT": "1"}, capture_output=True, timeout=300,
                   check=True)
    second = {name: data for name, data in files_of(again).items() if name not in ADDED_BY_ENGINE}
    assert set(second) == set(files)
    assert [name for name in files if files[name] != second[name]] == []


def test_the_bill_is_of_this_binary(bill, files):
    assert bill["spdxVersion"] == "SPDX-2.3" and bill["dataLicense"] == "CC0-1.0"
    by_name = {entry["fileName"]: entry for entry in bill["files"]}
    told = {one["algorithm"]: one["checksumValue"] for one in by_name["./httpserver"]["checksums"]}
    assert told["SHA256"] == hashlib.sha256(files["httpserver"]).hexdigest()


def test_the_bill_names_what_was_linked_in_the_version_that_was(bill):
    """Held against dpkg in the stage that built it, and against what that stage has linked."""
    versions = dict(line.split("=", 1) for line in docker(
        "run", "--rm", PACKAGES, "dpkg-query", "--show", "--showformat", "${Package}=${Version}\n")
        .splitlines())
    packages = {entry["name"]: entry for entry in bill["packages"]}
    linked = {"libc6-dev", "libgcc-12-dev", "libyaml-dev", "libseccomp-dev", "zlib1g-dev",
              "libjansson-dev"}
    tools = {"gcc-12", "binutils-x86-64-linux-gnu", "meson", "ninja-build"}
    assert set(packages) == {"httpserver", *linked, *tools}
    for name in linked | tools:
        assert packages[name]["versionInfo"] == versions[name]
    kinds = {(one["relationshipType"], one["relatedSpdxElement"]) for one in bill["relationships"]
             if one["spdxElementId"] == packages["httpserver"]["SPDXID"]}
    for name in linked:
        assert ("STATIC_LINK", packages[name]["SPDXID"]) in kinds
        assert packages[name]["licenseDeclared"] not in ("NOASSERTION", "")


def test_each_package_that_is_linked_has_its_licence_beside_it(bill, files):
    sources = {re.search(r"source package (\S+)", entry["sourceInfo"])[1] for entry in bill["packages"]
               if entry["licenseDeclared"] not in ("NOASSERTION", "Apache-2.0")}
    assert sources == {"glibc", "gcc-12", "libyaml", "libseccomp", "zlib", "jansson"}
    for source in sources:
        assert b"opyright" in files[f"licenses/{source}.txt"]
    for name, data in files.items():
        if name.startswith("licenses/"):
            for common in re.findall(rb"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])", data):
                assert f"licenses/common/{common.decode()}" in files, f"{name} refers to it"


def test_the_bill_is_well_formed(bill):
    """What validators of SPDX 2.3 look at: identifiers, references, names of files."""
    elements = [*bill["packages"], *bill["files"]]
    identifiers = [entry["SPDXID"] for entry in elements]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one) for one in identifiers)
    for relation in bill["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} \
            <= {"SPDXRef-DOCUMENT", *identifiers}
    for entry in bill["files"]:
        assert entry["fileName"].startswith("./")
        assert {one["algorithm"] for one in entry["checksums"]} >= {"SHA1"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bill["creationInfo"]["created"])
