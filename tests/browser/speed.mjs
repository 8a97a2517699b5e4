// How fast reports open and move in headless Chromium without a GPU: the figures of `cargo bench --bench report`.
//
//   CHROMIUM=/usr/bin/chromium node speed.mjs target/report-bench/*.html
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
console.log("report, KB, ms to painted, ms per frame while dragging (median, slowest)");
for (const file of process.argv.slice(2)) {
  const runs = [];
  for (let run = 0; run < 3; run += 1) {
    const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    const start = Date.now();
    await page.goto(pathToFileURL(resolve(file)).href);
    // Two frames later the first one is on the screen.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const painted = Date.now() - start;
    await page.locator("#map-frame").scrollIntoViewIfNeeded();
    const frames = await page.evaluate(async () => {
      const frame = document.getElementById("map-frame");
      const r = frame.getBoundingClientRect();
      const send = (type, x, y) => frame.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, button: 0, pointerId: 1, bubbles: true }));
      frame.setPointerCapture = () => {};
      const next = () => new Promise(requestAnimationFrame);
      send("pointerdown", r.left + 300, r.top + 100);
      const times = [];
      await next();
      for (let i = 1; i <= 30; i += 1) {
        const before = performance.now();
        send("pointermove", r.left + 300 + i * 9, r.top + 100 + i * 3);
        await next();
        times.push(performance.now() - before);
      }
      send("pointerup", r.left, r.top);
      return times.sort((a, b) => a - b);
    });
    runs.push([painted, frames[15], frames[29]]);
    await page.close();
  }
  runs.sort((a, b) => a[0] - b[0]);
  const [painted, median, slowest] = runs[1];
  console.log(`${file}, ${Math.round(statSync(file).size / 1000)}, ${painted}, ${median.toFixed(0)}, ${slowest.toFixed(0)}`);
}
await browser.close();
