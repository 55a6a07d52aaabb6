// The tiles and the table: every number as text.

import { spark, theme } from "./canvas.js";
import { count, rate, seconds, show } from "./format.js";
import { SECONDS } from "./history.js";

const element = (id) => document.getElementById(id);

export function drawNumbers(history, rule, server) {
  tiles(history, rule);
  table(history.last.rules.get(rule), server.rules.find((one) => one.rule === rule));
}

function rateOf(column) {
  return Object.values(column.codes).reduce((sum, value) => sum + value, 0) / column.covered_seconds;
}

function tiles(history, rule) {
  const last = history.last;
  const found = last.rules.get(rule);
  show(element("rate"), rateOf(last), rate(rateOf(last)));
  show(element("in-flight"), last.in_flight, count(last.in_flight));
  const overshoot = found?.minute.overshoot_seconds ?? null;
  show(element("overshoot"), overshoot, seconds(overshoot));
  show(element("draws"), found?.draws, found?.draws === undefined ? "–" : count(found.draws));
  codes(history.recent());
  const bySecond = (read) => {
    const values = new Array(SECONDS).fill(null);
    history.columns.forEach((column) => {
      values[SECONDS - 1 - (last.at - column.at)] = read(column);
    });
    return values;
  };
  spark(element("rate-spark"), bySecond(rateOf), theme().measured);
  spark(element("in-flight-spark"), bySecond((column) => column.in_flight), theme().measured);
}

function codes(columns) {
  const sums = new Map();
  for (const column of columns) {
    for (const [code, value] of Object.entries(column.codes)) {
      sums.set(code, (sums.get(code) ?? 0) + value);
    }
  }
  const lines = [...sums].sort(([a], [b]) => a.localeCompare(b)).map(([code, value]) => {
    const line = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = code;
    line.dataset.code = code;
    line.dataset.value = value;
    line.append(name, count(value));
    return line;
  });
  if (lines.length === 0) {
    const none = document.createElement("li");
    none.className = "muted";
    none.textContent = "none yet";
    lines.push(none);
  }
  element("codes").replaceChildren(...lines);
}

function table(found, about) {
  const mean = (span) => (span?.count ? span.sum_seconds / span.count : null);
  for (let q = 0; q < 3; q++) {
    row(`row-${q}`, [found?.law?.[q], found?.minute.quantiles[q], found?.minute.count ? found.said[q] : null,
      found?.since.quantiles[q], found?.saidSince[q]]);
  }
  row("row-mean", [about?.mean_seconds, mean(found?.minute), undefined, mean(found?.since), undefined]);
  const cells = element("row-count").cells;
  show(cells[2], found?.minute.count, found ? count(found.minute.count) : "–");
  show(cells[4], found?.since.count, found ? count(found.since.count) : "–");
}

function row(id, values) {
  const cells = element(id).cells;
  values.forEach((value, i) => {
    if (cells[i + 1].textContent !== "") {
      show(cells[i + 1], value, seconds(value));
    }
  });
}
