"""What a serving process has given up: the user that started it, and system calls."""

import os
import subprocess

import pytest

from stack.server import clean_environment, is_sanitized



def status_field(server, name):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].split()
    raise AssertionError(f"no {name} in /proc/{server.pid}/status")


@pytest.mark.skipif(is_sanitized(), reason="sanitizers make system calls of their own")
def test_a_filter_of_system_calls_is_on_by_default(server):
    one = server("--delay", "none")
    assert status_field(one, "Seccomp") == ["2"]
    assert status_field(one, "NoNewPrivs") == ["1"]
    assert one.get("/")[0] == 200
    assert "warning" not in one.stderr_text()


def test_the_filter_can_be_left_out(server):
    one = server("--delay", "none", "--seccomp", "off")
    assert status_field(one, "Seccomp") == status_field_of_test("Seccomp")
    assert one.get("/")[0] == 200


def status_field_of_test(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(line.split(":", 1)[1].split() for line in file
                    if line.startswith(name + ":"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_becomes_the_user_for_good(server):
    one = server("--delay", "none", "--user", "65533:65532")
    assert status_field(one, "Uid") == ["65533"] * 4
    assert status_field(one, "Gid") == ["65532"] * 4
    assert status_field(one, "Groups") == []
    assert status_field(one, "CapEff") == ["0" * 16]
    page = one.get("/metrics")
    assert page[0] == 200
    assert b"process_open_fds " in page[2], "the process's own figures are still readable"


@pytest.mark.parametrize("user", ["nobody", "1", "1:", ":1", "1:2:3", "-1:1", "4294967295:1",
                                  "1:4294967295", "99999999999:1"])
def test_a_user_that_is_not_two_numbers_is_refused(binary, user):
    done = subprocess.run([binary, "--listen", "127.0.0.1:0", "--user", user],
                          env=clean_environment(), capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 2
    assert done.stderr == f"httpserver: --user: {user}: expected numeric UID:GID\n"
