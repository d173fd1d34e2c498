"""The demo company's two connected systems, as SQLite files: a shop and a newsletter service.

They stand for databases that somebody else wrote: the portal reaches them through their maps alone.
"""

import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from portal.demo.people import Customer

SHOP = """
CREATE TABLE customer (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT, language TEXT,
  created_on TEXT NOT NULL, reader_type TEXT, invited_by INTEGER REFERENCES customer (id)
);
CREATE TABLE address (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
  street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), placed_on TEXT NOT NULL, status TEXT NOT NULL
);
CREATE TABLE order_line (
  order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL, title TEXT NOT NULL,
  quantity INTEGER NOT NULL, price TEXT NOT NULL, PRIMARY KEY (order_id, line)
);
CREATE TABLE invoice (
  number TEXT PRIMARY KEY, order_number INTEGER NOT NULL, customer_id INTEGER NOT NULL REFERENCES customer (id),
  issued_on TEXT NOT NULL, billed_to TEXT NOT NULL, amount TEXT NOT NULL, kept_from TEXT NOT NULL
);
CREATE TABLE review (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), title TEXT NOT NULL,
  stars INTEGER NOT NULL, words TEXT, written_on TEXT NOT NULL
);
"""
NEWSLETTER = """
CREATE TABLE subscriber (email TEXT PRIMARY KEY, name TEXT, language TEXT, added_on TEXT NOT NULL);
CREATE TABLE subscription (
  email TEXT NOT NULL REFERENCES subscriber (email) ON UPDATE CASCADE, list TEXT NOT NULL, active INTEGER NOT NULL,
  changed_at TEXT, log_index INTEGER, PRIMARY KEY (email, list)
);
CREATE TABLE sent (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL REFERENCES subscriber (email) ON UPDATE CASCADE, subject TEXT NOT NULL,
  sent_on TEXT NOT NULL
);
CREATE TRIGGER new_address BEFORE INSERT ON subscription WHEN NEW.email NOT IN (SELECT email FROM subscriber)
BEGIN INSERT INTO subscriber (email, added_on) VALUES (NEW.email, substr(NEW.changed_at, 1, 10)); END;
"""
BOOKS = [
    ("The Forest of the Hanged", "39.90"),
    ("Poems of Light", "24.50"),
    ("Baltagul", "31.00"),
    ("A Short History of Transylvania", "58.00"),
    ("The Sorrow of War", "45.00"),
    ("Letters from Thailand", "49.90"),
    ("Middlemarch", "42.00"),
    ("Morometii", "36.50"),
    ("The Blue Bird", "28.00"),
    ("Winter Cooking", "64.90"),
    ("Maps for Children", "52.00"),
    ("Gardens in Small Places", "47.00"),
]
READERS = ["novels", "poetry", "history", "gifts for children", "cooking"]
ISSUES = ["Autumn reading list", "Ten books under 30 lei", "A letter from our shop", "New voices in poetry"]
REVIEWS = ["Read it in one night.", "A gift for my mother; she liked it.", "The print is small.", None]


def build_shop(path: Path, people: list[Customer], seed: int, today: date) -> None:
    chance = random.Random(seed)  # noqa: S311  # a fixed sequence is what we want
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SHOP)
        for person in people:
            inviter = chance.randrange(1, person.number) if person.number > 1 and chance.random() < 0.1 else None
            reader = chance.choice(READERS) if chance.random() < 0.5 else None
            row = (
                person.number,
                person.name,
                person.email,
                person.phone,
                person.speaks,
                person.since.isoformat(),
                reader,
                inviter,
            )
            database.execute("INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            home = (person.number, person.street, person.city, person.postcode)
            database.execute("INSERT INTO address (customer_id, street, city, postcode) VALUES (?, ?, ?, ?)", home)
            for _ in range(chance.choice([0, 1, 1, 2, 2, 3, 5])):
                _order(database, chance, person, today)
            if chance.random() < 0.3:
                review = (chance.choice(BOOKS)[0], chance.randint(2, 5), chance.choice(REVIEWS), _day(chance, person, today))
                columns = "customer_id, title, stars, words, written_on"
                database.execute(f"INSERT INTO review ({columns}) VALUES (?, ?, ?, ?, ?)", (person.number, *review))


def build_newsletter(path: Path, people: list[Customer], seed: int, today: date) -> None:
    chance = random.Random(seed + 1)  # noqa: S311  # a fixed sequence is what we want
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(NEWSLETTER)
        for person in people:
            if chance.random() < 0.3:
                continue
            since = person.since.isoformat()
            database.execute("INSERT INTO subscriber VALUES (?, ?, ?, ?)", (person.email, person.name, person.speaks, since))
            subscription = (person.email, "newsletter", int(chance.random() < 0.8), since)
            database.execute("INSERT INTO subscription VALUES (?, ?, ?, ?, NULL)", subscription)
            for subject in chance.sample(ISSUES, chance.randint(0, 4)):
                sent = (person.email, subject, _day(chance, person, today))
                database.execute("INSERT INTO sent (email, subject, sent_on) VALUES (?, ?, ?)", sent)


def _order(database: sqlite3.Connection, chance: random.Random, person: Customer, today: date) -> None:
    placed = _day(chance, person, today)
    order = (person.number, placed, "delivered" if placed < (today - timedelta(days=7)).isoformat() else "packed")
    order_id = database.execute("INSERT INTO orders (customer_id, placed_on, status) VALUES (?, ?, ?)", order).lastrowid
    total = 0.0
    for line, (title, price) in enumerate(chance.sample(BOOKS, chance.randint(1, 4)), 1):
        quantity = chance.choice([1, 1, 1, 2])
        total += quantity * float(price)
        database.execute("INSERT INTO order_line VALUES (?, ?, ?, ?, ?)", (order_id, line, title, quantity, price))
    billed_to = f"{person.name}, {person.street}, {person.postcode} {person.city}"
    # Accounting law counts from 1 July of the year after (Law 82/1991, Art. 25); the shop writes that day onto the invoice.
    kept_from = f"{int(placed[:4]) + 1}-07-01"
    invoice = (f"BB-{placed[:4]}-{order_id:05}", order_id, person.number, placed, billed_to, f"{total:.2f}", kept_from)
    database.execute("INSERT INTO invoice VALUES (?, ?, ?, ?, ?, ?, ?)", invoice)


def _day(chance: random.Random, person: Customer, today: date) -> str:
    return (person.since + timedelta(days=chance.randint(0, (today - person.since).days - 1))).isoformat()
