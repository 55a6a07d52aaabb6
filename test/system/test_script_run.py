"""script/run as a newcomer runs it: the table, and nothing left behind however it ends."""

import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import uuid

import pytest

from stack.awaiting import await_condition
from stack.server import ROOT, build_folder, clean_environment

pytestmark = pytest.mark.heavy

ROW = re.compile(r"^(p\d+) +([\d.]+) s +([\d.]+) s +([\d.]+) s +([\d.]+) to ([\d.]+) s$", re.MULTILINE)
LAW = ("--", "--delay", "uniform(0s,200ms)", "--seed", "1")


class ScriptRun:
    """A started script/run; its descendants are known by a variable in their environment."""

    def __init__(self, tmp_path, *arguments, terminal=False):
        self.mark = f"SCRIPT_RUN_TEST={uuid.uuid4()}"
        self.output_path = tmp_path / "output"
        name, _, value = self.mark.partition("=")
        with open(self.output_path, "wb") as output:
            self.child = subprocess.Popen(
                self.command(arguments, terminal), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                env=clean_environment({name: value, "BUILD_DIR": str(build_folder()),
                                       "TMPDIR": str(tmp_path)}))

    @staticmethod
    def command(arguments, terminal):
        command = [str(ROOT / "script" / "run"), *arguments]
        # script(1) gives it a terminal.
        return ["script", "-qec", shlex.join(command), "/dev/null"] if terminal else command

    def output(self):
        return self.output_path.read_text()

    def await_output(self, text):
        await_condition(lambda: text in self.output() or self.child.poll() is not None,
                        timeout_seconds=90, what=f"{text!r} in script/run's output")
        assert text in self.output(), self.output()

    def processes(self):
        """The names of all living processes that it started, itself included."""
        found = []
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "comm").read_text().strip())
            except OSError:
                continue  # it has just ended
        return sorted(found)


@pytest.fixture
def script_run(binary, tmp_path):
    started = []

    def start(*arguments, terminal=False):
        started.append(ScriptRun(tmp_path, *arguments, terminal=terminal))
        return started[-1]

    yield start
    for one in started:
        try:
            os.killpg(one.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        one.child.wait()
        await_condition(lambda: one.processes() == [], what="the end of all processes")


def test_it_prints_the_three_columns_and_leaves_nothing(script_run, tmp_path):
    one = script_run("--seconds", "3", *LAW)
    one.await_output("requests")
    assert "httpserver" in one.processes() and "prometheus" in one.processes()
    assert one.child.wait(120) == 0, one.output()
    rows = ROW.findall(one.output())
    assert [row[0] for row in rows] == ["p50", "p90", "p95", "p99"], one.output()
    for name, law, recorded, asked, lower, upper in rows:
        assert float(law) == pytest.approx(0.2 * float(name[1:]) / 100, abs=0.001)
        assert float(asked) == pytest.approx(float(recorded), rel=0.01)
        assert float(lower) < float(law) <= float(upper)
    assert "verdict: the stack tells the truth\n" in one.output()
    assert re.search(r"^watch it live: http://127\.0\.0\.1:\d+/ui/$", one.output(), re.MULTILINE)
    assert "\033" not in one.output() and "·" not in one.output()  # no terminal: plain
    assert one.processes() == []
    assert list(tmp_path.glob("httpserver-prometheus-*")) == []


def test_on_a_terminal_there_is_a_picture(script_run):
    one = script_run("--seconds", "2", *LAW, terminal=True)
    assert one.child.wait(120) == 0, one.output()
    plain = re.sub(r"\033\[\d*m", "", one.output()).replace("\r", "")
    rows = re.findall(r"^(p\d+) +([·|o+]+)$", plain, re.MULTILINE)
    assert [name for name, _ in rows] == ["p50", "p90", "p95", "p99"], plain
    places = [marks.index("|") for _, marks in rows]
    assert places == sorted(places) and places[0] < places[-1]
    assert "\033" in one.output() and "the law" in plain


def test_a_taken_port_is_said_and_the_next_free_one_used(script_run):
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 8080))
            holder.listen(1)
        except OSError:
            pass  # another program has it already, which serves as well
        one = script_run("--seconds", "1", *LAW)
        assert one.child.wait(120) == 0, one.output()
    assert "port 8080 is taken; the server uses 80" in one.output()


@pytest.mark.parametrize("number, status", [
    (signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)])
def test_nothing_is_left_when_it_is_interrupted(script_run, number, status):
    one = script_run("--seconds", "60", "--keep", *LAW)
    one.await_output("clients send requests")
    await_condition(lambda: "hey" in one.processes(), what="hey")
    one.child.send_signal(number)
    assert one.child.wait(60) == status, one.output()
    await_condition(lambda: one.processes() == [], what="the end of all processes")


def test_a_server_that_does_not_start_is_said(script_run):
    one = script_run("--seconds", "1", "--", "--delay", "nonsense")
    assert one.child.wait(120) == 1
    assert "--delay" in one.output().splitlines()[-1]
    assert one.processes() == []


def test_wrong_arguments(script_run):
    assert script_run("--seconds", "0").child.wait(60) == 2
