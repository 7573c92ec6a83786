// The form that asks for samples: how many, of what, and how far they are.

import { Drawn } from "./drawn.js";
import { Masks } from "./bits.js";
import { tell } from "./message.js";
import { service } from "./service.js";
import { drawingOf, modelsShown, wayOf } from "./state.js";

const CHUNK = 64; // samples after which one hears how far it is

const byId = (id) => document.getElementById(id);

/** What of the image is drawn: the whole, or slices; null where no slice is chosen. */
function targetOf(state, chosen) {
  if (chosen === "slice") return { kind: "slices", slices: [state.slice] };
  if (chosen === "whole") return { kind: "whole" };
  const [from, to] = ["from", "to"].map((id) => byId(id).valueAsNumber - 1);
  const slices = Array.from({ length: Math.max(to - from + 1, 0) || 0 }, (_, k) => from + k);
  return slices.length > 0 ? { kind: "slices", slices } : null;
}

/** A line that stands where an error would. */
function remind(state, text) {
  state.set({ message: { text, alarm: true } });
}

function sameTarget(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Draws what the form says, and what a click on the viewer says. */
export class Request {
  #abort = null;

  constructor(state) {
    this.state = state;
    this.form = byId("request");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.draw();
    });
    byId("stop").addEventListener("click", () => this.stop());
    state.on(["image", "panes"], () => this.offer());
    state.on(["busy", "image"], () => this.showProgress());
    state.on(["slice", "image"], () => {
      byId("this-slice").textContent = `this slice (${state.slice + 1})`;
    });
    state.on(["panes"], () => this.complete());
    state.on(["image"], () => {
      this.stop();
      this.forget();
    });
    byId("target").addEventListener("change", () => this.enable());
  }

  /** The ways that all the models shown can go. */
  ways() {
    const all = modelsShown(this.state).map((model) => wayOf(this.state, model));
    const each = (name) => all.length > 0 && all.every((way) => way[name]);
    return { whole: each("whole"), slices: each("slices"), spot: each("spot") };
  }

  /** Offers what the models can do with the image: of a volume spots first, of a flat image the whole. */
  offer() {
    const { image } = this.state;
    const ways = this.ways();
    const volume = image !== null && image.size.slices > 1;
    const can = { spot: ways.spot, slice: volume && ways.slices, slices: volume && ways.slices, whole: ways.whole };
    const order = volume ? ["spot", "slice", "slices", "whole"] : ["whole", "spot"];
    const offered = order.filter((name) => can[name]);
    for (const name of Object.keys(can)) byId(`target-${name}`).closest("div").hidden = !offered.includes(name);
    byId("target").hidden = offered.length < 2 && !can.spot;
    const chosen = this.form.elements.target;
    if (offered.length > 0 && !offered.includes(chosen.value)) [chosen.value] = offered;
    byId("draw").disabled = offered.length === 0;
    this.explain(!volume && can.spot && !can.whole);
    this.enable();
  }

  /** Why the whole of a flat image cannot be looked at. */
  explain(needed) {
    const [first] = modelsShown(this.state);
    const model = this.state.models.find(({ name }) => name === first);
    byId("why").hidden = !needed || !model;
    if (!model) return;
    const size = [...model.size].reverse().join(" × ");
    byId("why").textContent = `${first} takes whole images of ${size} pixels; of this one it looks at a spot.`;
  }

  /** Only the fields of the target that is chosen are asked for. */
  enable() {
    const chosen = this.form.elements.target.value;
    this.state.set({ target: chosen });
    for (const pair of this.form.querySelectorAll(".pair")) {
      const meant = pair.dataset.of === chosen;
      pair.hidden = !meant;
      for (const field of pair.querySelectorAll("input")) field.disabled = !meant;
    }
  }

  /** The places of the image before are none of this one. */
  forget() {
    const { image, slice } = this.state;
    if (!image) return;
    byId("told").replaceChildren();
    for (const id of ["from", "to"]) {
      byId(id).max = image.size.slices;
      byId(id).value = slice + 1;
    }
    byId("spot-x").max = image.size.width - 1;
    byId("spot-y").max = image.size.height - 1;
    for (const id of ["spot-x", "spot-y"]) byId(id).value = "";
  }

  /** Draws what the form says. */
  draw() {
    const chosen = this.form.elements.target.value;
    if (chosen === "spot") {
      const [x, y] = ["spot-x", "spot-y"].map((id) => byId(id).valueAsNumber);
      if (Number.isInteger(x) && Number.isInteger(y)) this.spot(x, y);
      else remind(this.state, "No spot is chosen: click the image at a place, or type its column and row.");
      return;
    }
    const target = targetOf(this.state, chosen);
    if (target) this.start(target);
    else remind(this.state, "No slice is chosen: the first of them must not lie behind the last.");
  }

  /** Draws without being asked, where that takes no further choice. */
  first() {
    if (this.form.elements.target.value === "whole" && this.ways().whole) this.draw();
  }

  /** A click: a spot, unless the whole image is what is looked at. */
  click(x, y) {
    if (this.form.elements.target.value !== "whole") this.spot(x, y);
  }

  /** Looks at a spot of the slice that is shown. */
  spot(x, y) {
    if (!this.ways().spot) return;
    this.form.elements.target.value = "spot";
    this.enable();
    byId("spot-x").value = x;
    byId("spot-y").value = y;
    const { image, slice } = this.state;
    this.start({ kind: "spot", point: image.size.slices > 1 ? [x, y, slice] : [x, y] });
  }

  /** Draws for models that have come into view since. */
  complete() {
    const drawing = drawingOf(this.state);
    const lacking = drawing && modelsShown(this.state).some((model) => !drawing.results.has(model));
    if (lacking) this.start(drawing.target, true);
  }

  /** Ends what is being drawn; the service hears of it and takes the next caller. */
  stop() {
    if (!this.#abort) return;
    this.#abort.abort();
    this.#abort = null;
    byId("told").textContent = "Stopped";
    this.state.set({ busy: null, growing: null });
  }

  body(model, target) {
    const { image } = this.state;
    const number = (id) => (Number.isNaN(byId(id).valueAsNumber) ? undefined : byId(id).valueAsNumber);
    const body = { image: image.id, model, n: number("n"), seed: number("seed") };
    if (this.state.models.find(({ name }) => name === model)?.steps !== null) body.steps = number("steps");
    if (body.n > CHUNK) body.chunk = CHUNK;
    if (target.kind === "slices") body.slices = target.slices;
    if (target.kind === "spot") body.point = target.point;
    return body;
  }

  /** Draws for each model that is shown; with `rest` only for those that lack it. */
  async start(target, rest = false) {
    const { state } = this;
    if (!state.image || !this.form.reportValidity()) return;
    const before = state.drawings.findIndex((one) => sameTarget(one.target, target));
    const results = new Map(rest ? state.drawings[before]?.results : []);
    const models = modelsShown(state).filter((model) => !results.has(model));
    if (models.length === 0) return;
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    state.set({ message: null, busy: { done: 0, of: 0, ahead: 0 } });
    try {
      for (const model of models) results.set(model, await this.one(model, target, abort.signal));
      if (this.#abort === abort) this.show(target, results, rest);
    } catch (error) {
      if (this.#abort === abort) tell(state, error);
    } finally {
      if (this.#abort === abort) {
        this.#abort = null;
        state.set({ busy: null, growing: null });
      }
    }
  }

  async one(model, target, signal) {
    const { state } = this;
    const heard = (event, data) => {
      if (signal.aborted) return;
      if (event === "queued") state.set({ busy: { ...state.busy, ahead: data.ahead } });
      if (event === "progress") state.set({ busy: { done: data.done, of: data.of, ahead: 0 } });
      if (event === "samples" && data.place) state.set({ growing: grown(state.growing, model, data) });
    };
    const result = await service.draw(this.body(model, target), heard, signal);
    return new Drawn(result);
  }

  /** A spot comes beside those that are there; anything else takes the place of its like. */
  show(target, results, rest) {
    const { state } = this;
    const like = (one) => sameTarget(one.target, target) || (target.kind !== "spot" && one.target.kind !== "spot");
    const at = state.drawings.findIndex(like);
    const drawings = [...state.drawings];
    const chosen = at < 0 ? drawings.length : at;
    drawings[chosen] = { target, results };
    state.set({ growing: null, drawings, chosen, ...(rest ? {} : { isolated: null, sample: -1 }) });
    const [first] = results.values();
    const slices = first.place.slices;
    if (state.image.size.slices > 1 && !slices.includes(state.slice)) state.set({ slice: slices[0] });
  }

  showProgress() {
    const { busy, image } = this.state;
    const bar = byId("progress");
    byId("draw").hidden = busy !== null;
    byId("stop").hidden = busy === null;
    bar.hidden = busy === null;
    this.form.classList.toggle("waiting", !image);
    if (!busy) return;
    if (busy.done === 0) {
      bar.removeAttribute("value"); // nobody knows yet
      byId("told").textContent = busy.ahead > 0 ? `Waiting: ${busy.ahead} ahead` : "Drawing …";
      return;
    }
    bar.max = busy.of;
    bar.value = busy.done;
    byId("told").textContent = `${busy.done} of ${busy.of} drawn`;
  }
}

function grown(before, model, { place, masks }) {
  if (before?.model !== model) return { model, place, masks: new Masks(masks) };
  return { model, place, masks: before.masks.join(masks) };
}
