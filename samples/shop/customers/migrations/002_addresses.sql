CREATE TABLE IF NOT EXISTS addresses (
    customer_id text NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    kind        text NOT NULL,
    street      text NOT NULL,
    postal_code text NOT NULL,
    city        text NOT NULL,
    country     text NOT NULL,
    PRIMARY KEY (customer_id, kind)
);

CREATE TABLE IF NOT EXISTS preferences (
    customer_id  text PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE,
    language     text NOT NULL DEFAULT 'en',
    email_opt_in boolean NOT NULL DEFAULT false
);
