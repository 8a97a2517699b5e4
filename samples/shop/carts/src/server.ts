import express from "express";
import Redis from "ioredis";
import { findProduct } from "./catalog";

const redis = new Redis(process.env.REDIS_URL ?? "redis://carts-cache:6379");
const WEEK = 7 * 24 * 3600;

interface Item {
  sku: string;
  name: string;
  quantity: number;
}

const app = express();
app.use(express.json());

app.get("/healthz", (_req, res) => {
  res.send("ok");
});

app.get("/carts/:customerId", async (req, res, next) => {
  try {
    const stored = await redis.hgetall(`cart:${req.params.customerId}`);
    const items: Item[] = Object.values(stored).map((text) => JSON.parse(text));
    res.json({ customerId: req.params.customerId, items });
  } catch (error) {
    next(error);
  }
});

app.post("/carts/:customerId/items", async (req, res, next) => {
  try {
    const product = await findProduct(String(req.body.sku));
    if (!product) {
      res.status(422).json({ error: "no such product" });
      return;
    }
    const key = `cart:${req.params.customerId}`;
    const item: Item = { sku: product.sku, name: product.name, quantity: Number(req.body.quantity ?? 1) };
    await redis.hset(key, product.sku, JSON.stringify(item));
    await redis.expire(key, WEEK);
    res.status(201).json(item);
  } catch (error) {
    next(error);
  }
});

app.delete("/carts/:customerId", async (req, res, next) => {
  try {
    await redis.del(`cart:${req.params.customerId}`);
    res.status(204).end();
  } catch (error) {
    next(error);
  }
});

app.listen(Number(process.env.PORT ?? 8080), () => console.log("carts is up"));
