// A hypothesis as a card: what it looks like, how many of the readers see it so, and how large it is.

import { html, svg } from "./element.js";

/** The line with which a hypothesis is drawn, and its letter: what ties a card to its outline. */
export function keyOf(style) {
  const stroke = { stroke: style.colour, "stroke-width": 3, "stroke-dasharray": style.dash || null };
  const line = { x1: 2, x2: 30, y1: 6, y2: 6, ...stroke };
  return svg("svg", { class: "key", viewBox: "0 0 32 12", "aria-hidden": "true" }, svg("line", line));
}

/** A bar of a share, in the colour of the hypothesis, with its interval as a thin line. */
function shareBar(one, style) {
  const bar = { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true", class: "share-bar" };
  const [low, high] = [100 * one.low, 100 * one.high];
  return svg(
    "svg",
    bar,
    svg("rect", { class: "rail", width: 100, height: 8 }),
    svg("rect", { fill: style.colour, width: 100 * one.probability, height: 8 }),
    svg("line", { class: "interval", x1: low, x2: Math.max(high, low + 0.5), y1: 4, y2: 4, "vector-effect": "non-scaling-stroke" }),
  );
}

/**
 * The card of a hypothesis {name, probability, low, high}.
 *
 * `share` and `area` are in words, `style` is of `styleOf`, `thumbnail` a picture. With `press` the card is a button
 * that is pressed or not; without it, it is only shown.
 */
export function hypothesisCard({ one, style, share, area, thumbnail, press = null, pressed = false }) {
  const name = style.order < 0 ? "No lesion" : `Outline ${style.letter}`;
  const between = `95 % interval ${Math.round(100 * one.low)} to ${Math.round(100 * one.high)} %`;
  const card = html(
    press ? "button" : "div",
    { class: "hypothesis", type: press ? "button" : null, "aria-pressed": press ? String(pressed) : null },
    thumbnail,
    html(
      "span",
      { class: "said" },
      html("span", { class: "share" }, share),
      html("span", { class: "name" }, ...(style.order < 0 ? [] : [keyOf(style)]), name),
      shareBar(one, style),
      html("span", { class: "area" }, style.order < 0 ? "nothing is outlined" : area),
      html("span", { class: "between" }, between),
    ),
  );
  if (press) card.addEventListener("click", press);
  return card;
}
