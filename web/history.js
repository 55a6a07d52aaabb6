// The last five minutes, a second after the other, as the events tell them.

import { histogramQuantile } from "./quantile.js";

export const SECONDS = 300;
export const WINDOW = 60;
export const QUANTILES = [0.5, 0.9, 0.99];

export class History {
  constructor() {
    this.columns = [];
    this.run = null; // of the server: its ids begin so
  }

  get last() {
    return this.columns[this.columns.length - 1];
  }

  // An event, with its id RUN-NUMBER. False when it is known already.
  add(id, second, bounds) {
    const cut = id.lastIndexOf("-");
    const run = id.slice(0, cut);
    const number = Number(id.slice(cut + 1));
    if (run === this.run && this.last && number <= this.last.number) {
      return false;
    }
    if (run !== this.run) {
      // Another process: its counts begin anew, and what was before stays to be seen.
      this.run = run;
    }
    const column = { ...second, number, run, at: Math.floor(second.time - 0.5) };
    column.slots = new Map(second.rules.map((entry) => [entry.slot, entry]));
    column.rules = byName(second.rules);
    this.columns.push(column);
    while (this.columns.length > SECONDS || this.last.at - this.columns[0].at >= SECONDS) {
      this.columns.shift();
    }
    for (const rule of column.slots.values()) {
      rule.buckets = this.windowBuckets(column, rule);
      rule.said = QUANTILES.map((q) => histogramQuantile(q, bounds, rule.buckets));
      rule.saidSince = QUANTILES.map((q) => histogramQuantile(q, bounds, rule.since.buckets));
    }
    return true;
  }

  // The buckets' increase over the last minute.
  windowBuckets(column, rule) {
    const from = column.at - WINDOW;
    const earlier = this.columns.findLast(
      (other) => other.at <= from && other.run === column.run && other.slots.has(rule.slot));
    const before = earlier?.slots.get(rule.slot).since.buckets;
    return rule.since.buckets.map((count, i) => count - (before ? before[i] : 0));
  }

  // The columns of the last minute.
  recent() {
    return this.columns.filter((column) => column.at > this.last.at - WINDOW);
  }

  // Requests by coarse bin over all columns, under the law as it is now: [bin, count] in order.
  bins(name) {
    const slot = this.last?.rules.get(name)?.slot;
    const lists = this.columns.filter((column) => column.run === this.run).map((column) => column.slots.get(slot)?.bins ?? []);
    return sumOf(lists);
  }
}

function sumOf(lists) {
  const sums = new Map();
  for (const bins of lists) {
    for (let i = 0; i < bins.length; i += 2) {
      sums.set(bins[i], (sums.get(bins[i]) ?? 0) + bins[i + 1]);
    }
  }
  return [...sums].sort(([a], [b]) => a - b);
}

// Entries by rule or route. When a law was changed, requests of the one before still come: their
// counts are added to those of the rule in force, whose law and figures it is.
function byName(entries) {
  const rules = new Map();
  for (const entry of entries) {
    const name = entry.rule ?? entry.route;
    const before = rules.get(name);
    if (before) {
      before.all = sumOf([before.all.flat(), entry.bins]);
      before.answered += entry.count;
    } else {
      entry.all = sumOf([entry.bins]);
      entry.answered = entry.count;
      rules.set(name, entry);
    }
  }
  return rules;
}

// Where a coarse bin begins, in seconds: octaves of nanoseconds cut into equal parts.
export function binStart(bin, perOctave) {
  const octave = Math.floor(bin / perOctave);
  const smallest = 512 / perOctave; // bins of a nanosecond each, so many to a coarse one
  if (octave < 2) {
    return bin * smallest * 1e-9;
  }
  return (perOctave + (bin % perOctave)) * smallest * 2 ** (octave - 1) * 1e-9;
}
