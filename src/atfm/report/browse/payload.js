// What the page holds of a case: base64 of compressed JSON, taken apart when the case is opened.

import { fromBase64 } from "../drawing/bits.js";

/** The value behind such a text. */
export async function inflated(text) {
  const bytes = new Blob([fromBase64(text)]).stream();
  return new Response(bytes.pipeThrough(new DecompressionStream("deflate"))).json();
}

/** An image as a canvas of this size, however large its file is. */
export async function asCanvas(uri, [height, width]) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return canvas;
}
