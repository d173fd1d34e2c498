"""A newsletter database, connected to hear of mails about books back in stock and about similar books."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from portal import audit, consent, settings
from tests.conftest import House

SCHEMA = """
CREATE TABLE subscription (email TEXT NOT NULL, list TEXT NOT NULL, status TEXT NOT NULL, log_index INTEGER,
  PRIMARY KEY (email, list));
"""
REFUSE_ANA = """
CREATE TRIGGER refuse BEFORE INSERT ON subscription WHEN NEW.email = 'ana@example.com'
BEGIN SELECT RAISE(ABORT, 'disk error'); END;
"""
SYSTEMS = """
[[system]]
name = "letters"
title = "The newsletter database"
kind = "sql"
url = "sqlite:///letters.db"
map = "letters.toml"
"""
MAP = """
region = "RO"
[tables.subscription]
label = "Your newsletters"
category = "contact"
identifiers = { email = "email" }
columns = { email = "E-mail", list = "List", status = "State" }
keep = ["log_index"]
on_erase = "delete"
[consent]
table = "subscription"
identifiers = { email = "email" }
index = "log_index"
[[consent.cell]]
purpose = "back-in-stock"
channel = "email"
match = { list = "stock" }
set = { status = ["on", "off"] }
[[consent.cell]]
purpose = "similar-books"
channel = "email"
match = { list = "similar" }
set = { status = ["on", "off"] }
"""


def connect_letters(house: House, folder: Path) -> Path:
    """Answers the database's file."""
    (folder / "letters.toml").write_text(MAP)
    (folder / "systems.toml").write_text(SYSTEMS)
    run(folder / "letters.db", SCHEMA)
    settings.use(replace(house.settings, systems=str(folder / "systems.toml")))
    return folder / "letters.db"


def run(path: Path, statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def subscriptions(path: Path) -> dict[tuple[str, str], str]:
    connection = sqlite3.connect(path)
    found = {(email, name): status for email, name, status in connection.execute("SELECT email, list, status FROM subscription")}
    connection.close()
    return found


async def tell_letters() -> consent.propagation.Told:
    await audit.sequence_all()
    return await consent.propagation.propagate_once("letters")
