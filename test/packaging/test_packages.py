"""The Debian packages, as docs/install.md has them: built, judged, installed, run, and taken away."""

import re

import pytest

from conftest import ROOT

UNIT = "/lib/systemd/system/httpserver.service"
# As built for whoever installs it, and not for an upload to Debian, which would close a bug there.
NOT_FOR_DEBIAN = "initial-upload-closes-no-bugs"


def state(machine, what):
    return machine.run(f"systemctl {what} httpserver", check=False).stdout.strip()


def metric(machine, sample):
    found = re.search(rf"^{re.escape(sample)} (\S+)$",
                      machine.run("curl -fsS http://127.0.0.1:8080/metrics").stdout, re.MULTILINE)
    return found and float(found[1])


@pytest.fixture(scope="module")
def installed(machine, page):
    """What the page's first block printed: it builds the packages and installs the server's."""
    return page.run_next(machine, "Debian packages", env={"DEB_BUILD_OPTIONS": "nocheck"})


def test_package_brings_program_and_manual(machine, installed):
    version = re.search(r"^  version: '(.+)',$", (ROOT / "meson.build").read_text(), re.MULTILINE)[1]
    assert f"\nhttpserver {version}\n" in installed
    assert "HTTP server whose latency is known" in installed
    for package in ("httpserver", "libmeter0", "libmeter-dev"):
        assert f"./{package}_{version}-1_" in installed
    dynamic = machine.run("readelf --dynamic /usr/bin/httpserver").stdout
    assert "[libmeter" not in dynamic and "BIND_NOW" in dynamic


