// Two sets side by side: their pictures are those of the section of all pictures, their numbers are data.
const data = JSON.parse(document.getElementById("data").textContent);
const choices = { prompt: document.getElementById("prompt"), left: document.getElementById("left"), right: document.getElementById("right") };
const atFirst = Object.fromEntries(Object.entries(choices).map(([key, one]) => [key, one.value]));
const textOf = select => select.selectedOptions[0].text;

function show() {
  const prompt = choices.prompt.value, sides = [choices.left.value, choices.right.value];
  ["left", "right"].forEach((side, k) => {
    const figure = document.getElementById(side + "-side"), image = figure.querySelector("img");
    const sheet = document.getElementById("sheet-" + prompt + "-" + sides[k]).querySelector("img");
    for (const name of ["width", "height"]) image.setAttribute(name, sheet.getAttribute(name));
    image.src = sheet.src;
    image.alt = sheet.alt;
    figure.querySelector("figcaption").textContent = textOf(choices[side]);
    compared.tHead.rows[0].cells[k + 1].textContent = textOf(choices[side]);
  });
  const body = document.createElement("tbody");
  for (const measure of data.measures) {
    const texts = sides.map(name => data.numbers[prompt][name][measure.title]);
    if (!texts.some(Boolean)) continue; // not measured of this prompt
    const row = body.insertRow(), head = document.createElement("th");
    Object.assign(row.dataset, { key: measure.key, space: measure.space });
    head.scope = "row";
    head.textContent = measure.title;
    row.append(head);
    for (const text of texts) {
      const cell = row.insertCell();
      const [number, interval] = (text ?? "-").split(" [");
      cell.append(number);
      if (interval) cell.append(" ", Object.assign(document.createElement("small"), { textContent: "[" + interval }));
      cell.dataset.v = "";
    }
  }
  compared.tBodies[0].replaceWith(body);
  delete compared.dataset.ready;
  withNumbers(compared);
  for (const one of document.querySelectorAll("a.look")) {
    const chosen = sides.includes(one.dataset.set);
    (one.closest("tr") ?? one).classList.toggle("chosen", chosen);
    one.setAttribute("href", "#sheet-" + prompt + "-" + one.dataset.set);
  }
}

function choose(values) {
  for (const [key, value] of Object.entries(values)) choices[key].value = value;
  show();
  writeAddress(Object.fromEntries(Object.keys(choices).map(key => [key, choices[key].value])), true);
}

function follow() {
  const found = readAddress();
  if (!found) return;
  for (const [key, select] of Object.entries(choices)) {
    const wanted = found.get(key);
    select.value = [...select.options].some(one => one.value === wanted) ? wanted : atFirst[key];
  }
  show();
  sortAsSaid(found.get("sort"));
  chooseAsSaid(found.get("rows"));
  openAsSaid(found.get("open"));
}

const compared = document.getElementById("compared");
for (const select of Object.values(choices)) select.addEventListener("change", () => choose({}));
document.addEventListener("click", event => {
  const link = event.target.closest?.("a.look");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose({ right: link.dataset.set });
  const pictures = document.getElementById("pictures");
  pictures.scrollIntoView();
  pictures.focus({ preventScroll: true });
});

// The image from the same noise: of methods, that of the same number.
const COLUMNS = 8;
for (const side of ["left", "right"]) {
  const image = document.querySelector("#" + side + "-side img");
  image.addEventListener("pointermove", event => {
    const box = image.getBoundingClientRect(), rows = Math.round(image.height / (image.width / COLUMNS));
    const column = Math.floor((event.clientX - box.left) / box.width * COLUMNS), row = Math.floor((event.clientY - box.top) / box.height * rows);
    const paired = ["left", "right"].every(one => data.paired.includes(choices[one].value));
    for (const mark of document.querySelectorAll(".same")) {
      mark.hidden = !paired;
      Object.assign(mark.style, { left: column / COLUMNS * 100 + "%", top: row / rows * 100 + "%", width: 100 / COLUMNS + "%", height: 100 / rows + "%" });
    }
  });
  image.addEventListener("pointerleave", () => { for (const mark of document.querySelectorAll(".same")) mark.hidden = true; });
}
addEventListener("popstate", follow);
show();
follow();
