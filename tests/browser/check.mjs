// Opens a report in Chromium as its readers do: with pointer, keyboard, links, on a phone, on paper, in the dark,
// without script, and under the content policy of a build server. Nothing may be fetched and nothing may complain.
//
//   CHROMIUM=/usr/bin/chromium UNBRAID=target/release/unbraid node check.mjs FOLDER [SCREENSHOTS]
//
// FOLDER holds report.html and graph.json of one run; with UNBRAID the result is rendered again with a hostile name.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const [folder, screenshots] = process.argv.slice(2);
const report = join(folder, "report.html");
const HOSTILE = "</script><img src=x onerror=alert(1)>";
const url = pathToFileURL(report).href;
const faults = [];
const expect = (holds, text) => { if (!holds) faults.push(text); };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
if (screenshots) mkdirSync(screenshots, { recursive: true });
const keep = (page, name, options = {}) =>
  screenshots ? page.screenshot({ path: join(screenshots, name + ".png"), ...options }) : null;

// A page that notes whatever goes wrong; `about` names it in a fault.
const open = async (about, options = {}, address = url) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) faults.push(`${about}: console: ${m.text()}`); });
  page.on("pageerror", (e) => faults.push(`${about}: script: ${e.message}`));
  page.on("request", (r) => {
    const own = address.split("#")[0];
    if (!r.url().startsWith(own) && !r.url().startsWith("data:") && !r.url().startsWith("blob:")) faults.push(`${about}: fetched ${r.url()}`);
  });
  await page.goto(address);
  return page;
};
const text = (page, selector) => page.locator(selector).innerText();

const tables = async () => {
  const page = await open("tables");
  expect((await page.title()).includes("synchronous coupling"), "the title does not say what it is");
  const rows = () => page.locator("#edge-table tbody tr:visible").count();
  const all = await rows();
  const source = await page.locator("#edge-table tbody tr td").first().innerText();
  await page.fill("input[data-filter=edge-table]", source);
  const some = await rows();
  expect(some > 0 && some < all, `the filter shows ${some} of ${all} rows`);
  await page.fill("input[data-filter=edge-table]", "");
  await page.locator("#edge-table thead button").first().click();
  const first = await page.locator("#edge-table tbody tr").first().innerText();
  await page.locator("#edge-table thead button").first().click();
  expect(first !== await page.locator("#edge-table tbody tr").first().innerText(), "the table does not sort");
  await page.locator("#edge-table tbody a").first().click();
  expect(await page.locator("details.edge[open]").count() > 0, "a link to an edge does not open its page");
  return all;
};

// Neither an attribute nor an element of the page may run or style anything but the one script and the one style.
const policy = async () => {
  const page = await open("policy");
  const found = await page.evaluate(() => {
    const everything = [...document.querySelectorAll("*")];
    const blocks = ["graph", "result"].map((id) => document.getElementById(id).textContent).join("");
    return {
      policy: document.querySelector("meta[http-equiv='Content-Security-Policy']").content,
      styled: everything.filter((e) => e.hasAttribute("style")).length,
      handled: everything.filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
      linked: everything.filter((e) => ["src", "srcset", "data"].some((a) => e.hasAttribute(a))).length,
      raw: /[<>&\u2028\u2029]/.test(blocks)
    };
  });
  expect(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; /.test(found.policy), `the policy is ${found.policy}`);
  expect(found.styled + found.handled + found.linked === 0, `${found.styled} style attributes, ${found.handled} handlers, ${found.linked} sources`);
  expect(!found.raw, "a data block holds <, >, & or a line separator");
  // Asked of a page that is thrown away: a complaint about what is blocked here is no fault.
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(url);
  const ran = await other.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return window.ran === true;
  });
  expect(!ran, "a foreign script runs in the page");
};

