// A canvas that is as sharp as the screen, and the colours of the page on it.

export function surface(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const pixels = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
    [canvas.width, canvas.height] = pixels;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.78;
  context.font = `${size}px system-ui, "DejaVu Sans", sans-serif`;
  return { context, width, height, text: size };
}

const names = ["paper", "card", "ink", "muted", "line", "law", "measured", "buckets", "heat-0", "heat-1", "heat-2", "heat-3", "heat-4"];
let colours = null;

export function theme() {
  if (colours === null) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    colours.heat = ramp([0, 1, 2, 3, 4].map((step) => rgb(colours[`heat-${step}`])));
  }
  return colours;
}

export function onThemeChange(redraw) {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    colours = null;
    redraw();
  });
}

function rgb(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

// 256 colours through the stops.
function ramp(stops) {
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((from, channel) => Math.round(from + (stops[low + 1][channel] - from) * (place - low)));
  });
}

// About `wanted` round values from `low` to `high`.
export function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.ceil(low / step - 1e-9);
  const values = [];
  for (let i = first; i * step <= high + step * 1e-9; i++) {
    values.push(i * step);
  }
  return values;
}

// A small filled line without axes.
export function spark(canvas, values, colour) {
  const { context, width, height } = surface(canvas);
  const highest = Math.max(...values.filter((value) => value !== null), 1e-9);
  const step = width / Math.max(values.length - 1, 1);
  context.beginPath();
  context.moveTo(0, height);
  values.forEach((value, i) => context.lineTo(i * step, height - ((value ?? 0) / highest) * (height - 3)));
  context.lineTo(width, height);
  context.closePath();
  context.globalAlpha = 0.16;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
}
