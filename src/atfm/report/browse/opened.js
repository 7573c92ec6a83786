// A case that is opened: a row under its own, drawn only now.

import { html } from "../drawing/element.js";
import { asCanvas, inflated } from "./payload.js";
import { Reading } from "./reading.js";
import { Scene, mapLegend, readerShots } from "./scene.js";

/** What to know of what is shown, a sentence each. */
function notes({ plane, slices, methods }) {
  const told = plane === null ? [] : [`Slice ${plane + 1} of ${slices}, the one that annotators mark most.`];
  for (const { label, samples, areas } of methods) {
    const whose = label ? `Of ${label} the` : "The";
    if (areas.length < samples) told.push(`${whose} first ${areas.length} of ${samples} samples are in this page.`);
  }
  return told.map((text) => html("p", { class: "quiet" }, text));
}

function methodPart(reading, { label, line }) {
  const named = label ? [html("h3", {}, label), html("p", { class: "quiet" }, line)] : [];
  const shots = label ? [html("div", { class: "shots" }, ...reading.shots())] : [];
  const sizes = html("div", { class: "sizes" }, reading.histogram());
  return html("div", { class: "method" }, ...named, ...shots, html("div", { class: "told" }, reading.cards, sizes), reading.strip);
}

/** The content of an opened case, from its text in the page. */
export async function openedCase(text) {
  const found = await inflated(text);
  const scene = new Scene(await asCanvas(found.image, found.size), found.view, found.aspect);
  const sizes = { volume: found.plane !== null, mm2: found.mm2, ml: found.ml };
  const readings = found.methods.map((method) => new Reading(scene, method, sizes));
  const alone = found.methods.length === 1 && !found.methods[0].label;
  const shots = [...readerShots(scene, found.annotators), ...(alone ? readings[0].shots() : [])];
  const parts = found.methods.map((method, number) => methodPart(readings[number], method));
  return [...notes(found), html("div", { class: "shots" }, ...shots), mapLegend(found.annotators.masks.shape[1]), html("div", { class: alone ? "alone" : "methods" }, ...parts)];
}
