"""Static checks; each one counts one."""

import concurrent.futures
import json

from suite import builds
from suite.command import CORES, ROOT, run
from suite.results import Tally, one


def _shell_scripts():
    return [path for path in [*sorted((ROOT / "script").iterdir()), ROOT / ".ci" / "run",
                         ROOT / "test" / "packaging" / "boot-machine"]
            if path.is_file() and path.read_bytes().startswith((b"#!/bin/bash", b"#!/bin/sh"))]


def _clang_tidy():
    """Over every C file that the clang build compiles, and the headers that they include."""
    folder = builds.ALL["clang"].folder
    if builds.configure(builds.ALL["clang"]) != 0:
        return False
    # Generated sources must exist before anything is parsed; what does not compile is told below.
    run(["ninja", "--quiet", "-k0", "-C", folder], show="never")
    entries = json.loads((folder / "compile_commands.json").read_text())
    files = sorted({(folder / entry["file"]).resolve() for entry in entries})
    files = [path for path in files if path.is_relative_to(ROOT)]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        # The path-sensitive analysis, most of the time it takes, is kept for what ships.
        results = list(pool.map(lambda path: run(
            ["clang-tidy", "--quiet", "-p", folder,
             *([] if path.is_relative_to(ROOT / "src") else ["--checks=-clang-analyzer-*"]), path],
            show="never"), files))
    for path, (status, output) in zip(files, results):
        if status != 0:
            print(f"clang-tidy {path.relative_to(ROOT)}\n{output}", flush=True)
    return bool(files) and all(status == 0 for status, _ in results)


def _cppcheck():
    status, _ = run([
        "cppcheck", "--quiet", f"-j{CORES}", "--error-exitcode=1", "--std=c11", "--inline-suppr",
        "--enable=warning,portability,performance", "--suppress=missingIncludeSystem",
        "--suppress=unmatchedSuppression", "-D_GNU_SOURCE", "-D__linux__", "-D__GNUC__=12",
        "-Isrc", "-Iinclude", "src"])
    return status == 0


CHECKS = {
    "layout of the C files": lambda: run(["script/format", "--check"])[0] == 0,
    "direction of includes": lambda: run(["script/check-sources", "includes"])[0] == 0,
    "sizes of files and functions": lambda: run(["script/check-sources", "sizes"])[0] == 0,
    "banned functions": lambda: run(["script/check-sources", "banned"])[0] == 0,
    "tests of the conformance tables": lambda: run(["script/check-sources", "conformance"])[0] == 0,
    "shellcheck": lambda: run(["shellcheck", *_shell_scripts()])[0] == 0,
    "cppcheck": _cppcheck,
    "clang-tidy": _clang_tidy,
}


def run_all():
    tally = Tally()
    for name, check in CHECKS.items():
        succeeded = check()
        if not succeeded:
            print(f"check failed: {name}", flush=True)
        tally.add(one(succeeded))
    return tally
