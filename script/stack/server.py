"""The server under test, and programs that announce themselves as it does."""

import http.client
import os
import pathlib
import re
import socket

from stack.process import Process

LISTENING = re.compile(r"^[\w-]+: listening on (\S+)[^\n]*\n", re.MULTILINE)
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def build_folder():
    """The build folder to use: BUILD_DIR from the environment, else build/ of the repository."""
    return pathlib.Path(os.environ.get("BUILD_DIR") or ROOT / "build").resolve()


def is_sanitized():
    """Whether BUILD_DIR names a sanitizer's build."""
    return re.search("asan|tsan", os.environ.get("BUILD_DIR", "")) is not None


def binary_path():
    return build_folder() / "httpserver"


def clean_environment(extra=None):
    """The caller's environment without what would configure a server, plus `extra`."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("HTTPSERVER_") and name != "VERSION"}
    kept.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
    kept.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:exitcode=99")
    kept.setdefault("TSAN_OPTIONS", "exitcode=99")
    return {**kept, **(extra or {})}


class Server(Process):
    """A started server, ready to be asked.

    `addresses` are those of its startup lines (`NAME: listening on HOST:PORT`), in their order;
    `host` and `port` are the first TCP one's. It listens on `listen` unless the flags or the
    environment say where; with None nothing is said at all.
    """

    def __init__(self, *flags, binary=None, env=None, listen="127.0.0.1:0", listeners=1,
                 timeout_seconds=20.0, **process):
        flags = [str(flag) for flag in flags]
        said = any(flag.split("=")[0] in ("--listen", "--config") for flag in flags) \
            or "HTTPSERVER_LISTEN" in (env or {})
        if listen is not None and not said:
            flags += ["--listen", listen]
        super().__init__([binary or binary_path(), *flags], env=clean_environment(env), **process)
        try:
            self.addresses = self.wait_for_stderr(
                lambda text: self._announced(text, listeners), timeout_seconds)
        except BaseException:
            self.kill()
            raise
        self.host, self.port = None, None
        for address in self.addresses:
            if not address.startswith("unix:"):
                host, _, port = address.rpartition(":")
                self.host, self.port = host.strip("[]"), int(port)
                break

    @staticmethod
    def _announced(text, count):
        found = LISTENING.findall(text)
        return found if len(found) >= count else None

    def url(self, path="/"):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{path}"

    def connect(self, timeout_seconds=20.0):
        """A connected TCP socket; the caller closes it."""
        return socket.create_connection((self.host, self.port), timeout_seconds)

    def get(self, path="/", *, method="GET", headers=None, body=None, timeout_seconds=20.0):
        """One request on a connection of its own: (status, headers with lower-case names, body)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_seconds)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read()
        finally:
            connection.close()

    def sanitizer_report(self):
        """True when a sanitizer wrote a report on stderr."""
        return SANITIZER_REPORT.search(self.stderr_text()) is not None
