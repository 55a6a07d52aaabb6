// One quantile over time: as the law says, as measured, as the buckets say.

import { surface, theme, ticks } from "./canvas.js";
import { mark, percent, seconds } from "./format.js";
import { SECONDS } from "./history.js";

const KINDS = [
  ["buckets", (rule, q) => (rule.minute.count ? rule.said[q] : null), []],
  ["measured", (rule, q) => rule.minute.quantiles[q] ?? null, []],
  ["law", (rule, q) => rule.law?.[q] ?? null, [6, 4]],
];

export class Lines {
  constructor(canvas, verdict, name, q) {
    Object.assign(this, { canvas, verdict, name, q });
  }

  draw(history, rule) {
    const { context, width, height, text } = surface(this.canvas);
    const plot = { x: text * 4.7, y: text * 0.6, width: width - text * 5, height: height - text * 2.3 };
    const values = KINDS.map(([, read]) => history.columns.map((column) => {
      const found = column.rules.get(rule);
      return found ? read(found, this.q) : null;
    }));
    const range = rangeOf(values.map((list) => list.filter((value) => value !== null)));
    const y = (value) => plot.y + plot.height * (1 - (value - range.low) / (range.high - range.low));
    this.axes(context, plot, height, text, range, y);
    context.save();
    context.beginPath();
    context.rect(plot.x, 0, plot.width + text, plot.y + plot.height + 1);
    context.clip();
    KINDS.forEach(([colour, , dash], kind) => {
      context.strokeStyle = theme()[colour];
      context.lineWidth = colour === "measured" ? 2 : 1.75;
      context.setLineDash(dash);
      context.lineJoin = "round";
      context.beginPath();
      let pen = false;
      history.columns.forEach((column, i) => {
        const value = values[kind][i];
        const x = plot.x + plot.width * (1 - (history.last.at - column.at) / (SECONDS - 1));
        if (value !== null) {
          context[pen ? "lineTo" : "moveTo"](x, y(value));
        }
        pen = value !== null;
      });
      context.stroke();
    });
    context.restore();
    this.tell(history.last?.rules.get(rule));
  }

  axes(context, plot, height, text, range, y) {
    const colours = theme();
    context.fillStyle = colours.muted;
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of ticks(range.low, range.high, 4)) {
      context.beginPath();
      context.moveTo(plot.x, Math.round(y(value)) + 0.5);
      context.lineTo(plot.x + plot.width, Math.round(y(value)) + 0.5);
      context.stroke();
      context.fillText(mark(value), plot.x - text * 0.5, y(value));
    }
    context.textBaseline = "bottom";
    context.fillText("now", plot.x + plot.width, height - 1);
    context.textAlign = "left";
    context.fillText("−5 min", plot.x, height - 1);
  }

  // In words, for everybody, and what the picture shows for who does not see it.
  tell(rule) {
    const [said, measured, law] = KINDS.map(([, read]) => (rule ? read(rule, this.q) : null));
    const off = law && said ? `buckets ${percent(said / law - 1)}` : "\u00a0";
    if (this.verdict.textContent !== off) {
      this.verdict.textContent = off;
    }
    this.canvas.setAttribute("aria-label",
      `${this.name} of the last minute: law ${seconds(law)}, measured ${seconds(measured)}, buckets say ${seconds(said)}`);
  }
}

// Room around what there is, but for the few values that are far from all others: the first ones
// after a start or a change are of very few requests. A flat line is in the middle.
function rangeOf(lists) {
  const kept = lists.flatMap((list) => {
    const sorted = [...list].sort((a, b) => a - b);
    const few = Math.floor(sorted.length * 0.08);
    return sorted.length === 0 ? [] : [sorted[few], sorted[sorted.length - 1 - few], list[list.length - 1]];
  });
  if (kept.length === 0) {
    return { low: 0, high: 1 };
  }
  const low = Math.min(...kept);
  const high = Math.max(...kept);
  const room = Math.max((high - low) * 0.25, high * 0.01, 1e-6);
  return { low: Math.max(low - room, 0), high: high + room };
}