const filters = async () => {
  const page = await open("filters");
  const shown = () => page.locator("#map-frame path[data-e]:not(.dim)").count();
  const boxes = () => page.locator("#map-frame a.box:not(.dim)").count();
  const [edges, all] = [await shown(), await boxes()];
  for (const id of ["team", "role", "confidence", "source"]) {
    if (await page.locator("#" + id).count() === 0) continue;
    const options = await page.locator(`#${id} option`).evaluateAll((list) => list.map((o) => o.value || o.textContent).slice(1));
    const counts = [];
    for (const option of options) {
      await page.selectOption("#" + id, option);
      counts.push(id === "team" || id === "role" ? await boxes() : await shown());
    }
    const most = id === "team" || id === "role" ? all : edges;
    expect(counts.some((n) => n < most) || options.length < 2, `the filter ${id} hides nothing: ${counts} of ${most}`);
    expect(page.url().includes(id + "="), `the address does not name the filter ${id}`);
    await page.click("#clear");
  }
  // Hops: each further hop shows at least as much.
  const caller = await page.evaluate(() => +document.querySelector("#map-frame path[data-e]").dataset.a);
  await page.fill("#find", (await page.locator(`#m${caller}`).getAttribute("aria-label")).split(":")[0]);
  await page.locator("#find").blur();
  let before = 0;
  for (const hops of ["1", "2", "3"]) {
    await page.selectOption("#hops", hops);
    const now = await boxes();
    expect(now >= before && now > 1, `${hops} hops show ${now} services after ${before}`);
    before = now;
  }
  await page.click("#copy-link");
  // The clipboard answers later.
  await page.waitForFunction(() => document.getElementById("live").textContent.includes("ink"), null, { timeout: 5000 }).catch(() => {});
  expect(/ink.*#.*service=/.test(await text(page, "#live")), `copy link says: ${await text(page, "#live")}`);
};

const matrix = async () => {
  const page = await open("matrix");
  if (await page.locator("#matrix-picture").count() === 0) return;
  await page.locator("#matrix-picture").scrollIntoViewIfNeeded();
  const cell = page.locator("#matrix-picture a rect").first();
  if (await cell.count() === 0) return;
  await cell.hover();
  expect(/ (calls|tells) /.test(await text(page, "#matrix-live")), `the matrix says: ${await text(page, "#matrix-live")}`);
  await cell.click();
  expect(await page.locator("details.edge[open]").count() > 0, "a cell does not lead to the page of its edge");
};

const map = async () => {
  const page = await open("map");
  // From the frame of the map, Tab leads to a box.
  await page.locator("#map-frame").focus();
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement.classList.contains("box")), "Tab leads to no box");
  const caller = await page.evaluate(() => document.querySelector("#map-frame path[data-e]").dataset.a);
  const box = page.locator(`#m${caller}`);
  const name = (await box.getAttribute("aria-label")).split(":")[0];
  await box.focus();
  await page.keyboard.press("ArrowRight");
  const next = await page.evaluate(() => document.activeElement.dataset.i);
  expect(next !== undefined && next !== await box.getAttribute("data-i"), "arrow right leads to no neighbour");
  expect(await page.locator("#map-frame path.dim").count() > 0, "focus dims nothing");
  expect((await text(page, "#live")).includes("within 1 hop"), `the live region says: ${await text(page, "#live")}`);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(100);
  expect(await page.locator("details.service[open]").count() === 1, "Enter opens no page of a service");
  await page.keyboard.press("Escape");
  expect(await page.locator("details.service[open]").count() === 0, "Escape does not close the page");
  expect(await page.evaluate(() => document.activeElement.classList.contains("box")), "Escape does not lead back to the map");
  await page.keyboard.press("Escape");
  expect(await page.locator("#map-frame .dim").count() === 0, "Escape does not show all");
  await page.fill("#find", name);
  await page.keyboard.press("Enter");
  await page.locator("#find").blur();
  expect(page.url().includes("service="), "the address does not name the service that was found");
  await page.click("#clear");
  await page.selectOption("#mode", "async");
  expect(await page.locator("#map-frame g.sync path.dim").count() > 0, "the mode filter dims nothing");
  await page.click("#clear");
  const before = await page.locator("#map-frame svg").getAttribute("viewBox");
  await page.click("#zoom-in");
  await page.waitForTimeout(100);
  const zoomed = await page.locator("#map-frame svg").getAttribute("viewBox");
  expect(zoomed !== before, "the zoom button does nothing");
  const area = await page.locator("#map-frame").boundingBox();
  await page.mouse.move(area.x + area.width / 2, area.y + 8);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width / 2 + 90, area.y + 60, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(100);
  expect(await page.locator("#map-frame svg").getAttribute("viewBox") !== zoomed, "dragging does not move the map");
  await page.click("#zoom-fit");
  await keep(page, "light");
  await page.locator("#map-frame").scrollIntoViewIfNeeded();
  if (screenshots) await page.locator("#map-frame").screenshot({ path: join(screenshots, "map.png") });
};

