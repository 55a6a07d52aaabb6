"""What docs/libmeter.md says is so: its programs build against the installed library, and print
what is printed behind them. The examples run, too."""

import os
import platform
import re
import signal
import subprocess
import urllib.request

import pytest

from conftest import ROOT

PAGE = (ROOT / "docs" / "libmeter.md").read_text()
PROGRAMS = re.findall(r"^```c\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.S | re.M)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """libmeter alone, installed into a folder of its own; gives the environment for pkg-config."""
    folder = tmp_path_factory.mktemp("libmeter")
    subprocess.run(["meson", "setup", folder / "build", ROOT, "-Dserver=false", "-Dtests=false",
                    f"--prefix={folder / 'installed'}", "--libdir=lib"], check=True, capture_output=True)
    subprocess.run(["meson", "install", "-C", folder / "build"], check=True, capture_output=True)
    library = folder / "installed" / "lib"
    return {**os.environ, "PKG_CONFIG_PATH": str(library / "pkgconfig"), "LD_LIBRARY_PATH": str(library)}


def flags(installed, *more):
    output = subprocess.run(["pkg-config", "--cflags", "--libs", *more, "meter"], env=installed,
                            capture_output=True, text=True, check=True).stdout
    return output.split()


def test_page_has_its_programs():
    assert len(PROGRAMS) == PAGE.count("```c\n") == 5


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
@pytest.mark.parametrize("linkage", ["shared", "static"])
def test_program_prints_what_the_page_says(number, linkage, installed, tmp_path):
    source, expected = PROGRAMS[number]
    (tmp_path / "program.c").write_text(source)
    more = ["-static"] if linkage == "static" else []
    subprocess.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", *more, "program.c", "-o", "program",
                    *flags(installed, *(["--static"] if more else []))], cwd=tmp_path, check=True)
    result = subprocess.run([tmp_path / "program"], env=installed, capture_output=True, text=True, check=True)
    assert result.stdout == expected


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_header_is_cxx(compiler, standard, installed, tmp_path):
    (tmp_path / "program.cc").write_text(
        '#include <meter.h>\nint main() {\n'
        'static const char *const labels[] = {"method", nullptr};\n'
        'meter_description description = {};\n'
        'description.type = METER_COUNTER; description.name = "a_total"; description.labels = labels;\n'
        'meter *m = meter_new(nullptr); meter_family *family = meter_register(m, &description, nullptr);\n'
        'meter_counter *counter = meter_counter_get(family, METER_LABELS("GET"));\n'
        'meter_counter_inc(counter); bool right = meter_counter_value(counter) == 1; meter_free(m);\n'
        'return right ? 0 : 1; }\n')
    subprocess.run([compiler, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "program.cc", "-o",
                    "program", *flags(installed)], cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "program"], env=installed, check=True)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("standard", ["c99", "c11", "c17", "gnu17"])
def test_header_is_strict_c(compiler, standard, tmp_path):
    (tmp_path / "program.c").write_text(
        '#include <meter.h>\nint main(void) { meter_counter_inc(meter_counter_get(meter_register(meter_new(NULL),\n'
        '&(struct meter_description){.type = METER_COUNTER, .name = "a_total", .labels = METER_LABELS("l"),\n'
        'METER_BOUNDS(1), METER_QUANTILES(0.5)}, NULL), METER_LABELS("v"))); return 0; }\n')
    subprocess.run([compiler, f"-std={standard}", "-pedantic-errors", "-Wall", "-Wextra", "-Wconversion", "-Wshadow",
                    "-Wcast-qual", "-Werror", f"-I{ROOT}/include", "-c", "program.c", "-o", "program.o"],
                   cwd=tmp_path, check=True)


def test_shared_library_shows_nothing_else(installed):
    library = installed["LD_LIBRARY_PATH"] + "/libmeter.so"
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    names = [line.split()[-1] for line in symbols.stdout.splitlines()]
    assert names and all(name.startswith("meter_") for name in names)
    needed = subprocess.run(["objdump", "-p", library], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"NEEDED +(\S+)", needed)) <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}


LOCKED = re.compile(r"\block\b|\bxchg\b.*\(")
OWNERS_UPDATES = ["meter_histogram_observe", "native_observe", "meter_gauge_set", "meter_gauge_add",
                  "meter_summary_observe", "meter_counter_lookup"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have no such prefix")
def test_updates_of_a_threads_own_shard_lock_nothing(installed, tmp_path):
    (tmp_path / "program.c").write_text(
        "#include <meter.h>\nvoid count(struct meter_counter *c) { meter_counter_inc(c); }\n")
    subprocess.run(["cc", "-O2", f"-I{ROOT}/include", "-c", "program.c"], cwd=tmp_path, check=True)
    places = [("count", tmp_path / "program.o")]
    places += [(name, installed["LD_LIBRARY_PATH"] + "/libmeter.a") for name in OWNERS_UPDATES]
    for name, file in places:
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={name}", file],
                              capture_output=True, text=True, check=True).stdout
        assert f"<{name}>:" in code
        assert [line for line in code.splitlines() if LOCKED.search(line)] == [], name


@pytest.fixture(scope="module")
def examples(drive):
    return drive.parents[2] / "examples"


def test_threads_example(examples):
    page = subprocess.run([examples / "example_threads"], capture_output=True, text=True, check=True).stdout
    assert 'job_duration_seconds_count 40000\n' in page
    assert 'jobs_total{result="done",worker="3"} 9000\n' in page
    assert "\njobs_running 0\n" in page and "\nprocess_threads 1\n" in page


def test_poll_loop_example(examples):
    server = subprocess.Popen([examples / "example_poll_loop"], stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().strip()
    for accept, expected in (("text/plain", "text/plain; version=0.0.4; charset=utf-8"),
                             ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8")):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"accept": accept}), timeout=10) as answer:
            page = answer.read().decode()
            assert answer.headers["content-type"] == expected
            assert "http_connections 1" in page
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0


def test_prefork_example(examples, tmp_path):
    subprocess.run([examples / "example_prefork", tmp_path], check=True)
    pages = {path.name: path.read_text().splitlines()[-1] for path in tmp_path.iterdir()}
    assert pages == {
        "parent.prom": 'jobs_total{process="parent"} 5',
        "child0.prom": 'jobs_total{process="child0"} 1000',
        "child1.prom": 'jobs_total{process="child1"} 2000',
        "child2.prom": 'jobs_total{process="child2"} 3000',
    }
