"""Writes the files of the live page as C: embed.py OUTPUT FILE...

Each is there as it is and compressed, and tagged with a hash of its content. The same files give the
same bytes, wherever and whenever it is run.
"""

import gzip
import hashlib
import pathlib
import sys

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
BYTES_A_LINE = 24
# The page itself is what /ui/ answers with.
PAGE = "index.html"


def array(name, content):
    lines = (content[start:start + BYTES_A_LINE] for start in range(0, len(content), BYTES_A_LINE))
    body = "".join("    " + "".join(f"{byte}," for byte in line) + "\n" for line in lines)
    return f"static const unsigned char {name}[] = {{\n{body}}};\n"


def span(text):
    return f'{{"{text}", {len(text)}}}'


def bytes_span(name, content):
    return f"{{(const char *){name}, {len(content)}}}"


def entry(number, path):
    """The arrays of a file, and its row of the table."""
    plain = path.read_bytes()
    packed = gzip.compress(plain, compresslevel=9, mtime=0)
    name = "" if path.name == PAGE else path.name
    tag = hashlib.sha256(plain).hexdigest()[:16]
    row = (f"    {{{span(name)}, {span(CONTENT_TYPES[path.suffix])}, {span(tag)},\n"
           f"     {bytes_span(f'plain_{number}', plain)}, {bytes_span(f'gzip_{number}', packed)}}},\n")
    return array(f"plain_{number}", plain) + array(f"gzip_{number}", packed), row


def main():
    output, *files = sys.argv[1:]
    entries = [entry(number, pathlib.Path(name)) for number, name in enumerate(files)]
    pathlib.Path(output).write_text(
        "/* Made by web/embed.py. */\n"
        '#include "app/web_assets.h"\n\n'
        + "".join(arrays for arrays, _ in entries)
        + "\nconst struct web_asset web_assets[] = {\n"
        + "".join(row for _, row in entries)
        + f"}};\nconst size_t web_asset_count = {len(entries)};\n")


main()
