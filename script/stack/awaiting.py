"""Waiting for a condition, with a limit, instead of sleeping for a time."""

import time


def await_condition(condition, *, timeout_seconds=20.0, every_seconds=0.05, what="a condition"):
    """Asks `condition()` until it is true and returns its value; TimeoutError names `what`."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not come true within {timeout_seconds:.0f} s")
        time.sleep(every_seconds)
