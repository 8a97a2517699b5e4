const customer = new URLSearchParams(location.search).get("customer") || "c-1001";

async function send(method, url, body) {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json" },
    body: body ? JSON.stringify(body) : undefined,
  });
  return answer.json();
}

document.getElementById("products").addEventListener("click", async (event) => {
  const sku = event.target.dataset.sku;
  if (sku) await send("POST", `/api/carts/${customer}/items`, { sku, quantity: 1 });
});

document.getElementById("checkout").addEventListener("click", async () => {
  const order = await send("POST", "/api/orders", { customerId: customer });
  document.getElementById("message").textContent = `Order ${order.id}: ${order.status}`;
});
