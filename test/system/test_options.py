"""Options as a user gives them: flag over environment over file, and what is wrong is said."""

import subprocess

import pytest

from stack import ports
from stack.server import clean_environment

OPTIONS = ("listen", "admin-listen", "reuse-port", "workers", "max-connections", "max-head",
           "max-body", "idle-timeout", "head-timeout", "write-timeout", "busy-poll", "delay", "max-delay", "seed",
           "log", "trust-forwarded", "config", "drain-delay", "drain-timeout")


def run(binary, *arguments, env=None):
    return subprocess.run([binary, *arguments], env=clean_environment(env), capture_output=True,
                          text=True, timeout=30, stdin=subprocess.DEVNULL)


def delay_of(one):
    status, fields, _ = one.get("/")
    assert status == 200
    return float(fields["server-timing"].partition("delay;dur=")[2].partition(",")[0])


@pytest.mark.parametrize("flag, variable, key, delay_ms", [
    (None, None, "const(3ms)", 3),
    (None, "const(2ms)", None, 2),
    (None, "const(2ms)", "const(3ms)", 2),
    ("const(1ms)", None, "const(3ms)", 1),
    ("const(1ms)", "const(2ms)", None, 1),
    ("const(1ms)", "const(2ms)", "const(3ms)", 1),
])
def test_flag_over_environment_over_file(server, tmp_path, flag, variable, key, delay_ms):
    flags = ["--listen", "127.0.0.1:0"] + (["--delay", flag] if flag else [])
    if key:
        (tmp_path / "server.yaml").write_text(f"delay: {key}\n")
        flags += ["--config", str(tmp_path / "server.yaml")]
    one = server(*flags, env={"HTTPSERVER_DELAY": variable} if variable else {})
    assert delay_of(one) == delay_ms


def test_a_file_named_by_the_environment_listens_where_it_says(server, tmp_path):
    file = tmp_path / "server.yaml"
    file.write_text("listen: [127.0.0.1:0, 127.0.0.1:0]\ndelay: none\nlog: off\n")
    one = server(env={"HTTPSERVER_CONFIG": str(file), "HTTPSERVER_LISTEN": "127.0.0.1:0"})
    assert len(one.addresses) == 1, "the environment's list replaces the file's"
    two = server("--config", str(file), listeners=2)
    assert len(set(two.addresses)) == 2
    assert two.get("/")[0] == 200


def test_lists_are_separated_by_commas(server):
    one = server("--delay", "none", "--listen", "127.0.0.1:0,[::1]:0", listeners=2)
    assert {address.rpartition(":")[0] for address in one.addresses} == {"127.0.0.1", "[::1]"}


def test_help_lists_every_option_and_succeeds(binary):
    helped = run(binary, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    missing = [name for name in OPTIONS if f"--{name}" not in helped.stdout]
    assert missing == []


@pytest.mark.parametrize("arguments, env, culprit", [
    (["--nonsense"], {}, "--nonsense"),
    (["nonsense"], {}, "nonsense"),
    (["--delay", "uniform(2s,1s)"], {}, "--delay"),
    (["--delay", "const(1)"], {}, "--delay"),
    (["--delay", ""], {}, "--delay"),
    (["--delay"], {}, "--delay"),
    (["--seed", "-1"], {}, "--seed"),
    (["--workers", "many"], {}, "--workers"),
    (["--listen", "127.0.0.1:99999"], {}, "--listen"),
    (["--listen", "127.0.0.1"], {}, "--listen"),
    (["--listen", "192.0.2.1:0"], {}, "--listen"),  # an address of no machine
    (["--log", "xml"], {}, "--log"),
    (["--drain-timeout", "soon"], {}, "--drain-timeout"),
    (["--config", "/nonexistent.yaml"], {}, "/nonexistent.yaml"),
    ([], {"HTTPSERVER_DELAY": "uniform(0s"}, "HTTPSERVER_DELAY"),
    ([], {"HTTPSERVER_WORKERS": "0x"}, "HTTPSERVER_WORKERS"),
])
def test_what_is_wrong_is_one_line_and_status_2(binary, arguments, env, culprit):
    done = run(binary, *arguments, env=env)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n"), done.stderr
    assert done.stderr.startswith("httpserver: ")
    assert culprit in done.stderr


@pytest.mark.parametrize("text, place", [
    ("delay: none\nnonsense: 1\n", ":2:1"),
    ("delay: uniform(0s\n", ":1:8"),
    ("delay: none\ndelay: none\n", ":2:1"),
    ("log: [text\n", ":"),
])
def test_errors_in_the_file_name_the_place(binary, tmp_path, text, place):
    file = tmp_path / "server.yaml"
    file.write_text(text)
    done = run(binary, "--config", str(file))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"{file}{place}" in done.stderr


def test_a_second_instance_on_the_address_is_refused(server, binary):
    first = server("--delay", "none")
    second = run(binary, "--listen", f"127.0.0.1:{first.port}")
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "in use" in second.stderr and "--listen" in second.stderr
    assert first.get("/")[0] == 200


def test_reuse_port_shares_the_address(server):
    port = ports.any_free()
    flags = ("--delay", "none", "--reuse-port", "--listen", f"127.0.0.1:{port}")
    first, second = server(*flags), server(*flags)
    assert first.port == second.port == port


def test_draw_prints_the_delays_that_will_be_served(server, binary):
    law = ("--delay", "uniform(0s,20ms)", "--seed", "7@pod-1")
    drawn = run(binary, "draw", *law, "--count", "20")
    assert drawn.returncode == 0, drawn.stderr
    one = server(*law)
    served = [delay_of(one) for _ in range(20)]
    assert served == pytest.approx([float(line) * 1000 for line in drawn.stdout.split()], abs=0.002)
    assert len(set(served)) > 10
