// What stands over the image as text: letters of its sides, a ruler, values under the pointer, window, legends.

import { drawScale, HEATS } from "./heat.js";
import { levelOf } from "./grey.js";
import { styleOf } from "./colours.js";
import { html } from "./element.js";
import { digits } from "./quantity.js";
import { drawnOf } from "./state.js";

const RULER = 0.28; // of the width of a pane, at most

function letters(image) {
  if (!image.letters) return [];
  const letter = (side) => html("span", { class: `letter ${side}` }, image.letters[side]);
  return ["left", "right", "top", "bottom"].map(letter);
}

/** A ruler of a round length in mm; none where the size of a pixel is not known. */
function ruler(image, across, width) {
  if (!image.spacing) return [];
  const most = (RULER * width * image.spacing.x) / across; // mm
  const power = 10 ** Math.floor(Math.log10(most));
  const length = power * [5, 2, 1].find((one) => one * power <= most);
  const node = html("span", { class: "ruler" }, `${digits(length)} mm`);
  node.style.width = `${(length / image.spacing.x) * across}px`;
  return [node];
}

/** The pixel under the pointer, its value and what the samples say of it. */
export function readout(state, pane, pointer) {
  const { image, pixels, slice } = state;
  if (!pointer) return [];
  const [x, y] = pointer;
  if (x < 0 || y < 0 || x >= image.size.width || y >= image.size.height) return [];
  const words = [image.size.slices > 1 ? `${x}, ${y}, ${slice}` : `${x}, ${y}`];
  if (pixels && pixels.slice === slice) {
    const at = (y * pixels.width + x) * pixels.channels;
    const values = Array.from(pixels.values.subarray(at, at + pixels.channels), (one) => digits(one));
    words.push(`${values.join(" ")} ${image.units}`);
  }
  const drawn = drawnOf(state, pane);
  const probability = drawn?.valueAt("probability", x, y, slice) ?? null;
  if (probability !== null) words.push(`probability ${Math.round(100 * probability)} %`);
  const ambiguity = drawn?.valueAt("ambiguity", x, y, slice) ?? null;
  if (ambiguity !== null && state.layers.ambiguity) words.push(`ambiguity ${ambiguity.toFixed(2)} bit`);
  return [html("span", { class: "readout" }, words.join("   "))];
}

function legend(kind) {
  const { title, ends } = HEATS[kind];
  const scale = html("canvas", { "aria-hidden": "true" });
  drawScale(scale, kind);
  const line = html("span", { class: "ends" }, html("span", {}, ends[0]), html("span", {}, ends[1]));
  return html("span", { class: "legend" }, title, scale, line);
}

function legends(state, drawn) {
  const maps = ["probability", "ambiguity"].filter((kind) => state.layers[kind] && drawn);
  const lines = state.layers.contours && drawn ? [html("span", {}, "10 % dotted, 50 % whole, 90 % dashed")] : [];
  return maps.length + lines.length > 0 ? [html("span", { class: "legends" }, ...maps.map(legend), ...lines)] : [];
}

const SIDES = ["top", "bottom", "left", "right"]; // so that letters keep out of each other's way

/** The letters of the hypotheses beside their outlines, so that colour is not all that tells them apart. */
function tags(state, pane, { across, down, left, top }) {
  const drawn = drawnOf(state, pane);
  const alone = state.isolated?.pane === pane ? state.isolated.hypothesis : null;
  if (!drawn || !state.layers.hypotheses || state.sample >= 0) return [];
  return drawn.hypotheses.flatMap((_, number) => {
    const { colour, letter, order } = styleOf(drawn.hypotheses, number);
    const side = SIDES[Math.max(order, 0) % SIDES.length];
    const edge = alone === null || alone === number ? drawn.edge(number, state.slice, side) : null;
    if (!edge) return [];
    const node = html("span", { class: `tag ${side}` }, letter);
    node.style.color = colour;
    node.style.left = `${left + edge.x * across}px`;
    node.style.top = `${top + edge.y * down}px`;
    return [node];
  });
}

/** All marks of a pane of some width, with the transform of its image. */
export function drawMarks(state, pane, pointer, transform, width) {
  const { image, window } = state;
  const { width: w, level } = levelOf(window);
  return [
    ...tags(state, pane, transform),
    ...letters(image),
    ...legends(state, drawnOf(state, pane)),
    ...ruler(image, transform.across, width),
    ...readout(state, pane, pointer),
    html("span", { class: "level" }, `W ${digits(w)}  L ${digits(level)}`),
  ];
}
