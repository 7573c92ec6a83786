// One pane: the image, maps, outlines and what stands over them, drawn from the state.

import { aspectOf, transformOf } from "./camera.js";
import { svg, html } from "./element.js";
import { drawGrey } from "./grey.js";
import { drawHeat } from "./heat.js";
import { drawMarks } from "./marks.js";
import { outlineGroups, previewNodes } from "./outlining.js";
import { drawnOf } from "./state.js";

const SHARP = 12; // pixels of the screen for one of the image, from which on it is shown as a square

/** A pane of the viewer; several of them share the state. */
export class Viewer {
  constructor(state, pane) {
    this.state = state;
    this.pane = pane;
    this.grey = html("canvas", { class: "grey", "aria-hidden": "true" });
    this.heats = ["probability", "ambiguity"].map((kind) => ({ kind, canvas: html("canvas", { class: "heat" }) }));
    this.over = svg("svg", { class: "over", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
    this.outlines = svg("g");
    this.preview = svg("g", { class: "preview" });
    this.over.append(this.preview, this.outlines);
    this.marks = html("div", { class: "marks" });
    const layers = [this.grey, ...this.heats.map(({ canvas }) => canvas), this.over, this.marks];
    this.node = html(
      "div",
      { class: "viewer", tabindex: 0, role: "application", "aria-roledescription": "image viewer" },
      ...layers,
    );
    this.pointer = null; // the pixel under the pointer, or in the middle when keys move the image
    new ResizeObserver(() => this.place()).observe(this.node);
    this.draw();
  }

  /** Takes the pane off the page. */
  remove() {
    this.node.remove();
  }

  get drawn() {
    return drawnOf(this.state, this.pane);
  }

  /** The pixel of the image [x, y] at a place of the screen; not a whole number, and maybe outside. */
  pixelAt(clientX, clientY) {
    const box = this.node.getBoundingClientRect();
    const { across, down, left, top } = this.transform();
    return [(clientX - box.left - left) / across, (clientY - box.top - top) / down];
  }

  transform() {
    return transformOf(this.state.image, this.state.camera, this.node.clientWidth, this.node.clientHeight);
  }

  /** Draws what has changed; all of it without an argument. */
  draw(changed = null) {
    const any = (...names) => changed === null || names.some((name) => changed.has(name));
    this.node.classList.toggle("empty", !this.state.image);
    if (any("pixels", "window", "inverted")) this.drawImage();
    const drawn = any("drawings", "chosen", "panes", "layers", "slice", "image");
    if (drawn) this.drawHeats();
    if (drawn || any("isolated", "sample", "readers", "growing")) this.drawOutlines();
    this.place();
  }

  drawImage() {
    const { pixels, window, inverted } = this.state;
    if (!pixels) return;
    drawGrey(this.grey, pixels, window);
    this.grey.classList.toggle("inverted", inverted);
  }

  drawHeats() {
    const { drawn, state } = this;
    for (const { kind, canvas } of this.heats) {
      const depth = drawn && state.layers[kind] ? drawn.depth(state.slice) : -1;
      canvas.hidden = depth < 0;
      if (depth < 0) continue;
      const map = drawn[kind];
      drawHeat(canvas, map.slice(depth), map.scale, map.width, map.height, kind);
    }
  }

  drawOutlines() {
    this.outlines.replaceChildren(...outlineGroups(this.state, this.pane));
  }

  /** Puts everything where the camera says. */
  place() {
    const { image, camera } = this.state;
    const [width, height] = [this.node.clientWidth, this.node.clientHeight];
    if (!image || width === 0) {
      this.marks.replaceChildren();
      return;
    }
    const transform = transformOf(image, camera, width, height);
    const { across, down, left, top } = transform;
    this.grey.style.transform = `translate(${left}px, ${top}px) scale(${across}, ${down})`;
    this.grey.classList.toggle("sharp", across >= SHARP);
    const place = this.drawn?.place;
    for (const { canvas } of this.heats) {
      if (canvas.hidden || !place) continue;
      const [x, y] = [left + place.x * across, top + place.y * down];
      canvas.style.transform = `translate(${x}px, ${y}px) scale(${across * place.scale[1]}, ${down * place.scale[0]})`;
    }
    this.over.setAttribute("viewBox", `${-left / across} ${-top / down} ${width / across} ${height / down}`);
    this.preview.replaceChildren(...previewNodes(this.state, this.pane, this.pointer));
    this.marks.replaceChildren(...drawMarks(this.state, this.pane, this.pointer, transform, width));
    this.node.setAttribute("aria-label", this.spoken());
  }

  /** What the pane shows, in words. */
  spoken() {
    const { image, slice, title, sample } = this.state;
    const where = image.size.slices > 1 ? `, slice ${slice + 1} of ${image.size.slices}` : "";
    const { drawn } = this;
    const said = drawn ? `. ${drawn.result.sentence}${sample < 0 ? "" : `; sample ${sample + 1} is shown`}` : "";
    const tall = aspectOf(image) === 1 ? "" : ", shown in its true shape";
    return `${title}, ${image.size.width} by ${image.size.height} pixels${where}${tall}${said}. Press ? for keys.`;
  }
}
