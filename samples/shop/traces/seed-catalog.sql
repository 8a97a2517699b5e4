INSERT INTO products (sku, name, description, price_cents, weight_g) VALUES
    ('MUG-01', 'Mug', 'Holds tea', 1200, 400),
    ('TEA-02', 'Green tea', 'Fifty grams', 650, 60),
    ('LAMP-03', 'Desk lamp', 'Bends', 4900, 1500);

INSERT INTO stock_items (sku, on_hand)
SELECT sku, 100 FROM products;
