"use strict";
// Tables of class "live": sorted by their heads, searched by the field above them.

function key(cell) {
  const order = cell.dataset.order;
  return order === undefined ? cell.textContent.trim() : Number(order);
}

function compared(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sortBy(table, at) {
  const heads = [...table.tHead.rows[0].cells];
  const upwards = heads[at].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[at].setAttribute("aria-sort", upwards ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, key: key(row.cells[at]) }));
  rows.sort((a, b) => (upwards ? 1 : -1) * compared(a.key, b.key));
  body.append(...rows.map((one) => one.row));
}

function search(table, words, count) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  const all = table.tBodies[0].rows.length;
  const of = `${all} ${count.dataset.unit}`;
  count.textContent = shown === all ? of : `${shown} of ${of}`;
}

for (const table of document.querySelectorAll("table.live")) {
  [...table.tHead.rows[0].cells].forEach((head, at) =>
    head.querySelector("button").addEventListener("click", () => sortBy(table, at)));
  const tools = table.parentElement.previousElementSibling;
  const field = tools.querySelector("input");
  field.addEventListener("input", () => search(table, field.value, tools.querySelector("output")));
  tools.hidden = false;
}
