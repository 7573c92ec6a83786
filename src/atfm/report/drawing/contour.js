// Lines of equal probability: round the pixels that at least this share of the readers mark.

import { outlinePath } from "./outline.js";

/** The shares at which contours are drawn. */
export const LEVELS = [0.1, 0.5, 0.9];

/** The outline of where a map's bytes [H * W] times `scale` reach `level`, as an SVG path. */
export function contourPath(bytes, scale, level, width, height) {
  const least = level / scale - 0.5; // a value is known to half a byte
  const mask = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) mask[at] = bytes[at] >= least ? 1 : 0;
  return outlinePath(mask, width, height);
}
