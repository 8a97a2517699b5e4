CREATE TABLE orders (
    id             uuid PRIMARY KEY,
    customer_id    text        NOT NULL,
    customer_email text        NOT NULL,
    status         text        NOT NULL,
    total_cents    bigint      NOT NULL,
    created_at     timestamptz NOT NULL
);

CREATE TABLE order_lines (
    order_id         uuid    NOT NULL REFERENCES orders (id),
    sku              text    NOT NULL,
    quantity         integer NOT NULL CHECK (quantity > 0),
    unit_price_cents bigint  NOT NULL
);

CREATE INDEX orders_by_customer ON orders (customer_id);
