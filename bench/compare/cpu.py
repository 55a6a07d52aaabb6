"""CPU time of a server: of all threads of all processes in its group."""

import dataclasses
import os
import pathlib

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class CpuTime:
    """`total_seconds` is the scheduler's count, exact; the split is by the clock's ticks."""

    total_seconds: float
    user_ticks: int
    system_ticks: int

    def __sub__(self, before):
        return CpuTime(self.total_seconds - before.total_seconds,
                       self.user_ticks - before.user_ticks,
                       self.system_ticks - before.system_ticks)

    def user_share(self):
        ticks = self.user_ticks + self.system_ticks
        return self.user_ticks / ticks if ticks else 0.0


def _members(group):
    """(process folder, fields of its stat after the name) of every process in the group."""
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) == group:
            yield folder, fields


def cpu_time(group):
    total_ns = user = system = 0
    for folder, fields in _members(group):
        user += int(fields[11])
        system += int(fields[12])
        for task in (folder / "task").iterdir():
            total_ns += int((task / "schedstat").read_text().split()[0])
    return CpuTime(total_ns / 1e9, user, system)


def resident_bytes(group):
    """Resident memory of the group; what several share is counted for each."""
    total = 0
    for folder, _ in _members(group):
        for line in (folder / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total
