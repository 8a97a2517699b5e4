import axios from "axios";
import express, { NextFunction, Request, Response } from "express";
import { carts, catalog, customers, orders } from "./clients";
import { config } from "./config";

type Handler = (req: Request, res: Response) => Promise<unknown>;

const app = express();
app.use(express.json());

function route(handler: Handler) {
  return (req: Request, res: Response, next: NextFunction) => {
    handler(req, res).catch(next);
  };
}

app.get("/healthz", (_req, res) => {
  res.send("ok");
});

app.get("/api/products", route(async (_req, res) => {
  const answer = await catalog.get("/products");
  res.json(answer.data);
}));

app.get("/api/products/:sku", route(async (req, res) => {
  const answer = await catalog.get(`/products/${encodeURIComponent(req.params.sku)}`);
  res.json(answer.data);
}));

app.get("/api/carts/:customerId", route(async (req, res) => {
  const answer = await carts.get(`/carts/${encodeURIComponent(req.params.customerId)}`);
  res.json(answer.data);
}));

app.post("/api/carts/:customerId/items", route(async (req, res) => {
  const answer = await carts.post(`/carts/${encodeURIComponent(req.params.customerId)}/items`, req.body);
  res.status(201).json(answer.data);
}));

app.get("/api/customers/:id", route(async (req, res) => {
  const answer = await customers.get(`/customers/${encodeURIComponent(req.params.id)}`);
  res.json(answer.data);
}));

app.put("/api/customers/:id", route(async (req, res) => {
  const answer = await customers.put(`/customers/${encodeURIComponent(req.params.id)}`, req.body);
  res.json(answer.data);
}));

app.get("/api/orders/:id", route(async (req, res) => {
  const answer = await orders.get(`/orders/${encodeURIComponent(req.params.id)}`);
  res.json(answer.data);
}));

// Checkout: the cart becomes an order, then the cart is emptied.
app.post("/api/orders", route(async (req, res) => {
  const customerId = String(req.body.customerId);
  const cart = await carts.get(`/carts/${encodeURIComponent(customerId)}`);
  const order = await orders.post("/orders", { customerId, lines: cart.data.items });
  await carts.delete(`/carts/${encodeURIComponent(customerId)}`);
  res.status(201).json(order.data);
}));

app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
  if (axios.isAxiosError(error) && error.response) {
    res.status(error.response.status).json(error.response.data);
    return;
  }
  console.error(error instanceof Error ? error.message : error);
  res.status(502).json({ error: "upstream failed" });
});

app.listen(config.port, () => console.log(`gateway listens on ${config.port}`));
