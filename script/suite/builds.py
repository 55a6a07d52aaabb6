"""The build folders of the tests, below build-test/: one for each way of compiling."""

import dataclasses
import shutil

from suite.command import BUILDS, ROOT, run
from suite.results import one

SANITIZER_OPTIONS = ("--buildtype=debugoptimized", "-Doptimization=1", "-Db_lundef=false",
                     "-Dc_args=-fno-omit-frame-pointer -fno-sanitize-recover=undefined")


@dataclasses.dataclass(frozen=True)
class Build:
    name: str
    compiler: str
    options: tuple
    # Not under sanitizers: what they insert makes compilers warn of what nobody wrote.
    warnings_are_errors: bool = False

    @property
    def folder(self):
        return BUILDS / self.name


ALL = {build.name: build for build in (
    # As released: the tests from outside run against this one.
    Build("gcc", "gcc", ("--buildtype=release", "-Db_lto=true", "-Db_lto_threads=1"), True),
    Build("clang", "clang", ("--buildtype=release",), True),
    Build("asan", "gcc", ("-Db_sanitize=address,undefined", *SANITIZER_OPTIONS)),
    Build("tsan", "gcc", ("-Db_sanitize=thread", *SANITIZER_OPTIONS)),
    # See suite/arm64.py, which makes that file.
    Build("arm64", "aarch64-linux-gnu-gcc", (
        "--buildtype=release", f"--cross-file={BUILDS}/arm64-sysroot/meson-cross.ini"), True),
    Build("fuzz", "clang", (
        "-Db_sanitize=address,undefined", "--buildtype=debugoptimized", "-Db_lundef=false",
        "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined", "-Dtests=false")),
)}


def configure(build):
    """Sets the folder up unless it already is with these options; 0 when it is ready."""
    stamp = build.folder / "suite-options"
    wanted = repr((str(ROOT), build))
    if (build.folder / "build.ninja").exists() and stamp.exists() and stamp.read_text() == wanted:
        return 0
    shutil.rmtree(build.folder, ignore_errors=True)  # Meson's --wipe would keep older options
    strict = ["--werror"] if build.warnings_are_errors else []
    # libmeter's own libraries are built and tested by test/meter and test/packaging.
    status, _ = run(["meson", "setup", *strict, "-Dlibmeter=false", *build.options, build.folder,
                     ROOT],
                    env={"CC": build.compiler})
    if status == 0:
        stamp.write_text(wanted)
    return status


_made = {}


def make(name, tally):
    """Configures and builds, once in a run; true when it succeeded. Counts one in `tally`."""
    if name not in _made:
        build = ALL[name]
        _made[name] = configure(build) == 0 \
            and run(["ninja", "--quiet", "-k0", "-C", build.folder])[0] == 0
        tally.add(one(_made[name]))
    return _made[name]
