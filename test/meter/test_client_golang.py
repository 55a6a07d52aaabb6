"""libmeter and client_golang, given the same random operations, print the same pages."""

import math
import random
import re
import struct
import subprocess

import pytest

SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-320, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
    -1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1, 0.2, 0.30000000000000004, 1e21,
    123456789.0, 999999.0, 1000000.0, 1e-4, 1e-5, 0.00012345, 9007199254740992.0, 2.0**-128,
]
TEXTS = [
    b"", b"GET", b"/path", b'quote"d', b"line\nfeed", b"back\\slash", b"\\n", "ümlaut€😀".encode(),
    b"\xff\xfe", b"half\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"nul\x00byte", b'"} 1\nforged 1',
    b"\r\t\x01", b"a" * 300,
]


def bits(value):
    return struct.pack(">d", value).hex()


def text(data):
    return "-" + data.hex()


def some_double(rng):
    kind = rng.random()
    if kind < 0.25:
        return rng.choice(SPECIAL)
    if kind < 0.5:
        return rng.expovariate(1) * 10 ** rng.randint(-6, 3)
    if kind < 0.6:
        return -rng.expovariate(1) * 10 ** rng.randint(-6, 3)
    if kind < 0.7:
        return struct.unpack(">d", rng.getrandbits(64).to_bytes(8, "big"))[0]
    if kind < 0.85:
        return float(rng.randint(0, 2000000))
    return round(rng.random() * 100, rng.randint(0, 6))


def some_text(rng):
    if rng.random() < 0.6:
        return rng.choice(TEXTS)
    return bytes(rng.getrandbits(8) for _ in range(rng.randint(0, 12)))


def counter_value(rng):
    """Whole numbers from 2^53 to 2^64 go to client_golang's integer part, not to libmeter's."""
    value = some_double(rng)
    return 1.5 if 2.0**53 <= value < 2.0**64 else value


def ordinary(rng, large):
    """Large where the schema may fall below 0: there client_golang 1.14 puts values below 1 one
    bucket too high (its division rounds towards zero; later versions shift)."""
    size = rng.lognormvariate(0, 3)
    return rng.choice([1, 1, 1, -1]) * (1 + size if large else size)


class Script:
    def __init__(self, rng):
        self.rng = rng
        self.lines = []
        self.families = []

    def family(self, kind, name, labels, *rest):
        help_text = text(some_text(self.rng).replace(b"\x00", b""))
        self.lines.append(" ".join(["family", kind, name, help_text, ",".join(labels) or ",", *rest]))
        self.families.append((kind, len(labels)))

    def values(self, count):
        return ",".join(text(some_text(self.rng)) for _ in range(count)) or ","

    def operation(self, word, index, value, values=None):
        values = self.values(self.families[index][1]) if values is None else values
        self.lines.append(f"{word} {index} {bits(value)} {values}")


