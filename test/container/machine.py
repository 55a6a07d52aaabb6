"""What a Docker engine leaves on the machine when it has stopped, and more when it was killed."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

FORWARDING = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
LINKS = pathlib.Path("/sys/class/net")
TABLES = ("filter", "nat")
ENGINES_LINK = re.compile(r"docker0|br-[0-9a-f]{12}")
ENGINES_RULE = re.compile(rf"DOCKER|{ENGINES_LINK.pattern}")


def boot():
    """Another one after each start of the machine."""
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def has_bridge():
    """Whether an engine is at work, or was."""
    return (LINKS / "docker0").exists()


def _iptables(table, *words):
    """What it printed; nothing where there is no such table, rule or chain."""
    return subprocess.run(["iptables", "--wait", "--table", table, *words], text=True,
                          capture_output=True, timeout=60, check=False).stdout


def network():
    """Where no engine has been: what one will change."""
    policies = _iptables("filter", "--list-rules").splitlines() or ["-P FORWARD ACCEPT"]
    return {"forwarded": "-P FORWARD ACCEPT" in policies, "forwarding": FORWARDING.read_text()}


def restore_network(before):
    """Takes out the rules and bridges of an engine that has gone, and sets the rest back."""
    for table in TABLES:
        lines = _iptables(table, "--list-rules").splitlines()
        for line in lines:
            if line.startswith("-A ") and ENGINES_RULE.search(line):
                _iptables(table, "--delete", *line.split()[1:])
        for line in lines:
            if line.startswith("-N DOCKER"):
                _iptables(table, "--delete-chain", line.split()[1])
    if before["forwarded"]:
        _iptables("filter", "--policy", "FORWARD", "ACCEPT")
    for link in LINKS.iterdir():
        if ENGINES_LINK.fullmatch(link.name):
            subprocess.run(["ip", "link", "delete", link.name], capture_output=True, check=False)
    if FORWARDING.read_text() != before["forwarding"]:
        FORWARDING.write_text(before["forwarding"])


def unmount(folder):
    """What is mounted there and below: a stopped engine leaves its network namespace, one that was
    killed the folder of its images, mounted on itself, and its containers' files in that."""
    places = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    for place in reversed(places):
        if f"{place}/".startswith(f"{folder}/"):
            # Lazily: our own lock is a file there.
            subprocess.run(["umount", "--lazy", place], capture_output=True, check=False)


def end_containers(identifiers):
    """Ends what runs in containers of an engine that was killed, and what watched over them."""
    identifiers = set(identifiers)
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A shim has the container's identifier as an argument, what runs in it in its cgroups.
            told = (process / "cmdline").read_text("utf-8", "replace") + (process / "cgroup").read_text()
            if any(identifier in told for identifier in identifiers):
                os.kill(int(process.name), signal.SIGKILL)
