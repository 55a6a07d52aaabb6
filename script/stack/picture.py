"""Draws what a Grafana panel shows as an SVG that needs nothing else."""

import math
from xml.sax.saxutils import escape

BACKGROUND, CANVAS, GRID, TEXT, DIM = "#181b1f", "#111217", "#2c3235", "#d8d9da", "#8e9299"
COLORS = {"green": "#73bf69", "yellow": "#f2cc0c", "orange": "#ff9830", "red": "#f2495c",
          "blue": "#5794f2", "purple": "#b877d9"}
PALETTE = ("#73bf69", "#5794f2", "#ff9830", "#f2cc0c", "#b877d9", "#f2495c", "#8ab8ff", "#c0d8ff")
FONT = 'font-family="system-ui,Segoe UI,Roboto,Helvetica,Arial,sans-serif"'
TITLE_HEIGHT, AXIS_WIDTH, AXIS_HEIGHT, LEGEND_HEIGHT, EDGE = 30, 66, 20, 22, 12
TIME_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def text(x, y, content, *, size=11, color=DIM, anchor="start", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}" '
            f'{more}>{escape(content)}</text>')


def amount(value, unit):
    """As Grafana writes it, in short."""
    if unit == "s":
        for factor, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
            if abs(value) >= factor or name == "µs":
                return f"{value / factor:.3g} {name}" if value else "0 s"
    if unit == "bytes":
        return f"{value / 1048576:.3g} MiB"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    suffix = {"reqps": " req/s", "cps": " /s"}.get(unit, "")
    return f"{value:.3g}{suffix}" if abs(value) < 1000 else f"{value:,.0f}{suffix}"


def nice_steps(most, count=4):
    """Round values from 0 to at least `most`."""
    raw = (most or 1) / count
    magnitude = 10 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999)
    return [step * index for index in range(math.ceil(most / step - 1e-9) + 1)] if most else [0, step]


