// The heatmap: a column a second, a row an eighth of an octave of latency. The server's bins are
// narrower, and cut octaves into equal parts: a row gets as much of a bin as it overlaps.

import { surface, theme } from "./canvas.js";
import { count, mark, seconds, time } from "./format.js";
import { SECONDS, binStart } from "./history.js";

const ROWS_PER_OCTAVE = 8;
const LEAST = 0.25; // of a request: less is not drawn
const NAMES = ["p50", "p90", "p99"];
const MARKS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100];

export class Heatmap {
  constructor(canvas, reading) {
    this.canvas = canvas;
    this.reading = reading;
    this.offscreen = document.createElement("canvas");
    this.chosen = null; // the second that is read, as Unix time
    this.range = null;
    this.bounds = []; // of bins, once worked out
    canvas.addEventListener("pointermove", (event) => this.choose(this.secondAt(event.offsetX)));
    canvas.addEventListener("pointerleave", () => this.choose(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  draw(history, rule, server) {
    this.history = history;
    this.rule = rule;
    this.server = server;
    const { context, width, height, text } = surface(this.canvas);
    this.left = text * 4.2;
    this.right = text * 2.6;
    const bottom = text * 1.7;
    const plot = { x: this.left, y: 2, width: width - this.left - this.right, height: height - bottom - 2 };
    this.plot = plot;
    context.fillStyle = theme()["heat-0"];
    context.fillRect(plot.x, plot.y, plot.width, plot.height);
    this.axes(context, plot, height, text);
    if (!history.last) {
      return;
    }
    this.fit();
    this.cells(context, plot);
    this.axes(context, plot, height, text);
    this.laws(context, plot, text);
    this.cursor(context, plot);
  }

  // The rows: what was seen and what the law says, in whole octaves; of seconds, by log2.
  fit() {
    const values = [];
    for (const column of this.history.columns) {
      const rule = column.rules.get(this.rule);
      if (rule?.all.length) {
        values.push(this.bound(rule.all[0][0]), this.bound(rule.all[rule.all.length - 1][0] + 1));
      }
      values.push(...(rule?.law ?? []).filter((value) => value > 0).map(Math.log2));
    }
    const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [-10, 0];
    // What is rare and short would take most of the room: nine octaves are shown.
    const last = Math.floor(high + 1 / ROWS_PER_OCTAVE) + 1;
    const first = Math.max(Math.min(Math.floor(low), last - 4), last - 9);
    this.range = { first, rows: (last - first) * ROWS_PER_OCTAVE };
  }

  // Where a bin begins, in octaves of seconds.
  bound(bin) {
    this.bounds[bin] ??= Math.log2(Math.max(binStart(bin, this.server.bins_per_octave), 1e-9));
    return this.bounds[bin];
  }

  y(seconds) {
    const place = ((Math.log2(Math.max(seconds, 1e-9)) - this.range.first) * ROWS_PER_OCTAVE) / this.range.rows;
    return this.plot.y + this.plot.height * (1 - Math.min(Math.max(place, 0), 1));
  }

  x(at) {
    return this.plot.x + this.plot.width * (1 - (this.history.last.at - at + 1) / SECONDS);
  }

  cells(context, plot) {
    const { first, rows } = this.range;
    const counts = new Float64Array(SECONDS * rows);
    let highest = 1;
    for (const column of this.history.columns) {
      const x = SECONDS - 1 - (this.history.last.at - column.at);
      for (const [bin, value] of column.rules.get(this.rule)?.all ?? []) {
        const from = Math.max((this.bound(bin) - first) * ROWS_PER_OCTAVE, 0);
        const until = Math.max((this.bound(bin + 1) - first) * ROWS_PER_OCTAVE, from + 1e-6);
        for (let row = Math.floor(from); row < Math.min(until, rows); row++) {
          const part = (Math.min(until, row + 1) - Math.max(from, row)) / (until - from);
          const place = (rows - 1 - row) * SECONDS + x;
          counts[place] += value * part;
          highest = Math.max(highest, counts[place]);
        }
      }
    }
    const image = new ImageData(SECONDS, rows);
    const colours = theme().heat;
    const scale = Math.log1p(highest);
    counts.forEach((value, place) => {
      if (value >= LEAST) {
        const colour = colours[Math.round(40 + 215 * (Math.log1p(value) / scale))];
        image.data.set([...colour, 255], place * 4);
      }
    });
    this.offscreen.width = SECONDS;
    this.offscreen.height = rows;
    this.offscreen.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.offscreen, plot.x, plot.y, plot.width, plot.height);
  }

  axes(context, plot, height, text) {
    const colours = theme();
    context.fillStyle = colours.muted;
    context.strokeStyle = colours.muted;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    if (this.range) {
      for (const value of MARKS) {
        const y = this.y(value);
        if (Math.log2(value) < this.range.first || y < plot.y + text * 0.5 || y > plot.y + plot.height - text * 0.4) {
          continue;
        }
        context.fillText(mark(value), plot.x - text * 0.5, y);
        context.globalAlpha = 0.22;
        context.beginPath();
        context.moveTo(plot.x, y);
        context.lineTo(plot.x + plot.width, y);
        context.stroke();
        context.globalAlpha = 1;
      }
    }
    context.textBaseline = "bottom";
    for (let minute = 0; minute <= 5; minute += plot.width < text * 40 ? 2.5 : 1) {
      const x = plot.x + plot.width * (1 - minute / 5);
      context.textAlign = minute === 0 ? "right" : minute === 5 ? "left" : "center";
      context.fillText(minute === 0 ? "now" : `−${minute} min`, x, height - 1);
    }
  }

  // The law's quantiles; they step where the law was changed.
  laws(context, plot, text) {
    const width = plot.width / SECONDS;
    const colours = theme();
    const now = this.history.last.rules.get(this.rule)?.law;
    let lowest = -Infinity;
    for (let q = 2; q >= 0; q--) {
      const path = new Path2D();
      for (const column of this.history.columns) {
        const law = column.rules.get(this.rule)?.law;
        if (law) {
          const y = Math.round(this.y(law[q])) + 0.5;
          path.lineTo(this.x(column.at), y);
          path.lineTo(this.x(column.at) + width, y);
        }
      }
      context.lineWidth = 3.5;
      context.strokeStyle = colours["heat-0"];
      context.globalAlpha = 0.75;
      context.stroke(path);
      context.globalAlpha = 1;
      context.setLineDash([5, 4]);
      context.lineWidth = 1.75;
      context.strokeStyle = colours.law;
      context.stroke(path);
      context.setLineDash([]);
      if (now) {
        const y = Math.max(this.y(now[q]), lowest + text * 1.05, plot.y + text * 0.5);
        context.fillStyle = colours.law;
        context.textAlign = "left";
        context.textBaseline = "middle";
        context.fillText(NAMES[q], plot.x + plot.width + text * 0.3, y);
        lowest = y;
      }
    }
  }

  cursor(context, plot) {
    if (this.chosen === null) {
      return;
    }
    const x = this.x(this.chosen);
    context.strokeStyle = theme().buckets;
    context.lineWidth = 1.5;
    context.strokeRect(x - 0.75, plot.y, plot.width / SECONDS + 1.5, plot.height);
  }

  secondAt(x) {
    if (!this.history?.last) {
      return null;
    }
    const place = Math.floor(((x - this.plot.x) / this.plot.width) * SECONDS);
    return place < 0 || place >= SECONDS ? null : this.history.last.at - (SECONDS - 1 - place);
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -SECONDS, End: SECONDS };
    if (event.key === "Escape") {
      this.choose(null);
    } else if (event.key in steps && this.history?.last) {
      const last = this.history.last.at;
      const next = (this.chosen ?? last + 1) + steps[event.key];
      this.choose(Math.min(Math.max(next, last - SECONDS + 1), last));
      event.preventDefault();
    }
  }

  choose(at) {
    this.chosen = at;
    this.reading.textContent = at === null ? "Point at a second, or use the arrow keys." : this.describe(at);
    if (this.history) {
      this.draw(this.history, this.rule, this.server);
    }
  }

  describe(at) {
    const column = this.history.columns.find((other) => other.at === at);
    const rule = column?.rules.get(this.rule);
    if (!rule?.answered) {
      return `${time(at)}: no request was answered.`;
    }
    const { all } = rule;
    const [bin, most] = all.reduce((best, next) => (next[1] > best[1] ? next : best));
    const bound = (of) => seconds(binStart(of, this.server.bins_per_octave));
    return `${time(at)}: ${count(rule.answered)} requests, from ${bound(all[0][0])} to ` +
      `${bound(all[all.length - 1][0] + 1)}; most often ${bound(bin)} to ${bound(bin + 1)} (${count(most)}). ` +
      `${count(column.in_flight)} in flight.`;
  }
}
