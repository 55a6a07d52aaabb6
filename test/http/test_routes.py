"""Routes: probes, what is missing, what is allowed, and which listener has what."""

import os
import socket
import subprocess

import pytest

from observed import answered
from stack.awaiting import await_condition
from stack.exposition import fetch
from stack.server import clean_environment
from wire import Client, ask_once, request

ALL = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
READ = {"GET", "HEAD", "OPTIONS"}
ROUTES = {"/": ALL, "/healthz": READ, "/livez": READ, "/readyz": READ, "/version": READ,
          "/metrics": READ}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def allowed(answer):
    return set(answer.get("allow").replace(" ", "").split(","))


def test_each_route_has_the_methods_that_it_says(server):
    with Client(server("--delay", "none")) as client:
        for target, methods in ROUTES.items():
            for method in METHODS:
                answer = client.ask(request(target, method), method)
                if method == "OPTIONS":
                    assert answer.status == 204 and allowed(answer) == methods
                elif method in methods:
                    assert answer.status == 200 and answer.get("allow") is None
                else:
                    assert answer.status == 405 and allowed(answer) == methods
                    assert len(answer.body) > 10
                assert not answer.closes


@pytest.mark.parametrize("target", ["/nothing", "/version/", "//", "/./", "/%2f", "/Version",
                                    "/healthzz", "/metric", "/metrics%00",
                                    pytest.param("/" + "x" * 5000, id="long")])
def test_what_is_not_there_is_404(server, target):
    answer = ask_once(server("--delay", "none"), request(target))
    assert answer.status == 404 and not answer.closes
    assert answer.get("date") and len(answer.body) > 10


def test_options_of_everything(server):
    one = server("--delay", "none")
    assert ask_once(one, request("*", "OPTIONS")).status == 204
    assert "GET" in allowed(ask_once(one, request("*", "OPTIONS")))


def test_probes_are_neither_delayed_nor_measured(server):
    one = server("--delay", "const(30s)")
    for target in ("/healthz", "/livez", "/readyz"):
        answer = ask_once(one, request(target))
        assert (answer.status, answer.body) == (200, b"ok")
        assert answer.get("content-type") == "text/plain; charset=utf-8"
    await_condition(lambda: answered(one, 200, route="/readyz") == 1, what="the probe counted")
    page = fetch(one.url("/metrics"))
    assert page.value("httpserver_execution_latency_seconds_count", step="total") == 0


def test_version(server):
    one = server("--delay", "none", env={"VERSION": "2.5"})
    assert ask_once(one, request("/version")).body.strip() == b"2.5"


def test_requests_are_counted_by_route_method_and_code(server):
    one = server("--delay", "none")
    with Client(one) as client:
        for data, method in ((request("/?a"), "GET"), (request("/version?b", "HEAD"), "HEAD"),
                             (request("/secret/path"), "GET"), (request("/version", "PUT"), "PUT"),
                             (request("http://b/version"), "GET"),
                             (request("/", "BREW"), "GET")):
            client.ask(data, method)
    await_condition(lambda: answered(one, 501) == 1, what="the last one counted")
    page = fetch(one.url("/metrics"))
    counted = {(labels["route"], labels["method"], labels["code"]): value
               for labels, value in page.find("httpserver_requests_total")
               if labels["route"] != "/metrics"}
    assert counted == {("/", "GET", "200"): 1, ("/version", "HEAD", "200"): 1,
                       ("other", "GET", "404"): 1, ("/version", "PUT", "405"): 1,
                       ("/version", "GET", "200"): 1, ("other", "other", "501"): 1}
    assert page.value("httpserver_execution_latency_seconds_count", step="total") == 3
    assert page.value("httpserver_request_duration_seconds_count", route="/version") == 2


