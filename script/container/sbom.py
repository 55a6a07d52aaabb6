"""Writes the bill of materials of a static build as SPDX 2.3 (JSON), from what was really linked.

The linker's map names every archive a member of which is in the program; dpkg knows whose file that
is, in which version, from which source. The licences of the same packages are copied beside it.
https://spdx.github.io/spdx-spec/v2.3/
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

# What Debian's machine-readable files do not say in SPDX's terms. A package that is missing here is
# an error: its licence must be looked at before it is shipped.
LICENCES = {
    "glibc": "LGPL-2.1-or-later",
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libyaml": "MIT",
    "zlib": "Zlib",
    "libseccomp": "LGPL-2.1-only",
    "jansson": "MIT",
}
BUILD_TOOLS = ("gcc", "ld", "meson", "ninja")  # programs
OBJECT = re.compile(r"^LOAD (\S+)$", re.MULTILINE)
MEMBER = re.compile(r"^(/\S+\.a)\(\S+\)$", re.MULTILINE)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def linked_files(map_text):
    """Archives of which a member was taken, and the system's object files, with links resolved."""
    members = set(MEMBER.findall(map_text))
    objects = {name for name in OBJECT.findall(map_text)
               if name.startswith("/usr/") and name.endswith(".o")}
    found = sorted({pathlib.Path(name).resolve() for name in members | objects})
    if not any(path.name == "libc.a" for path in found):
        sys.exit("sbom: the map names no libc.a: not that of a static program")
    return found


def owner_of(path):
    """The package that a file is of; on systems with a merged /usr dpkg may know the other name."""
    for name in (str(path), str(path).removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.partition(": ")[0].partition(",")[0]
    sys.exit(f"sbom: no package owns {path}")


def tool_path(program):
    found = shutil.which(program)
    return pathlib.Path(found).resolve() if found else sys.exit(f"sbom: there is no {program}")


class Package:
    """An installed Debian package."""

    def __init__(self, name):
        fields = run("dpkg-query", "-W", "-f",
                     "${Package}\n${Version}\n${Architecture}\n${source:Package}\n"
                     "${source:Version}\n", name).splitlines()
        self.name, self.version, self.architecture, self.source, self.source_version = fields[:5]
        self.files = []

    def identifier(self):
        return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.]+", "-", self.name)

    def entry(self, licence):
        return {
            "SPDXID": self.identifier(),
            "name": self.name,
            "versionInfo": self.version,
            "supplier": "Organization: Debian",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "sourceInfo": f"Debian source package {self.source} {self.source_version}",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": licence,
            "copyrightText": "NOASSERTION",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{urllib.parse.quote(self.name, safe='')}@"
                                    f"{urllib.parse.quote(self.version, safe='')}"
                                    f"?arch={self.architecture}&distro=bookworm",
            }],
        }


def source_files(root):
    """What the program is compiled from, without what the build itself made."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not parts[0].startswith(("build", ".")) \
                and "__pycache__" not in parts:
            yield path


def source_digest(root):
    """SHA-256 over the lines that sha256sum would print of the source's files, sorted by name."""
    lines = "".join(f"{sha256(path)}  {path.relative_to(root)}\n" for path in source_files(root))
    return hashlib.sha256(lines.encode()).hexdigest()


def project_version(root):
    return re.search(r"version: '([^']+)'", (root / "meson.build").read_text())[1]


def relation(of, kind, to):
    return {"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to}


def file_entry(path, name, kind, number):
    return {
        "SPDXID": f"SPDXRef-File-{number}",
        "fileName": name,
        "fileTypes": [kind],
        "checksums": [{"algorithm": "SHA1", "checksumValue":
                       hashlib.sha1(path.read_bytes()).hexdigest()},
                      {"algorithm": "SHA256", "checksumValue": sha256(path)}],
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }


def document(chosen, packages, tools):
    version = project_version(chosen.source)
    digest = source_digest(chosen.source)
    created = datetime.datetime.fromtimestamp(chosen.epoch, datetime.timezone.utc)
    ours = {
        "SPDXID": "SPDXRef-Package-httpserver",
        "name": "httpserver",
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "APPLICATION",
        "sourceInfo": f"commit {chosen.revision}; SHA-256 of the source's list of files {digest}",
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(chosen.binary)}],
    }
    files = [file_entry(chosen.binary, "./httpserver", "BINARY", 0)]
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", ours["SPDXID"]),
                 relation(files[0]["SPDXID"], "GENERATED_FROM", ours["SPDXID"])]
    for package in packages:
        relations.append(relation(ours["SPDXID"], "STATIC_LINK", package.identifier()))
        for path in package.files:
            # SPDX 2.3 (8.1) wants names that are relative to the root of what is described.
            files.append(file_entry(path, f".{path}",
                                    "ARCHIVE" if path.suffix == ".a" else "BINARY", len(files)))
            relations.append(relation(files[0]["SPDXID"], "STATIC_LINK", files[-1]["SPDXID"]))
            relations.append(relation(files[-1]["SPDXID"], "OTHER", package.identifier()))
            relations[-1]["comment"] = "a file of this package"
    relations += [relation(tool.identifier(), "BUILD_TOOL_OF", ours["SPDXID"]) for tool in tools]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"httpserver-{version}",
        # Unique, and the same for the same build.
        "documentNamespace": f"https://spdx.org/spdxdocs/httpserver-{version}-"
                             f"{sha256(chosen.binary)}-{digest[:16]}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: httpserver-sbom"],
        },
        "documentDescribes": [ours["SPDXID"]],
        "packages": [ours, *(package.entry(LICENCES[package.source]) for package in packages),
                     *(tool.entry("NOASSERTION") for tool in tools)],
        "files": files,
        "relationships": relations,
    }


def copy_licences(chosen, packages):
    """Ours as it is; Debian's copyright files, which quote the licences of each package whole."""
    chosen.licences.mkdir(parents=True, exist_ok=True)
    (chosen.licences / "httpserver.txt").write_bytes((chosen.source / "LICENSE").read_bytes())
    texts = set()
    for package in packages:
        text = pathlib.Path("/usr/share/doc", package.name, "copyright").read_bytes()
        (chosen.licences / f"{package.source}.txt").write_bytes(text)
        texts |= set(re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])",
                                text.decode("utf-8", "replace")))
    # They refer to the common ones by path.
    for name in sorted(texts):
        common = pathlib.Path("/usr/share/common-licenses", name)
        if common.exists():
            (chosen.licences / "common").mkdir(exist_ok=True)
            (chosen.licences / "common" / name).write_bytes(common.read_bytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("map", "binary", "source", "licences", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("--epoch", type=int, required=True)
    chosen = parser.parse_args()

    packages = {}
    for path in linked_files(chosen.map.read_text()):
        name = owner_of(path)
        package = packages.setdefault(name, Package(name))
        if package.source not in LICENCES:
            sys.exit(f"sbom: {path} is of {name}: add the licence of {package.source}")
        package.files.append(path)
    linked = [packages[name] for name in sorted(packages)]
    tools = [Package(name) for name in sorted({owner_of(tool_path(name)) for name in BUILD_TOOLS})]
    copy_licences(chosen, linked)
    chosen.output.write_text(json.dumps(document(chosen, linked, tools), indent=1) + "\n")


main()
