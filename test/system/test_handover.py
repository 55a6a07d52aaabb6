"""Rolling restarts: a new process takes the listening sockets over, and no request fails."""

import os
import signal
import socket
import subprocess
import threading

import pytest

from stack.awaiting import await_condition
from stack.server import Server, binary_path, clean_environment

# LISTEN_PID must be the server's own: the shell says its own number and becomes the server.
BECOME = 'export LISTEN_PID=$$; exec "$@"'


def with_sockets(sockets, names):
    """Options of a Server whose descriptors from 3 on are these sockets."""
    moved = " ".join(f"{3 + i}<&{sock.fileno()}" for i, sock in enumerate(sockets))
    return {"wrap": ["/bin/bash", "-c", f"exec {moved}; {BECOME}", "bash"],
            "pass_descriptors": [sock.fileno() for sock in sockets],
            "env": {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(names)}}


def listening():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    return sock


def test_serves_on_the_sockets_handed_over(server):
    with listening() as public, listening() as admin:
        one = server("--delay", "none", listen=None, listeners=2,
                     **with_sockets([public, admin], ["public", "admin"]))
        assert one.addresses == [f"127.0.0.1:{sock.getsockname()[1]}" for sock in (public, admin)]
        assert one.get("/")[0] == 200
        assert one.get("/metrics")[0] == 404
        one.port = admin.getsockname()[1]
        assert one.get("/metrics")[0] == 200
        assert one.get("/")[0] == 404


@pytest.mark.parametrize("environment, reason", [
    ({"LISTEN_FDS": "one"}, "LISTEN_PID and LISTEN_FDS must be numbers"),
    ({"LISTEN_FDS": "17"}, "LISTEN_FDS is above 16"),
    ({"LISTEN_FDS": "1"}, "a descriptor handed over is no listening stream socket"),
])
def test_what_is_no_socket_is_refused(environment, reason):
    done = subprocess.run(["/bin/bash", "-c", f"exec 3</dev/null; {BECOME}", "bash",
                           binary_path()],
                          env=clean_environment(environment), capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2
    assert done.stderr == f"httpserver: LISTEN_FDS: sockets handed over: {reason}\n"


def test_variables_for_another_process_are_not_ours(server):
    one = server("--delay", "none", env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    assert one.get("/")[0] == 200


class Load(threading.Thread):
    """Requests one after the other, each on a connection of its own, until told to stop."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stopped = port, threading.Event()
        self.answered, self.failures = 0, []

    def run(self):
        while not self.stopped.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 20) as sock:
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    data = b""
                    while piece := sock.recv(65536):
                        data += piece
                assert data.startswith(b"HTTP/1.1 200 "), data
                self.answered += 1
            except (OSError, AssertionError) as failure:
                self.failures.append(repr(failure))


def test_no_request_fails_while_processes_take_over(server, figure):
    with listening() as sock:
        port = sock.getsockname()[1]
        options = with_sockets([sock], ["public"])
        loads = [Load(port) for _ in range(8)]
        current = server("--delay", "uniform(0s,20ms)", listen=None, **options)
        for load in loads:
            load.start()
        for _ in range(4):
            before = sum(load.answered for load in loads)
            await_condition(lambda: sum(load.answered for load in loads) > before + 50,
                            timeout_seconds=30, what="requests answered")
            following = server("--delay", "uniform(0s,20ms)", listen=None, **options)
            current.send_signal(signal.SIGTERM)
            assert current.wait(30) == 0
            current = following
        for load in loads:
            load.stopped.set()
        for load in loads:
            load.join(30)
        failures = [failure for load in loads for failure in load.failures]
        answered = sum(load.answered for load in loads)
        figure(f"{answered} answered, {len(failures)} failed over 4 restarts")
        assert not failures, failures[:5]


def test_with_reuse_port_alone_resets_are_counted(server, figure):
    """Two processes share a port; the one that ends may reset connections of its queue."""
    first = server("--reuse-port", "--delay", "none", "--workers", "1")
    address = f"127.0.0.1:{first.port}"
    second = server("--reuse-port", "--listen", address, "--delay", "none", "--workers", "1")
    loads = [Load(first.port) for _ in range(8)]
    for load in loads:
        load.start()
    await_condition(lambda: sum(load.answered for load in loads) > 200, timeout_seconds=30,
                    what="requests answered")
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    before = sum(load.answered for load in loads)
    await_condition(lambda: sum(load.answered for load in loads) > before + 200,
                    timeout_seconds=30, what="requests answered by the second")
    for load in loads:
        load.stopped.set()
    for load in loads:
        load.join(30)
    failures = [failure for load in loads for failure in load.failures]
    figure(f"{sum(load.answered for load in loads)} answered, {len(failures)} reset")
    assert second.running()
    assert all("ConnectionReset" in failure or "AssertionError" in failure or
               "ConnectionRefused" in failure for failure in failures), failures[:5]
    assert os.path.exists(f"/proc/{second.pid}")
