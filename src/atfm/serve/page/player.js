// The sliders under the viewer: slices, and the samples one after the other.

import { drawnOf } from "./state.js";

const PAUSE = 350; // ms for which a sample is shown

const byId = (id) => document.getElementById(id);

/** How many samples the panes have that can be stepped through together. */
export function mostSamples(state) {
  return Math.max(0, ...state.panes.map((_, pane) => drawnOf(state, pane)?.masks.count ?? 0));
}

/** Wires the sliders; `play()` of what is returned starts and ends the playing. */
export function followPlayer(state) {
  const [slice, sample, button] = ["slice", "sample", "play"].map(byId);
  let timer = null;

  function stop() {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  }

  function play() {
    if (timer !== null) {
      stop();
      return;
    }
    if (mostSamples(state) === 0) return;
    button.textContent = "Pause";
    const next = () => state.set({ sample: (state.sample + 1) % mostSamples(state) });
    next();
    timer = setInterval(next, PAUSE);
  }

  button.addEventListener("click", play);
  slice.addEventListener("input", () => state.set({ slice: slice.valueAsNumber - 1 }));
  sample.addEventListener("input", () => {
    if (timer !== null) stop();
    state.set({ sample: sample.valueAsNumber - 1 });
  });

  state.on(["image", "slice"], () => {
    const slices = state.image?.size.slices ?? 1;
    byId("slice-row").hidden = slices < 2;
    slice.max = slices;
    slice.value = state.slice + 1;
    slice.setAttribute("aria-valuetext", `slice ${state.slice + 1} of ${slices}`);
    byId("slice-said").textContent = `${state.slice + 1} of ${slices}`;
  });
  state.on(["drawings", "chosen", "panes", "sample"], () => {
    const most = mostSamples(state);
    if (most === 0 && timer !== null) stop();
    byId("sample-row").hidden = most === 0;
    sample.max = most;
    sample.value = state.sample + 1;
    const words = state.sample < 0 ? `all ${most}` : `${state.sample + 1} of ${most}`;
    sample.setAttribute("aria-valuetext", words);
    byId("sample-said").textContent = words;
  });
  return { play };
}