const paths = async () => {
  const page = await open("path");
  const edge = await page.evaluate(() => {
    const g = JSON.parse(document.getElementById("graph").textContent);
    const e = g.edges.find((x) => x[3] === "sync" && x[1] !== x[2]);
    return [g.nodes[e[1]][0], g.nodes[e[2]][0]];
  });
  const hash = new URLSearchParams({ from: edge[0], to: edge[1] });
  const linked = await open("deep link", {}, `${url}#${hash}`);
  expect((await text(linked, "#live")).startsWith("1 hop: "), `the path says: ${await text(linked, "#live")}`);
  // A longer way, chosen by hand.
  const far = await page.evaluate(() => {
    const g = JSON.parse(document.getElementById("graph").textContent);
    const calls = g.edges.filter((e) => e[3] === "sync" && e[1] !== e[2]);
    for (const x of calls) for (const y of calls) {
      if (x[2] === y[1] && x[1] !== y[2] && !g.edges.some((e) => e[1] === x[1] && e[2] === y[2])) return [x[1], y[2]].map((i) => g.nodes[i][0]);
    }
    return null;
  });
  if (far) {
    await page.fill("#from", far[0]);
    await page.locator("#from").blur();
    await page.fill("#to", far[1]);
    await page.locator("#to").blur();
    expect((await text(page, "#live")).startsWith("2 hops: "), `the longer path says: ${await text(page, "#live")}`);
    expect(await page.locator("#map-frame path.on").count() >= 2, "the way is not marked on the map");
  }
  const service = await open("deep link", {}, `${url}#${new URLSearchParams({ service: edge[1], hops: "2", view: "matrix" })}`);
  expect(await service.locator("#find").inputValue() === edge[1], "the link does not choose the service");
  expect(await service.evaluate(() => Math.abs(document.getElementById("matrix").getBoundingClientRect().top) < 200), "view=matrix does not lead to the matrix");
};

const steps = async () => {
  const page = await open("steps");
  if (await page.locator("#step").count() === 0) return;
  const most = await page.locator("#step").getAttribute("max");
  await page.locator("#step").focus();
  await page.keyboard.press("End");
  expect(await page.locator("#map-frame path.freed, #map-frame path.told").count() > 0, "the last step frees no edge on the map");
  expect((await text(page, "#step-text")).startsWith(most + ":"), "the slider does not say which step");
  expect(page.url().includes("step=" + most), "the address does not name the step");
  const linked = await open("deep link", {}, `${url}#step=1&view=plan`);
  expect(await linked.locator("#step").inputValue() === "1", "the link does not choose the step");
  expect(await linked.locator("#step1[open]").count() === 1, "the link does not open the step");
  expect((await linked.locator("#step1").textContent()).includes("Rollback"), "the step does not say the way back");
  await page.locator("details.step summary").first().click();
  const drawn = await page.locator("details.step svg.picture").first().locator("use").count();
  expect(drawn > 2, "a step has no map");
  const height = await page.evaluate(() => document.querySelector("details.step details[open] svg use[href='#map-boxes']").getBBox().height);
  expect(height > 30, "the map of a step is empty");
  if (screenshots) await page.locator("details.step").first().screenshot({ path: join(screenshots, "step.png") });
};

const saves = async () => {
  const page = await open("save", { acceptDownloads: true });
  const edges = await page.evaluate(() => JSON.parse(document.getElementById("graph").textContent).edges.filter((e) => e[3] !== "infra").length);
  for (const [id, check] of [
    ["save-json", (t) => JSON.parse(t).schema.startsWith("unbraid-result/")],
    ["save-mermaid", (t) => t.startsWith("flowchart LR\n") && t.trim().split("\n").filter((l) => / (-->|-\.-|-\. .* \.->) /.test(l)).length === edges],
    ["save-csv", (t) => t.startsWith("source,target,mode") && t.trim().split("\r\n").length === edges + 1],
    ["save-svg", (t) => t.startsWith("<svg") && t.includes("marker")]
  ]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#" + id)]);
    expect(check(readFileSync(await download.path(), "utf8")), `${id} gives something else`);
  }
};

