// What the page shows, in one place: parts of the page change it and are told what has changed once they are done.

/** Values by name, and who wants to know of which. */
export class State {
  #listeners = [];
  #changed = new Set();

  constructor(values) {
    Object.assign(this, values);
  }

  /** Takes new values; what is the same as before is no change. */
  set(values) {
    const waiting = this.#changed.size > 0;
    for (const [name, value] of Object.entries(values)) {
      if (this[name] === value) continue;
      this[name] = value;
      this.#changed.add(name);
    }
    if (!waiting && this.#changed.size > 0) queueMicrotask(() => this.#tell());
  }

  /** Calls `listener` with the names that have changed when any of `names` has. */
  on(names, listener) {
    this.#listeners.push({ names, listener });
  }

  /** Waits until everybody has been told of what was set before. */
  told() {
    return new Promise((done) => setTimeout(done, 0));
  }

  #tell() {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const { names, listener } of this.#listeners) {
      if (names.some((name) => changed.has(name))) listener(changed);
    }
  }
}

/** The state of a page on which nothing has been opened. */
export function firstState() {
  return new State({
    models: [],
    cases: null, // a page of the list of cases
    image: null, // the service's answer on an image
    target: "whole", // what of the image a press on Draw looks at: "whole", "spot", "slice" or "slices"
    opening: null, // what is being opened
    title: "", // what the person calls it; it never leaves the page
    again: null, // opens the same image again
    readers: null, // Masks of the annotators
    slice: 0,
    pixels: null, // {values, width, height, channels, slice} of the slice that is shown
    window: { low: 0, high: 255 },
    inverted: false,
    camera: { zoom: 1, x: 0, y: 0 }, // 1 fits the image; x, y of the image lie in the middle
    layers: { samples: true, hypotheses: true, readers: false, probability: false, ambiguity: false, contours: false },
    panes: [], // what is shown side by side: {kind: "model" | "readers", name}
    drawings: [], // {target, results: Map of model and Drawn}
    chosen: -1, // which of them
    growing: null, // {model, target, masks} while samples come
    isolated: null, // {pane, hypothesis}
    sample: -1, // the one sample that is shown, or all
    busy: null, // {done, of, ahead}
    message: null, // {text, alarm, action, label}
  });
}

/** The drawing that is shown, or undefined. */
export function drawingOf(state) {
  return state.drawings[state.chosen];
}

/** What a pane shows of it, or undefined. */
export function drawnOf(state, pane) {
  const shown = state.panes[pane];
  return shown?.kind === "model" ? drawingOf(state)?.results.get(shown.name) : undefined;
}

/** What a model can do with the image. */
export function wayOf(state, model) {
  return state.image?.ways[model] ?? { whole: false, slices: false, spot: false, sees: null, warnings: [] };
}

/** The names of the models that are shown. */
export function modelsShown(state) {
  return [...new Set(state.panes.filter((pane) => pane.kind === "model").map((pane) => pane.name))];
}
