// Tables that are sorted by their heads and chosen from: shared by the page and the leaderboard. Without this they are plain tables.
for (const part of document.querySelectorAll(".js")) part.hidden = false;

function valueOf(row, k) {
  const cell = row.cells[k];
  if ("v" in cell.dataset) return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  return cell.textContent.trim().toLowerCase();
}

function sortTable(table, k, order) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0], sign = order === "ascending" ? 1 : -1;
  for (const head of heads) head.setAttribute("aria-sort", "none");
  heads[k].setAttribute("aria-sort", order);
  body.append(...[...body.rows].sort((a, b) => {
    const x = valueOf(a, k), y = valueOf(b, k);
    if (x === null || y === null) return (x === null) - (y === null); // no number is last, whatever the order
    return sign * (x < y ? -1 : x > y ? 1 : 0);
  }));
}

function chooseFrom(block) {
  const table = block.querySelector("table"), heads = [...table.tHead.rows[0].cells], rows = [...table.tBodies[0].rows];
  const filters = [...block.querySelectorAll("[data-filter]")].filter(one => one.value.trim() !== "");
  const columns = filters.find(one => one.dataset.filter === "columns");
  heads.forEach((head, k) => {
    const hidden = Boolean(columns && head.dataset.of && head.dataset.of !== columns.value);
    for (const row of table.rows) row.cells[k].hidden = hidden;
  });
  for (const row of rows) {
    row.hidden = filters.some(one => {
      if (one.dataset.filter === "columns") return false;
      const text = row.cells[Number(one.dataset.column)].textContent;
      if (one.dataset.filter === "find") return !text.toLowerCase().includes(one.value.trim().toLowerCase());
      return text !== one.value;
    });
  }
  const shown = rows.filter(row => !row.hidden).length;
  block.querySelector(".count").textContent = shown === rows.length ? "" : shown + " of " + rows.length + " rows";
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const first = head.dataset.first, other = first === "ascending" ? "descending" : "ascending";
      sortTable(table, k, head.getAttribute("aria-sort") === first ? other : first);
      table.dispatchEvent(new CustomEvent("sorted", { bubbles: true, detail: [table.dataset.name, k, head.getAttribute("aria-sort")] }));
    });
  });
}
for (const block of document.querySelectorAll(".block")) {
  for (const one of block.querySelectorAll("[data-filter]")) one.addEventListener("input", () => chooseFrom(block));
}

// A region is a stop of the keyboard only while there is something to scroll to.
const watch = new ResizeObserver(found => {
  for (const { target } of found) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
});
for (const box of document.querySelectorAll(".scroll")) watch.observe(box);
