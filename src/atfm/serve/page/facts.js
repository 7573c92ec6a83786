// What is known of the image and the models, and what they warn of.

import { html } from "./element.js";
import { digits } from "./quantity.js";
import { drawnOf, modelsShown, wayOf } from "./state.js";

const byId = (id) => document.getElementById(id);

const VALUES = { HU: "Hounsfield units", grey: "levels of grey", colour: "colours" };

/** The facts of an image, as pairs of name and value. */
export function factsOf(image, title) {
  const { width, height, slices } = image.size;
  const { spacing } = image;
  const pixel = spacing ? `${digits(spacing.x)} × ${digits(spacing.y)} mm` : "size not known";
  const facts = [
    ["image", title],
    ["size", slices > 1 ? `${width} × ${height} × ${slices}` : `${width} × ${height}`],
    ["pixel", pixel],
  ];
  if (slices > 1) facts.push(["slices", spacing?.z ? `${digits(spacing.z)} mm apart` : "distance not known"]);
  facts.push(["values", VALUES[image.units] ?? image.units]);
  if (image.readers.length > 0) facts.push(["annotators", String(image.readers.length)]);
  return facts;
}

/** Why a model can do nothing with the image, where that is so. */
function refusalOf(way) {
  const [why] = Object.values(way.why ?? {});
  return why && !way.whole && !way.slices && !way.spot ? [why] : [];
}

/** Every warning once, with the model that it is of where there are several. */
function warningsOf(state) {
  const models = modelsShown(state);
  const found = [...(state.image?.warnings ?? [])];
  state.panes.forEach((pane, number) => {
    if (pane.kind !== "model") return;
    const way = wayOf(state, pane.name);
    const drawn = drawnOf(state, number);
    const whole = state.image?.size.slices === 1 ? way.warnings : []; // of a volume they tell of its middle alone
    const own = [...refusalOf(way), ...(drawn ? drawn.result.warnings : whole)];
    found.push(...own.map((text) => (models.length > 1 ? `${pane.name}: ${text}` : text)));
  });
  return [...new Set(found)];
}

function modelWords(model) {
  const sees = model.sees ? `, looks at ${model.sees[1]} × ${model.sees[0]} pixels` : "";
  const trained = model.patients_trained_on ? `, trained on ${model.patients_trained_on} patients` : "";
  return `${model.modality ?? "images"}${sees}${trained}`;
}

/** Wires the facts, the warnings, and the models in the head of the page. */
export function followFacts(state) {
  const chosen = byId("model");
  state.on(["models"], () => {
    chosen.replaceChildren(...state.models.map(({ name }) => html("option", { value: name }, name)));
    byId("model-choice").hidden = state.models.length < 2;
  });
  chosen.addEventListener("change", () => {
    const [, ...others] = state.panes;
    state.set({ panes: [{ kind: "model", name: chosen.value }, ...others], isolated: null, sample: -1 });
  });
  state.on(["models", "panes"], () => {
    const model = state.models.find(({ name }) => name === state.panes[0]?.name);
    if (model) chosen.value = model.name;
    const name = state.models.length < 2 && model ? `model ${model.name}: ` : "";
    byId("model-words").textContent = model ? `${name}${modelWords(model)}` : "";
    const shown = state.models.filter((one) => modelsShown(state).includes(one.name));
    const taken = shown.length === 0 || shown.some(({ steps }) => steps !== null);
    byId("steps").disabled = !taken;
    byId("steps").placeholder = taken ? "own" : "none";
    byId("steps").title = taken ? "" : "This model has no solver";
  });
  state.on(["image", "title"], () => {
    const { image } = state;
    const pairs = image ? factsOf(image, state.title) : [];
    byId("facts").replaceChildren(...pairs.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
    const [first, ...rest] = (image?.attribution ?? "").split("\n");
    byId("attribution").hidden = !image?.attribution;
    byId("attribution-first").textContent = first;
    byId("attribution-more").hidden = rest.length === 0;
    byId("attribution-rest").textContent = rest.join("\n");
  });
  state.on(["image", "panes", "drawings", "chosen"], () => {
    const texts = warningsOf(state);
    byId("warnings").hidden = texts.length === 0;
    byId("warnings-list").replaceChildren(...texts.map((text) => html("li", {}, text)));
  });
}
