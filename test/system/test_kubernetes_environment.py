"""What Kubernetes puts into a pod's environment for a Service named httpserver changes nothing."""

INJECTED = {
    "HTTPSERVER_PORT": "tcp://10.0.0.1:80",
    "HTTPSERVER_PORT_80_TCP": "tcp://10.0.0.1:80",
    "HTTPSERVER_PORT_80_TCP_ADDR": "10.0.0.1",
    "HTTPSERVER_PORT_80_TCP_PORT": "80",
    "HTTPSERVER_PORT_80_TCP_PROTO": "tcp",
    "HTTPSERVER_SERVICE_HOST": "10.0.0.1",
    "HTTPSERVER_SERVICE_PORT": "80",
    "HTTPSERVER_SERVICE_PORT_HTTP": "80",
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_PORT": "tcp://10.96.0.1:443",
}


def test_injected_variables_are_ignored_without_a_word(server):
    plain = server("--delay", "none")
    injected = server("--delay", "none", env=INJECTED)
    assert injected.get("/")[0] == 200
    without_ports = [one.stderr_text().replace(str(one.port), "PORT") for one in (plain, injected)]
    assert without_ports[0] == without_ports[1]


def test_an_unknown_variable_is_a_warning(server):
    one = server("--delay", "none", env={"HTTPSERVER_DELAYS": "none"})
    assert one.get("/")[0] == 200
    assert [line for line in one.stderr_text().splitlines() if "HTTPSERVER_DELAYS" in line]
