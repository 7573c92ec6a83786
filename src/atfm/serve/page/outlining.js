// The groups of SVG over the image: what the model looks at, samples, hypotheses, annotators, contours.

import { placed } from "./drawn.js";
import { styleOf, DASHES } from "./colours.js";
import { svg } from "./element.js";
import { contourNode, outlineNode, readerNode, sampleNodes } from "./lines.js";
import { outlinePath } from "./outline.js";
import { drawingOf, drawnOf, wayOf } from "./state.js";

/** What a model looks at round a point of the image; null where that is not known. */
function fieldAround(field, [x, y]) {
  if (!field) return null;
  const { width, height } = field;
  return { x: x + 0.5 - width / 2, y: y + 0.5 - height / 2, width, height };
}

/** The part of the image that the model looks at; null where that is all of it, or a spot on another slice. */
function seenBox(state, pane) {
  const drawn = drawnOf(state, pane);
  const target = drawingOf(state)?.target;
  const way = wayOf(state, state.panes[pane].name);
  if (target?.kind !== "spot") return way.sees;
  return drawn && drawn.depth(state.slice) >= 0 ? (fieldAround(way.field, target.point) ?? drawn.place) : null;
}

function seenNode({ x, y, width, height }) {
  const box = { x, y, width, height, fill: "none", "vector-effect": "non-scaling-stroke" };
  return svg(
    "g",
    { class: "sees" },
    svg("rect", { ...box, stroke: "#000", "stroke-opacity": 0.6, "stroke-width": 2.5 }),
    svg("rect", { ...box, stroke: "#fff", "stroke-width": 1.25, "stroke-dasharray": "2 4" }),
  );
}

/** The outlines of the annotators on a slice, one each, [{path, number}]; of `only` alone where it is given. */
export function readerPaths(state, only = null) {
  const { readers, slice } = state;
  if (!readers) return [];
  const depth = readers.slices > 1 ? slice : 0;
  return Array.from({ length: readers.count }, (_, number) => number)
    .filter((number) => only === null || number === only)
    .map((number) => ({ number, path: outlinePath(readers.mask(number, depth), readers.width, readers.height) }))
    .filter(({ path }) => path);
}

function readersGroup(state, only) {
  const nodes = readerPaths(state, only).map(({ path, number }) => readerNode(path, DASHES[number % DASHES.length]));
  return svg("g", { class: "readers" }, ...nodes);
}

function sampleGroup(drawn, state, alone) {
  const shown = state.sample >= 0;
  const paths = drawn.paths(state.slice).map((path, number) => {
    if (shown) return "";
    return alone === null || drawn.result.hypothesis_of[number] === alone ? path : "";
  });
  const nodes = sampleNodes(paths, drawn.result.hypothesis_of, drawn.hypotheses);
  return svg("g", { class: "samples", transform: placed(drawn.place) }, ...nodes);
}

function hypothesisGroup(drawn, state, alone) {
  const nodes = drawn.hypotheses.flatMap((one, number) => {
    if (one.empty || (alone !== null && alone !== number)) return [];
    const node = outlineNode(drawn.path(one.sample, state.slice), styleOf(drawn.hypotheses, number));
    node.dataset.hypothesis = number;
    return [node];
  });
  // the most probable lies on top
  return svg("g", { class: "hypotheses", transform: placed(drawn.place) }, ...nodes.reverse());
}

/** The one sample that is played or chosen. */
function singleGroup(drawn, state) {
  const whose = drawn.result.hypothesis_of[state.sample];
  const style = whose >= 0 ? styleOf(drawn.hypotheses, whose) : { colour: "#fff", dash: "" };
  const node = outlineNode(drawn.path(state.sample, state.slice), style);
  return svg("g", { class: "single", transform: placed(drawn.place) }, node);
}

function contourGroup(drawn, state) {
  const nodes = drawn.contours(state.slice).map(({ level, path }) => contourNode(path, level));
  return svg("g", { class: "contours", transform: placed(drawn.place) }, ...nodes);
}

/** Samples as they come, before their hypotheses are known. */
function growingGroup(growing, state) {
  const depth = growing.place.slices.indexOf(state.slice);
  if (depth < 0) return svg("g");
  const { masks } = growing;
  const thin = { stroke: "#fff", "stroke-opacity": 0.4, "vector-effect": "non-scaling-stroke" };
  const line = { class: "sample", fill: "none", ...thin };
  const nodes = Array.from({ length: masks.count }, (_, sample) =>
    svg("path", { ...line, d: outlinePath(masks.mask(sample, depth), masks.width, masks.height) }),
  );
  return svg("g", { class: "samples", transform: placed(growing.place) }, ...nodes);
}

/** The square that the model would look at round a spot, under the pointer. */
export function previewNodes(state, pane, pointer) {
  const shown = state.panes[pane];
  const field = state.target === "spot" && shown?.kind === "model" ? wayOf(state, shown.name).field : null;
  return field && pointer ? [seenNode(fieldAround(field, pointer))] : [];
}

/** All groups of a pane, from the lowest to the highest. */
export function outlineGroups(state, pane) {
  const { image, layers, panes, growing } = state;
  const shown = panes[pane];
  if (!image || !shown) return [];
  if (shown.kind === "readers") return [readersGroup(state, shown.number)];
  const groups = [];
  const box = seenBox(state, pane);
  if (box) groups.push(seenNode(box));
  if (growing?.model === shown.name) return [...groups, growingGroup(growing, state)];
  const drawn = drawnOf(state, pane);
  const alone = state.isolated?.pane === pane ? state.isolated.hypothesis : null;
  if (drawn && drawn.depth(state.slice) >= 0) {
    if (layers.samples) groups.push(sampleGroup(drawn, state, alone));
    if (layers.contours) groups.push(contourGroup(drawn, state));
    if (state.sample >= 0 && state.sample < drawn.masks.count) groups.push(singleGroup(drawn, state));
    else if (layers.hypotheses) groups.push(hypothesisGroup(drawn, state, alone));
  }
  if (layers.readers) groups.push(readersGroup(state, null));
  return groups;
}
