"""Streams of requests from Debian's load generators, always with an end."""

from stack.process import Process


def hey(url, *, connections, seconds):
    """`connections` requests at a time for `seconds`; then it finishes those it has begun.

    That is why script/run takes hey: wrk drops what is unanswered at its end, long delays more
    often than short ones, and what it leaves is a sample that looks faster than the law.
    """
    return Process(["/usr/bin/hey", "-z", f"{seconds}s", "-c", connections, "-t", 60, url])
