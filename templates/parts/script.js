// The page reads without this script. It lets a reader walk along the front and sort tables.
"use strict";
document.documentElement.classList.add("js");

(function walkAlongTheFront() {
  const source = document.getElementById("selection");
  const figure = document.querySelector("#front .figure");
  if (!source || !figure) return;
  const data = JSON.parse(source.textContent);
  const marks = new Map([...figure.querySelectorAll("[data-point]")].map(m => [Number(m.dataset.point), m]));
  const values = document.querySelectorAll("#facts dd");
  const plot = document.querySelector("#layer-columns .columns");
  const slider = document.getElementById("walk");
  const back = document.getElementById("back");
  const lessEnergy = document.getElementById("less-energy");
  const lessMemory = document.getElementById("less-memory");
  // points ascend in energy: the first stands at the right end of the picture and of the slider
  const last = data.points.length - 1;
  let selected = data.chosen;

  function show(index, focus) {
    selected = Math.min(Math.max(index, 0), last);
    const point = data.points[selected];
    for (const [i, mark] of marks) {
      const on = i === selected;
      mark.classList.toggle("selected", on);
      mark.setAttribute("aria-checked", String(on));
      mark.setAttribute("tabindex", on ? "0" : "-1");
    }
    if (focus) marks.get(selected).focus();
    point.facts.forEach((text, i) => { values[i].textContent = text; });
    const name = `Point ${selected + 1} of ${data.points.length}`;
    document.getElementById("point-name").textContent = point.roles ? `${name}, ${point.roles}` : name;
    document.getElementById("columns-of").textContent = selected === data.chosen ? "the chosen point" : `point ${selected + 1}`;
    slider.value = String(last - selected);
    slider.setAttribute("aria-valuetext", `${name}: ${point.facts[0]}`);
    lessEnergy.disabled = selected === 0;
    lessMemory.disabled = selected === last;
    back.disabled = selected === data.chosen;
    for (const row of document.querySelectorAll("tr[data-point]"))
      row.classList.toggle("selected", Number(row.dataset.point) === selected);
    if (plot) drawLayers(point);
  }

  function drawLayers(point) {
    const base = Number(plot.dataset.base), height = Number(plot.dataset.plot) / Number(plot.dataset.top);
    for (const bar of plot.querySelectorAll("[data-layer]")) {
      const energy = point.energy[Number(bar.dataset.layer)];
      bar.setAttribute("y", base - energy * height);
      bar.setAttribute("height", energy * height);
      const title = bar.querySelector("title");
      if (title) title.textContent = title.textContent.replace(/: \S+/, `: ${energy}`);
    }
    for (const cell of plot.querySelectorAll("[data-width]")) {
      if (cell.dataset.width === "") continue;
      const bits = point.bits[Number(cell.dataset.width)];
      cell.querySelector("text").textContent = bits;
      cell.setAttribute("class", `cell ${data.steps[bits]}${cell.classList.contains("fixed") ? " fixed" : ""}`);
    }
  }

  figure.setAttribute("role", "radiogroup");
  for (const [i, mark] of marks) {
    mark.setAttribute("role", "radio");
    mark.setAttribute("aria-label", mark.querySelector("title").textContent);
    mark.addEventListener("click", () => show(i, true));
  }
  const steps = { ArrowRight: -1, ArrowUp: 1, ArrowLeft: 1, ArrowDown: -1 };
  figure.addEventListener("keydown", event => {
    const to = event.key === "Home" ? last : event.key === "End" ? 0
      : event.key in steps ? selected + steps[event.key] : null;
    if (to === null) return;
    event.preventDefault();
    show(to, true);
  });
  slider.addEventListener("input", () => show(last - Number(slider.value), false));
  lessEnergy.addEventListener("click", () => show(selected - 1, false));
  lessMemory.addEventListener("click", () => show(selected + 1, false));
  back.addEventListener("click", () => show(data.chosen, false));
  for (const button of document.querySelectorAll("button.show"))
    button.addEventListener("click", () => show(Number(button.closest("tr").dataset.point), false));
  show(data.chosen, false);
})();

(function sortTables() {
  const key = cell => {
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const number = Number(text);
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim() || head.dataset.unsorted !== undefined) return;
      const button = document.createElement("button");
      button.type = "button";
      const term = head.querySelector("a");
      button.append(head.textContent.trim());
      head.replaceChildren(button);
      if (term) {
        term.setAttribute("aria-label", `what is ${term.textContent}?`);
        term.textContent = "?";
        head.append(" ", term);
      }
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows].sort((a, b) => (up ? 1 : -1) * compare(key(a.cells[column]), key(b.cells[column])));
        body.append(...rows);
      });
    });
  }
})();

(function saveTables() {
  const clean = text => text.trim().replace(/\s+/g, " ").replace(/(\d)[\u2009\u202f ](?=\d{3})/g, "$1").replace(/\u2212/g, "-");
  const quoted = text => /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  for (const table of document.querySelectorAll("table")) {
    const region = table.closest(".scroll") ?? table;
    const name = table.closest("[aria-label]")?.getAttribute("aria-label") ?? "table";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "csv";
    button.textContent = "CSV";
    button.setAttribute("aria-label", `${name} as a CSV file`);
    button.addEventListener("click", () => {
      const lines = [...table.rows].map(row => [...row.cells].map(cell => quoted(clean(cell.textContent))).join(","));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
      link.download = `${name.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "")}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    region.after(button);
  }
})();

addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details:not(.why)")) d.open = true; });
