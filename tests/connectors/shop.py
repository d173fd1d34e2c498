"""A small shop in somebody else's database: self-reference, composite keys, two hops, a hold, a newsletter list."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from portal.connectors import Connector
from portal.connectors.systems import System, connect

ANA = {"email": ["ana@example.com"]}
BEN = {"email": ["ben@example.com"]}
_DRIVERS = {"postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}

SCHEMA = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, phone VARCHAR(40), full_name VARCHAR(80),
  born DATE, vip BOOLEAN);
CREATE TABLE address (customer_id INTEGER NOT NULL REFERENCES customer (id), kind VARCHAR(10) NOT NULL, street VARCHAR(80),
  PRIMARY KEY (customer_id, kind));
CREATE TABLE visit (customer_id INTEGER NOT NULL, kind VARCHAR(10) NOT NULL, no INTEGER NOT NULL, note VARCHAR(80),
  PRIMARY KEY (customer_id, kind, no), FOREIGN KEY (customer_id, kind) REFERENCES address (customer_id, kind));
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), issued DATE NOT NULL,
  total NUMERIC(10,2) NOT NULL, phone VARCHAR(40));
CREATE TABLE invoice_line (invoice_id INTEGER NOT NULL REFERENCES invoice (id), no INTEGER NOT NULL, what VARCHAR(80),
  PRIMARY KEY (invoice_id, no));
CREATE TABLE thread (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES customer (id));
CREATE TABLE comment (id INTEGER PRIMARY KEY, thread_id INTEGER REFERENCES thread (id),
  answers INTEGER NOT NULL REFERENCES comment (id), said VARCHAR(80));
CREATE TABLE subscription (email VARCHAR(80) NOT NULL, list VARCHAR(20) NOT NULL, status VARCHAR(20) NOT NULL,
  changed_at VARCHAR(30), log_index BIGINT, PRIMARY KEY (email, list))
"""

# Ana is spelt differently in each place; comment 7 answers itself, 9 answers 8 answers 7; 27 is nobody's
ROWS = """
INSERT INTO customer VALUES (1, ' Ana@Example.com', '+40 712-345 678', 'Ana', '1990-02-01', true),
  (2, 'ben@example.com', NULL, 'Ben', NULL, false);
INSERT INTO address VALUES (1, 'home', 'Main street 1'), (1, 'work', 'Mill lane 2'), (2, 'home', 'Main street 3');
INSERT INTO visit VALUES (1, 'home', 1, 'Rang twice'), (1, 'work', 1, NULL), (2, 'home', 1, 'Dog');
INSERT INTO invoice VALUES (10, 1, '2025-03-01', 12.50, '0712 345 678'),
  (11, 1, '2012-03-01', 7, NULL), (20, 2, '2025-03-01', 3, NULL);
INSERT INTO invoice_line VALUES (10, 1, 'Tea'), (10, 2, 'Cup'), (11, 1, 'Jam'), (20, 1, 'Tea');
INSERT INTO thread VALUES (5, 1), (6, 2);
INSERT INTO comment VALUES (7, 5, 7, 'Hello'), (8, NULL, 7, 'Again'), (9, NULL, 8, 'And again'), (17, 6, 17, 'Hi'),
  (27, NULL, 27, 'Hm');
INSERT INTO subscription VALUES ('ANA@example.com', 'weekly', 'subscribed', NULL, 3),
  ('ben@example.com', 'weekly', 'subscribed', NULL, 4)
"""

MAP = """
region = "RO"
[tables.customer]
label = "Your account"
category = "contact"
identifiers = { email = "email", phone = "phone" }
columns = { email = "E-mail", phone = "Phone", full_name = "Name", born = "Date of birth" }
correctable = { email = "email", phone = "phone", name = "full_name", born = "born" }
on_erase = "delete"
anonymise = { email = "erased-{key}@example.invalid", vip = false }
[tables.address]
label = "Your addresses"
category = "contact"
via = "address.customer_id = customer.id"
columns = { street = "Street" }
on_erase = "delete"
[tables.visit]
label = "Deliveries"
category = "purchases"
via = "visit.customer_id = address.customer_id and visit.kind = address.kind"
columns = { note = "Note of the driver" }
on_erase = "delete"
[tables.invoice]
label = "Invoices"
category = "purchases"
via = "invoice.customer_id = customer.id"
columns = { issued = "Date", total = "Total", phone = { label = "Phone on the invoice", category = "contact" } }
on_erase = "delete"
hold = { law = "Accounting Act 82/1991", keep = "10 years", from = "issued", release = ["phone"] }
[tables.invoice_line]
label = "Invoice lines"
category = "purchases"
via = "invoice_line.invoice_id = invoice.id"
columns = { what = "Item" }
on_erase = "delete"
hold = "invoice"
[tables.comment]
label = "Comments"
category = "content"
via = ["comment.thread_id = thread.id, thread.owner = customer.id", "comment.answers = comment.id"]
columns = { said = "Text" }
on_erase = "delete"
[tables.thread]
label = "Conversations"
category = "content"
via = "thread.owner = customer.id"
on_erase = "delete"
[tables.subscription]
label = "Newsletters"
category = "marketing"
identifiers = { email = "email" }
columns = { email = "E-mail", list = "List", status = "State", changed_at = "Changed" }
keep = ["log_index"]
on_erase = "delete"
[consent]
table = "subscription"
identifiers = { email = "email" }
index = "log_index"
changed_at = "changed_at"
[[consent.cell]]
purpose = "newsletter"
channel = "email"
match = { list = "weekly" }
set = { status = ["subscribed", "unsubscribed"] }
[[consent.cell]]
purpose = "offers"
channel = "email"
match = { list = "offers" }
set = { status = ["subscribed", "unsubscribed"] }
"""


def open_shop(address: str, folder: Path) -> Connector:
    """Fill the database and connect it."""
    run(address, SCHEMA)
    run(address, ROWS)
    return connected(address, MAP, folder)


def connected(address: str, map_text: str, folder: Path) -> Connector:
    path = folder / "shop.toml"
    path.write_text(map_text)
    return connect(System("shop", "The shop", "sql", address, path, "systems.toml, line 1"))


def run(address: str, statements: str) -> None:
    with opened(address) as connection:
        for statement in statements.split(";"):
            connection.execute(text(statement))


def rows(address: str, statement: str) -> Sequence[Any]:
    with opened(address) as connection:
        return connection.execute(text(statement)).all()


@contextmanager
def opened(address: str) -> Iterator[Connection]:
    engine = _engine(address)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@lru_cache(maxsize=4)
def _engine(address: str) -> Engine:
    """Kept, because a new one first asks the server what it can do."""
    url = make_url(address)
    return create_engine(url.set(drivername=_DRIVERS.get(url.drivername, url.drivername)))
