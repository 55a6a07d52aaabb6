"""No request allocates: with an allocator that refuses everything, requests are answered."""

import mmap
import pathlib
import socket
import struct
import subprocess

import pytest

from stack.awaiting import await_condition

SOURCE = pathlib.Path(__file__).parent / "allocation" / "refusing_allocator.c"


class Allocator:
    """The shared words of refusing_allocator.c."""

    def __init__(self, folder):
        self.library = folder / "refusing_allocator.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", self.library,
                        SOURCE], check=True)
        self.path = folder / "shared"
        self.path.write_bytes(bytes(16))
        with open(self.path, "r+b") as file:
            self.words = mmap.mmap(file.fileno(), 16)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "REFUSING_ALLOCATOR": str(self.path)}

    @property
    def count(self):
        return struct.unpack_from("=Q", self.words, 0)[0]

    def refuse(self, on):
        struct.pack_into("=Q", self.words, 8, int(on))


def answers(sock, count):
    """Reads `count` answers with Content-Length; returns their statuses."""
    data, statuses = b"", []
    while len(statuses) < count:
        while b"\r\n\r\n" not in data:
            data += receive(sock)
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        statuses.append(int(lines[0].split(b" ")[1]))
        lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(data) < length:
            data += receive(sock)
        data = data[length:]
    return statuses


def receive(sock):
    got = sock.recv(65536)
    assert got, "the connection was closed"
    return got


REQUESTS = (
    b"GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    b"DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
)
EXPECTED = [200, 200, 200, 200, 404, 405, 200, 204]


@pytest.mark.static  # under sanitizers the allocator is theirs
@pytest.mark.parametrize("delay", ["none", "uniform(0s,2ms)"])
@pytest.mark.parametrize("log", ["off", "text", "json"])
def test_requests_do_not_allocate(server, tmp_path, delay, log):
    allocator = Allocator(tmp_path)
    started = server("--delay", delay, "--log", log, "--workers", "2",
                     env=allocator.environment())
    with started.connect() as sock:  # what is done once, by the first request or the first line
        sock.sendall(b"".join(REQUESTS))
        assert answers(sock, len(REQUESTS)) == EXPECTED
    if log != "off":
        await_condition(lambda: len(started.stdout_lines()) >= len(REQUESTS),
                        timeout_seconds=20, what="the first lines of the log")

    before = allocator.count
    allocator.refuse(True)
    try:
        for _ in range(20):
            with started.connect() as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(b"".join(REQUESTS))
                assert answers(sock, len(REQUESTS)) == EXPECTED
                for request, status in zip(REQUESTS, EXPECTED):
                    for i in range(0, len(request), 7):
                        sock.sendall(request[i:i + 7])
                    assert answers(sock, 1) == [status]
        assert allocator.count == before, "a request allocated"
        assert started.get("/metrics")[0] == 503  # a scrape may allocate, and says when it cannot
        assert allocator.count > before
    finally:
        allocator.refuse(False)
    assert started.get("/metrics")[0] == 200
