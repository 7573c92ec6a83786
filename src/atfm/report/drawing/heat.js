// A map of values in colours over an image, and the legend to read it by.

import { colourMap } from "./colours.js";

/** The maps that are drawn: what they are called, their colours and the largest value, in units of the map. */
export const HEATS = {
  probability: { title: "share of readers", colours: "inferno", most: 1, ends: ["0", "100 %"] },
  ambiguity: { title: "ambiguity", colours: "viridis", most: 1, ends: ["0", "1 bit"] },
};

/** How opaque a share of the largest value is: nothing at 0, so that the image is seen where nobody marks. */
function opacity(share) {
  return share <= 0 ? 0 : 0.35 + 0.5 * Math.min(share, 1);
}

/** Draws bytes [H * W] times `scale` in the canvas's own pixels, clear at 0; `most` is what has the last colour. */
export function drawHeat(canvas, bytes, scale, width, height, kind) {
  const { colours, most } = HEATS[kind];
  const table = colourMap(colours);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    if (bytes[at] === 0) continue;
    const share = (bytes[at] * scale) / most;
    const colour = 3 * Math.round(255 * Math.min(share, 1));
    picture.data[4 * at] = table[colour];
    picture.data[4 * at + 1] = table[colour + 1];
    picture.data[4 * at + 2] = table[colour + 2];
    picture.data[4 * at + 3] = 255 * opacity(share);
  }
  context.putImageData(picture, 0, 0);
}

/** Draws the strip of a legend, from 0 at its left to the largest value, as opaque as the map on black. */
export function drawScale(canvas, kind) {
  const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
  drawHeat(canvas, bytes, HEATS[kind].most / 255, 256, 1, kind);
}
