// A small picture: a part of an image with outlines over it.

import { html, svg } from "./element.js";

/** The square round a box {x, y, width, height} with a margin, inside an image of this size; at least `least` wide. */
export function squareAround(box, width, height, least = 32, margin = 0.35) {
  const side = Math.min(Math.max(least, Math.round(Math.max(box.width, box.height) * (1 + 2 * margin))), width, height);
  const place = (start, extent, whole) => Math.max(0, Math.min(whole - side, Math.round(start + (extent - side) / 2)));
  return { x: place(box.x, box.width, width), y: place(box.y, box.height, height), width: side, height: side };
}

/** The box of what any of these masks [H * W] marks, or null. */
export function boxOf(masks, width) {
  let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
  for (const mask of masks) {
    for (let at = mask.indexOf(1); at >= 0; at = mask.indexOf(1, at + 1)) {
      const [row, column] = [Math.floor(at / width), at % width];
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, row);
      bottom = Math.max(bottom, row);
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * A part of a canvas or image with nodes of SVG over it.
 *
 * `view` {x, y, width, height} is the part, in pixels of `source`; the nodes are drawn in the same pixels. `aspect` is
 * the height of a pixel by its width.
 */
export function picture(source, view, nodes = [], aspect = 1) {
  const canvas = html("canvas", { width: view.width, height: view.height, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.drawImage(source, view.x, view.y, view.width, view.height, 0, 0, view.width, view.height);
  const frame = { viewBox: `${view.x} ${view.y} ${view.width} ${view.height}`, preserveAspectRatio: "none" };
  const over = svg("svg", { ...frame, "aria-hidden": "true", focusable: "false" }, ...nodes);
  const holder = html("span", { class: "picture" }, canvas, over);
  holder.style.aspectRatio = `${view.width} / ${view.height * aspect}`;
  return holder;
}
