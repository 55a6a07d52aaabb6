"""`httpserver health`: 0 when the server answers, 1 with the reason when it does not."""

import contextlib
import socket
import subprocess
import threading

import pytest

from stack import ports
from stack.server import clean_environment


def health(binary, *flags, env=None):
    return subprocess.run([binary, "health", *flags], env=clean_environment(env), text=True,
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


def expect_healthy(result):
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def expect_unhealthy(result, *words):
    assert result.returncode == 1, result
    assert result.stderr.startswith("httpserver: ") and result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


@contextlib.contextmanager
def listener(answer=None):
    """A server of one connection that gives this answer, or none at all; yields HOST:PORT."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        received = []

        def serve():
            connection, _ = listening.accept()
            with connection:
                while b"\r\n\r\n" not in b"".join(received):
                    received.append(connection.recv(4096))
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        if answer is not None:
            thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", received
        if answer is not None:
            thread.join(20)
            assert not thread.is_alive()


def test_asks_the_address_that_flag_environment_or_file_says(server, binary, tmp_path):
    address = server().addresses[0]
    file = tmp_path / "server.yaml"
    file.write_text(f"listen: {address}\ndelay: none\n")
    expect_healthy(health(binary, "--listen", address))
    expect_healthy(health(binary, env={"HTTPSERVER_LISTEN": address}))
    expect_healthy(health(binary, "--config", str(file)))
    expect_healthy(health(binary, "--url", f"http://{address}"))
    expect_healthy(health(binary, "--url", f"http://{address}/readyz"))


def test_every_address_and_unix_sockets(server, binary, tmp_path):
    port = server("--listen", "0.0.0.0:0").addresses[0].rpartition(":")[2]
    expect_healthy(health(binary, "--listen", f"0.0.0.0:{port}"))
    expect_healthy(health(binary, "--listen", f":{port}"))
    path = f"unix:{tmp_path}/a.sock"
    server("--listen", path)
    expect_healthy(health(binary, "--listen", path))


def test_the_probes_of_the_admin_listener_are_asked_there(server, binary):
    one = server("--admin-listen", "127.0.0.1:0", listeners=2)
    nobody = f"127.0.0.1:{ports.any_free()}"
    expect_healthy(health(binary, "--listen", nobody, "--admin-listen", one.addresses[1]))


def test_a_name_is_looked_up(server, binary):
    one = server()
    # Not "localhost", which is known without looking; /etc/hosts or the resolver knows this one.
    name = socket.gethostname()
    with contextlib.suppress(OSError):
        if socket.gethostbyname(name).startswith("127."):
            two = server("--listen", f"{socket.gethostbyname(name)}:0")
            expect_healthy(health(binary, "--url", f"http://{name}:{two.port}/healthz"))
    result = health(binary, "--url", f"http://no-such-name.invalid:{one.port}/", "--timeout", "30s")
    expect_unhealthy(result, "no-such-name.invalid")


def test_nobody_listens(binary):
    expect_unhealthy(health(binary, "--listen", f"127.0.0.1:{ports.any_free()}"),
                     "Connection refused")


def test_no_answer_ends_at_the_deadline(binary):
    with listener() as (address, _):
        expect_unhealthy(health(binary, "--listen", address, "--timeout", "100ms"),
                         "no answer within --timeout")


def test_another_status_is_unhealthy(binary):
    with listener(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n") as (address, _):
        expect_unhealthy(health(binary, "--listen", address), "503", "/healthz")


def test_what_is_not_http_is_unhealthy(binary):
    with listener(b"SSH-2.0-OpenSSH_9.2\r\n") as (address, _):
        expect_unhealthy(health(binary, "--listen", address), "not HTTP")


def test_the_request_is_one_that_strict_servers_take(binary):
    with listener(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n") as (address, received):
        expect_healthy(health(binary, "--url", f"http://{address}/healthz"))
    lines = b"".join(received).split(b"\r\n")
    assert lines[0] == b"GET /healthz HTTP/1.1"
    assert f"host: {address}".encode() in lines and b"connection: close" in lines


@pytest.mark.parametrize("flags, named", [
    (["--url", "https://127.0.0.1:1"], "--url"),
    (["--url", "http://127.0.0.1:99999"], "--url"),
    (["--listen", "127.0.0.1:0"], "--url"),
    (["--listen", "nonsense"], "--listen"),
    (["--timeout", "0s"], "--timeout"),
    (["--delay", "none"], "--delay"),
])
def test_what_cannot_be_asked_is_an_error_of_use(binary, flags, named):
    result = health(binary, *flags)
    assert result.returncode == 2 and named in result.stderr and result.stderr.count("\n") == 1
