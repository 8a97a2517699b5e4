// Renders the product list on the server and passes /api on to the gateway.
const http = require("node:http");
const fs = require("node:fs");
const path = require("node:path");

const PORT = Number(process.env.PORT || 3000);
const PUBLIC = path.join(__dirname, "public");

function escapeHtml(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

async function home(res) {
  const answer = await fetch(`${process.env.GATEWAY_URL || "http://gateway:8080"}/api/products`);
  if (!answer.ok) throw new Error(`gateway answered ${answer.status}`);
  const products = await answer.json();
  const items = products
    .map((p) => `<li data-sku="${escapeHtml(p.sku)}">${escapeHtml(p.name)}</li>`)
    .join("\n");
  const page = fs.readFileSync(path.join(PUBLIC, "index.html"), "utf8");
  res.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  res.end(page.replace("<!-- products -->", items));
}

async function proxy(req, res) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const gateway = process.env.GATEWAY_URL || "http://gateway:8080";
  const answer = await fetch(gateway + req.url, {
    method: req.method,
    headers: { "content-type": "application/json" },
    body: chunks.length ? Buffer.concat(chunks) : undefined,
  });
  res.writeHead(answer.status, { "content-type": "application/json" });
  res.end(await answer.text());
}

const server = http.createServer((req, res) => {
  let work;
  if (req.url === "/healthz") work = Promise.resolve(res.end("ok"));
  else if (req.url === "/") work = home(res);
  else if (req.url === "/app.js") {
    res.writeHead(200, { "content-type": "text/javascript" });
    work = Promise.resolve(res.end(fs.readFileSync(path.join(PUBLIC, "app.js"))));
  } else if (req.url.startsWith("/api/")) work = proxy(req, res);
  else {
    res.writeHead(404);
    work = Promise.resolve(res.end());
  }
  work.catch((error) => {
    console.error(error.message);
    if (!res.headersSent) res.writeHead(502);
    res.end();
  });
});

server.listen(PORT, () => console.log(`web listens on ${PORT}`));
