CREATE TABLE IF NOT EXISTS shipments (
    order_id    text PRIMARY KEY,
    customer_id text NOT NULL,
    status      text NOT NULL DEFAULT 'WAITING',
    label       text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);
