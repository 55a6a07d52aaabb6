"""Child processes that never outlive their parent."""

import ctypes
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StartError(Exception):
    """A process did not come up; the text says which, why and what it printed."""


def die_with_parent():
    """Runs in the child: the kernel ends it when its parent is gone, however that happens."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Process:
    """A child in a process group of its own.

    Its stdout goes to a file (never blocks the child) unless the caller gives another place; its
    stderr is read by a thread, so that a line on it can be awaited.
    """

    def __init__(self, command, *, env=None, stdout=None, cwd=None, descriptors=None, wrap=(),
                 pass_descriptors=()):
        self.command = [str(word) for word in command]
        self.name = pathlib.Path(self.command[0]).name
        self._stdout_file = None
        if stdout is None:
            self._stdout_file = tempfile.TemporaryFile()
            stdout = self._stdout_file
        self._stderr = b""
        self._stderr_ended = False
        self._changed = threading.Condition()
        self.was_awaited = False  # somebody has seen the exit status
        self._child = subprocess.Popen(
            [str(word) for word in wrap] + self.command, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=subprocess.PIPE, start_new_session=True,
            pass_fds=pass_descriptors,
            preexec_fn=lambda: self._before_exec(descriptors))
        self.pid = self._child.pid
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    @staticmethod
    def _before_exec(descriptors):
        die_with_parent()
        if descriptors is not None:
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)

    def _read_stderr(self):
        while True:
            piece = os.read(self._child.stderr.fileno(), 65536)
            with self._changed:
                self._stderr += piece
                self._stderr_ended = not piece
                self._changed.notify_all()
            if not piece:
                return

    def stderr_text(self):
        with self._changed:
            return self._stderr.decode("utf-8", "replace")

    def stdout_bytes(self):
        """All that the child has written so far; only when the caller gave no place of its own."""
        size = os.fstat(self._stdout_file.fileno()).st_size
        return os.pread(self._stdout_file.fileno(), size, 0)

    def stdout_lines(self):
        """The complete lines so far, without their ends."""
        return self.stdout_bytes().decode("utf-8", "replace").split("\n")[:-1]

    def wait_for_stderr(self, found, timeout_seconds=20.0):
        """Waits until `found(text)` is true of stderr and returns what it returned.

        Raises StartError when the child ends first or the time is over.
        """
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while True:
                result = found(self._stderr.decode("utf-8", "replace"))
                if result:
                    return result
                left = deadline - time.monotonic()
                if self._stderr_ended or left <= 0:
                    break
                self._changed.wait(left)
        why = "ended" if self._stderr_ended else f"was not ready within {timeout_seconds:.0f} s"
        if self._stderr_ended:
            why += f" with status {self._child.wait()}"
        raise StartError(f"{self.name} {why}: {self.stderr_text().strip() or 'it printed nothing'}")

    def running(self):
        return self._child.poll() is None

    def send_signal(self, number):
        if self._child.poll() is None:
            self._child.send_signal(number)

    def wait(self, timeout_seconds=None):
        """The exit status (negative: the signal that ended it); stderr is complete afterwards."""
        status = self._child.wait(timeout_seconds)
        self._reader.join(timeout_seconds)
        self.was_awaited = True
        return status

    def ended_within(self, timeout_seconds):
        """Waits for its end that long, and says whether it came."""
        try:
            self.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, number=signal.SIGTERM, timeout_seconds=40.0):
        """Asks it to end, kills its group when it does not, and returns the exit status."""
        self.send_signal(number)
        self.ended_within(timeout_seconds)
        self.kill()
        return self.wait()

    def kill(self):
        """Ends the whole group at once; harmless when it is gone already."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._child.wait()
