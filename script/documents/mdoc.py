"""Text as mdoc(7) wants it: escaped, a line a sentence, none too long."""

import re
import textwrap

LINE = 78


def escaped(text):
    return text.replace("\\", "\\e")


def words(text):
    """An argument of a macro."""
    return escaped(text).replace('"', "\\(dq")


def sentences(text):
    """Lines of text; each sentence begins one."""
    for sentence in re.split(r"(?<!e\.g\.)(?<=[.?]) ", text):
        for line in textwrap.wrap(escaped(sentence), LINE, break_long_words=False,
                                  break_on_hyphens=False):
            yield "\\&" + line if line[0] in ".'" else line


def literal(lines):
    """A display whose lines stay as they are."""
    yield ".Bd -literal"
    for line in lines:
        line = escaped(line)
        yield "\\&" + line if line[:1] in (".", "'") else line
    yield ".Ed"
