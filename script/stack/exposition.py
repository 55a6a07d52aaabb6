"""Reading a metrics page (text format 0.0.4) without any library."""

import bisect
import math
import re
import urllib.request

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \S+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
ESCAPED = re.compile(r"\\(.)")


def fetch(url, timeout_seconds=20.0):
    request = urllib.request.Request(url, headers={"Accept": "text/plain;version=0.0.4"})
    with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
        return Page(answer.read().decode("utf-8"))


def _unescape(value):
    return ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], value)


class Page:
    """One scrape. `samples` is a list of (name, labels, value) in the page's order."""

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            if match is None:
                raise ValueError(f"not a sample line: {line!r}")
            labels = {name: _unescape(value) for name, value in LABEL.findall(match[2] or "")}
            self.samples.append((match[1], labels, float(match[3])))

    def find(self, name, **labels):
        """All (labels, value) of `name` whose labels include those given."""
        return [(found, value) for sample, found, value in self.samples
                if sample == name and all(found.get(key) == want for key, want in labels.items())]

    def value(self, name, **labels):
        """The sum over the series that match; None when there is none."""
        found = self.find(name, **labels)
        return sum(value for _, value in found) if found else None

    def histogram(self, name, **labels):
        return Histogram([(float(found["le"]), value)
                          for found, value in self.find(name + "_bucket", **labels)],
                         self.value(name + "_count", **labels), self.value(name + "_sum", **labels))


class Histogram:
    """Cumulative buckets as (upper bound, count), sorted; `count` and `sum` as the page says."""

    def __init__(self, buckets, count, total):
        self.buckets = sorted(buckets)
        self.count = count
        self.sum = total

    def __bool__(self):
        return bool(self.buckets)

    def bucket_of(self, value):
        """The bounds (lower, upper] of the bucket that `value` falls into."""
        bounds = [bound for bound, _ in self.buckets]
        index = bisect.bisect_left(bounds, value)
        return (bounds[index - 1] if index else 0.0), bounds[min(index, len(bounds) - 1)]

    def quantile(self, q):
        """As PromQL's histogram_quantile: linear within the bucket; NaN when nothing was counted."""
        if not self.buckets or self.buckets[-1][1] == 0:
            return math.nan
        rank = q * self.buckets[-1][1]
        index = next(i for i, (_, count) in enumerate(self.buckets) if count >= rank)
        upper, count = self.buckets[index]
        if math.isinf(upper):
            return self.buckets[index - 1][0] if index else math.nan
        lower, below = self.buckets[index - 1] if index else (0.0, 0.0)
        if count == below:
            return upper
        return lower + (upper - lower) * (rank - below) / (count - below)
