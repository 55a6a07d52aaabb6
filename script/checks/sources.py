"""C files as lines, with comments and strings blanked, and with the exceptions told in them.

An exception stands where it applies, with its reason, in a comment on the line or in the comment
directly above it:   allow(RULE): why
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALLOW = re.compile(r"allow\((\w[\w-]*)\):\s*\S")
NOT_CODE = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.DOTALL)


class Source:
    def __init__(self, path, text=None):
        self.path = path
        self.name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        text = path.read_text() if text is None else text
        self.lines = text.splitlines()
        blanked = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        self.code = blanked.splitlines()

    def allowed(self, rule, index):
        """Whether the line at `index` (from 0), or the comment directly above it, allows `rule`."""
        if self._says(rule, index):
            return True
        index -= 1
        while index >= 0 and self.lines[index].strip() and not self.code[index].strip():
            if self._says(rule, index):
                return True
            index -= 1
        return False

    def allowed_at_top(self, rule):
        """Whether the file's first 20 lines allow `rule`, for what is about a whole file."""
        return any(self._says(rule, index) for index in range(min(20, len(self.lines))))

    def _says(self, rule, index):
        return rule in ALLOW.findall(self.lines[index])

    def complaint(self, index, text):
        return f"{self.name}:{index + 1}: {text}"


def sources(*folders):
    """Every C file below the folders that exist, in a stable order."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            yield Source(path)
