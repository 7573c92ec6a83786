// The spots that have been looked at, side by side, each with its hypotheses.

import { aspectOf } from "./camera.js";
import { styleOf } from "./colours.js";
import { html } from "./element.js";
import { picture } from "./picture.js";
import { shareText, wholeShares } from "./shares.js";
import { greyOf, outlinesOf, squareOf } from "./results.js";
import { service } from "./service.js";
import { modelsShown } from "./state.js";

/** What a drawing is called, and where it lies. */
function nameOf({ target }, image, number) {
  if (target.kind === "spot") {
    const [x, y, z] = target.point;
    return [`Spot ${number}`, `${z === undefined ? "" : `slice ${z + 1} `}at ${x}, ${y}`];
  }
  if (target.kind === "slices") {
    const { slices } = target;
    const [first, last] = [slices[0] + 1, slices[slices.length - 1] + 1];
    return [first === last ? `Slice ${first}` : `Slices ${first} to ${last}`, ""];
  }
  return ["Whole image", ""];
}

function sharesText(drawn) {
  const shares = wholeShares(drawn.hypotheses.map((one) => one.probability));
  const words = drawn.hypotheses.map((one, number) => {
    const name = one.empty ? "none" : styleOf(drawn.hypotheses, number).letter;
    return `${name} ${shareText(shares[number], one.probability)}`;
  });
  return words.join(" · ");
}

/** Wires the strip under the viewer. */
export function followSpots(state) {
  const strip = document.getElementById("spots");
  const list = document.getElementById("spots-list");
  const pictures = new WeakMap(); // a drawing's small picture, made when its slice was shown

  function thumbnail(drawn) {
    const [slice] = drawn.place.slices;
    const shown = state.pixels?.slice === slice && state.slice === slice;
    if (shown && !pictures.has(drawn)) {
      const outlines = outlinesOf(drawn, slice, drawn.hypotheses.map((_, number) => number).reverse());
      const square = squareOf(drawn, slice, state.image);
      pictures.set(drawn, picture(greyOf(state), square, [outlines], aspectOf(state.image)));
    }
    return pictures.get(drawn) ?? html("span", { class: "picture" });
  }

  function choose(at) {
    const drawing = state.drawings[at];
    const [drawn] = drawing.results.values();
    const inside = drawn.place.slices.includes(state.slice);
    state.set({ chosen: at, isolated: null, sample: -1, ...(inside ? {} : { slice: drawn.place.slices[0] }) });
  }

  function drop(at) {
    for (const { result } of state.drawings[at].results.values()) service.forgetSamples(result.id).catch(() => {});
    const drawings = state.drawings.filter((_, other) => other !== at);
    state.set({ drawings, chosen: Math.min(state.chosen, drawings.length - 1), isolated: null, sample: -1 });
    (list.querySelector("button") ?? document.getElementById("draw")).focus();
  }

  function item(drawing, at) {
    const number = state.drawings.slice(0, at + 1).filter((one) => one.target.kind === "spot").length;
    const [name, where] = nameOf(drawing, state.image, number);
    const [model] = modelsShown(state);
    const drawn = drawing.results.get(model) ?? [...drawing.results.values()][0];
    const lines = [where, sharesText(drawn)].map((text) => html("span", {}, text));
    const words = html("span", { class: "said" }, html("strong", {}, name), ...lines);
    const chosen = String(at === state.chosen);
    const go = html("button", { type: "button", class: "spot", "aria-pressed": chosen }, thumbnail(drawn), words);
    go.addEventListener("click", () => choose(at));
    const away = html("button", { type: "button", class: "drop", "aria-label": `Forget ${name}` }, "×");
    away.addEventListener("click", () => drop(at));
    return html("li", {}, go, away);
  }

  state.on(["drawings", "chosen", "pixels", "panes"], () => {
    const any = state.drawings.some((one) => one.target.kind === "spot") || state.drawings.length > 1;
    strip.hidden = !any;
    list.replaceChildren(...(any ? state.drawings.map(item) : []));
  });
}
