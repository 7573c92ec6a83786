// Over the viewer: what is shown of the result, the window, and the view.

import { fitted, lookingAt } from "./camera.js";
import { html } from "./element.js";
import { squareOf } from "./results.js";
import { drawnOf } from "./state.js";

const byId = (id) => document.getElementById(id);
const OPENED = "opened";
const OWN = "own";

/** The presets of an image, with the window that it was opened with. */
function presetsOf(image) {
  const known = image.presets.map((one, number) => ({ ...one, value: String(number) }));
  const same = known.some(({ low, high }) => low === image.window.low && high === image.window.high);
  return same ? known : [{ name: "as opened", ...image.window, value: OPENED }, ...known];
}

function followWindow(state) {
  const choice = byId("window");
  state.on(["image"], () => {
    const presets = state.image ? presetsOf(state.image) : [];
    const own = html("option", { value: OWN, hidden: true }, "own");
    choice.replaceChildren(...presets.map(({ name, value }) => html("option", { value }, name)), own);
    choice.disabled = presets.length === 0;
  });
  state.on(["image", "window"], () => {
    if (!state.image) return;
    const { low, high } = state.window;
    choice.value = presetsOf(state.image).find((one) => one.low === low && one.high === high)?.value ?? OWN;
  });
  choice.addEventListener("change", () => {
    const { low, high } = presetsOf(state.image).find((one) => one.value === choice.value);
    state.set({ window: { low, high } });
  });
}

/** Zooms to what the hypotheses of a first pane with a result outline on the slice, with as much again round it. */
export function zoomToOutlines(state) {
  const drawn = state.panes.map((_, pane) => drawnOf(state, pane)).find(Boolean);
  if (!drawn) return;
  const square = squareOf(drawn, state.slice, state.image);
  state.set({ camera: lookingAt(state.image, square) });
}

/** Wires the toggles of layers, the presets of the window, "Zoom" and "Fit". */
export function followToolbar(state) {
  const toggles = [...document.querySelectorAll("#layers button")];
  for (const toggle of toggles) {
    toggle.addEventListener("click", () => {
      const { layer } = toggle.dataset;
      state.set({ layers: { ...state.layers, [layer]: !state.layers[layer] } });
    });
  }
  state.on(["layers", "drawings", "chosen", "panes", "readers", "image"], () => {
    const drawn = state.panes.some((_, pane) => drawnOf(state, pane));
    byId("zoom").disabled = !drawn;
    for (const toggle of toggles) {
      const { layer } = toggle.dataset;
      toggle.setAttribute("aria-pressed", String(state.layers[layer]));
      if (layer === "readers") toggle.hidden = !state.image?.readers.length;
      else toggle.disabled = !drawn;
    }
  });
  byId("zoom").addEventListener("click", () => zoomToOutlines(state));
  byId("fit").addEventListener("click", () => state.image && state.set({ camera: fitted(state.image) }));
  followWindow(state);
}
