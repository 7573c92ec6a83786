// Brings the table of cases to life.

import { html } from "../drawing/element.js";
import { filterForm, sortingHeads } from "./controls.js";
import { passes } from "./filters.js";
import { openedCase } from "./opened.js";
import { caseRows, sortedRows } from "./rows.js";

const STEP = 100; // rows that are shown before more are asked for

/** The table: its cases, in which order, which of them, and which are open. */
class CaseTable {
  constructor(section) {
    this.table = section.querySelector("table");
    this.body = this.table.tBodies[0];
    this.rows = caseRows(this.table);
    this.order = this.rows;
    this.filter = { text: "", empty: "any", column: 0, low: null, high: null };
    this.limit = STEP;
    const heads = [...this.table.tHead.rows[0].cells].filter((cell) => cell.tagName === "TH");
    const scores = heads.flatMap((head, column) => (head.classList.contains("score") ? [[column, head.dataset.name]] : []));
    this.controls = filterForm(scores, (filter) => this.ask(filter));
    this.more = html("button", { type: "button", class: "more" });
    this.more.addEventListener("click", () => this.grow());
    sortingHeads(heads, (column, descending) => this.sort(column, descending));
    const wide = this.table.parentElement;
    wide.before(this.controls.form);
    wide.after(this.more);
    for (const one of this.rows) if (one.drawn) this.openable(one);
    this.controls.ask();
  }

  sort(column, descending) {
    this.order = sortedRows(this.rows, column, descending);
    this.body.append(...this.order.flatMap((one) => [one.row, ...(one.opened ? [one.opened] : [])]));
    this.show();
  }

  ask(filter) {
    this.filter = filter;
    this.limit = STEP;
    this.show();
  }

  /** Shows the next rows; the focus goes to the first of them, as the button moves away from it. */
  grow() {
    const first = this.passing[this.limit];
    this.limit += STEP;
    this.show();
    first.row.querySelector("button")?.focus();
  }

  show() {
    this.passing = this.order.filter((one) => passes(one, this.filter));
    const seen = new Set(this.passing.slice(0, this.limit));
    for (const one of this.rows) {
      one.row.hidden = !seen.has(one);
      if (one.opened) one.opened.hidden = one.row.hidden;
    }
    const left = this.passing.length - seen.size;
    this.more.hidden = left === 0;
    this.more.textContent = `${Math.min(STEP, left)} more of ${left}`;
    const all = this.rows.length.toLocaleString("en");
    const some = this.passing.length.toLocaleString("en");
    this.controls.told.textContent = this.passing.length === this.rows.length ? `${all} cases` : `${some} of ${all} cases`;
  }

  /** Makes the name of a case the button that opens it. */
  openable(one) {
    const head = one.row.querySelector("th");
    const button = html("button", { type: "button", class: "open", "aria-expanded": "false" }, head.firstChild);
    head.prepend(button);
    button.addEventListener("click", () => (one.opened ? this.close(one) : this.open(one)));
  }

  close(one) {
    one.opened.remove();
    one.opened = null;
    const button = one.row.querySelector("button.open");
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
    one.row.classList.remove("expanded");
  }

  async open(one) {
    const id = `${one.row.id}-opened`;
    const content = html("section", { "aria-label": one.name });
    one.opened = html("tr", { class: "opened", id }, html("td", { colspan: one.row.cells.length }, content));
    one.row.after(one.opened);
    one.row.classList.add("expanded");
    const button = one.row.querySelector("button.open");
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", id);
    content.append(...(await openedCase(one.drawn.textContent)), this.steps(one));
  }

  /** Goes on to the next case of the order that is shown, or closes this one. */
  steps(one) {
    const next = html("button", { type: "button" }, "Next case");
    const close = html("button", { type: "button" }, "Close");
    close.addEventListener("click", () => {
      this.close(one);
      one.row.querySelector("button.open").focus();
    });
    next.addEventListener("click", () => this.next(one));
    return html("p", { class: "steps" }, next, close);
  }

  next(one) {
    const can = this.passing.filter((other) => other.drawn);
    const other = can[can.indexOf(one) + 1];
    this.close(one);
    if (other?.row.hidden) this.grow();
    const button = (other ?? one).row.querySelector("button.open");
    if (other && !other.opened) button.click();
    button.focus();
    button.scrollIntoView({ block: "start" });
  }
}

for (const section of document.querySelectorAll("section.cases")) new CaseTable(section);
