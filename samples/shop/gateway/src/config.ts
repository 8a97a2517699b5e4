export const config = {
  port: Number(process.env.PORT ?? 8080),
  timeoutMs: Number(process.env.UPSTREAM_TIMEOUT_MS ?? 3000),
  upstreams: {
    catalog: process.env.CATALOG_URL ?? "http://catalog:8000",
    carts: process.env.CARTS_URL ?? "http://carts:8080",
    orders: process.env.ORDERS_URL ?? "http://orders:8080",
    customers: process.env.CUSTOMERS_URL ?? "http://customers:8080",
  },
};