def random_bounds(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return [0.001 * 2**k for k in range(15)]
    if kind == 1:
        return [-10.0, -1.0, 0.0, 0.5, 3.0]
    if kind == 2:
        return sorted({rng.expovariate(0.1) for _ in range(rng.randint(1, 60))})
    return [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]


def make_script(seed):
    rng = random.Random(seed)
    script = Script(rng)
    pool = ["method", "code", "_x", "A", "zone9"]
    for i in range(8):
        labels = rng.sample(pool, rng.randint(0, 3))
        kind = rng.choice("ccghhs") if i >= 4 else "cghs"[i]
        rest = []
        if kind == "h":
            rest = [",".join(bits(bound) for bound in random_bounds(rng))]
        script.family(kind, f"m{rng.randint(0, 9)}_{i}" + ("_total" if kind == "c" else ""), labels, *rest)
    for _ in range(400):
        index = rng.randrange(len(script.families))
        kind, count = script.families[index]
        if kind == "c":
            script.operation(rng.choice(["inc", "add"]), index, counter_value(rng))
        elif kind == "g":
            script.operation(rng.choice(["inc", "dec", "add", "set"]), index, some_double(rng))
        elif kind == "s":
            values = ",".join(text(b"v%d" % rng.randrange(3)) for _ in range(count)) or ","
            script.operation("observe", index, some_double(rng), values)
        else:
            script.operation("observe", index, some_double(rng))
            if rng.random() < 0.2:
                value = text(rng.choice([b"0123456789abcdef", b'"\\\n', "€".encode()]))
                script.lines.append(
                    f"exemplar {index} {bits(some_double(rng))} {script.values(count)} trace_id={value}")
    return script


def make_native_script(seed):
    rng = random.Random(seed)
    script = Script(rng)
    large = []
    for i in range(6):
        growth = rng.choice([1.002, 1.005, 1.02, 1.1, 1.5, 2.0])
        zero = rng.choice([0.0, -1.0, 2.0**-20, 0.001])
        limit = rng.choice([0, 5, 20, 100])
        max_zero = rng.choice([0.0, 0.01, 1.0, 8.0])
        large.append(limit in (5, 20))
        bounds = ",".join(bits(b) for b in random_bounds(rng)) if rng.random() < 0.5 else "none"
        # No limit means 160 here and none there.
        limit = limit if limit > 0 else 10000
        script.family("n", f"native_{i}", ["l"], bounds, bits(growth), bits(zero), str(limit), bits(max_zero))
    for _ in range(2000):
        index = rng.randrange(len(script.families))
        values = text(b"v%d" % rng.randrange(2))
        pick = rng.random()
        value = ordinary(rng, large[index])
        if pick < 0.05:
            value = rng.choice([0.0, 2.0, 4.0, math.nan])
        elif pick < 0.1 and not large[index]:
            value = rng.choice([0.5, 1.0, 1e-9, -1e-9, 2.0**-20])
        script.operation("observe", index, value, values)
    return script


def run_both(script, drive, compare, folder):
    data = ("\n".join(script.lines) + "\n").encode()
    ours, theirs = folder / "ours", folder / "theirs"
    ours.mkdir()
    theirs.mkdir()
    subprocess.run([str(drive), str(ours)], input=data, check=True)
    (theirs / "ours").write_bytes((ours / "protobuf").read_bytes())
    subprocess.run([str(compare), str(theirs)], input=data, check=True)
    return ours, theirs


EXEMPLAR_TIME = re.compile(rb"( # \{.*\} \S+) [0-9.e+]+$", re.M)


def without_times(page):
    return EXEMPLAR_TIME.sub(rb"\1", page)


def same_lines(ours, theirs):
    """Byte for byte; line by line only so that a difference is readable."""
    assert ours.split(b"\n") == theirs.split(b"\n")


def without_negative_sums(page):
    """OpenMetrics 1.0 allows no _sum and _count beside negative bounds; client_golang writes them."""
    names = set(re.findall(rb"^(\w+)_bucket\{.*le=\"-(?!Inf)", page, re.M))
    return b"\n".join(
        line for line in page.split(b"\n")
        if not any(re.match(name + rb"_(sum|count)\b", line) for name in names))


@pytest.mark.parametrize("seed", range(12))
def test_same_pages(seed, drive, compare, tmp_path):
    ours, theirs = run_both(make_script(seed), drive, compare, tmp_path)
    same_lines((ours / "text").read_bytes(), (theirs / "text").read_bytes())
    same_lines(without_times((ours / "openmetrics").read_bytes()),
               without_times(without_negative_sums((theirs / "openmetrics").read_bytes())))
    same_lines((theirs / "protobuf.ours").read_bytes(), (theirs / "protobuf.theirs").read_bytes())


@pytest.mark.parametrize("seed", range(12))
def test_same_native_histograms(seed, drive, compare, tmp_path):
    _, theirs = run_both(make_native_script(seed), drive, compare, tmp_path)
    same_lines((theirs / "protobuf.ours").read_bytes(), (theirs / "protobuf.theirs").read_bytes())
