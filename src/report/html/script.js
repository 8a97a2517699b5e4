"use strict";
(() => {
  // Sort a table by a column: numbers as numbers, everything else as text.
  for (const table of document.querySelectorAll("table[data-sort]")) {
    table.querySelectorAll("thead th").forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const text = (row) => (row.cells[column] || {}).textContent || "";
        const rows = [...body.rows].sort((a, b) => {
          const x = text(a).trim(), y = text(b).trim(), n = parseFloat(x) - parseFloat(y);
          return (Number.isNaN(n) ? x.localeCompare(y) : n) * (down ? -1 : 1);
        });
        body.append(...rows);
      });
    });
  }
  // Filter the rows of a table by a text.
  for (const input of document.querySelectorAll("input[data-filter]")) {
    const table = document.getElementById(input.dataset.filter);
    const status = document.getElementById(input.dataset.filter + "-count");
    input.closest(".tools").hidden = false;
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      if (status) status.textContent = shown + " shown";
    });
  }
  // A node under the pointer or the keyboard shows its own edges.
  const map = document.getElementById("map-picture");
  if (!map) return;
  const edges = [...map.querySelectorAll("path[data-from]")];
  const focus = (name) => {
    for (const edge of edges) {
      const own = !name || edge.dataset.from === name || edge.dataset.to === name;
      edge.classList.toggle("dim", !own);
      edge.classList.toggle("on", Boolean(name) && own);
    }
  };
  for (const node of map.querySelectorAll("g[data-name]")) {
    node.addEventListener("mouseenter", () => focus(node.dataset.name));
    node.addEventListener("mouseleave", () => focus(""));
    node.addEventListener("focus", () => focus(node.dataset.name));
    node.addEventListener("blur", () => focus(""));
  }
})();