def test_lintian_has_nothing_to_say(machine, installed):
    done = machine.run(f"lintian --fail-on=error,warning --suppress-tags {NOT_FOR_DEBIAN} "
                       "build-package/*.changes", cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_listens_yet(machine, installed):
    assert state(machine, "is-enabled") == "disabled"
    assert state(machine, "is-active") == "inactive"


def test_every_path_of_the_unit_exists(machine, installed):
    assert machine.run(f"systemd-analyze verify {UNIT}").stderr == ""
    unit = machine.run(f"cat {UNIT}").stdout
    paths = re.findall(r"=-?(/\S+)", unit)
    assert {"/usr/bin/httpserver", "/etc/default/httpserver"} <= set(paths)
    assert [path for path in paths if not machine.exists(path)] == []
    for section, name in re.findall(r"man:(\w+)\((\d)\)", unit):
        machine.run(f"man --where {name} {section}")


def test_unit_is_hardened(machine, installed):
    # The threshold is systemd's measure of exposure, of 100; what is left is the network.
    machine.run(f"systemd-analyze security --no-pager --offline=yes --threshold=15 {UNIT}")


def test_shells_find_the_completion(machine, installed):
    found = machine.run("zsh -fc 'autoload -Uz compinit; compinit -u -D; print $_comps[httpserver]'")
    assert found.stdout == "_httpserver\n"
    machine.run(". /usr/share/bash-completion/completions/httpserver; complete -p httpserver")


def test_examples_of_the_manual(machine, installed):
    text = machine.run("zcat /usr/share/man/man1/httpserver.1.gz").stdout
    serve, draw, health, verify = re.findall(r"^\.Dl \$ (.+)$", text, re.MULTILINE)
    done = machine.run(f"""
        {serve} >/dev/null & server=$!
        until {health}; do kill -0 $server; sleep 0.05; done 2>/dev/null
        {draw}
        {verify}; echo "status $?"
        kill $server; wait $server; echo "status $?" """)
    drawn = done.stdout.split("\n")[:5]
    assert all(re.fullmatch(r"\d\.\d+", line) for line in drawn)
    # There is no Prometheus: it could not be asked.
    assert done.stdout.count("status 2\n") == 1 and done.stdout.endswith("status 0\n")


def test_service_starts_and_is_ready(machine, page, installed):
    assert page.run_next(machine, "The service").endswith("ok")
    assert state(machine, "is-enabled") == "enabled"


def test_service_is_confined(machine, installed):
    pid = machine.run("systemctl show --value -p MainPID httpserver").stdout.strip()
    status = dict(line.split(":\t", 1) for line in machine.run(f"cat /proc/{pid}/status")
                  .stdout.splitlines() if ":\t" in line)
    assert status["Uid"].split()[0] != "0"
    assert {status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    # The unit's filters and, behind them, the server's own: it does not warn that it has none.
    assert int(status["Seccomp_filters"]) >= 2
    assert "warning" not in machine.run("journalctl --unit httpserver --output cat").stdout
    assert metric(machine, "process_start_time_seconds") > 0


def test_service_takes_its_options_from_the_default_file(machine, page, installed):
    answer = page.run_next(machine, "The service")
    assert answer.startswith("HTTP/1.1 200 OK") and answer.endswith("<h1>20</h1>")


def test_service_reads_its_file_again_and_logs_to_the_journal(machine, page, installed):
    log = page.run_next(machine, "The service")
    assert log.count("httpserver: listening on") == 2
    assert "httpserver: /etc/httpserver.yaml: read again\n" in log
    assert re.search(r"GET / 200 .*delay=0.020000 ", log)
    assert "httpserver: draining\n" in log
    assert state(machine, "is-active") == "inactive"


def test_stopping_answers_what_was_received(machine, installed):
    machine.run("systemctl start httpserver")
    done = machine.run("""set -e
        curl -sS -w '%{http_code}' 'http://127.0.0.1:8080/delay/700ms' >/tmp/answer & client=$!
        until curl -sS http://127.0.0.1:8080/metrics | grep -qx 'httpserver_requests_in_flight 1'
        do kill -0 $client; sleep 0.02; done
        systemctl stop httpserver
        wait $client; cat /tmp/answer""")
    assert done.stdout.endswith("200")
    assert state(machine, "show --value -p Result") == "success"


def test_service_that_cannot_start_says_why_and_stays_away(machine, installed):
    machine.run("cp /etc/default/httpserver /tmp/kept && echo HTTPSERVER_DELAY=often >> /etc/default/httpserver")
    done = machine.run("systemctl start httpserver", check=False)
    machine.run("cp /tmp/kept /etc/default/httpserver")
    assert done.returncode != 0
    assert "httpserver: HTTPSERVER_DELAY 'often':" in \
        machine.run("journalctl --unit httpserver --output cat").stdout
    assert state(machine, "show --value -p NRestarts -p ExecMainStatus").split() == ["0", "2"]
    machine.run("systemctl reset-failed httpserver")


def test_service_on_port_80(machine, page, installed):
    assert page.run_next(machine, "The service").endswith("ok")


def test_purge_leaves_nothing(machine, page, installed):
    files = machine.run("dpkg -L httpserver").stdout.split()
    page.run_next(machine, "Away again")
    assert state(machine, "is-active") == "inactive"
    left = machine.run(f"for file in {' '.join(files)}; do [ -d $file ] || [ ! -e $file ] || echo $file; done")
    assert left.stdout == ""
    for folder in ("/etc/systemd/system/multi-user.target.wants/httpserver.service",
                   "/usr/share/doc/httpserver", "/run/httpserver", "/var/lib/dpkg/info/httpserver.list"):
        assert not machine.exists(folder), folder


def test_library_packages(machine, page, installed):
    printed = page.run_next(machine, "libmeter for other programs")
    assert 'jobs_total{result="done",worker="3"} 9000\n' in printed
    assert "Prometheus metrics for C programs" in printed
    assert "libmeter.so.0" in machine.run("objdump -p threads", cwd=ROOT).stdout
    machine.run("cc -static -o alone examples/threads.c $(pkg-config --static --cflags --libs meter)"
                " && ./alone >/dev/null", cwd=ROOT)


def test_completion_block(machine, page, installed):
    page.run_next(machine, "Completion")
    assert page.blocks.pop("From the source")  # run by test_from_source.py
    assert not any(page.blocks.values())