class Frame:
    """The inside of a panel: where times and values are."""

    def __init__(self, width, height, start, end, legend):
        self.left, self.right = AXIS_WIDTH, width - EDGE
        self.top = TITLE_HEIGHT + 4
        self.bottom = height - AXIS_HEIGHT - (LEGEND_HEIGHT if legend else 6)
        self.start, self.end = start, end
        self.most = 1.0

    def x(self, time):
        return self.left + (self.right - self.left) * (time - self.start) / (self.end - self.start)

    def y(self, value):
        return self.bottom - (self.bottom - self.top) * value / self.most

    def times(self):
        """Labels of the time axis: minutes and seconds since its start."""
        span = self.end - self.start
        step = next((step for step in TIME_STEPS if span / step <= 6), TIME_STEPS[-1])
        for index in range(int(span // step) + 1):
            seconds = index * step
            yield (f'<path d="M{self.x(self.start + seconds):.1f} {self.top}V{self.bottom}" stroke="{GRID}"/>'
                   + text(self.x(self.start + seconds), self.bottom + 15,
                          f"{seconds // 60:.0f}:{seconds % 60:02.0f}", anchor="middle"))

    def values(self, steps, unit):
        self.most = steps[-1]
        for value in steps:
            yield (f'<path d="M{self.left} {self.y(value):.1f}H{self.right}" stroke="{GRID}"/>'
                   + text(self.left - 6, self.y(value) + 4, amount(value, unit), anchor="end"))


def style_of(panel, legend, index):
    """(color, dashed) of a series, by the panel's overrides."""
    color, dashed = PALETTE[index % len(PALETTE)], False
    for override in panel["fieldConfig"]["overrides"]:
        wanted = override["matcher"]["options"]
        if override["matcher"]["id"] == "byRegexp":
            inside = wanted.strip("/")
            matches = legend.startswith(inside[1:]) if inside.startswith("^") else inside in legend
        else:
            matches = legend == wanted
        for one in override["properties"] if matches else ():
            if one["id"] == "color":
                color = COLORS[one["value"]["fixedColor"]]
            elif one["id"] == "custom.lineStyle":
                dashed = True
    return color, dashed


def path_of(frame, points):
    """The line, with a gap where there is no value."""
    pieces, pen = [], "M"
    for time, value in points:
        if value is None:
            pen = "M"
            continue
        pieces.append(f"{pen}{frame.x(time):.1f} {frame.y(value):.1f}")
        pen = "L"
    return "".join(pieces)


def diamonds(frame, exemplars, most=40):
    every = max(1, len(exemplars) // most)
    for time, value, trace in exemplars[::every]:
        if frame.start <= time <= frame.end and value <= frame.most:
            x, y = frame.x(time), frame.y(value)
            yield (f'<path d="M{x:.1f} {y - 4:.1f}l4 4-4 4-4-4z" fill="{COLORS["blue"]}" opacity=".75">'
                   f"<title>trace {escape(trace)}</title></path>")


def legend_of(panel, lines, width, height):
    """In one line; smaller where that is too narrow."""
    wanted = sum(36 + 6.4 * len(series.legend) for series in lines)
    scale = min(1.0, (width - AXIS_WIDTH - EDGE) / max(wanted, 1))
    x = float(AXIS_WIDTH)
    for index, series in enumerate(lines):
        color, dashed = style_of(panel, series.legend, index)
        dash = ' stroke-dasharray="5 3"' if dashed else ""
        yield (f'<path d="M{x:.1f} {height - 12}h{16 * scale:.1f}" stroke="{color}" stroke-width="3"{dash}/>'
               + text(x + 21 * scale, height - 8, series.legend, size=round(11 * scale, 1), color=TEXT))
        x += (36 + 6.4 * len(series.legend)) * scale


def stacked(lines):
    """[(series, its lower edge, its upper edge)], each on top of those before it."""
    below = {}
    for series in lines:
        lower = [(time, below.get(time, 0.0)) for time, _ in series.points]
        upper = [(time, below.get(time, 0.0) + (value or 0.0)) for time, value in series.points]
        below.update(upper)
        yield series, lower, upper


def timeseries(panel, answers, width, height, start, end):
    lines = [series for found in answers.series for series in found]
    defaults = panel["fieldConfig"]["defaults"]
    with_legend = panel["options"]["legend"].get("showLegend", True)
    frame = Frame(width, height, start, end, with_legend)
    piled = "stacking" in defaults["custom"]
    layers = list(stacked(lines)) if piled else [(series, None, series.points) for series in lines]
    most = max((value for _, _, points in layers for _, value in points if value is not None), default=1)
    yield from frame.times()
    scale = 1048576 if defaults["unit"] == "bytes" else 1
    yield from frame.values([scale * step for step in nice_steps(most / scale)], defaults["unit"])
    # The lowest of a pile last: a layer of no height must not hide the one below it.
    for index, (series, lower, upper) in reversed(list(enumerate(layers))):
        color, dashed = style_of(panel, series.legend, index)
        line = path_of(frame, upper)
        if piled and upper:
            back = path_of(frame, reversed(lower)).replace("M", "L", 1)
            yield f'<path d="{line}{back}z" fill="{color}" opacity=".3"/>'
        dash = ' stroke-dasharray="7 5" opacity=".9"' if dashed else ""
        yield f'<path d="{line}" fill="none" stroke="{color}" stroke-width="1.8" stroke-linejoin="round"{dash}/>'
    yield from diamonds(frame, answers.exemplars)
    if with_legend:
        yield from legend_of(panel, lines, width, height)


def heat_color(part):
    """From the canvas to a pale yellow, by way of dark red and orange."""
    stops = ((0.0, (24, 27, 31)), (0.25, (110, 36, 20)), (0.6, (232, 112, 26)), (1.0, (255, 236, 160)))
    for (low, dark), (high, light) in zip(stops, stops[1:]):
        if part <= high:
            share = (part - low) / (high - low)
            return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(dark, light))
    return "#ffeca0"


def heatmap(panel, answers, width, height, start, end):
    """Cumulative buckets, a row for each; rows that nothing fell into at either end are left out."""
    rows = sorted(((float(series.labels["le"]), dict(series.points)) for series in answers.series[0]),
                  key=lambda row: row[0])
    times = sorted({time for _, values in rows for time in values})
    cells, below = [], dict.fromkeys(times, 0.0)
    for bound, values in rows:
        cells.append((bound, {time: max(0.0, (values.get(time) or 0.0) - below[time]) for time in times}))
        below = {time: values.get(time) or 0.0 for time in times}
    while cells and not any(cells[-1][1].values()):
        cells.pop()
    while len(cells) > 2 and not any(cells[0][1].values()):
        cells.pop(0)
    frame = Frame(width, height, start, end, False)
    most = max((value for _, row in cells for value in row.values()), default=1) or 1
    tall = (frame.bottom - frame.top) / max(len(cells), 1)
    wide = (frame.right - frame.left) * (times[1] - times[0]) / (end - start) if len(times) > 1 else 1
    yield from frame.times()
    for index, (bound, row) in enumerate(cells):
        y = frame.bottom - (index + 1) * tall
        yield text(frame.left - 6, y + 4, amount(bound, "s"), anchor="end")
        for time, value in row.items():
            if value:
                yield (f'<rect x="{frame.x(time):.1f}" y="{y + 0.5:.1f}" width="{wide:.1f}" '
                       f'height="{tall - 1:.1f}" fill="{heat_color((value / most) ** 0.6)}"/>')


def bargauge(panel, answers, width, height, start, end):
    """The last values as bars, colored by the thresholds; a line stands at 1."""
    defaults = panel["fieldConfig"]["defaults"]
    shown = [series for found in answers.series for series in found]
    tall = (height - TITLE_HEIGHT - EDGE) / max(len(shown), 1)
    left, right = 60, width - 64
    steps = defaults["thresholds"]["steps"]
    for index, series in enumerate(shown):
        value = next((value for _, value in reversed(series.points) if value is not None), 0.0)
        color = next(COLORS[step["color"]] for step in reversed(steps)
                     if step["value"] is None or value >= step["value"])
        y = TITLE_HEIGHT + index * tall + 6
        reach = (right - left) / defaults["max"]
        yield (f'<rect x="{left}" y="{y:.1f}" width="{right - left}" height="{tall - 12:.1f}" fill="{GRID}" '
               f'opacity=".5"/><rect x="{left}" y="{y:.1f}" width="{min(value, defaults["max"]) * reach:.1f}" '
               f'height="{tall - 12:.1f}" fill="{color}" opacity=".75"/>'
               f'<path d="M{left + reach:.1f} {y - 3:.1f}v{tall - 6:.1f}" stroke="{TEXT}" stroke-width="2"/>')
        name = panel["targets"][index]["legendFormat"]
        yield text(left - 10, y + tall / 2, name, size=14, color=TEXT, anchor="end")
        yield text(right + 8, y + tall / 2, f"{value:.3f}", size=15, color=color)


KINDS = {"timeseries": timeseries, "heatmap": heatmap, "bargauge": bargauge}


def inside(panel, answers, width, height, start, end):
    """The panel as a group of SVG elements."""
    pieces = [f'<rect width="{width}" height="{height}" rx="3" fill="{BACKGROUND}" stroke="{GRID}"/>',
              text(12, 20, panel["title"], size=13, color=TEXT, more='font-weight="600"')]
    pieces += KINDS[panel["type"]](panel, answers, width, height, start, end)
    return "\n".join(pieces)


def document(content, width, height, title):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" {FONT} role="img">\n<title>{escape(title)}</title>\n'
            f"{content}\n</svg>\n")


def panel_picture(panel, answers, start, end, width=760, height=300):
    return document(inside(panel, answers, width, height, start, end), width, height, panel["title"])


def whole_picture(dashboard, answers, start, end, width=1440):
    """All panels where the dashboard has them; `answers` by the panel's id."""
    column, line, gap = width / 24, 34, 4
    pieces, bottom = [], 0
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        x, y = place["x"] * column, 8 + place["y"] * line
        bottom = max(bottom, y + place["h"] * line)
        if panel["type"] == "row":
            pieces.append(text(x + 10, y + 22, panel["title"], size=15, color=TEXT))
            continue
        pieces.append(f'<g transform="translate({x + gap:.0f} {y + gap:.0f})">' + inside(
            panel, answers[panel["id"]], place["w"] * column - 2 * gap, place["h"] * line - 2 * gap,
            start, end) + "</g>")
    height = round(bottom + 10)
    ground = f'<rect width="{width}" height="{height}" fill="{CANVAS}"/>'
    return document("\n".join([ground, *pieces]), width, height, dashboard["title"])
