CREATE TABLE IF NOT EXISTS stock_items (
    sku        text PRIMARY KEY REFERENCES products (sku),
    on_hand    integer NOT NULL DEFAULT 0,
    reserved   integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
