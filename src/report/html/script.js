"use strict";
// Explores the report: sorts and filters tables, moves the map, follows links to services, edges and steps.
// Everything is in the page already; nothing is fetched and nothing is stored.
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const graph = JSON.parse(byId("graph").textContent);
  const SOURCES = ["code", "specs", "manifests", "traces", "declared"];
  const nodes = graph.nodes.map(([name, kind, team, reach, group, owner], key) => ({ name, kind, team, reach, group, owner, key }));
  const edges = graph.edges.map(([index, a, b, mode, waits, sure, seen, over, sites, gone]) =>
    ({ index, a, b, mode, waits, sure, over, sites, gone, seen: SOURCES.filter((_, i) => seen >> i & 1) }));
  const edgeAt = new Map(edges.map((e) => [e.index, e]));
  const nameOf = (key) => key < nodes.length ? nodes[key].name : graph.groups[key - nodes.length];
  const find = (name) => {
    const wanted = name.trim().toLowerCase();
    if (!wanted) return -1;
    const exact = nodes.findIndex((n) => n.name.toLowerCase() === wanted);
    return exact >= 0 ? exact : nodes.findIndex((n) => n.name.toLowerCase().includes(wanted));
  };
  const count = (n, one, many = one + "s") => n + " " + (n === 1 ? one : many);
  document.documentElement.classList.add("js");
  all(".tools").forEach((tools) => { tools.hidden = false; });
  const live = byId("live");
  const say = (text) => { if (live) live.textContent = text; };

  // Tables: sort by a column, numbers as numbers.
  for (const table of all("table[data-sort]")) {
    all("thead th", table).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        all("th", table).forEach((th) => th.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const text = (row) => (row.cells[column] || {}).textContent || "";
        const rows = [...table.tBodies[0].rows].map((row) => [text(row).trim(), row]);
        rows.sort(([x], [y]) => {
          const n = parseFloat(x) - parseFloat(y);
          return (Number.isNaN(n) ? x.localeCompare(y) : n) * (down ? -1 : 1);
        });
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }
  const filter = (input, items, status) => input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    let shown = 0;
    for (const [item, text] of items()) {
      item.hidden = !text.includes(wanted);
      shown += item.hidden ? 0 : 1;
    }
    status.textContent = wanted ? shown + " shown" : "";
  });
  for (const input of all("input[data-filter]")) {
    const table = byId(input.dataset.filter);
    filter(input, () => [...table.tBodies[0].rows].map((r) => [r, r.textContent.toLowerCase()]), byId(input.dataset.filter + "-count"));
  }
  for (const input of all("input[data-pages]")) {
    filter(input, () => all("details.service").map((d) => [d, d.firstElementChild.textContent.toLowerCase()]), byId("services-count"));
  }

  // Opens everything around an element and goes there.
  const reveal = (element) => {
    for (let at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    element.scrollIntoView({ block: "start" });
    const summary = element.querySelector("summary") || element;
    summary.focus({ preventScroll: true });
  };
  const printed = [];
  addEventListener("beforeprint", () => all("details:not([open])").forEach((d) => { d.open = true; printed.push(d); }));
  addEventListener("afterprint", () => printed.splice(0).forEach((d) => { d.open = false; }));

  // The map.
  const frame = byId("map-frame");
  const picture = frame && frame.querySelector("svg");
  const state = { service: -1, hops: 0, step: 0, from: -1, to: -1, team: "", role: "", mode: "", confidence: "", source: "", view: "" };
  const controls = ["team", "role", "mode", "confidence", "source"].filter((id) => byId(id));
  const boxes = all("a.box[data-i]");
  const paths = all(".picture path[data-e]").map((path) => ({
    path, a: +path.dataset.a, b: +path.dataset.b, edge: edgeAt.get(+path.dataset.e)
  }));

  const passes = (e) => (!state.mode || e.mode === state.mode) && (!state.source || e.seen.includes(state.source))
    && (!state.confidence || (state.confidence === "confirmed") === !!e.sure);
  const fits = (key) => {
    const n = nodes[key];
    return !n || (!state.team || n.team === state.team) && (!state.role || n.kind === state.role);
  };
  const visible = () => edges.filter((e) => e.mode !== "infra" && passes(e) && !(state.step && e.gone && e.gone <= state.step));
  // Services within some hops, either way.
  const near = (start, hops) => {
    const seen = new Map([[start, 0]]);
    let front = [start];
    for (let hop = 1; hop <= hops && front.length; hop += 1) {
      const next = [];
      for (const e of visible()) {
        for (const [x, y] of [[e.a, e.b], [e.b, e.a]]) {
          if (seen.get(x) === hop - 1 && !seen.has(y)) { seen.set(y, hop); next.push(y); }
        }
      }
      front = next;
    }
    return new Set(seen.keys());
  };
  // A shortest way along the edges.
  const way = (from, to) => {
    const came = new Map([[from, null]]);
    const queue = [from];
    const list = visible();
    while (queue.length && !came.has(to)) {
      const at = queue.shift();
      for (const e of list) if (e.a === at && !came.has(e.b)) { came.set(e.b, e); queue.push(e.b); }
    }
    if (!came.has(to)) return null;
    const found = [];
    for (let e = came.get(to); e; e = came.get(e.a)) found.unshift(e);
    return found;
  };
  const covers = (set, key) => key < nodes.length ? set.has(key) : nodes.some((n) => n.group === key - nodes.length && set.has(n.key));

  const show = () => {
    let keep = null;
    let on = new Set();
    const text = [];
    if (state.from >= 0 && state.to >= 0) {
      const found = way(state.from, state.to);
      if (found) {
        keep = new Set([state.from, ...found.map((e) => e.b)]);
        on = new Set(found.map((e) => e.a + ">" + e.b));
        text.push(count(found.length, "hop") + ": " + [nodes[state.from].name, ...found.map((e) => nodes[e.b].name)].join(" → "));
      } else {
        keep = new Set([state.from, state.to]);
        text.push("No way from " + nodes[state.from].name + " to " + nodes[state.to].name + " along the edges shown");
      }
    } else if (state.service >= 0) {
      const n = nodes[state.service];
      keep = near(state.service, state.hops || 1);
      if (state.hops === 0) on = new Set(edges.filter((e) => e.a === n.key || e.b === n.key).map((e) => e.a + ">" + e.b));
      text.push(n.name + ": " + n.kind + (n.team ? ", " + n.team : "") + (n.reach ? ", needs " + n.reach[0] + ", needed by " + n.reach[1] : "")
        + "; " + count(keep.size - 1, "service") + " within " + count(state.hops || 1, "hop"));
    }
    if (state.step && graph.steps[state.step - 1]) {
      const [what, after] = graph.steps[state.step - 1];
      text.push("after step " + state.step + " (" + what + ") the score is " + after.toFixed(1));
    }
    for (const box of boxes) {
      const key = +box.dataset.i;
      const shown = fits(key) && (!keep || covers(keep, key));
      box.classList.toggle("dim", !shown);
      box.classList.toggle("on", key === state.service || key === state.from || key === state.to);
    }
    for (const { path, a, b, edge } of paths) {
      const whole = a < nodes.length && b < nodes.length;
      const gone = whole && edge && edge.mode === "sync" && edge.gone && edge.gone <= state.step;
      const shown = fits(a) && fits(b) && (!whole || !edge || passes(edge)) && (!keep || covers(keep, a) && covers(keep, b));
      const strong = on.has(a + ">" + b);
      path.classList.toggle("dim", !shown || on.size > 0 && !strong);
      path.classList.toggle("on", strong);
      const tells = gone && graph.steps[edge.gone - 1][2] === "emit-event";
      path.classList.toggle("freed", Boolean(gone && !tells));
      path.classList.toggle("told", Boolean(gone && tells));
    }
    const out = byId("step-text");
    if (out) out.textContent = state.step ? state.step + ": " + graph.steps[state.step - 1][0] + ", score " + graph.steps[state.step - 1][1].toFixed(1)
      : "now" + (graph.score === null ? "" : ", score " + graph.score.toFixed(1));
    say(text.join("; "));
  };

  // Links: #service=…&hops=…&from=…&to=…&step=…&view=…
  const link = () => {
    const parts = new URLSearchParams();
    if (state.view) parts.set("view", state.view);
    for (const key of ["service", "from", "to"]) if (state[key] >= 0) parts.set(key, nodes[state[key]].name);
    for (const key of ["hops", "step", ...controls]) if (state[key]) parts.set(key, state[key]);
    return parts.toString();
  };
  let own = "";
  const changed = () => {
    own = link();
    try { history.replaceState(null, "", "#" + own); } catch { own = ""; }
    show();
  };
  const fill = () => {
    const value = (id, text) => { if (byId(id)) byId(id).value = text; };
    value("find", state.service >= 0 ? nodes[state.service].name : "");
    value("from", state.from >= 0 ? nodes[state.from].name : "");
    value("to", state.to >= 0 ? nodes[state.to].name : "");
    value("hops", String(state.hops));
    value("step", String(state.step));
    controls.forEach((id) => value(id, state[id]));
  };
  const arrive = () => {
    const hash = location.hash.slice(1);
    if (!hash || hash === own) return;
    if (!hash.includes("=")) {
      const target = byId(decodeURIComponent(hash));
      if (target && target.tagName === "DETAILS") reveal(target);
      return;
    }
    const parts = new URLSearchParams(hash);
    for (const key of ["service", "from", "to"]) state[key] = find(parts.get(key) || "");
    state.hops = Math.min(4, Math.max(0, parseInt(parts.get("hops"), 10) || 0));
    state.step = Math.min(graph.steps.length, Math.max(0, parseInt(parts.get("step"), 10) || 0));
    for (const key of controls) state[key] = [...byId(key).options].some((o) => o.value === parts.get(key)) ? parts.get(key) : "";
    const view = { dsm: "matrix", plan: "plan", map: "map" }[parts.get("view")] || parts.get("view") || "";
    const section = /^[a-z]+$/.test(view) ? byId(view) : null;
    state.view = section ? parts.get("view") : "";
    fill();
    show();
    const group = state.service >= 0 && nodes[state.service].group !== null ? byId("g" + nodes[state.service].group) : null;
    if (view === "services" && state.service >= 0) reveal(byId("s" + state.service));
    else if (view === "plan" && state.step) reveal(byId("step" + state.step));
    else if (section) section.scrollIntoView();
    else if (group) reveal(group);
    else if (byId("map")) byId("map").scrollIntoView();
  };
  addEventListener("hashchange", arrive);

  if (picture) explore();
  arrive();

  function explore() {
    const full = picture.viewBox.baseVal;
    const size = { w: full.width, h: full.height };
    const box = { x: 0, y: 0, w: size.w, h: size.h };
    let waiting = false;
    const paint = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        picture.setAttribute("viewBox", [box.x, box.y, box.w, box.h].map((v) => v.toFixed(1)).join(" "));
      });
    };
    const zoom = (factor, cx = .5, cy = .5) => {
      const w = Math.min(size.w * 2, Math.max(160, box.w * factor));
      const h = w * box.h / box.w;
      box.x += (box.w - w) * cx;
      box.y += (box.h - h) * cy;
      box.w = w;
      box.h = h;
      paint();
    };
    const fit = () => { Object.assign(box, { x: 0, y: 0, w: size.w, h: size.h }); paint(); };
    const scale = () => {
      const r = picture.getBoundingClientRect();
      return Math.max(box.w / r.width, box.h / r.height);
    };
    // What would be too small to read begins at its left edge; "Fit" shows the whole.
    if (scale() > 2) zoom(1.6 / scale(), 0);
    const centre = (element) => {
      const b = element.getBBox();
      if (b.x >= box.x && b.y >= box.y && b.x + b.width <= box.x + box.w && b.y + b.height <= box.y + box.h) return;
      box.x = b.x + b.width / 2 - box.w / 2;
      box.y = b.y + b.height / 2 - box.h / 2;
      paint();
    };
    byId("zoom-in").addEventListener("click", () => zoom(.8));
    byId("zoom-out").addEventListener("click", () => zoom(1.25));
    byId("zoom-fit").addEventListener("click", fit);
    byId("full").addEventListener("click", () => { if (frame.requestFullscreen) frame.requestFullscreen().catch(() => {}); });
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const r = picture.getBoundingClientRect();
      zoom(event.deltaY < 0 ? .87 : 1.15, (event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height);
    }, { passive: false });
    let drag = null;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button === 0) drag = { x: event.clientX, y: event.clientY, moved: false };
    });
    frame.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < 5) return;
      if (!drag.moved) frame.setPointerCapture(event.pointerId);
      drag.moved = true;
      frame.classList.add("drag");
      const k = scale();
      box.x -= dx * k;
      box.y -= dy * k;
      drag.x = event.clientX;
      drag.y = event.clientY;
      paint();
    });
    const drop = () => { const moved = drag && drag.moved; drag = null; frame.classList.remove("drag"); return moved; };
    frame.addEventListener("pointercancel", drop);
    let dragged = false;
    frame.addEventListener("pointerup", () => { dragged = drop(); });
    frame.addEventListener("click", (event) => {
      if (dragged) { event.preventDefault(); event.stopPropagation(); }
      dragged = false;
    }, true);
    all("a.box", picture).forEach((a) => a.addEventListener("dragstart", (event) => event.preventDefault()));

    // Wide invisible copies make thin edges easy to hit: a click opens the page of the edge.
    if (paths.length < 2000) for (const { path, edge, a, b } of paths) {
      if (!picture.contains(path)) continue;
      const hit = path.cloneNode(true);
      hit.removeAttribute("data-e");
      hit.setAttribute("class", "hit");
      path.before(hit);
      hit.addEventListener("pointerenter", () => path.classList.add("on"));
      hit.addEventListener("pointerleave", () => show());
      hit.addEventListener("click", () => { if (edge && a < nodes.length && b < nodes.length) location.hash = "e" + edge.index; });
    }

    const select = (key) => { state.service = key; state.from = -1; state.to = -1; fill(); changed(); };
    const boxOf = (key) => picture.querySelector('a.box[data-i="' + key + '"]');
    const clear = () => {
      Object.assign(state, { service: -1, hops: 0, from: -1, to: -1, view: "" });
      controls.forEach((id) => { state[id] = ""; });
      fill();
      changed();
      say("All services are shown");
    };
    byId("clear").addEventListener("click", () => { state.step = 0; clear(); fit(); });
    const typed = (id, key) => byId(id).addEventListener("change", (event) => {
      const at = find(event.target.value);
      if (event.target.value && at < 0) { say("No service is called " + event.target.value); return; }
      state[key] = at;
      if (key === "service") { state.from = -1; state.to = -1; } else { state.service = -1; }
      fill();
      changed();
      const own = at >= 0 && (boxOf(at) || boxOf(nodes[at].owner) || boxOf(nodes.length + nodes[at].group));
      if (own) centre(own);
      if (at >= 0 && nodes[at].group !== null && byId("g" + nodes[at].group)) byId("g" + nodes[at].group).open = true;
    });
    typed("find", "service");
    typed("from", "from");
    typed("to", "to");
    byId("hops").addEventListener("change", (event) => { state.hops = +event.target.value; changed(); });
    controls.forEach((id) => byId(id).addEventListener("change", (event) => { state[id] = event.target.value; changed(); }));
    if (byId("step")) byId("step").addEventListener("input", (event) => { state.step = +event.target.value; changed(); });
    byId("map-tools").addEventListener("submit", (event) => event.preventDefault());

    // Keyboard: arrows go to what a box calls (right), to its callers (left), and up and down.
    const places = new Map(all("a.box", picture).map((a) => { const b = a.getBBox(); return [+a.dataset.i, { a, x: b.x + b.width / 2, y: b.y + b.height / 2 }]; }));
    const links = paths.filter(({ path }) => picture.contains(path));
    const step = (key, direction) => {
      const here = places.get(key);
      const linked = (from, to) => links.filter((l) => l[from] === key).map((l) => l[to]);
      let list = direction === "ArrowRight" ? linked("a", "b") : direction === "ArrowLeft" ? linked("b", "a") : [];
      list = list.filter((k) => k !== key && places.has(k));
      if (direction === "ArrowUp" || direction === "ArrowDown") {
        const sign = direction === "ArrowUp" ? -1 : 1;
        list = [...places.keys()].filter((k) => (places.get(k).y - here.y) * sign > 2);
        const far = (k) => Math.abs(places.get(k).x - here.x) * 3 + Math.abs(places.get(k).y - here.y);
        list.sort((x, y) => far(x) - far(y));
      } else {
        list.sort((x, y) => Math.abs(places.get(x).y - here.y) - Math.abs(places.get(y).y - here.y) || x - y);
      }
      return list[0];
    };
    for (const [key, place] of places) {
      place.a.addEventListener("focus", () => { if (key < nodes.length && place.a.matches(":focus-visible")) { state.service = key; show(); } centre(place.a); });
      place.a.addEventListener("mouseenter", () => { if (state.service < 0 && state.from < 0 && key < nodes.length) { state.service = key; show(); state.service = -1; } });
      place.a.addEventListener("mouseleave", () => show());
      place.a.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { clear(); return; }
        if (!event.key.startsWith("Arrow")) return;
        event.preventDefault();
        const to = step(key, event.key);
        if (to === undefined) say(nameOf(key) + ": nothing in that direction");
        else places.get(to).a.focus();
      });
    }
    frame.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      const page = document.activeElement && document.activeElement.closest("details.service");
      if (!page) return;
      const own = boxOf(+page.id.slice(1));
      page.open = false;
      if (own) { own.focus(); own.scrollIntoView({ block: "center" }); }
    });
    exports(select);
  }

  function exports() {
    const save = (name, type, content) => {
      const a = document.createElement("a");
      a.href = URL.createObjectURL(new Blob([content], { type }));
      a.download = graph.system.replace(/[^\w.-]+/g, "-") + "." + name;
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 1000);
      say("Saved " + a.download);
    };
    const shown = () => {
      const dim = new Set(all("a.box.dim", picture).map((a) => +a.dataset.i));
      return visible().filter((e) => !dim.has(e.a) && !dim.has(e.b) && fits(e.a) && fits(e.b));
    };
    byId("copy-link").addEventListener("click", async () => {
      const text = location.href.split("#")[0] + "#" + link();
      try { await navigator.clipboard.writeText(text); say("Link copied: " + text); } catch { say("Copy this link: " + text); }
    });
    byId("save-svg").addEventListener("click", () => {
      const copy = picture.cloneNode(true);
      all(".hit,.dim", copy).forEach((e) => e.remove());
      copy.prepend(document.querySelector("svg.defs defs").cloneNode(true));
      copy.setAttribute("viewBox", "0 0 " + copy.getAttribute("width") + " " + copy.getAttribute("height"));
      save("svg", "image/svg+xml", new XMLSerializer().serializeToString(copy));
    });
    byId("save-mermaid").addEventListener("click", () => {
      const list = shown();
      const label = (text) => [...text].map((c) => /[\p{L}\p{N} ._:/-]/u.test(c) ? c : "#" + c.codePointAt(0) + ";").join("");
      const used = [...new Set(list.flatMap((e) => [e.a, e.b]))].sort((x, y) => x - y);
      const arrow = (e) => e.mode === "sync" ? "-->" : e.mode === "async" ? '-. "' + label(e.over) + '" .->' : "-.-";
      save("mmd", "text/plain", ["flowchart LR", ...used.map((k) => "  n" + k + '["' + label(nodes[k].name) + '"]'),
        ...list.map((e) => "  n" + e.a + " " + arrow(e) + " n" + e.b)].join("\n") + "\n");
    });
    byId("save-csv").addEventListener("click", () => {
      const cell = (v) => {
        const text = /^[=+@-]/.test(String(v)) ? "'" + v : String(v);
        return /[",']/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
      };
      const rows = [["source", "target", "mode", "over", "waits", "confidence", "seen_in", "sites"],
        ...shown().map((e) => [nodes[e.a].name, nodes[e.b].name, e.mode, e.over, !!e.waits, e.sure ? "confirmed" : "probable", e.seen.join("+"), e.sites])];
      save("csv", "text/csv", rows.map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n");
    });
    byId("save-json").addEventListener("click", async () => {
      const bytes = Uint8Array.from(atob(byId("result").textContent.trim()), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      const text = await new Response(stream).text();
      save("json", "application/json", JSON.stringify(JSON.parse(text), null, 2) + "\n");
    });
  }

  // The matrix says under the pointer what a cell means.
  const matrix = byId("matrix-picture");
  if (matrix) {
    const order = matrix.dataset.order.split(" ").map(Number);
    const [cell, left, top] = ["cell", "left", "top"].map((key) => +matrix.dataset[key]);
    const bars = [0, 1].map(() => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      bar.setAttribute("class", "cross");
      matrix.append(bar);
      return bar;
    });
    const put = (bar, x, y, width, height) => Object.entries({ x, y, width, height }).forEach(([k, v]) => bar.setAttribute(k, v));
    const pairs = new Map(edges.filter((e) => e.mode !== "data" && e.mode !== "infra").map((e) => [e.a + ">" + e.b, e]));
    matrix.addEventListener("pointermove", (event) => {
      const r = matrix.getBoundingClientRect();
      const k = matrix.viewBox.baseVal.width / r.width;
      const column = Math.floor(((event.clientX - r.left) * k - left) / cell);
      const row = Math.floor(((event.clientY - r.top) * k - top) / cell);
      const side = order.length * cell;
      if (row < 0 || column < 0 || row >= order.length || column >= order.length) return;
      put(bars[0], left, top + row * cell, side, cell);
      put(bars[1], left + column * cell, top, cell, side);
      const [a, b] = [order[row], order[column]];
      const e = pairs.get(a + ">" + b);
      byId("matrix-live").textContent = nodes[a].name + (a === b ? "" : e ? (e.mode === "async" ? " tells " : " calls ") + nodes[b].name
        + (e.sites ? " at " + count(e.sites, "call site") : "") : " does not call " + nodes[b].name);
    });
  }
})();
