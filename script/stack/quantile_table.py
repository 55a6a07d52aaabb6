"""The table that script/run ends with: the same quantiles from three sources."""

import math

FAMILY = "httpserver_execution_latency_seconds"
QUANTILES = (0.5, 0.9, 0.95, 0.99)


def seconds(value):
    return "-" if value is None or math.isnan(value) else f"{value:.3f} s"


def expected(page, route="/"):
    """{q: seconds} as the server says its law has them; empty when it does not."""
    found = page.find("httpserver_expected_latency_quantile_seconds", route=route)
    return {float(labels["q"]): value for labels, value in found}


def promql(q, window):
    return f"histogram_quantile({q}, sum by (le) (increase({FAMILY}_bucket[{window}s])))"


def rows(page, ask, window):
    """One (name, law, recorded, asked, bucket) for each quantile, in seconds.

    `recorded` is interpolated in the server's own buckets; `ask(expression)` is Prometheus' answer;
    `bucket` is the (lower, upper] that the law's value falls into: no closer can a histogram say it.
    """
    histogram = page.histogram(FAMILY, step="total")
    law = expected(page)
    return [(f"p{q * 100:g}", law.get(q), histogram.quantile(q), ask(promql(q, window)),
             histogram.bucket_of(law[q]) if q in law else None) for q in QUANTILES]


def text(table, window):
    head = ("", "the law", "the server's", "Prometheus'", "the bucket that")
    below = ("", "(exact)", "own histogram", "answer", "holds the law's value")
    lines = ["{:<5} {:>10} {:>14} {:>12}   {}".format(*words) for words in (head, below)]
    for name, law, recorded, asked, bucket in table:
        bounds = f"{bucket[0]:g} to {bucket[1]:g} s" if bucket else "-"
        lines.append(f"{name:<5} {seconds(law):>10} {seconds(recorded):>14} {seconds(asked):>12}   "
                     f"{bounds}")
    lines += ["", "Prometheus was asked, for p95:", "  " + promql(0.95, window)]
    return "\n".join(lines)
