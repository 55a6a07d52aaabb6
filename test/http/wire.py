"""Raw HTTP/1.1 over a socket: what is sent is exactly the bytes given, what comes back is read
strictly, so that a server that frames its answers wrongly fails the test that asked."""

import socket

CRLF = b"\r\n"


class Closed(Exception):
    """The server closed the connection where an answer was expected."""


class Answer:
    """One response; `fields` are (lower-case name, value) in their order."""

    def __init__(self, status_line, fields):
        version, _, rest = status_line.partition(" ")
        code, _, self.reason = rest.partition(" ")
        assert version == "HTTP/1.1", status_line
        assert len(code) == 3 and code.isdigit(), status_line
        self.status = int(code)
        self.fields = fields
        self.body = b""

    def all(self, name):
        return [value for found, value in self.fields if found == name]

    def get(self, name):
        """The value of a field that must not be repeated; None where there is none."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def closes(self):
        return self.get("connection") == "close"


class Client:
    """A connection to the server under test. A context manager; closing it twice is harmless."""

    def __init__(self, server=None, *, sock=None, timeout_seconds=30.0, receive_buffer=None):
        if sock is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(timeout_seconds)
            try:
                sock.connect((server.host, server.port))
            except BaseException:
                sock.close()
                raise
        sock.settimeout(timeout_seconds)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def send_bytewise(self, data):
        """Each byte in a segment of its own."""
        for at in range(len(data)):
            self.sock.sendall(data[at:at + 1])
        return self

    def _more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise Closed(f"closed behind {self.received!r}")
        self.received += piece

    def _take(self, count):
        while len(self.received) < count:
            self._more()
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def _take_line(self):
        while CRLF not in self.received:
            assert len(self.received) < 100_000, "a line without an end"
            self._more()
        line, _, self.received = self.received.partition(CRLF)
        assert b"\n" not in line and b"\r" not in line, line
        return line.decode("latin-1")

    def _chunked_body(self):
        body = b""
        while True:
            size = int(self._take_line(), 16)
            body += self._take(size)
            assert self._take_line() == ""
            if size == 0:
                return body

    def head(self):
        """The next response's head, also an interim one."""
        answer = Answer(self._take_line(), [])
        while line := self._take_line():
            name, colon, value = line.partition(":")
            assert colon and name and name == name.strip(), line
            answer.fields.append((name.lower(), value.strip(" \t")))
        return answer

    def answer(self, method="GET"):
        """The next final response, whole (RFC 9112, section 6.3)."""
        answer = self.head()
        coding, length = answer.get("transfer-encoding"), answer.get("content-length")
        assert coding is None or length is None
        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return answer
        if coding is not None:
            assert coding == "chunked"
            answer.body = self._chunked_body()
        elif length is not None:
            answer.body = self._take(int(length))
        else:
            assert answer.closes, "neither length nor close says where the content ends"
            answer.body = self.rest()
        return answer

    def rest(self):
        """What comes until the server closes in order; a reset is an error."""
        try:
            while True:
                self._more()
        except Closed:
            rest, self.received = self.received, b""
            return rest

    def is_closed(self):
        """Waits for the server's close, which nothing may precede; a reset counts, too."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return self.received == b""

    def ask(self, data, method="GET"):
        return self.send(data).answer(method)


def request(target="/", method="GET", fields=(), body=b"", version="1.1", host="a"):
    """A well-formed request; `fields` are "name: value" strings."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"host: {host}")
    lines += list(fields)
    if body:
        lines.append(f"content-length: {len(body)}")
    return "".join(line + "\r\n" for line in lines).encode("latin-1") + CRLF + body


def chunks(*pieces, trailer=b""):
    """The chunked coding of the pieces."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) \
        + b"0\r\n" + trailer + CRLF


def ask_once(server, data, method="GET"):
    """One request on a connection of its own."""
    with Client(server) as client:
        return client.ask(data, method)


def is_alive(server):
    return ask_once(server, request("/version")).status == 200