const accessible = async (address, about) => {
  const page = await open(about, { bypassCSP: true }, address);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d, i) => { d.open = i < 40; }));
  await page.addScriptTag({ content: readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") });
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const v of violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
    faults.push(`${about}: accessibility: ${v.id}: ${v.help} (${v.nodes.length}, first ${v.nodes[0].html.slice(0, 160)})`);
  }
};

const phone = async () => {
  const page = await open("phone", { viewport: { width: 360, height: 740 } });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow <= 0, `scrolls sideways by ${overflow} px on a phone`);
  await keep(page, "phone");
};

const paper = async () => {
  const page = await open("paper");
  await page.emulateMedia({ media: "print" });
  const pdf = await page.pdf({ preferCSSPageSize: true, ...(screenshots ? { path: join(screenshots, "report.pdf") } : {}) });
  expect(pdf.length > 50_000, `the PDF has only ${pdf.length} bytes`);
  const opened = await page.evaluate(() => {
    const page = document.querySelector("details.service > :not(summary)");
    return page === null || page.getBoundingClientRect().height > 0;
  });
  expect(opened, "details stay closed on paper");
};

// Without script: everything is there, links lead into closed details.
const bare = async () => {
  const page = await open("without script", { javaScriptEnabled: false });
  expect(await page.locator("#map-frame a.box").count() > 0, "no map without script");
  expect(await page.locator("#edge-table tbody tr").count() > 0, "no table without script");
  expect(await page.locator(".tools:visible").count() === 0, "tools that need the script are shown without it");
  await keep(page, "bare");
};

// The policy of a build server: neither script nor style; the report still reads.
const served = async () => {
  const policy = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'";
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.setHeader("Content-Security-Policy", policy);
    response.end(request.url === "/" ? readFileSync(report) : "");
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const state = await page.evaluate(() => ({
    styled: getComputedStyle(document.querySelector(".card")).borderRadius !== "0px",
    box: getComputedStyle(document.querySelector("#map-frame .shape")).fill,
    heading: document.querySelector("h1").innerText,
    closed: document.querySelectorAll("details").length
  })).catch((e) => ({ error: e.message }));
  expect(!state.error, `under a strict policy: ${state.error}`);
  expect(state.styled === false, "the policy of the server does not hold");
  expect(state.box === "rgb(255, 255, 255)", `a box without style is ${state.box}`);
  expect((state.heading || "").length > 10 && state.closed > 3, "the report does not read without style");
  await keep(page, "strict-policy");
  server.close();
};

const hostileNames = async () => {
  if (!process.env.UNBRAID) return;
  const result = readFileSync(join(folder, "graph.json"), "utf8");
  const victim = JSON.parse(result).dependencies.find((d) => d.mode === "sync").source;
  const there = mkdtempSync(join(tmpdir(), "report-"));
  writeFileSync(join(there, "graph.json"), result.replaceAll(JSON.stringify(victim), JSON.stringify(HOSTILE)));
  const made = spawnSync(process.env.UNBRAID, ["render", join(there, "graph.json"), "-o", join(there, "hostile.html")]);
  expect(made.status === 0, `render: ${made.stderr}`);
  const address = pathToFileURL(join(there, "hostile.html")).href;
  const page = await open("hostile names", {}, address);
  page.on("dialog", (d) => { faults.push("a name of the input ran as script"); d.dismiss(); });
  expect(await page.locator("img").count() === 0, "a name of the input became an element");
  expect((await page.content()).includes("&lt;img src=x onerror="), "the hostile name is not shown as text");
  await page.fill("#find", "onerror");
  await page.keyboard.press("Enter");
  await page.locator("#find").blur();
  expect((await text(page, "#live")).includes("<img src=x"), "the live region does not show the name as text");
  await accessible(address, "hostile names");
};

