// What one method drew of a case: all samples, two maps, the hypotheses as cards of which one can be picked, the
// distribution of the area, and the samples one by one.

import { Masks } from "../drawing/bits.js";
import { hypothesisCard } from "../drawing/card.js";
import { styleOf } from "../drawing/colours.js";
import { html } from "../drawing/element.js";
import { areaHistogram } from "../drawing/histogram.js";
import { outlineNode, sampleNodes } from "../drawing/lines.js";
import { areaText } from "../drawing/quantity.js";
import { shareText, wholeShares } from "../drawing/shares.js";
import { entropyOf, growing, pathsOf, placed, sharesOf, shot } from "./scene.js";

const FIRST = 11; // samples that are shown one by one before all are asked for

/** One method of an opened case. */
export class Reading {
  /** `sizes` is {volume, mm2, ml}: whether voxels are counted, and how large one is where that is known. */
  constructor(scene, method, sizes) {
    Object.assign(this, { scene, method, sizes });
    this.unit = sizes.volume ? "voxels" : "px";
    this.masks = new Masks(method.masks);
    this.paths = pathsOf(this.masks);
    this.weights = method.weights ?? new Array(this.masks.count).fill(1 / this.masks.count);
    this.picked = null; // the number of a hypothesis
    this.all = false; // samples one by one
    this.outlines = html("div", { class: "outlines" });
    this.cards = html("div", { class: "cards" });
    this.strip = html("div", { class: "strip" });
    this.show();
  }

  /** All samples, the share of them, and how much they disagree. */
  shots() {
    const shares = sharesOf(this.masks, this.weights);
    const { box } = this.method;
    const most = Math.max(1, Math.log2(shares.classes.length));
    return [
      this.outlines,
      growing(this.scene.map(shares.object, box, "probability"), "share of samples"),
      growing(this.scene.map(entropyOf(shares), box, "ambiguity", most), "ambiguity"),
    ];
  }

  /** How large the outlines are. */
  histogram() {
    const { areas, readings, reading_of: readingOf } = this.method;
    const sizes = readings.map((one) => one.area);
    const label = `The area of the samples in ${this.unit}, by hypothesis`;
    const options = { areas, weights: this.weights, hypothesisOf: readingOf, hypotheses: readings, sizes };
    return areaHistogram({ ...options, unit: this.unit, label });
  }

  /** Picks a hypothesis, or none if it was picked. */
  pick(number) {
    this.picked = this.picked === number ? null : number;
    this.show();
  }

  show() {
    const { readings, reading_of: readingOf } = this.method;
    const chosen = this.paths.map((_, number) => number).filter((k) => this.picked === null || readingOf[k] === this.picked);
    this.outlines.replaceChildren(this.together(chosen));
    // the same buttons stay, so that the focus does
    if (!this.cards.children.length) this.cards.append(...readings.map((_, number) => this.card(number)));
    [...this.cards.children].forEach((card, number) => card.setAttribute("aria-pressed", String(number === this.picked)));
    this.strip.replaceChildren(...this.singles(chosen));
  }

  together(chosen) {
    const { readings, reading_of: readingOf, box } = this.method;
    const nodes = sampleNodes(chosen.map((k) => this.paths[k]), chosen.map((k) => readingOf[k]), readings);
    const shown = this.picked === null ? readings : [readings[this.picked]];
    for (const one of [...shown].reverse()) {
      if (!one.empty) nodes.push(outlineNode(this.paths[one.sample], styleOf(readings, readings.indexOf(one))));
    }
    const large = this.outlines.firstChild?.classList.contains("large") ?? false;
    return growing(this.scene.part([placed(nodes, box)]), this.counted(chosen), large);
  }

  /** An area in words, in mm2 or ml too where these are known. */
  sized(px) {
    const { volume, mm2, ml } = this.sizes;
    return areaText({ px, mm2: mm2 && px * mm2, ml: ml && px * ml }, volume);
  }

  /** How many samples there are in words. */
  counted(chosen) {
    const empty = chosen.filter((k) => !this.paths[k]).length;
    const words = `${chosen.length} sample${chosen.length === 1 ? "" : "s"}`;
    return empty ? `${words}, ${empty} empty` : words;
  }

  card(number) {
    const { readings, box } = this.method;
    const one = readings[number];
    const style = styleOf(readings, number);
    const line = one.empty ? [] : [placed([outlineNode(this.paths[one.sample], style)], box)];
    const whole = wholeShares(readings.map((reading) => reading.probability));
    return hypothesisCard({
      one,
      style,
      share: shareText(whole[number], one.probability),
      area: this.sized(one.area),
      thumbnail: this.scene.part(line),
      press: () => this.pick(number),
      pressed: false,
    });
  }

  singles(chosen) {
    const some = this.all ? chosen : chosen.slice(0, FIRST);
    const shots = some.map((k) => this.single(k));
    if (some.length === chosen.length) return shots;
    const more = html("button", { type: "button", class: "more" }, `All ${chosen.length} samples`);
    more.addEventListener("click", () => {
      this.all = true;
      this.show();
      this.strip.tabIndex = -1;
      this.strip.focus(); // the button is gone
    });
    return [...shots, more];
  }

  single(k) {
    const { readings, reading_of: readingOf, areas, box } = this.method;
    const style = readingOf[k] < 0 ? { colour: "#fff", dash: "" } : styleOf(readings, readingOf[k]);
    const line = this.paths[k] ? [placed([outlineNode(this.paths[k], { ...style, dash: "" }, 1.5)], box)] : [];
    const size = areas[k] ? `${areas[k]} ${this.unit}` : "empty";
    return shot(this.scene.part(line), `${k + 1}: ${size}`);
  }
}
