"""Streams of requests from Debian's load generators, always with an end."""

import re

from stack.process import Process, StartError


class Hey(Process):
    """hey finishes the requests it has begun, however it was bounded.

    That is why script/run takes it: wrk drops what is unanswered at its end, long delays more
    often than short ones, and what it leaves is a sample that looks faster than the law.
    """

    def __init__(self, url, *, connections, seconds=None, requests=None):
        bound = ["-z", f"{seconds}s"] if requests is None else ["-n", requests]
        super().__init__(["/usr/bin/hey", *bound, "-c", connections, "-t", 60, url])

    def answers(self):
        """{status: how many}, once it has ended; StartError when a request got no answer."""
        if self.wait() != 0:
            raise StartError(f"hey ended with status {self.wait()}: {self.stderr_text().strip()}")
        report = self.stdout_bytes().decode()
        if "Error distribution:" in report:
            raise StartError("hey: " + report.partition("Error distribution:")[2].strip())
        return {int(status): int(count)
                for status, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", report)}
