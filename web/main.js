// The live page: follows the server's events and draws what they tell. See docs/live-page.md.

import { onThemeChange } from "./canvas.js";
import { Density } from "./density.js";
import { follow } from "./feed.js";
import { time } from "./format.js";
import { Heatmap } from "./heatmap.js";
import { History } from "./history.js";
import { setUpLaw, showForm } from "./law.js";
import { Lines } from "./lines.js";
import { drawNumbers } from "./numbers.js";
import { setUpSending } from "./send.js";

const STATES = {
  connecting: "connecting",
  live: "live",
  quiet: "no traffic yet",
  draining: "draining: the server ends",
  refused: "too many viewers, trying again",
  lost: "connection lost, trying again",
};

const element = (id) => document.getElementById(id);
const history = new History();
const heatmap = new Heatmap(element("heatmap"), element("reading"));
const lines = ["p50", "p90", "p99"].map((name, q) => new Lines(element(`line-${q}`), element(`verdict-${q}`), name, q));
const density = new Density(element("density"));
const waiting = []; // events that came before the server was known
let server = null;
let known = null; // the run that `server` is about
let asking = false;
let chosenRule = "default";
let state = "connecting";
let scheduled = false;

function showState() {
  const traffic = history.columns.some((column) => [...column.rules.values()].some((rule) => rule.since.count > 0));
  const shown = state === "live" && !traffic ? "quiet" : state;
  const pill = element("state");
  if (pill.dataset.state !== shown) {
    pill.dataset.state = shown;
    pill.textContent = STATES[shown];
    document.body.toggleAttribute("data-stale", ["lost", "draining", "refused"].includes(shown));
    document.title = shown === "live" ? "httpserver" : `httpserver: ${STATES[shown]}`;
  }
}

function draw() {
  scheduled = false;
  showState();
  if (!server) {
    return;
  }
  heatmap.draw(history, chosenRule, server);
  density.draw(history, chosenRule, server);
  if (history.last) {
    lines.forEach((line) => line.draw(history, chosenRule));
    drawNumbers(history, chosenRule, server);
    chooseRules();
  }
}

function redraw() {
  if (!scheduled) {
    scheduled = true;
    requestAnimationFrame(draw);
  }
}

// More than one rule or route has had requests: then it is a choice.
function chooseRules() {
  const seen = new Set(["default"]);
  history.columns.forEach((column) => column.rules.forEach((_, name) => seen.add(name)));
  const list = element("rule");
  const leftOut = history.last.left_out;
  const wanted = `${[...seen].join("\n")}\n${leftOut}`;
  if (list.dataset.shown !== wanted) {
    list.dataset.shown = wanted;
    list.replaceChildren(...[...seen].map((name) => {
      const about = server.rules.find((rule) => rule.rule === name);
      return new Option(name === "default" ? "/" : about ? `${about.route} (${name})` : name, name);
    }));
    if (leftOut > 0) {
      const more = new Option(`${leftOut} more had no room`);
      more.disabled = true;
      list.append(more);
    }
    list.value = chosenRule;
    element("rule-choice").hidden = seen.size < 2;
  }
}

function showServer() {
  const rule = server.rules.find((one) => one.rule === "default");
  element("law").textContent = !rule ? "what its rules say" : rule.law === "none" ? "nothing" : rule.law;
  for (const name of ["seed", "version", "instance"]) {
    element(name).textContent = server[name];
  }
  const changed = rule && rule.since > server.started;
  element("since-title").textContent = `since ${time(changed ? rule.since : server.started)}`;
  showForm(server.admin);
}

// Whether the events tell of the server and the laws that are known.
function isKnown() {
  return known === history.run && [...history.last.rules.values()].every(
    (rule) => !rule.in_force || server.rules.some((one) => one.slot === rule.slot && one.rule === rule.rule));
}

// What the server is is asked when an event tells of another one, or of another law.
async function askServer() {
  if (asking) {
    return;
  }
  asking = true;
  try {
    const answer = await fetch("server.json", { cache: "no-store" });
    if (answer.ok) {
      server = await answer.json();
      while (waiting.length > 0) {
        take(...waiting.shift());
      }
      known = history.run;
      showServer();
      redraw();
    }
  } catch {
    // The stream is lost then, too, and comes back with it.
  } finally {
    asking = false;
  }
}

function take(id, second) {
  history.add(id, second, server.bounds_seconds);
}

function onSecond(id, second) {
  if (!server) {
    waiting.push([id, second]);
    askServer();
    return;
  }
  take(id, second);
  if (!isKnown()) {
    askServer();
  }
  redraw();
}

element("rule").addEventListener("change", (event) => {
  chosenRule = event.target.value;
  redraw();
});
setUpSending();
setUpLaw(askServer);
onThemeChange(redraw);
new ResizeObserver(redraw).observe(document.body);
askServer();
follow("../events", onSecond, (next) => {
  state = next;
  showState();
});
