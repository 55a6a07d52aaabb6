"""What the tests of packaging share: a machine to install on, and the commands of docs/install.md."""

import pathlib
import re

import pytest

from machine import Machine, NoMachine

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A machine of its own for each file of tests; they go on where the one before stopped."""
    try:
        one = Machine(tmp_path_factory.mktemp("machine"))
    except NoMachine as why:
        pytest.skip(f"no machine to install on: {why}")
    yield one
    one.stop()


class InstallPage:
    """docs/install.md by its sections; what is run is taken out."""

    def __init__(self):
        text = (ROOT / "docs" / "install.md").read_text()
        self.blocks = {}
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            title, _, body = section.partition("\n")
            self.blocks[title] = re.findall(r"^```sh\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)

    def run_next(self, machine, title, **options):
        """Runs the section's next block, line by line as bash does, and returns what it printed."""
        block = self.blocks[title].pop(0)
        return machine.run(f"set -e\n{block}", cwd=ROOT, **options).stdout


@pytest.fixture(scope="module")
def page():
    return InstallPage()
