"""The servers that are compared: each on one core, with one worker, answering the same bytes."""

import os
import pwd
import socket

from stack import ports
from stack.awaiting import await_condition
from stack.process import Process
from stack.server import ROOT, Server

BENCH = ROOT / "bench"
# A head of 100 bytes, the size that the budgets speak of.
FILLER_HEADER = "x-request-id"
HEAD_BYTES = 100


def cores():
    """(the server's, the load generator's): the first two that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 % len(allowed)]


def on_core(core):
    return ["/usr/bin/taskset", "-c", core]


def filler_value(port):
    """What fills the request's head, as wrk sends it, up to HEAD_BYTES."""
    bare = f"GET / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{FILLER_HEADER}: \r\n\r\n"
    return "f" * (HEAD_BYTES - len(bare))


def answer_of(port):
    """The bytes of the answer to wrk's request."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                           f"{FILLER_HEADER}: {filler_value(port)}\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"</h1>"):
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError(f"port {port} closed after {answer!r}")
            answer += piece
        return answer


class Contender:
    """A running server; `group` is its process group. It is asked with the same head all the time,
    or, with `heads_differ`, with no head like the one before."""

    def __init__(self, name, process, port, *, heads_differ=False):
        self.name = name
        self.process = process
        self.port = port
        self.heads_differ = heads_differ
        self.group = process.pid
        answer = answer_of(port)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"{name} answers {answer!r}")
        self.answer_bytes = len(answer)


def start_ours(*flags, log=None):
    """Our server; with `log`, an open file, the access log goes there."""
    return Server("--workers", 1, "--log", "text" if log else "off", *flags, stdout=log,
                  wrap=on_core(cores()[0]))


def start_go(folder, *flags):
    return Server(*flags, binary=folder / "go-server", wrap=on_core(cores()[0]))


def start_floor(folder, answer_bytes, *flags):
    return Server(0, answer_bytes, *flags, listen=None, binary=folder / "floor",
                  wrap=on_core(cores()[0]))


def start_configured(name, command, template, folder):
    """nginx and h2o, as (process, port): they announce nothing, so the port is chosen for them."""
    folder = folder / name
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "index.html").write_text("<h1>0</h1>")
    port = ports.any_free()
    text = (BENCH / template).read_text().replace("@PORT@", str(port))
    text = text.replace("@FOLDER@", str(folder)).replace("@USER@", pwd.getpwuid(os.getuid()).pw_name)
    configuration = folder / template
    configuration.write_text(text)
    process = Process([*command, configuration], wrap=on_core(cores()[0]))
    try:
        await_condition(lambda: not process.running() or not ports.is_free(port), what=name)
        return process, port
    except BaseException as error:
        process.kill()
        raise ConnectionError(f"{name}: {error}; {process.stderr_text().strip()}") from error
