"""Medians, ratios and the distance from the budgets, as tables and as JSON."""

import statistics

FLOOR, NGINX, H2O, GO = "floor", "nginx", "h2o", "go"
OURS, OURS_LOGGING = "httpserver", "httpserver, access log"
# What the filter of system calls costs: the floor with one, ours without.
FLOOR_FILTERED, OURS_UNFILTERED = "floor, filtered", "httpserver, unfiltered"
# No head of a request is like the one before, so that none is recognised (src/http/head_memo.h).
OURS_UNLIKE = "httpserver, heads that differ"
NAMES = {FLOOR: "the kernel's floor", FLOOR_FILTERED: "floor, calls filtered",
         NGINX: "nginx, return 200", H2O: "h2o, small file", GO: "Go net/http + client_golang",
         OURS: "httpserver", OURS_UNFILTERED: "httpserver --seccomp off",
         OURS_UNLIKE: "httpserver, heads differ", OURS_LOGGING: "httpserver, access log"}

# What the project wants to hold; reported, not yet a condition.
BUDGETS = (
    ("CPU per request, log off", "of the floor", 1.06,
     lambda r: ratio(r, "plain", OURS, FLOOR, "cpu_us")),
    ("of it in user space", "us", 0.35, lambda r: median(r, "plain", OURS, "user_us")),
    ("CPU per request, log to a file", "of the floor", 1.12,
     lambda r: ratio(r, "plain", OURS_LOGGING, FLOOR, "cpu_us")),
    ("CPU per request, 16 pipelined", "us", 0.5, lambda r: median(r, "pipelined", OURS, "cpu_us")),
    ("the same", "of nginx", 0.125, lambda r: ratio(r, "pipelined", OURS, NGINX, "cpu_us")),
    ("memory, 15,000 requests waiting", "MB", 20.0, lambda r: waiting_megabytes(r, OURS)),
    ("the same", "of Go", 0.04, lambda r: waiting_ratio(r, OURS, GO)),
)


def values(results, kind, name, field):
    return [run[field] for run in results[kind].get(name, ())]


def median(results, kind, name, field):
    found = values(results, kind, name, field)
    return statistics.median(found) if found else None


def ratio(results, kind, name, to, field):
    """The median of the ratios within each round: what drifts between rounds cancels out."""
    pairs = list(zip(values(results, kind, name, field), values(results, kind, to, field)))
    return statistics.median(one / other for one, other in pairs) if pairs else None


def waiting_megabytes(results, name):
    found = [run["waiting_bytes"] / 1e6 for run in results["waiting"].get(name, ())]
    return statistics.median(found) if found else None


def waiting_ratio(results, name, to):
    one, other = waiting_megabytes(results, name), waiting_megabytes(results, to)
    return None if one is None or other is None else one / other


def spread(found, digits):
    return f"{statistics.median(found):.{digits}f} ({min(found):.{digits}f}-{max(found):.{digits}f})"


def _cost_table(results, kind, title):
    lines = [f"{title}: medians (least-most)",
             f"{'':<28}{'CPU/request, us':<22}{'user':<20}{'system':<20}{'requests/s':<12}"
             f"{'of floor':<10}{'of nginx':<8}"]
    for name, runs in results[kind].items():
        if not runs:
            continue
        cells = [spread(values(results, kind, name, field), 2)
                 for field in ("cpu_us", "user_us", "system_us")]
        rate = median(results, kind, name, "requests_per_second")
        to = [ratio(results, kind, name, other, "cpu_us") for other in (FLOOR, NGINX)]
        shown = ["-" if value is None else f"{value:.3f}" for value in to]
        lines.append(f"{NAMES[name]:<28}{cells[0]:<22}{cells[1]:<20}{cells[2]:<20}{rate:<12,.0f}"
                     f"{shown[0]:<10}{shown[1]:<8}")
    return "\n".join(lines)


def _waiting_table(results):
    lines = [f"Resident memory, MB{'':<9}{'requests waiting':<22}{'none':<22}{'of them':<22}"]
    for name, runs in results["waiting"].items():
        if not runs:
            continue
        before = [run["before_bytes"] / 1e6 for run in runs]
        waiting = [run["waiting_bytes"] / 1e6 for run in runs]
        lines.append(f"{NAMES[name]:<28}{runs[0]['connections']:<22,}{spread(before, 1):<22}"
                     f"{spread(waiting, 1):<22}")
    return "\n".join(lines)


def budgets(results):
    """[{name, unit, budget, value}]; value None when it was not measured."""
    return [{"name": name, "unit": unit, "budget": budget, "value": value(results)}
            for name, unit, budget, value in BUDGETS]


def _budget_table(results):
    lines = [f"{'Budgets':<36}{'budget':<20}{'measured':<12}{'distance':<10}"]
    for budget in budgets(results):
        value, limit = budget["value"], budget["budget"]
        text = f"{limit:g} {budget['unit']}"
        if value is None:
            lines.append(f"{budget['name']:<36}{text:<20}not measured")
        else:
            verdict = "within" if value <= limit else "over"
            lines.append(f"{budget['name']:<36}{text:<20}{value:<12.3f}"
                         f"{(value / limit - 1) * 100:+.0f} % {verdict}")
    return "\n".join(lines)


def text(results):
    tables = [_cost_table(results, "plain", "One request at a time on 64 connections"),
              _cost_table(results, "pipelined", "16 requests pipelined on 64 connections")]
    if any(results["waiting"].values()):
        tables.append(_waiting_table(results))
    return "\n\n".join(tables + [_budget_table(results)])