// A system that is too large for one picture: fifteen copies of the sample, each calling the next.
const large = async () => {
  if (!process.env.UNBRAID) return;
  const whole = JSON.parse(readFileSync(join(folder, "graph.json"), "utf8"));
  const { services, dependencies } = whole;
  const copies = [...Array(15).keys()];
  const named = (name, k) => k ? `${name}-${k}` : name;
  const first = services.find((s) => s.kind === "gateway" || s.kind === "ui") || services[0];
  whole.services = copies.flatMap((k) => services.map((s) => ({ ...s, name: named(s.name, k), aliases: [], owners: [] })));
  whole.dependencies = copies.flatMap((k) => dependencies.map((d) => ({ ...d, source: named(d.source, k), target: named(d.target, k) })));
  const call = dependencies.find((d) => d.mode === "sync");
  whole.dependencies.push(...copies.slice(1).map((k) => ({ ...call, source: named(first.name, k - 1), target: named(first.name, k) })));
  const byName = (x, y) => x < y ? -1 : x > y ? 1 : 0;
  whole.services.sort((x, y) => byName(x.name, y.name));
  whole.dependencies.sort((x, y) => byName(x.source, y.source) || byName(x.target, y.target));
  const there = mkdtempSync(join(tmpdir(), "report-"));
  writeFileSync(join(there, "graph.json"), JSON.stringify(whole));
  const made = spawnSync(process.env.UNBRAID, ["render", join(there, "graph.json"), "-o", join(there, "large.html")]);
  expect(made.status === 0, `render of the large system: ${made.stderr}`);
  const address = pathToFileURL(join(there, "large.html")).href;
  const page = await open("groups", {}, address);
  const groups = await page.locator("#map-frame a.box.group").count();
  expect(groups > 1 && groups < 150, `the map of a large system shows ${groups} groups`);
  expect(await page.locator("#map-frame a.box:not(.group)").count() === 0, "single services stand among the groups");
  await keep(page, "large");
  await page.locator("#map-frame a.box.group").first().click();
  const open_ = page.locator("details.group[open]");
  expect(await open_.count() === 1 && await open_.locator("a.box:not(.group)").count() > 1, "a click opens no group");
  await page.fill("#find", named(first.name, 7));
  await page.locator("#find").blur();
  expect(await page.locator("details.group[open] a.box.on").count() === 1, "a service that is found is not marked inside its group");
  // Before and after each step: only the services that it touches.
  const step = page.locator("details.step").first();
  if (await step.count()) {
    await step.locator("> summary").click();
    await step.locator("> details > summary", { hasText: "Before step 1" }).click();
    const drawn = await step.locator("svg.picture").evaluateAll((all) => all.map((svg) =>
      [svg.querySelectorAll("a.box").length, svg.querySelectorAll(".edges.sync path").length, svg.getBoundingClientRect().height]));
    expect(drawn.length === 2 && drawn[0][0] > 1 && drawn[0][0] === drawn[1][0], `the step draws ${JSON.stringify(drawn)}`);
    expect(drawn[1][1] < drawn[0][1], `after the step as many calls wait as before: ${JSON.stringify(drawn)}`);
    expect(drawn.every((d) => d[2] > 20), "a picture of the step is empty");
    if (screenshots) await step.screenshot({ path: join(screenshots, "large-step.png") });
  }
  await accessible(address, "groups");
};

const dark = async () => {
  const page = await open("dark", { colorScheme: "dark" });
  const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(colour !== "rgb(255, 255, 255)", "the page is white in the dark");
  await keep(page, "dark");
  const own = await open("dark", { colorScheme: "dark", bypassCSP: true });
  await own.addScriptTag({ content: readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") });
  const { violations } = await own.evaluate(() => window.axe.run({ runOnly: ["color-contrast"] }));
  for (const v of violations) faults.push(`dark: ${v.help} (${v.nodes.length}, first ${v.nodes[0].html.slice(0, 160)})`);
};

let rows = 0;
for (const [name, part] of Object.entries({
  tables, policy, filters, matrix, map, paths, steps, saves, phone, paper, bare, served, hostileNames, large, dark
})) {
  try {
    const found = await part();
    if (name === "tables") rows = found;
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
  }
}
await accessible(url, "light");
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${rows} dependencies, ${Math.round(statSync(report).size / 1000)} KB checked in the browser, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
