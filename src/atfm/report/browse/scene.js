// The pictures of an opened case: its image, its annotators, and maps over it, all of the same part.

import { Masks } from "../drawing/bits.js";
import { html, svg } from "../drawing/element.js";
import { HEATS, drawHeat, drawScale } from "../drawing/heat.js";
import { outlinePath } from "../drawing/outline.js";
import { picture } from "../drawing/picture.js";

const MOST_READERS = 8; // drawn over each other

/** Nodes that are drawn in the pixels of a box, put where the box lies. */
export function placed(nodes, box) {
  return svg("g", { transform: `translate(${box.x} ${box.y})` }, ...nodes);
}

/** The outlines of each mask, of all classes but the background, as an SVG path in the pixels of its box. */
export function pathsOf(masks) {
  const classes = masks.channels === 1 ? [0] : Array.from({ length: masks.channels - 1 }, (_, at) => at + 1);
  const path = (number, channel) => {
    const plane = masks.mark(new Uint8Array(masks.plane), number, channel, 0);
    return outlinePath(plane, masks.width, masks.height);
  };
  return Array.from({ length: masks.count }, (_, number) => classes.map((channel) => path(number, channel)).join(""));
}

/** The share of each class [C][h * w] by the weights of the masks, and that of any object. */
export function sharesOf(masks, weights) {
  const classes = Array.from({ length: masks.channels }, () => new Float64Array(masks.plane));
  for (let number = 0; number < masks.count; number += 1) {
    classes.forEach((sum, channel) => {
      const plane = masks.mark(new Uint8Array(masks.plane), number, channel, 0);
      for (let at = 0; at < masks.plane; at += 1) sum[at] += plane[at] * weights[number];
    });
  }
  const object = masks.channels === 1 ? classes[0] : classes[0].map((background) => 1 - background);
  return { classes, object };
}

/** The entropy of the classes in bits, [h * w]. */
export function entropyOf({ classes, object }) {
  const parts = classes.length > 1 ? classes : [object, object.map((share) => 1 - share)];
  const term = (share) => (share > 1e-12 ? -share * Math.log2(share) : 0);
  return object.map((_, at) => parts.reduce((sum, part) => sum + term(part[at]), 0));
}

/** A picture with its caption. */
export function shot(content, caption) {
  return html("figure", { class: "shot" }, content, html("figcaption", {}, caption));
}

/** A picture that a press makes large and small again; `large` says how it begins. */
export function growing(content, caption, large = false) {
  const figure = html("figure", { class: "shot" }, html("button", { type: "button", class: "grow" }, content), html("figcaption", {}, caption));
  const button = figure.firstChild;
  const size = (now) => {
    figure.classList.toggle("large", now);
    button.setAttribute("aria-pressed", String(now));
  };
  button.setAttribute("aria-label", `Large: ${caption}`);
  button.addEventListener("click", () => size(!figure.classList.contains("large")));
  size(large);
  return figure;
}

/** What all pictures of a case share: the image, the part that is shown, and the pictures of it. */
export class Scene {
  /** `aspect` is the height of a pixel by its width. */
  constructor(canvas, view, aspect) {
    Object.assign(this, { canvas, view, aspect });
  }

  /** The part with nodes over it. */
  part(nodes = []) {
    return picture(this.canvas, this.view, nodes, this.aspect);
  }

  /** The whole image, and in it the part. */
  whole() {
    const { width, height } = this.canvas;
    const { x, y } = this.view;
    const frame = { class: "frame", x, y, width: this.view.width, height: this.view.height };
    return picture(this.canvas, { x: 0, y: 0, width, height }, [svg("rect", frame)], this.aspect);
  }

  /** A map of values [h * w] in 0 to `most`, in its box over the image. */
  map(values, box, kind, most = 1) {
    const heat = document.createElement("canvas");
    const bytes = Uint8Array.from(values, (value) => Math.round((255 * value) / most));
    drawHeat(heat, bytes, 1 / 255, box.width, box.height, kind);
    const both = document.createElement("canvas");
    [both.width, both.height] = [this.canvas.width, this.canvas.height];
    const context = both.getContext("2d");
    context.drawImage(this.canvas, 0, 0);
    context.drawImage(heat, box.x, box.y);
    return picture(both, this.view, [], this.aspect);
  }
}

/** The image, its annotators together, and the share of them that marks each pixel. */
export function readerShots(scene, { box, masks: packed }) {
  const masks = new Masks(packed);
  const paths = pathsOf(masks);
  const empty = paths.filter((path) => !path).length;
  const lines = paths.slice(0, MOST_READERS).map((d, number) => svg("path", { class: `reader a${number % 7}`, d }));
  const words = [`${masks.count} annotator${masks.count === 1 ? "" : "s"}`];
  if (empty) words.push(`${empty} empty`);
  if (masks.count > MOST_READERS) words.push(`the first ${MOST_READERS} drawn`);
  const { object } = sharesOf(masks, new Array(masks.count).fill(1 / masks.count));
  return [
    growing(scene.whole(), "whole image"),
    growing(scene.part([placed(lines, box)]), words.join(", ")),
    growing(scene.map(object, box, "probability"), "share of annotators"),
  ];
}

/** What the colours of the maps mean; of several classes a pixel can have more than one bit. */
export function mapLegend(classes) {
  const bits = classes > 2 ? `${Math.log2(classes).toFixed(2)} bits` : HEATS.ambiguity.ends[1];
  const parts = Object.entries(HEATS).map(([kind, { title, ends }]) => {
    const strip = html("canvas", { "aria-hidden": "true" });
    drawScale(strip, kind);
    return html("span", {}, `${title} ${ends[0]}`, strip, kind === "ambiguity" ? bits : ends[1]);
  });
  return html("p", { class: "quiet legend" }, ...parts);
}
