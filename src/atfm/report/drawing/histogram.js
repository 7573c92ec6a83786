// How large the outlines are: a bar for each size, in the colours of the hypotheses, and one for empty masks.

import { styleOf } from "./colours.js";
import { svg } from "./element.js";
import { digits } from "./quantity.js";

const [WIDTH, HEIGHT, TOP, FOOT, EMPTY, GAP] = [320, 150, 20, 34, 22, 12];

/** A step of 1, 2 or 5 times a power of ten so that `most` takes at most `count` of them. */
export function niceStep(most, count) {
  const raw = most / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((one) => one * power >= raw * (1 - 1e-9));
}

/** Weight by bin and hypothesis [bins][hypotheses], and the weight of the empty masks [hypotheses]. */
export function binned(values, weights, hypothesisOf, count, step, bins) {
  const of = Array.from({ length: bins }, () => new Array(count).fill(0));
  const empty = new Array(count).fill(0);
  values.forEach((value, at) => {
    const into = value === 0 ? empty : of[Math.min(bins - 1, Math.floor(value / step))];
    if (hypothesisOf[at] >= 0) into[hypothesisOf[at]] += weights[at];
  });
  return { of, empty };
}

function bar(parts, x, width, scale, hypotheses) {
  let y = HEIGHT - FOOT;
  return parts.flatMap((part, number) => {
    if (part === 0) return [];
    y -= part * scale;
    const shape = { x, y, width: Math.max(width - 1, 0.5), height: part * scale };
    return [svg("rect", { ...shape, fill: styleOf(hypotheses, number).colour, "data-hypothesis": number })];
  });
}

function word(text, x, y, anchor = "middle") {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

/** The letters of the hypotheses over the sizes of their representatives. */
function letters(hypotheses, sizes, place) {
  return hypotheses.flatMap((one, number) => {
    if (one.empty) return [];
    const x = place(sizes[number]);
    const mark = svg("path", { d: `M${x - 4} ${TOP - 5}h8l-4 5z`, fill: styleOf(hypotheses, number).colour });
    return [mark, word(styleOf(hypotheses, number).letter, x, TOP - 8)];
  });
}

/**
 * The distribution of the areas as a picture.
 *
 * `areas` and `weights` [n] are of the samples in one unit, `hypothesisOf` [n] says whose they are, `sizes` are those
 * of the hypotheses' representatives, `unit` is its name, `quantity` what it measures, `label` what is read aloud.
 */
export function areaHistogram({ areas, weights, hypothesisOf, hypotheses, sizes, unit, quantity = "area", label }) {
  const most = Math.max(...areas, 0);
  const step = most > 0 ? niceStep(most, 24) : 1;
  const bins = Math.max(1, Math.floor(most / step) + 1);
  const { of, empty } = binned(areas, weights, hypothesisOf, hypotheses.length, step, bins);
  const sum = (parts) => parts.reduce((total, one) => total + one, 0);
  const scale = (HEIGHT - TOP - FOOT) / Math.max(...of.map(sum), sum(empty), 1e-9);
  const anyEmpty = sum(empty) > 0;
  const left = anyEmpty ? EMPTY + GAP + 6 : 6;
  const place = (value) => left + (value / (bins * step)) * (WIDTH - left - 6);
  const nodes = of.flatMap((parts, at) => bar(parts, place(at * step), place(step) - place(0), scale, hypotheses));
  const tick = niceStep(bins * step, 4);
  const floor = HEIGHT - FOOT;
  for (let value = 0; most > 0 && value <= bins * step * (1 + 1e-9); value += tick) {
    nodes.push(svg("line", { class: "tick", x1: place(value), x2: place(value), y1: floor, y2: floor + 4 }));
    const room = place(value) < WIDTH - 8 && !(anyEmpty && value === 0);
    if (room) nodes.push(word(digits(value), place(value), floor + 15));
  }
  if (anyEmpty) {
    nodes.push(...bar(empty, 6, EMPTY, scale, hypotheses));
    nodes.push(word("empty", 6, floor + 15, "start"));
  }
  nodes.push(svg("line", { class: "axis", x1: left, x2: WIDTH - 6, y1: floor, y2: floor }));
  nodes.push(word(`${quantity} in ${unit}`, (left + WIDTH) / 2, HEIGHT - 4), ...letters(hypotheses, sizes, place));
  const frame = { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label };
  return svg("svg", frame, ...nodes);
}
