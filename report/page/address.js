// What is chosen stands in the address, after #: a link leads to the same prompt, sets, order and rows of tables, and open sections.
const KEYS = ["prompt", "left", "right", "sort", "rows", "open"];

function readAddress() {
  const found = new URLSearchParams(location.hash.slice(1));
  return location.hash.length < 2 || KEYS.some(key => found.has(key)) ? found : null; // null: a place on the page, or nonsense
}

function writeAddress(values, isNew) {
  const kept = readAddress() ?? new URLSearchParams();
  for (const [key, value] of Object.entries(values)) value ? kept.set(key, value) : kept.delete(key);
  for (const key of [...kept.keys()]) if (!KEYS.includes(key)) kept.delete(key);
  const address = "#" + kept.toString();
  if (address.length === 1 && !location.hash) return;
  if (address !== location.hash) history[isNew ? "pushState" : "replaceState"](null, "", address);
}

document.addEventListener("sorted", event => writeAddress({ sort: event.detail.join(".") }, false));

function sortAsSaid(words) {
  const [, name, k, order] = (words ?? "").match(/^([\w-]+)\.(\d+)\.(ascending|descending)$/) ?? [];
  const table = [...document.querySelectorAll("table.sortable")].find(one => one.dataset.name === name);
  if (table?.tHead.rows[0].cells[k]) sortTable(table, Number(k), order);
}

const filters = [...document.querySelectorAll("[data-filter]")];
document.addEventListener("input", event => {
  if (!filters.includes(event.target)) return;
  writeAddress({ rows: new URLSearchParams(filters.filter(one => one.value.trim()).map(one => [one.id, one.value.trim()])).toString() }, false);
});

function chooseAsSaid(words) {
  const said = new URLSearchParams(words ?? "");
  for (const one of filters) {
    const wanted = said.get(one.id) ?? "";
    one.value = wanted;
    if (one.value !== wanted) one.value = ""; // no such choice
  }
  for (const block of new Set(filters.map(one => one.closest(".block")))) {
    chooseFrom(block);
    block.querySelectorAll("table").forEach(oneStop);
  }
}

const ALL = "all", NONE = "none";
const folds = [...document.querySelectorAll("details.fold")];
function openAsSaid(words) {
  if (!words) return;
  for (const fold of folds) fold.open = words === ALL || words.split(",").includes(fold.id);
}
const openNow = () => folds.every(fold => fold.open) ? ALL : folds.filter(fold => fold.open).map(fold => fold.id).join(",") || NONE;
const openAtFirst = openNow();
document.addEventListener("toggle", event => {
  if (event.target.matches?.("details.fold")) writeAddress({ open: openNow() === openAtFirst ? "" : openNow() }, false);
}, true);

const unfold = document.getElementById("unfold");
unfold?.addEventListener("click", () => {
  const open = unfold.getAttribute("aria-pressed") === "false";
  unfold.setAttribute("aria-pressed", String(open));
  unfold.textContent = open ? "Close all sections" : "Open all sections";
  for (const fold of folds) fold.open = open;
});
// What is folded away is printed, too: also by browsers that do not know ::details-content.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
