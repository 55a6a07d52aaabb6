""".ci/run adds up what the scripts counted, and fails when one of them has failed or counted nothing."""

import shutil
import subprocess

import pytest

from stack.server import ROOT

pytestmark = pytest.mark.static

PASSED = "echo '5 passed, 0 failed'"
NO_ENGINE = "echo '3 skipped'; echo '0 passed, 0 failed'; exit 77"


def ci_run(folder, test, container):
    """(exit status, lines) of .ci/run beside two scripts that do what is said."""
    (folder / ".ci").mkdir()
    (folder / "script").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    for name, body in (("test", test), ("test-container", container)):
        script = folder / "script" / name
        script.write_text(f"#!/bin/bash\n{body}\n")
        script.chmod(0o755)
    done = subprocess.run(["bash", folder / ".ci" / "run"], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("test, container, status, last", [
    (PASSED, PASSED, 0, "10 passed, 0 failed"),
    (PASSED, "echo '3 passed, 2 failed'; exit 1", 1, "8 passed, 2 failed"),
    ("echo '3 passed, 2 failed'; exit 1", PASSED, 1, "8 passed, 2 failed"),
    (PASSED, "echo '3 passed, 0 failed'; exit 1", 1, "8 passed, 1 failed"),  # it does not say of what
    (PASSED, "exit 0", 1, "5 passed, 1 failed"),
    (PASSED, NO_ENGINE, 0, "5 passed, 0 failed"),
    ("echo '0 passed, 0 failed'", NO_ENGINE, 1, "0 passed, 0 failed"),
])
def test_the_sum_and_the_status(tmp_path, test, container, status, last):
    told, lines = ci_run(tmp_path, test, container)
    assert (told, lines[-1]) == (status, last)


def test_what_was_skipped_is_told(tmp_path):
    lines = ci_run(tmp_path, f"echo '2 skipped'; {PASSED}", NO_ENGINE)[1]
    assert lines[-2] == "5 skipped"
    assert [line for line in lines if line.startswith("script/test-container could not test anything")]
