// How numbers are shown.

const UNITS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];

// Four significant digits and a unit; "–" for what does not exist.
export function seconds(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return "–";
  }
  const size = Math.abs(value);
  const [scale, unit] = UNITS.find(([least]) => size >= least * 0.9995) ?? UNITS[3];
  return size === 0 ? "0 s" : `${digits(value / scale)} ${unit}`;
}

function digits(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

// A mark of an axis: as few digits as it needs.
export function mark(value) {
  if (value === 0) {
    return "0";
  }
  const [scale, unit] = UNITS.find(([least]) => value >= least * 0.9995) ?? UNITS[3];
  return `${Number((value / scale).toPrecision(3))} ${unit}`;
}

export function count(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}

export function rate(value) {
  return value >= 100 ? count(value) : value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

export function percent(value) {
  const text = Math.abs(value * 100).toLocaleString("en", { maximumSignificantDigits: 2, maximumFractionDigits: 1 });
  return `${value < 0 ? "−" : "+"}${text} %`;
}

export function time(unixSeconds) {
  return new Date(unixSeconds * 1000).toLocaleTimeString("en-GB");
}

// Puts a number into an element: <data> has it exactly, too.
export function show(element, value, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
  if (element.localName === "data") {
    element.value = value ?? "";
  } else if (value === null || value === undefined) {
    delete element.dataset.value;
  } else {
    element.dataset.value = value;
  }
}
