CREATE TABLE IF NOT EXISTS customers (
    id            text PRIMARY KEY,
    name          text NOT NULL,
    email         text NOT NULL UNIQUE,
    phone         text NOT NULL DEFAULT '',
    date_of_birth date NOT NULL,
    tier          text NOT NULL DEFAULT 'standard',
    status        text NOT NULL DEFAULT 'active'
);
