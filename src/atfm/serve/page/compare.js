// Two models, or annotators, of one image side by side, with the same slice and zoom.

import { html } from "./element.js";

const byId = (id) => document.getElementById(id);

/** What a pane can show: each model, all annotators together, and each of them. */
export function sourcesOf(state) {
  const readers = state.image?.readers ?? [];
  const models = state.models.map(({ name }) => ({ kind: "model", name, words: `model ${name}` }));
  if (readers.length === 0) return models;
  const all = { kind: "readers", name: "all annotators", number: null, words: "all annotators" };
  return [...models, all, ...readers.map((name, number) => ({ kind: "readers", name, number, words: name }))];
}

function same(one, other) {
  return one?.kind === other?.kind && one?.name === other?.name;
}

/** Wires "Compare" and what each side shows. */
export function followCompare(state) {
  const toggle = byId("compare");
  const choices = [byId("side-0"), byId("side-1")];

  toggle.addEventListener("click", () => {
    if (state.panes.length > 1) {
      const model = state.panes.find((pane) => pane.kind === "model") ?? sourcesOf(state)[0];
      state.set({ panes: [model], isolated: null });
      return;
    }
    const other = sourcesOf(state).find((source) => !same(source, state.panes[0]));
    if (!other) {
      const text = "There is nothing to compare with: one model is served, and no annotator of this image is known";
      state.set({ message: { text: `${text}; start with two models, "atfm serve A B".`, alarm: false } });
      return;
    }
    state.set({ panes: [state.panes[0], other], isolated: null });
  });

  choices.forEach((choice, side) => {
    choice.addEventListener("change", () => {
      const panes = [...state.panes];
      panes[side] = sourcesOf(state)[Number(choice.value)];
      state.set({ panes, isolated: null });
    });
  });

  state.on(["image"], () => {
    // an annotator of the image before is none of this one
    const known = sourcesOf(state);
    const panes = state.panes.filter((pane) => known.some((source) => same(source, pane)));
    if (panes.length < state.panes.length) state.set({ panes: panes.length > 0 ? panes : known.slice(0, 1) });
  });

  state.on(["panes", "models", "image"], () => {
    const two = state.panes.length > 1;
    toggle.setAttribute("aria-pressed", String(two));
    byId("sides").hidden = !two;
    const sources = sourcesOf(state);
    choices.forEach((choice, side) => {
      choice.replaceChildren(...sources.map(({ words }, value) => html("option", { value }, words)));
      choice.value = String(sources.findIndex((source) => same(source, state.panes[side])));
    });
  });
}
