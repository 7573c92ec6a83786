// Outlines as SVG over an image: of hypotheses with a dark rim so that they are seen on bright and dark alike, of the
// single samples thin and faint, of annotators white, of probability by dash.

import { styleOf } from "./colours.js";
import { svg } from "./element.js";

const MOST_PATHS = 256; // more samples than this share paths, so that the browser stays quick

/** The outline of a hypothesis: {colour, dash} over a rim. */
export function outlineNode(path, { colour, dash }, width = 2.6) {
  const line = { d: path, "vector-effect": "non-scaling-stroke", fill: "none", "stroke-linejoin": "round" };
  return svg(
    "g",
    { class: "outline" },
    svg("path", { ...line, stroke: "#000", "stroke-opacity": 0.65, "stroke-width": width + 2 }),
    svg("path", { ...line, stroke: colour, "stroke-width": width, "stroke-dasharray": dash || null }),
  );
}

/** The samples as thin lines in the colours of their hypotheses; `paths` has an SVG path, or "", for each of them. */
export function sampleNodes(paths, hypothesisOf, hypotheses) {
  const each = Math.ceil(paths.length / MOST_PATHS);
  const opacity = Math.max(0.16, Math.min(0.6, 2.2 / Math.sqrt(paths.length)));
  const groups = hypotheses.map(() => []);
  paths.forEach((path, number) => {
    if (path && groups[hypothesisOf[number]]) groups[hypothesisOf[number]].push(path);
  });
  return groups.flatMap((group, number) => {
    const { colour } = styleOf(hypotheses, number);
    const nodes = [];
    for (let first = 0; first < group.length; first += each) {
      nodes.push(
        svg("path", {
          d: group.slice(first, first + each).join(""),
          class: "sample",
          fill: "none",
          stroke: colour,
          "stroke-opacity": opacity,
          "stroke-width": 1.2,
          "vector-effect": "non-scaling-stroke",
        }),
      );
    }
    return nodes;
  });
}

/** The outline of an annotator, white; each has its own dash. */
export function readerNode(path, dash) {
  return outlineNode(path, { colour: "#fff", dash }, 1.75);
}

/** A contour of probability; the middle one is whole, the outer and the inner are dashed and dotted. */
export function contourNode(path, level) {
  const dash = level < 0.5 ? "2 4" : level > 0.5 ? "9 4" : "";
  return outlineNode(path, { colour: "#fff", dash }, level === 0.5 ? 2 : 1.5);
}
