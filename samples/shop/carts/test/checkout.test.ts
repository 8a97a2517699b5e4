// Runs against a started system: what was put into a cart ends up in an order.
import assert from "node:assert";
import { test } from "node:test";

const CARTS = "http://localhost:8080";
const ORDERS = "http://orders:8080";

test("an ordered cart keeps its lines", async () => {
  await fetch(`${CARTS}/carts/c-1001/items`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sku: "MUG-01", quantity: 2 }),
  });
  const cart = (await (await fetch(`${CARTS}/carts/c-1001`)).json()) as { items: unknown[] };
  const answer = await fetch(`${ORDERS}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ customerId: "c-1001", lines: cart.items }),
  });
  const order = (await answer.json()) as { lines: unknown[] };
  assert.equal(order.lines.length, cart.items.length);
});
