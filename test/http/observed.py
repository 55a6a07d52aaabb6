"""What the server under test says about itself, and what the kernel says about it."""

import os
import pathlib

from stack.awaiting import await_condition
from stack.exposition import fetch

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def page(server):
    return fetch(server.url("/metrics"))


def closed_by(server, reason):
    """Connections that were closed for this reason."""
    return page(server).value("httpserver_connections_closed_total", reason=reason)


def answered(server, code, **labels):
    """Requests that ended with this status; 0 where there is no such series."""
    return page(server).value("httpserver_requests_total", code=str(code), **labels) or 0


def in_state(server, state):
    """Connections in a state; the one that asks is idle at that moment."""
    return page(server).value("httpserver_connections", state=state)


def in_flight(server):
    return page(server).value("httpserver_requests_in_flight")


def await_value(function, server, argument, value, **more):
    """Waits until function(server, argument) is `value`."""
    await_condition(lambda: function(server, argument, **more) == value,
                    what=f"{function.__name__}({argument}) == {value}")


def await_in_flight(server, value):
    await_condition(lambda: in_flight(server) == value, what=f"{value} requests in flight")


def resident_bytes(server):
    pages = pathlib.Path(f"/proc/{server.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(server):
    """User and system time of all its threads."""
    fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def open_descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))
