// Opens a report in Chromium: nothing on the console, nothing fetched, no serious accessibility violation,
// no horizontal scrolling on a phone, and the tables sort and filter.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const page_url = pathToFileURL(process.argv[2]).href;
const faults = [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const open = async (size) => {
  const context = await browser.newContext({ viewport: size, bypassCSP: false });
  const page = await context.newPage();
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) faults.push(`console: ${m.text()}`); });
  page.on("pageerror", (e) => faults.push(`script: ${e.message}`));
  page.on("request", (r) => { if (r.url() !== page_url && !r.url().startsWith("data:")) faults.push(`fetched ${r.url()}`); });
  await page.goto(page_url);
  return page;
};

const wide = await open({ width: 1280, height: 900 });
if (!(await wide.title()).includes("synchronous coupling")) faults.push("the title does not say what it is");
const rows = () => wide.locator("#edge-table tbody tr:visible").count();
const all = await rows();
await wide.fill("input[data-filter=edge-table]", "orders");
const some = await rows();
if (!(some > 0 && some < all)) faults.push(`the filter shows ${some} of ${all} rows`);
await wide.fill("input[data-filter=edge-table]", "");
await wide.locator("#edge-table thead button").first().click();
const first = await wide.locator("#edge-table tbody tr").first().innerText();
await wide.locator("#edge-table thead button").first().click();
if (first === (await wide.locator("#edge-table tbody tr").first().innerText()) && all > 1) faults.push("the table does not sort");
await wide.locator("#map-picture g[data-name]").first().focus();
if ((await wide.locator("#map-picture path.dim").count()) === 0) faults.push("the map does not answer the keyboard");

const checked = await browser.newContext({ bypassCSP: true });
const axe_page = await checked.newPage();
await axe_page.goto(page_url);
await axe_page.addScriptTag({ content: readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") });
const result = await axe_page.evaluate(() => window.axe.run());
for (const v of result.violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
  faults.push(`accessibility: ${v.id}: ${v.help} (${v.nodes.length}, first ${v.nodes[0].html.slice(0, 120)})`);
}

const phone = await open({ width: 360, height: 740 });
const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
if (overflow > 0) faults.push(`scrolls sideways by ${overflow} px on a phone`);

await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${all} dependencies checked in the browser, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
