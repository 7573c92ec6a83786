// What the annotators outlined on the slice that is shown, beside what the model says.

import { keyOf } from "./card.js";
import { DASHES } from "./colours.js";
import { html } from "./element.js";
import { areaText } from "./quantity.js";

/** How many pixels each annotator marks on the slice. */
function sizes({ readers, slice }) {
  const depth = readers.slices > 1 ? slice : 0;
  const size = (number) => readers.mask(number, depth).reduce((sum, one) => sum + one, 0);
  return Array.from({ length: readers.count }, (_, number) => size(number));
}

function areaOf(image, px) {
  const { spacing } = image;
  return areaText({ px, mm2: spacing ? px * spacing.x * spacing.y : null });
}

/** Wires the list of annotators, there while a pane or the layer shows them. */
export function followAnnotators(state) {
  const place = document.getElementById("readers");
  state.on(["image", "readers", "slice", "layers", "panes"], () => {
    const { image, readers, panes, layers } = state;
    place.hidden = !readers || !(layers.readers || panes.some((pane) => pane.kind === "readers"));
    if (place.hidden) return;
    const found = sizes(state);
    const marked = found.filter((px) => px > 0).length;
    const words = `${marked} of ${found.length} annotators ${marked === 1 ? "outlines" : "outline"} something here`;
    place.querySelector(".sentence").textContent = words;
    const items = found.map((px, number) => {
      const key = keyOf({ colour: "#fff", dash: DASHES[number % DASHES.length] });
      const area = html("span", { class: "area" }, px > 0 ? areaOf(image, px) : "nothing");
      return html("li", {}, key, image.readers[number], area);
    });
    place.querySelector("ul").replaceChildren(...items);
  });
}
