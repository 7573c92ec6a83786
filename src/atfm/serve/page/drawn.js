// One result of the service, with its masks unpacked and traced when they are first looked at.

import { Masks, ValueMap } from "./bits.js";
import { LEVELS, contourPath } from "./contour.js";
import { outlinePath } from "./outline.js";
import { boxOf } from "./picture.js";

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

  /** The box of a hypothesis on a slice, in the pixels of the masks; null where it is not. */
  box(hypothesis, slice) {
    const depth = this.depth(slice);
    const one = this.hypotheses[hypothesis];
    if (depth < 0 || one.empty) return null;
    return this.#kept(`box/${hypothesis}/${depth}`, () => boxOf([this.masks.mask(one.sample, depth)], this.masks.width));
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

/** The SVG transform from pixels of the masks to pixels of the image. */
export function placed(place) {
  return `translate(${place.x} ${place.y}) scale(${place.scale[1]} ${place.scale[0]})`;
}
