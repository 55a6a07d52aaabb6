"""Memory with many requests waiting: opens the connections, sends each a request, and looks."""

import contextlib
import resource
import socket
import struct

from compare.contenders import FILLER_HEADER, filler_value
from compare.cpu import resident_bytes
from stack import exposition
from stack.awaiting import await_condition

# Of the descriptors that a process may have, those that are for something else.
SPARE_DESCRIPTORS = 500
AT_ONCE = 200


def possible(wanted):
    """How many connections the descriptor limit lets this process and the server hold."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - SPARE_DESCRIPTORS)


def _request(port):
    return (f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"{FILLER_HEADER}: {filler_value(port)}\r\n\r\n").encode()


def _connected(port, stack):
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
    # Closed with a reset, so that thousands of ports are free again at once.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return connection


def in_flight(server):
    return exposition.fetch(server.url("/metrics")).value("httpserver_requests_in_flight") or 0


def measure(server, connections):
    """(resident bytes before, with all of them waiting)."""
    in_flight(server)
    before = resident_bytes(server.pid)
    request = _request(server.port)
    with contextlib.ExitStack() as stack:
        for start in range(0, connections, AT_ONCE):
            for _ in range(min(AT_ONCE, connections - start)):
                _connected(server.port, stack).sendall(request)
            # The accept queue is bounded: a batch must be in before the next one.
            await_condition(lambda: in_flight(server) >= min(start + AT_ONCE, connections),
                            timeout_seconds=60, what=f"{start + AT_ONCE} requests waiting")
        return before, resident_bytes(server.pid)
