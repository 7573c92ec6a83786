// One result of the service, with its masks unpacked and traced when they are first looked at.

import { Masks, ValueMap } from "./bits.js";
import { LEVELS, contourPath } from "./contour.js";
import { outlinePath } from "./outline.js";

/** Samples that lie somewhere in an image. */
export class Drawn {
  #paths = new Map();

  constructor(result) {
    this.result = result;
    this.place = result.place;
    this.hypotheses = result.hypotheses;
    this.masks = new Masks(result.masks);
    this.probability = new ValueMap(result.probability);
    this.ambiguity = new ValueMap(result.ambiguity);
  }

  /** Where a slice of the image is among those drawn, or -1. */
  depth(slice) {
    return this.place.slices.indexOf(slice);
  }

  #kept(name, make) {
    if (!this.#paths.has(name)) this.#paths.set(name, make());
    return this.#paths.get(name);
  }

  /** The outline of a sample on a slice of the image, as an SVG path in the pixels of the masks; "" where none is. */
  path(sample, slice) {
    const depth = this.depth(slice);
    if (depth < 0) return "";
    const { masks } = this;
    return this.#kept(`${sample}/${depth}`, () => outlinePath(masks.mask(sample, depth), masks.width, masks.height));
  }

  /** The outlines of all samples on a slice. */
  paths(slice) {
    return Array.from({ length: this.masks.count }, (_, sample) => this.path(sample, slice));
  }

  /** Where a side ("top", "bottom", "left" or "right") of a hypothesis lies on a slice, in the pixels of the image. */
  edge(hypothesis, slice, side) {
    const depth = this.depth(slice);
    const one = this.hypotheses[hypothesis];
    if (depth < 0 || one.empty) return null;
    const { width } = this.masks;
    const find = () => edgeOf(this.masks.mask(one.sample, depth), width, side);
    const found = this.#kept(`edge/${hypothesis}/${depth}/${side}`, find);
    const [down, across] = this.place.scale;
    return found && { x: this.place.x + across * found.x, y: this.place.y + down * found.y };
  }

  /** Contours of the probability on a slice: [{level, path}]. */
  contours(slice) {
    const depth = this.depth(slice);
    if (depth < 0) return [];
    const map = this.probability;
    return this.#kept(`contours/${depth}`, () =>
      LEVELS.map((level) => ({ level, path: contourPath(map.slice(depth), map.scale, level, map.width, map.height) })),
    );
  }

  /** The value of a map at a pixel of the image, or null outside of what was drawn. */
  valueAt(kind, column, row, slice) {
    const depth = this.depth(slice);
    const [down, across] = this.place.scale;
    const x = Math.floor((column - this.place.x) / across);
    const y = Math.floor((row - this.place.y) / down);
    const map = this[kind];
    if (depth < 0 || x < 0 || y < 0 || x >= map.width || y >= map.height) return null;
    return map.at(x, y, depth);
  }

  /** The slice of the image on which a hypothesis is largest: where to look for it. */
  fullest(hypothesis) {
    const { sample } = this.hypotheses[hypothesis];
    let [best, most] = [this.place.slices[0], -1];
    this.place.slices.forEach((slice, depth) => {
      const size = this.masks.mask(sample, depth).reduce((sum, one) => sum + one, 0);
      if (size > most) [best, most] = [slice, size];
    });
    return best;
  }

  /** Whether the image is looked at through more than one slice, so that sizes are volumes. */
  get volume() {
    return this.place.slices.length > 1;
  }
}

/** The middle of the outermost pixels of a mask on one side, at the corner of pixels; null of an empty mask. */
function edgeOf(mask, width, side) {
  const upright = side === "top" || side === "bottom"; // the outermost row, else the outermost column
  let [best, sum, count] = [null, 0, 0];
  for (let at = mask.indexOf(1); at >= 0; at = mask.indexOf(1, at + 1)) {
    const [row, column] = [Math.floor(at / width), at % width];
    const [along, across] = upright ? [row, column] : [column, row];
    const further = side === "top" || side === "left" ? along < best : along > best;
    if (best === null || further) [best, sum, count] = [along, 0, 0];
    if (along === best) [sum, count] = [sum + across + 0.5, count + 1];
  }
  if (best === null) return null;
  const outer = side === "top" || side === "left" ? best : best + 1;
  return upright ? { x: sum / count, y: outer } : { x: outer, y: sum / count };
}

/** The SVG transform from pixels of the masks to pixels of the image. */
export function placed(place) {
  return `translate(${place.x} ${place.y}) scale(${place.scale[1]} ${place.scale[0]})`;
}
