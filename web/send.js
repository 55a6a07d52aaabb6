// A few requests from the browser, each with what was drawn for it and how long it took.

import { seconds, show } from "./format.js";

let number = 0;

// What the answer and the browser tell of one request, in seconds.
async function sendOne() {
  const url = new URL(`../?sent=${Date.now()}-${number++}`, document.baseURI).href;
  const began = performance.now();
  const answer = await fetch(url, { cache: "no-store" });
  await answer.text();
  const total = (performance.now() - began) / 1000;
  const timing = answer.headers.get("server-timing") ?? "";
  const drawn = /\bdelay;dur=([\d.]+)/.exec(timing);
  const ordinal = /\bdraw;desc="(\d+)"/.exec(timing);
  const entry = performance.getEntriesByName(url)[0];
  return {
    status: answer.status,
    ordinal: ordinal?.[1] ?? null,
    drawn: drawn ? Number(drawn[1]) / 1000 : null,
    waited: entry?.responseStart ? (entry.responseStart - entry.requestStart) / 1000 : total,
    total,
  };
}

function lineFor(result) {
  const line = document.createElement("tr");
  const name = result.status === 200 ? (result.ordinal === null ? "–" : `#${result.ordinal}`) : `${result.status}`;
  line.insertCell().textContent = name;
  for (const value of [result.drawn, result.waited, result.total]) {
    show(line.insertCell(), value, seconds(value));
  }
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.dataset.seconds = result.total;
  line.insertCell().append(bar);
  return line;
}

function scaleBars(body) {
  const bars = [...body.querySelectorAll(".bar")];
  const longest = Math.max(...bars.map((bar) => Number(bar.dataset.seconds)));
  for (const bar of bars) {
    bar.style.width = `${(100 * Number(bar.dataset.seconds)) / longest}%`;
  }
}

export function setUpSending() {
  const form = document.getElementById("send-form");
  const body = document.getElementById("sent");
  const state = document.getElementById("send-state");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const wanted = Number(document.getElementById("send-count").value);
    button.disabled = true;
    body.replaceChildren();
    performance.clearResourceTimings();
    let done = 0;
    let failed = 0;
    state.textContent = `0 of ${wanted} answered`;
    await Promise.all(Array.from({ length: wanted }, async () => {
      try {
        const result = await sendOne();
        if (result.status === 404) {
          state.textContent = "/ is at another address than this page";
        }
        body.append(lineFor(result));
        scaleBars(body);
        done++;
      } catch {
        failed++;
      }
      state.textContent = failed ? `${done} of ${wanted} answered, ${failed} failed` : `${done} of ${wanted} answered`;
    }));
    button.disabled = false;
  });
}
