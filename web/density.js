// The law's density over the distribution that was measured, both in the same bars.

import { surface, theme, ticks } from "./canvas.js";
import { mark, count } from "./format.js";
import { binStart } from "./history.js";

const BARS = 72;

export class Density {
  constructor(canvas) {
    this.canvas = canvas;
  }

  draw(history, rule, server) {
    const { context, width, height, text } = surface(this.canvas);
    const plot = { x: text * 0.5, y: text * 0.8, width: width - text, height: height - text * 2.6 };
    const bins = history.bins(rule);
    const about = server.rules.find((one) => one.rule === rule);
    const masses = pairs(about?.masses ?? []);
    const total = bins.reduce((sum, [, value]) => sum + value, 0);
    const measured = bins.map(([bin, value]) => [bin, value / total]);
    const end = Math.max(endOf(masses, server.masses_per_octave), endOf(measured, server.bins_per_octave), 1e-4) * 1.06;
    const law = spread(masses, end, server.masses_per_octave);
    const bars = spread(measured, end, server.bins_per_octave);
    const highest = Math.max(...law, ...bars.map((value) => Math.min(value, 1.6 * Math.max(...law, 0) || value)), 1e-9);
    this.axes(context, plot, height, text, end);
    const step = plot.width / BARS;
    const y = (value) => plot.y + plot.height * (1 - Math.min(value / highest, 1));
    context.fillStyle = theme().measured;
    context.globalAlpha = 0.42;
    bars.forEach((value, i) => context.fillRect(plot.x + i * step + 0.5, y(value), step - 1, plot.y + plot.height - y(value)));
    context.globalAlpha = 1;
    context.strokeStyle = theme().law;
    context.lineWidth = 2;
    context.beginPath();
    law.forEach((value, i) => {
      context.lineTo(plot.x + i * step, y(value));
      context.lineTo(plot.x + (i + 1) * step, y(value));
    });
    if (masses.length > 0) {
      context.stroke();
    }
    this.canvas.setAttribute("aria-label", `Distribution of ${count(total)} requests of the last five minutes` +
      (masses.length ? `, against the law ${about.law}` : ""));
  }

  axes(context, plot, height, text, end) {
    const colours = theme();
    context.strokeStyle = colours.line;
    context.fillStyle = colours.muted;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(plot.x, plot.y + plot.height + 0.5);
    context.lineTo(plot.x + plot.width, plot.y + plot.height + 0.5);
    context.stroke();
    context.textBaseline = "bottom";
    for (const value of ticks(0, end, Math.max(3, Math.floor(plot.width / (text * 8))))) {
      const x = plot.x + (value / end) * plot.width;
      const widest = context.measureText(mark(value)).width / 2;
      context.textAlign = "center";
      if (x + widest <= plot.x + plot.width) {
        context.fillText(mark(value), Math.max(x, plot.x + widest), height - 1);
      }
    }
  }
}

function pairs(flat) {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
}

// Where the picture ends: behind 99.5 %.
function endOf(list, per) {
  let seen = 0;
  for (const [bin, mass] of list) {
    seen += mass;
    if (seen >= 0.995) {
      return binStart(bin + 1, per);
    }
  }
  return list.length ? binStart(list[list.length - 1][0] + 1, per) : 0;
}

// Bins of growing width into bars of one width: each gives as much as it overlaps.
function spread(list, end, per) {
  const bars = new Array(BARS).fill(0);
  const step = end / BARS;
  for (const [bin, mass] of list) {
    const from = binStart(bin, per) / step;
    const until = binStart(bin + 1, per) / step;
    for (let i = Math.floor(from); i < Math.min(until, BARS); i++) {
      bars[i] += (mass * (Math.min(until, i + 1) - Math.max(from, i))) / (until - from);
    }
  }
  return bars;
}
