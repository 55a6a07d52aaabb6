"""Threads, dying threads, removals and scrapes at once; memory refused."""

import subprocess

import pytest

from conftest import ROOT

LIBRARY = [*sorted((ROOT / "src" / "meter").glob("*.c")),
           *(ROOT / "src" / "base" / name for name in ("assert.c", "buffer.c", "float_text.c"))]


def test_exact_after_load(drive):
    result = subprocess.run([drive.parent / "meter_stress", "10"], capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stdout) == (0, "exact\n"), result.stderr


def test_no_data_race(tmp_path):
    program = tmp_path / "stress"
    subprocess.run(
        ["clang", "-g", "-O1", "-std=gnu17", "-fsanitize=thread", "-D_GNU_SOURCE", '-DMETER_VERSION="test"',
         f"-I{ROOT}/include", f"-I{ROOT}/src", *LIBRARY, ROOT / "test" / "meter" / "stress.c",
         "-lm", "-lpthread", "-o", program], check=True)
    result = subprocess.run([program, "1"], capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stdout) == (0, "exact\n"), result.stderr[:5000]


def test_every_allocation_may_fail(drive, tmp_path):
    result = subprocess.run([drive.parent / "meter_starve", tmp_path / "starve.prom"],
                            capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[3]) > 500


@pytest.mark.parametrize("compiler", ["musl-gcc"])
def test_builds_with_musl(compiler, tmp_path):
    """libmeter needs nothing that only glibc has; the program runs, too."""
    program = tmp_path / "stress"
    subprocess.run(
        [compiler, "-O2", "-std=gnu17", "-static", "-D_GNU_SOURCE", '-DMETER_VERSION="test"',
         f"-I{ROOT}/include", f"-I{ROOT}/src", *LIBRARY, ROOT / "test" / "meter" / "stress.c",
         "-lm", "-o", program], check=True)
    result = subprocess.run([program, "2"], capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stdout) == (0, "exact\n"), result.stderr