def test_an_admin_listener_has_the_probes_and_metrics_alone(server):
    one = server("--delay", "none", "--admin-listen", "127.0.0.1:0", listeners=2)
    assert "metrics, probes and admin" in one.stderr_text().splitlines()[-1]
    public, admin = (int(address.rpartition(":")[2]) for address in one.addresses[:2])
    for port, there in ((public, {"/", "/version"}),
                        (admin, {"/healthz", "/livez", "/readyz", "/metrics"})):
        with socket.create_connection(("127.0.0.1", port)) as sock, Client(sock=sock) as client:
            statuses = {target: client.ask(request(target)).status for target in ROUTES}
            assert {target for target, status in statuses.items() if status == 200} == there
            assert set(statuses.values()) == {200, 404}


def test_a_unix_socket(server, tmp_path):
    path = tmp_path / "server.sock"
    one = server("--delay", "const(5ms)", "--listen", f"unix:{path}")
    assert one.addresses == [f"unix:{path}"]
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        with Client(sock=sock) as client:
            client.send(request() * 10)
            assert [client.answer().status for _ in range(10)] == [200] * 10
            assert client.ask(request("/healthz")).body == b"ok"
    assert one.stop() == 0
    assert not path.exists(), "the socket's file is taken away at the end"
    assert len(one.stdout_lines()) == 11
    assert all(" unix " in line for line in one.stdout_lines())


def start_in_vain(binary, *flags):
    return subprocess.run([binary, *flags], env=clean_environment(), capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL)


def assert_in_use(done, address):
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert address in done.stderr and "address in use" in done.stderr and "listen" in done.stderr


def test_a_taken_address_is_said(server, binary, tmp_path):
    path = tmp_path / "server.sock"
    one = server("--listen", f"127.0.0.1:0,unix:{path}", listeners=2)
    taken = f"127.0.0.1:{one.port}"
    assert_in_use(start_in_vain(binary, "--listen", taken), taken)
    assert_in_use(start_in_vain(binary, "--listen", f"127.0.0.1:0,{taken}"), taken)
    assert_in_use(start_in_vain(binary, "--listen", "127.0.0.1:0", "--admin-listen", taken), taken)
    assert_in_use(start_in_vain(binary, "--listen", f"unix:{path}"), str(path))
    assert path.exists(), "it belongs to the server that runs"
    assert ask_once(one, request("/healthz")).status == 200


def test_a_taken_address_of_another_program_is_said(binary):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        assert_in_use(start_in_vain(binary, "--listen", taken), taken)


def test_a_stale_socket_file_is_taken_over(server, tmp_path):
    path = tmp_path / "server.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
        stale.listen()
    one = server("--listen", f"unix:{path}")
    assert one.addresses == [f"unix:{path}"]


def test_a_file_that_is_no_socket_is_left_alone(binary, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    assert start_in_vain(binary, "--listen", f"unix:{path}").returncode == 2
    assert path.read_text() == "mine"


def test_sharing_an_address_must_be_wanted(server):
    one = server("--delay", "none", "--reuse-port")
    two = server("--delay", "none", "--reuse-port", "--listen", f"127.0.0.1:{one.port}")
    assert one.port == two.port
    for _ in range(40):
        assert ask_once(one, request("/version")).status == 200
    assert one.stop() == 0 and two.stop() == 0
    assert len(one.stdout_lines()) + len(two.stdout_lines()) == 40


def test_closed_standard_descriptors_are_no_harm(binary, tmp_path):
    """Started with descriptors 0 to 2 closed: no connection may end up as standard output."""
    path = tmp_path / "server.sock"
    pid = os.fork()
    if pid == 0:
        for descriptor in range(3):
            os.close(descriptor)
        os.execve(binary, [str(binary), "--listen", f"unix:{path}", "--delay", "none"],
                  clean_environment())
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            await_condition(lambda: path.exists() and sock.connect_ex(str(path)) == 0,
                            what="the listener")
            with Client(sock=sock) as client:
                for _ in range(20):
                    assert client.ask(request()).status == 200
                assert client.ask(request("/healthz")).body == b"ok"
    finally:
        os.kill(pid, 15)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
