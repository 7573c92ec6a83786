// The controls over the table: what to find, and the heads as buttons that sort.

import { html } from "../drawing/element.js";
import { EMPTY_SHARES } from "./filters.js";

function labelled(words, control) {
  return html("label", {}, html("span", {}, words), control);
}

function choice(options, label) {
  const nodes = options.map(([value, words]) => html("option", { value }, words));
  return labelled(label, html("select", {}, ...nodes));
}

/** A number that was typed, null where there is none; a comma is a point. */
function typed(input) {
  const value = Number.parseFloat(input.value.replace(",", "."));
  return Number.isFinite(value) ? value : null;
}

/** The filter over the table; `scores` are [column, name], `changed` is called with what is asked for. */
export function filterForm(scores, changed) {
  const text = labelled("Find a case or patient", html("input", { type: "search", autocomplete: "off", spellcheck: "false" }));
  const empty = choice(Object.entries(EMPTY_SHARES).map(([value, [words]]) => [value, words]), "Empty readers");
  const column = choice(scores, "Score");
  const [low, high] = ["from", "to"].map((words) => labelled(words, html("input", { type: "text", inputmode: "decimal", size: 5 })));
  const told = html("output", { "aria-live": "polite" });
  const clear = html("button", { type: "reset" }, "Clear");
  const range = html("fieldset", {}, html("legend", {}, "Score range"), column, low, high);
  const form = html("form", { class: "controls", "aria-label": "Filter the cases" }, text, empty, range, clear, told);
  const valueOf = (label) => label.lastChild;
  const ask = () => {
    changed({
      text: valueOf(text).value.trim(),
      empty: valueOf(empty).value,
      column: Number(valueOf(column).value),
      low: typed(valueOf(low)),
      high: typed(valueOf(high)),
    });
  };
  form.addEventListener("input", ask);
  form.addEventListener("reset", () => setTimeout(ask)); // the values are back only then
  form.addEventListener("submit", (event) => event.preventDefault());
  return { form, told, ask };
}

/** Puts a button into each head that sorts by it: names from A on, numbers from the largest on, then the other way. */
export function sortingHeads(heads, sort) {
  heads.forEach((head, column) => {
    const button = html("button", { type: "button", class: "sort" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = column === 0 ? "ascending" : "descending";
      const other = column === 0 ? "descending" : "ascending";
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", before === first ? other : first);
      sort(column, head.getAttribute("aria-sort") === "descending");
    });
  });
}
