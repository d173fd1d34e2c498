-- What server.py asks, for trying it out: python -c "import sqlite3; sqlite3.connect('shop.db').executescript(open('shop.sql').read())"
CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, name TEXT, phone TEXT, newsletter INTEGER, told INTEGER NOT NULL DEFAULT 0);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer (id), item TEXT, invoiced_on TEXT);
INSERT INTO customer VALUES (1, 'ana@example.com', 'Ana', '+40 712 345 678', 1, 3), (2, 'ben@example.com', 'Ben', NULL, 0, 4);
INSERT INTO orders VALUES (10, 1, 'Tea', '2026-03-01'), (11, 1, 'Jam', NULL), (20, 2, 'Tea', NULL);
