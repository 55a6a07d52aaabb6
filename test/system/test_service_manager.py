"""What a service manager is told, by sd_notify(3)'s protocol."""

import socket

import pytest


@pytest.mark.parametrize("abstract", [False, True])
def test_says_that_it_is_ready_and_that_it_stops(server, tmp_path, abstract):
    name = f"@{tmp_path.name}-notify" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1))
        manager.settimeout(20)
        one = server("--delay", "none", env={"NOTIFY_SOCKET": name})
        assert manager.recv(64) == b"READY=1"
        assert one.get("/readyz")[0] == 200
        assert one.stop() == 0
        assert manager.recv(64) == b"STOPPING=1"


def test_manager_that_is_not_there_is_a_warning(server, tmp_path):
    one = server("--delay", "none", env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert "httpserver: warning: NOTIFY_SOCKET: No such file or directory\n" in one.stderr_text()
    assert one.get("/")[0] == 200
