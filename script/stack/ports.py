"""TCP ports of the loopback address."""

import errno
import socket

LOOPBACK = "127.0.0.1"


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def next_free(first, *, limit=200, taken=()):
    """The first free port from `first` on; `taken` are left out though free."""
    for port in range(first, min(first + limit, 65536)):
        if port not in taken and is_free(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port from {first} to {first + limit - 1}")


def free_from(first, count):
    """The first so many free ports from `first` on."""
    found = [next_free(first)]
    while len(found) < count:
        found.append(next_free(found[-1] + 1))
    return found


def any_free():
    """A port that the kernel considers free now, for programs that cannot be told port 0."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
