INSERT INTO customers (id, name, email, phone, date_of_birth, tier, status) VALUES
    ('c-1001', 'Ada Example', 'ada@shop.example', '+1 555 0101', '1990-05-01', 'gold', 'active'),
    ('c-1002', 'Ben Sample', 'ben@shop.example', '+1 555 0102', '1985-02-12', 'standard', 'active'),
    ('c-1003', 'Cleo Test', 'cleo@shop.example', '+1 555 0103', '1978-11-30', 'standard', 'active'),
    ('c-1004', 'Dan Blocked', 'dan@shop.example', '+1 555 0104', '1999-07-21', 'standard', 'blocked'),
    ('c-1005', 'Eve Fiction', 'eve@shop.example', '+1 555 0105', '1982-09-09', 'silver', 'active');

INSERT INTO addresses (customer_id, kind, street, postal_code, city, country)
SELECT id, 'shipping', '1 Sample Street', '00000', 'Exampleton', 'XX' FROM customers;

INSERT INTO preferences (customer_id, language, email_opt_in)
SELECT id, 'en', true FROM customers;
