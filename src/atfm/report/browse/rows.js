// The rows of the table as they stand in the page, and their order.

/** A column's values are numbers, or text in the column of names; what is missing comes last, whichever the way. */
export function compareValues(a, b, descending) {
  const [noA, noB] = [a === null, b === null];
  if (noA || noB) return noA - noB;
  const order = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  return descending ? -order : order;
}

/** One case: its row, the value of each column that has a head, and the text it is found by. */
function caseRow(row, place) {
  const cells = [...row.cells].filter((cell) => !cell.classList.contains("thumbnail"));
  const valueOf = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));
  const name = cells[0].firstChild.textContent;
  return {
    row,
    place,
    name,
    text: [name, cells[0].querySelector("span").textContent].join(" ").toLowerCase(),
    values: [name, ...cells.slice(1).map(valueOf)],
    drawn: document.getElementById(`${row.id}-drawn`),
    opened: null,
  };
}

/** All cases of a table, in the order of the page. */
export function caseRows(table) {
  return [...table.tBodies[0].rows].map(caseRow);
}

/** The cases in the order of a column; equal ones as they stood in the page. */
export function sortedRows(rows, column, descending) {
  const order = (a, b) => compareValues(a.values[column], b.values[column], descending) || a.place - b.place;
  return [...rows].sort(order);
}
