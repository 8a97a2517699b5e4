const CATALOG = "http://catalog:8000";

export interface Product {
  sku: string;
  name: string;
  price_cents: number;
}

export async function findProduct(sku: string): Promise<Product | undefined> {
  const answer = await fetch(`${CATALOG}/products/${encodeURIComponent(sku)}`, {
    signal: AbortSignal.timeout(1500),
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`catalog answered ${answer.status}`);
  return (await answer.json()) as Product;
}
