// The right side: one sentence, the hypotheses as cards, and how large the outlines are; for each pane.

import { placed } from "./drawn.js";
import { hypothesisCard } from "./card.js";
import { styleOf } from "./colours.js";
import { html, svg } from "./element.js";
import { drawGrey } from "./grey.js";
import { areaHistogram } from "./histogram.js";
import { outlineNode } from "./lines.js";
import { boxOf, picture, squareAround } from "./picture.js";
import { areaText, digits, quantile } from "./quantity.js";
import { shareText, wholeShares } from "./shares.js";
import { aspectOf } from "./camera.js";
import { drawnOf, wayOf } from "./state.js";

/** The slice that is shown, as grey in its own pixels, for small pictures. */
export function greyOf(state) {
  const canvas = html("canvas");
  drawGrey(canvas, state.pixels, state.window);
  return canvas;
}

/** The square round all hypotheses of a result on a slice. */
export function squareOf(drawn, slice, image) {
  const depth = drawn.depth(slice);
  const masks = depth < 0 ? [] : drawn.hypotheses.filter((one) => !one.empty).map((one) => drawn.masks.mask(one.sample, depth));
  const { place } = drawn;
  const box = boxOf(masks, drawn.masks.width) ?? { x: drawn.masks.width / 2, y: drawn.masks.height / 2, width: 0, height: 0 };
  const [down, across] = place.scale;
  const shown = { x: place.x + box.x * across, y: place.y + box.y * down, width: box.width * across, height: box.height * down };
  return squareAround(shown, image.size.width, image.size.height);
}

/** Nodes of SVG of some hypotheses, in the pixels of the image. */
export function outlinesOf(drawn, slice, numbers) {
  const nodes = numbers
    .filter((number) => !drawn.hypotheses[number].empty)
    .map((number) => outlineNode(drawn.path(drawn.hypotheses[number].sample, slice), styleOf(drawn.hypotheses, number), 2));
  return svg("g", { transform: placed(drawn.place) }, ...nodes);
}

/** The unit in which areas are told: mm2 or ml where they are known. */
function unitOf(drawn) {
  const { areas } = drawn.result;
  if (drawn.volume && areas.ml) return { key: "ml", name: "ml" };
  if (!drawn.volume && areas.mm2) return { key: "mm2", name: "mm²" };
  return { key: "px", name: drawn.volume ? "voxels" : "px" };
}

function cards(state, pane, drawn) {
  const shares = wholeShares(drawn.hypotheses.map((one) => one.probability));
  const slice = drawn.depth(state.slice) < 0 ? drawn.place.slices[0] : state.slice;
  const ready = state.pixels && state.pixels.slice === slice;
  const view = squareOf(drawn, slice, state.image);
  const source = ready ? greyOf(state) : null;
  return drawn.hypotheses.map((one, number) => {
    const pressed = state.isolated?.pane === pane && state.isolated.hypothesis === number;
    const thumbnail = source ? picture(source, view, [outlinesOf(drawn, slice, [number])], aspectOf(state.image)) : html("span", { class: "picture" });
    return hypothesisCard({
      one,
      style: styleOf(drawn.hypotheses, number),
      share: shareText(shares[number], one.probability),
      area: areaText(one.area, drawn.volume),
      thumbnail,
      pressed,
      press: () => isolate(state, pane, pressed ? null : number),
    });
  });
}

/** Shows one hypothesis alone, where it is largest, or all again. */
function isolate(state, pane, hypothesis) {
  const drawn = drawnOf(state, pane);
  const alone = hypothesis === null ? null : { pane, hypothesis };
  const moved = hypothesis !== null && !drawn.hypotheses[hypothesis].empty && drawn.volume;
  state.set({ isolated: alone, sample: -1, ...(moved ? { slice: drawn.fullest(hypothesis) } : {}) });
}

function distribution(drawn) {
  const { result, hypotheses } = drawn;
  const { key, name } = unitOf(drawn);
  const areas = result.areas[key];
  const at = (share) => digits(quantile(areas, result.weights, share));
  const words = `Median area ${at(0.5)} ${name}; the middle 90 % from ${at(0.05)} to ${at(0.95)} ${name}.`;
  const chart = areaHistogram({
    areas,
    weights: result.weights,
    hypothesisOf: result.hypothesis_of,
    hypotheses,
    sizes: hypotheses.map((one) => one.area[key] ?? 0),
    unit: name,
    label: `How large the ${result.n} outlines are. ${words}`,
  });
  const head = html("div", { class: "how-large" }, html("h3", {}, "How large"), html("p", { class: "quiet" }, words));
  return [head, chart];
}

function told(state, pane, drawn, several) {
  const { result } = drawn;
  const name = several ? [html("h3", { class: "model" }, `Model ${result.model}`)] : [];
  const list = html("ul", { class: "cards" }, ...cards(state, pane, drawn).map((card) => html("li", {}, card)));
  const exact = result.empty_exact ? [html("p", { class: "quiet" }, `The model knows the share of "no lesion" exactly: ${(100 * result.empty).toFixed(1)} %.`)] : [];
  return html("section", { class: several ? "result compact" : "result", "data-pane": pane, "data-samples": result.id }, ...name, html("p", { class: "sentence" }, result.sentence), list, ...exact, ...distribution(drawn));
}

/** What a person does next, while there is nothing to show. */
function waitingFor(state) {
  if (!state.image) return "Open an image to see how readers may outline it.";
  const spots = state.panes.some((pane) => pane.kind === "model" && wayOf(state, pane.name).spot);
  const volume = state.image.size.slices > 1;
  return volume && spots ? "Scroll to a slice and click a spot." : "Press Draw to see how readers may outline it.";
}

/** Wires the results; the card that had the focus has it again when they are drawn anew. */
export function followResults(state) {
  const place = document.getElementById("results");
  state.on(["image", "drawings", "chosen", "panes", "isolated", "pixels", "window", "slice"], () => {
    const focused = [...place.querySelectorAll("button")].indexOf(document.activeElement);
    const shown = state.panes.map((_, pane) => [pane, drawnOf(state, pane)]).filter(([, drawn]) => drawn);
    const nothing = document.getElementById("nothing");
    nothing.hidden = shown.length > 0;
    nothing.textContent = waitingFor(state);
    place.replaceChildren(...shown.map(([pane, drawn]) => told(state, pane, drawn, shown.length > 1)));
    if (focused >= 0) place.querySelectorAll("button")[focused]?.focus();
  });
  state.on(["drawings"], () => {
    const results = [...(state.drawings[state.chosen]?.results.values() ?? [])];
    if (results.length === 0) return;
    const words = results.map(({ result }) => `${result.n} outlines in ${digits(result.seconds)} s`);
    const aloud = html("span", { class: "spoken" }, results.map(({ result }) => `${result.sentence}.`).join(" "));
    document.getElementById("told").replaceChildren(`${words.join("; ")}. `, aloud);
  });
}
