// A number is a button that says what it is. A table is one stop of the keyboard: arrows move from number to number.
const panel = document.getElementById("about");
const definitions = new Map([...document.querySelectorAll("[data-definition]")].map(one => [one.dataset.definition, one]));

function explain(title, text, key, space, note) {
  const [, number, low, high] = text.match(/^(\S+)(?: \[(\S+), (\S+)\])?/) ?? [null, text];
  const say = (name, words) => {
    const part = panel.querySelector(name);
    part.textContent = words;
    part.hidden = !words;
  };
  const better = definitions.get(key)?.dataset.better;
  const of = definitions.get("space " + space)?.querySelector("dd").textContent;
  say("h2", title);
  say(".value", number);
  say(".interval", low ? "95% interval over particle sets: " + low + " to " + high : "It has no interval.");
  say(".definition", definitions.get(key)?.querySelector("dd").textContent.replace(/; (more|less) is better\.$/, ".") ?? "");
  say(".way", better === "more" ? "Larger is better." : better === "less" ? "Smaller is better." : "Neither way is better.");
  say(".note", [note, of ? "Space: " + of : ""].filter(Boolean).join(" "));
  panel.showModal();
}

function explainCell(cell) {
  const row = cell.parentElement, table = cell.closest("table"), heads = [...table.tHead.rows[0].cells], head = heads[cell.cellIndex];
  const said = heads.findIndex(one => one.textContent === "space");
  const space = row.dataset.space ?? head.dataset.space ?? (said < 0 ? "" : row.cells[said].textContent.replaceAll(" ", "_"));
  const text = cell.textContent.replace(/\s+/g, " ").trim();
  const where = ["world", "model"].map(word => row.cells[heads.findIndex(one => one.textContent === word)]?.textContent);
  explain([row.cells[0].textContent, ...where].filter(Boolean).join(", ") + ": " + head.textContent, text, row.dataset.key ?? head.dataset.key, space, table.dataset.note ?? "");
}

function asButton(holder, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "number";
  button.append(...holder.childNodes);
  holder.append(button);
  button.addEventListener("click", press);
  return button;
}

function withNumbers(table) {
  if (table.dataset.ready) return;
  table.dataset.ready = "yes";
  for (const cell of table.tBodies[0].querySelectorAll("td[data-v]")) asButton(cell, () => explainCell(cell)).tabIndex = -1;
  oneStop(table);
}

function oneStop(table) {
  const seen = [...table.querySelectorAll("button.number")].filter(one => !one.closest("[hidden]"));
  const stop = seen.find(one => one === document.activeElement) ?? seen[0];
  for (const one of table.querySelectorAll("button.number")) one.tabIndex = one === stop ? 0 : -1;
}

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
document.addEventListener("keydown", event => {
  const button = event.target.closest?.("td > button.number"), move = MOVES[event.key];
  if (!button || !move) return;
  const table = button.closest("table"), rows = [...table.tBodies[0].rows].filter(row => !row.hidden);
  let cell = button.parentElement, at = rows.indexOf(cell.parentElement), k = cell.cellIndex, next = null;
  while (!next) {
    at += move[0];
    k += move[1];
    if (!rows[at]?.cells[k]) return;
    if (!rows[at].cells[k].hidden) next = rows[at].cells[k].querySelector("button.number");
  }
  event.preventDefault();
  next.focus();
  oneStop(table);
});

for (const word of document.querySelectorAll(".told")) {
  asButton(word, () => explain(word.dataset.of + ": " + definitions.get(word.dataset.key).querySelector("dt").textContent, word.dataset.printed, word.dataset.key, "", ""));
}
// What is folded away gets its buttons when it is opened: there are thousands.
for (const table of document.querySelectorAll("table")) if (!table.closest("details:not([open])")) withNumbers(table);
document.addEventListener("toggle", event => {
  if (event.target.open) event.target.querySelectorAll?.("table").forEach(withNumbers);
}, true);
document.addEventListener("input", event => event.target.closest(".block")?.querySelectorAll("table").forEach(oneStop));
document.addEventListener("sorted", event => oneStop(event.target));
document.getElementById("about-close").addEventListener("click", () => panel.close());
panel.addEventListener("click", event => { if (event.target === panel) panel.close(); });
