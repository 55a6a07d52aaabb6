"""A machine to install things on: a copy of this one that is thrown away.

It has this machine's files, below a layer of its own that takes what is written; its own processes,
network with nothing but loopback, and a systemd as process 1. Nothing in it is seen outside.
"""

import os
import pathlib
import shlex
import signal
import subprocess
import uuid

from stack.awaiting import await_condition
from stack.process import die_with_parent

BOOT = pathlib.Path(__file__).with_name("boot-machine")
BOOT_SECONDS = 60
COMMAND_SECONDS = 150


class NoMachine(Exception):
    """Why there can be none here."""


def _cgroups():
    """Where the unified hierarchy is, whose groups systemd needs."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return pathlib.Path(folder)
    raise NoMachine("no cgroup2 hierarchy to write to")


class Machine:
    def __init__(self, folder):
        if os.geteuid() != 0:
            raise NoMachine("not root")
        self._group = _cgroups() / f"httpserver-test-{uuid.uuid4().hex}"
        self._group.mkdir()
        self._root = folder / "root"
        self._log = folder / "boot.log"
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts",
                 "--ipc", "--net", BOOT, folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self._before_exec)
        try:
            self._pid = await_condition(self._first_process, timeout_seconds=BOOT_SECONDS,
                                        what="the machine's start")
            await_condition(self._is_up, timeout_seconds=BOOT_SECONDS, every_seconds=0.1,
                            what="the machine's systemd")
        except (NoMachine, TimeoutError) as error:
            self.stop()
            raise NoMachine(f"{error}: {self._log.read_text(errors='replace')}") from None

    def _before_exec(self):
        die_with_parent()
        (self._group / "cgroup.procs").write_text("0")

    def _first_process(self):
        if self._child.poll() is not None:
            raise NoMachine("unshare or boot-machine failed")
        children = pathlib.Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        for pid in children.read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                return int(pid)
        return None

    def _is_up(self):
        return self.run("systemctl is-active machine.target", check=False).returncode == 0

    def run(self, command, *, cwd="/", check=True, env=None):
        """A line of bash, as root inside; its output is text."""
        done = subprocess.run(
            ["nsenter", "--target", str(self._pid), "--mount", "--pid", "--cgroup", "--uts",
             "--ipc", "--net", "--root", "--wd", "/usr/bin/env", "-i",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
             "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
             *(f"{name}={value}" for name, value in (env or {}).items()),
             "/bin/bash", "-c", f"cd {shlex.quote(str(cwd))} && {{ {command}\n}}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_SECONDS,
            check=False)
        assert not check or done.returncode == 0, \
            f"{command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def exists(self, path):
        return self.run(f"test -e {shlex.quote(str(path))}", check=False).returncode == 0

    def stop(self):
        """Ends every process of it; with them its files are gone."""
        self._child.send_signal(signal.SIGKILL)  # --kill-child: its process 1 with it, so all
        self._child.wait()
        await_condition(self._groups_removed, what="the end of the machine's processes")

    def _groups_removed(self):
        for folder, _, _ in os.walk(self._group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True
