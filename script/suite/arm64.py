"""arm64, on a machine of any kind: built by Debian's cross compiler, run under qemu-user.

The headers and libraries of arm64 are Debian's own packages, unpacked into a folder: nothing is
installed for another architecture, and dpkg hears nothing of it.
"""

import re
import shutil

from suite import builds, tests
from suite.command import BUILDS, CORES, ROOT, run
from suite.results import one

SYSROOT = BUILDS / "arm64-sysroot"
CROSS_FILE = SYSROOT / "meson-cross.ini"
STATIC = BUILDS / "arm64-static"
EMULATED = BUILDS / "arm64-emulated"
EMULATOR = ("qemu-aarch64", "-L", str(SYSROOT / "root"))

# Each scanner at work on real requests, and Prometheus' scrape of them in each format.
FROM_OUTSIDE = ("test/http/test_framing.py", "test/http/test_index.py", "test/http/test_limits.py",
                "test/http/test_routes.py", "test/system/test_metrics_formats.py",
                "test/system/test_prometheus.py")

# apt as on an arm64 machine with nothing on it: so it finds out itself what belongs together.
APT_CONFIGURATION = """\
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
"""

CROSS = """\
[constants]
sysroot = '{sysroot}/root'
[binaries]
c = ['aarch64-linux-gnu-gcc', '--sysroot=' + sysroot]
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = [{emulator}]
[properties]
sys_root = sysroot
pkg_config_libdir = sysroot + '/usr/lib/aarch64-linux-gnu/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
"""


def _libraries():
    """What the build needs of other packages, and cmocka: by the list that bootstrap reads."""
    lines = (ROOT / "script" / "packages").read_text()
    return [*re.findall(r"^build +(\S+-dev) ", lines, re.MULTILINE), "libcmocka-dev"]


def _unpack_libraries(packages):
    """Downloads them with all that they need, and unpacks them below SYSROOT/root."""
    shutil.rmtree(SYSROOT, ignore_errors=True)
    for folder in ("state/lists/partial", "cache/archives/partial", "root"):
        (SYSROOT / folder).mkdir(parents=True)
    (SYSROOT / "status").touch()
    configuration = SYSROOT / "apt.conf"
    configuration.write_text(APT_CONFIGURATION.format(folder=SYSROOT))
    environment = {"APT_CONFIG": str(configuration)}
    # A list that cannot be had, of another archive than Debian's, need not matter.
    run(["apt-get", "-q", "update"], env=environment, show="never")
    status, _ = run(["apt-get", "-q", "-y", "--download-only", "install", *packages],
                    env=environment)
    archives = sorted((SYSROOT / "cache" / "archives").glob("*.deb"))
    return status == 0 and all(
        run(["dpkg-deb", "-x", archive, SYSROOT / "root"])[0] == 0 for archive in archives)


def _prepare():
    """The folder with the libraries, and Meson's description of the machine; True when there."""
    packages = _libraries()
    stamp = SYSROOT / "packages"
    wanted = " ".join([str(SYSROOT), *packages])
    if not stamp.exists() or stamp.read_text() != wanted:
        if not _unpack_libraries(packages):
            print("arm64: its libraries could not be had from Debian's archive")
            return False
        CROSS_FILE.write_text(CROSS.format(
            sysroot=SYSROOT, emulator=", ".join(f"'{word}'" for word in EMULATOR)))
        stamp.write_text(wanted)
    return True


def _image_binary(tally):
    """The binary as the image has it, and beside it a program of its name that emulates it."""
    made = run(["script/build", "--static", "--werror", "--folder", STATIC,
                f"--cross-file={CROSS_FILE}"])[0] == 0
    tally.add(one(made))
    if made:
        EMULATED.mkdir(exist_ok=True)
        program = EMULATED / "httpserver"
        program.write_text(f'#!/bin/sh\nexec {EMULATOR[0]} {STATIC}/httpserver "$@"\n')
        program.chmod(0o755)
    return made


def run_all():
    tally = one(_prepare())
    if tally.failed == 0:
        tally.add(tests.in_build("arm64", tests.units))
        if _image_binary(tally):
            tally.add(tests.run_pytest(EMULATED, FROM_OUTSIDE, select="not heavy", at_once=2 * CORES))
    return tally
