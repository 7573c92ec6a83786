// Keys of the viewer, as in OHIF where they do not clash; they act only while the viewer has the focus (WCAG 2.1.4).

import { fitted, moved, zoomed } from "./camera.js";
import { html } from "./element.js";
import { scrolled } from "./gestures.js";
import { zoomToOutlines } from "./toolbar.js";

const STEP = 0.1; // of what is seen, that an arrow moves the image

const slice = (by) => (state) => state.set({ slice: scrolled(state, by) });
const zoom = (factor) => (state) => state.set({ camera: zoomed(state.image, state.camera, factor) });
const layer = (name) => (state) => state.set({ layers: { ...state.layers, [name]: !state.layers[name] } });

const pan = (x, y) => (state) => {
  const { width, height } = state.image.size;
  const { zoom: by } = state.camera;
  state.set({ camera: moved(state.image, state.camera, (x * STEP * width) / by, (y * STEP * height) / by) });
};

const sample = (by) => (state, page) => {
  const most = page.most();
  if (most < 1) return;
  const next = state.sample + by;
  state.set({ sample: next < -1 ? most - 1 : next >= most ? -1 : next });
};

const reset = (state) => {
  const { image } = state;
  state.set({ camera: fitted(image), window: { ...image.window }, inverted: false, sample: -1, isolated: null });
};

const again = (state) => state.set({ isolated: null, sample: -1 });

/** Each key and what it does; keys that belong together are said together. */
export const KEYS = [
  { keys: ["ArrowUp"], said: "↑ ↓", does: "previous, next slice", act: slice(-1) },
  { keys: ["ArrowDown"], said: "↑ ↓", act: slice(1) },
  { keys: ["PageUp"], said: "Page up, down", does: "ten slices", act: slice(-10) },
  { keys: ["PageDown"], said: "Page up, down", act: slice(10) },
  { keys: ["Home"], said: "Home, End", does: "first, last slice", act: slice(-Infinity) },
  { keys: ["End"], said: "Home, End", act: slice(Infinity) },
  { keys: ["ArrowLeft"], said: "← →", does: "previous, next sample", act: sample(-1) },
  { keys: ["ArrowRight"], said: "← →", act: sample(1) },
  { keys: ["c"], said: "c", does: "play through the samples", act: (_, page) => page.play() },
  { keys: ["+"], said: "+ −", does: "zoom", act: zoom(1.25) },
  { keys: ["-"], said: "+ −", act: zoom(0.8) },
  { keys: ["z"], said: "z", does: "zoom to the outlines", act: (state) => zoomToOutlines(state) },
  { keys: ["="], said: "=", does: "fit the image", act: (state) => state.set({ camera: fitted(state.image) }) },
  { keys: ["Shift+ArrowLeft"], said: "Shift ← ↑ → ↓", does: "move", act: pan(1, 0) },
  { keys: ["Shift+ArrowRight"], said: "Shift ← ↑ → ↓", act: pan(-1, 0) },
  { keys: ["Shift+ArrowUp"], said: "Shift ← ↑ → ↓", act: pan(0, 1) },
  { keys: ["Shift+ArrowDown"], said: "Shift ← ↑ → ↓", act: pan(0, -1) },
  { keys: ["Enter"], said: "Enter", does: "look at the spot in the middle", act: (_, page) => page.spot() },
  { keys: [" "], said: "Space", does: "everything as at first", act: reset },
  { keys: ["i"], said: "i", does: "invert", act: (state) => state.set({ inverted: !state.inverted }) },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], said: "1 to 9", does: "window presets", act: preset },
  { keys: ["s"], said: "s", does: "samples", act: layer("samples") },
  { keys: ["o"], said: "o", does: "outlines of the hypotheses", act: layer("hypotheses") },
  { keys: ["a"], said: "a", does: "annotators", act: layer("readers") },
  { keys: ["p"], said: "p", does: "probability", act: layer("probability") },
  { keys: ["u"], said: "u", does: "ambiguity", act: layer("ambiguity") },
  { keys: ["k"], said: "k", does: "contours", act: layer("contours") },
  { keys: ["Escape"], said: "Esc", does: "all hypotheses, all samples", act: again },
];

const MOUSE = [
  ["Wheel", "slices; of a flat image, zoom"],
  ["Ctrl + wheel", "zoom"],
  ["Drag", "move the image"],
  ["Right-drag", "window and level"],
  ["Click", "look at this spot, where the model looks at spots"],
];

function preset(state, _, key) {
  const chosen = state.image.presets[Number(key) - 1];
  if (chosen) state.set({ window: { low: chosen.low, high: chosen.high } });
}

/** Wires the keys of a pane; `page` has `play()`, `spot()` and `most()`, the number of samples. */
export function followKeys(state, viewer, page) {
  viewer.node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "?") {
      event.preventDefault();
      showHelp();
      return;
    }
    const name = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
    const known = KEYS.find(({ keys }) => keys.includes(name));
    if (!known || !state.image) return;
    event.preventDefault();
    known.act(state, page, event.key);
    const { x, y } = state.camera;
    viewer.pointer = [Math.floor(x), Math.floor(y)]; // who has no pointer reads the value in the middle
  });
}

function rows(body, pairs) {
  const row = ([key, does]) => html("tr", {}, html("th", { scope: "row" }, html("kbd", {}, key)), html("td", {}, does));
  body.replaceChildren(...pairs.map(row));
}

function showHelp() {
  document.getElementById("help").showModal();
}

/** Fills the list of keys and wires the button that shows it. */
export function makeHelp() {
  rows(document.getElementById("help-mouse"), MOUSE);
  const said = KEYS.filter(({ does }) => does).map((one) => [one.said, one.does]);
  rows(document.getElementById("help-keys"), [...said, ["?", "this list"]]);
  document.getElementById("keys").addEventListener("click", showHelp);
}
