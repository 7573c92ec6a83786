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
  const { masks, place } = drawn;
  const marked = depth < 0 ? [] : drawn.hypotheses.filter((one) => !one.empty);
  const middle = { x: masks.width / 2, y: masks.height / 2, width: 0, height: 0 };
  const box = boxOf(marked.map((one) => masks.mask(one.sample, depth)), masks.width) ?? middle;
  const [down, across] = place.scale;
  const [x, y] = [place.x + box.x * across, place.y + box.y * down];
  const shown = { x, y, width: box.width * across, height: box.height * down };
  return squareAround(shown, image.size.width, image.size.height);
}

/** Nodes of SVG of some hypotheses, in the pixels of the image. */
export function outlinesOf(drawn, slice, numbers) {
  const nodes = numbers
    .filter((number) => !drawn.hypotheses[number].empty)
    .map((number) => {
      const path = drawn.path(drawn.hypotheses[number].sample, slice);
      return outlineNode(path, styleOf(drawn.hypotheses, number), 2);
    });
  return svg("g", { transform: placed(drawn.place) }, ...nodes);
}

/** The unit in which areas are told: mm2 or ml where they are known. */
function unitOf(drawn) {
  const { areas } = drawn.result;
  if (drawn.volume && areas.ml) return { key: "ml", name: "ml" };
  if (!drawn.volume && areas.mm2) return { key: "mm2", name: "mm²" };
  return { key: "px", name: drawn.volume ? "voxels" : "px" };
}

const backgrounds = new WeakMap(); // of what is drawn: {slice, source}, the last of its slices that was shown

/** The grey behind the small pictures: of the slice that is shown, or of the last one on which something is drawn. */
function background(state, drawn) {
  const { pixels, slice } = state;
  const shown = pixels && pixels.slice === slice && drawn.depth(slice) >= 0;
  if (shown) backgrounds.set(drawn, { slice, source: greyOf(state) });
  return backgrounds.get(drawn) ?? null;
}

function thumbnailsOf(state, drawn) {
  const behind = background(state, drawn);
  if (!behind) return () => html("span", { class: "picture" });
  const { slice, source } = behind;
  const view = squareOf(drawn, slice, state.image);
  return (number) => picture(source, view, [outlinesOf(drawn, slice, [number])], aspectOf(state.image));
}

function cards(state, pane, drawn) {
  const shares = wholeShares(drawn.hypotheses.map((one) => one.probability));
  const thumbnail = thumbnailsOf(state, drawn);
  return drawn.hypotheses.map((one, number) => {
    const pressed = state.isolated?.pane === pane && state.isolated.hypothesis === number;
    return hypothesisCard({
      one,
      style: styleOf(drawn.hypotheses, number),
      share: shareText(shares[number], one.probability),
      area: areaText(one.area, drawn.volume),
      thumbnail: thumbnail(number),
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
  const quantity = drawn.volume ? "volume" : "area";
  const words = `Median ${quantity} ${at(0.5)} ${name}; the middle 90 % from ${at(0.05)} to ${at(0.95)} ${name}.`;
  const chart = areaHistogram({
    areas,
    weights: result.weights,
    hypothesisOf: result.hypothesis_of,
    hypotheses,
    sizes: hypotheses.map((one) => one.area[key] ?? 0),
    unit: name,
    quantity,
    label: `How large the ${result.n} outlines are. ${words}`,
  });
  const head = html("div", { class: "how-large" }, html("h3", {}, "How large"), html("p", { class: "quiet" }, words));
  return [head, chart];
}

function told(state, pane, drawn, several) {
  const { result } = drawn;
  const name = several ? [html("h3", { class: "model" }, `Model ${result.model}`)] : [];
  const list = html("ul", { class: "cards" }, ...cards(state, pane, drawn).map((card) => html("li", {}, card)));
  const known = `The model knows the share of "no lesion" without drawing: ${(100 * result.empty).toFixed(1)} %.`;
  const exact = result.empty_exact ? [html("p", { class: "quiet" }, known)] : [];
  const sentence = html("p", { class: "sentence" }, result.sentence);
  const about = { class: several ? "result compact" : "result", "data-pane": pane, "data-samples": result.id };
  return html("section", about, ...name, sentence, list, ...exact, ...distribution(drawn));
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
