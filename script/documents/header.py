"""meter.h as the body of meter(3): its sections, what its comments say, its declarations."""

import re
import textwrap

from documents.mdoc import literal, sentences

SECTION = re.compile(r"---- (.+?) ----")
# Displays are indented by 5 in a terminal of 80 columns.
WIDTH = 75
# What follows is for the inline functions, which are no interface.
END = "/* ---- What the inline functions need"


def _blocks(lines):
    """(is a comment, its lines): comments at the margin, and what stands between them."""
    block, is_comment = [], False
    for line in lines:
        if not is_comment and line.startswith("/*"):
            if any(block):
                yield False, block
            block, is_comment = [], True
        block.append(line)
        if is_comment and line.endswith("*/"):
            yield True, block
            block, is_comment = [], False
    if any(block):
        yield False, block


def _comment_lines(block):
    text = "\n".join(block).removeprefix("/*").removesuffix("*/")
    return [re.sub(r"^ \*", "", line).rstrip() for line in text.split("\n")]


def _prose(lines):
    """Paragraphs, and examples, which are indented."""
    paragraphs = re.split(r"\n{2,}", "\n".join(lines).strip("\n"))
    for number, paragraph in enumerate(paragraphs):
        example = all(line.startswith("     ") for line in paragraph.split("\n"))
        if example:
            yield from literal(textwrap.dedent(paragraph).split("\n"))
        else:
            if number > 0:
                yield ".Pp"
            text = re.sub(r"`([^`]+)`", r"\1", " ".join(paragraph.split())).replace("( ", "(")
            topic = re.match(r"(\w+)\. ", text)
            if topic:
                yield f".Sy {topic[1]} ."
                text = text[topic.end():]
            yield from sentences(text)


def _wrapped_comment(found):
    indent = found[1]
    text = " ".join(line.strip().removeprefix("*").strip() for line in found[2].split("\n"))
    lines = textwrap.wrap(text, WIDTH - len(indent) - 6, break_on_hyphens=False)
    return indent + "/* " + f"\n{indent} * ".join(lines) + " */"


def _declaration(text):
    """One function, broken between its parameters where it is too long."""
    text = re.sub(r"\b(METER_API|METER_MUST_CHECK|static inline) ", "", " ".join(text.split()))
    text = text.replace("* meter_", "*meter_").replace("( ", "(")
    if len(text) <= WIDTH:
        return text
    head, _, parameters = text.partition("(")
    lines = [f"{head}("]
    for parameter in re.split(r"(?<=,) ", parameters):
        if len(lines[-1]) + len(parameter) + 1 > WIDTH:
            lines.append("   ")
        lines[-1] += parameter if lines[-1].endswith("(") else f" {parameter}"
    return "\n".join(lines)


def _code(block):
    text = "\n".join(block)
    # A macro is its name and parameters; how it is made differs between C and C++.
    text = re.sub(r"^#define (\w+(?:\([^)]*\))?)(?: +\\\n(?:.*\\\n)*.*| +\(.*| *)$",
                  r"#define \1", text, flags=re.MULTILINE)
    lines = [line for line in text.split("\n") if not re.match(r"#(if|else|endif)", line)]
    text = "\n".join(dict.fromkeys(lines)) if lines and lines[0].startswith("#define") \
        else "\n".join(lines)
    text = re.sub(r"^((?:METER_API|static inline)\b[^;]*;)", lambda found: _declaration(found[1]),
                  text, flags=re.MULTILINE)
    text = re.sub(r"^(typedef [^;]*;)", lambda found: _declaration(found[1]), text,
                  flags=re.MULTILINE)
    text = re.sub(r"^( *)/\* ((?:(?!\*/).)*?) \*/$", _wrapped_comment, text,
                  flags=re.MULTILINE | re.DOTALL)
    return text.strip("\n").split("\n")


def manual(path):
    text = path.read_text()
    text = text[:text.index(END)].rstrip()
    description, _, rest = text.partition("*/\n")
    yield from _prose(_comment_lines((description + "*/").split("\n"))[2:])
    # Before the first comment behind the include guard are includes and attributes only.
    rest = rest[rest.index("/* Shards of cells"):]
    yield ".Ss Constants and types"
    comment = []
    for is_comment, block in _blocks(rest.split("\n")):
        section = SECTION.search(block[0]) if is_comment else None
        if section:
            yield f".Ss {section[1]}"
            block[0] = "/*"
            yield from _prose(_comment_lines(block))
        elif is_comment:
            comment = list(_prose(_comment_lines(block)))
        else:  # in a manual, what it is comes before what is said about it
            yield from literal(_code(block))
            yield from comment
            comment = []
