"""Two outside databases of a small company, and what the tests do over and over: ask, prove, let the jobs run."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portal import cases, identity, jobs, messages, settings, subjects
from tests.conftest import House

ANA, BEN, MALLORY = "ana@example.com", "ben@example.com", "mallory@example.com"
OLGA, PETRA = "olga", "petra"

SHOP = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL, phone VARCHAR(40), name VARCHAR(80));
CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), item VARCHAR(80));
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), issued DATE, total INTEGER);
INSERT INTO customer VALUES (1, 'ana@example.com', '+40712345678', 'Ana Pop'), (2, 'ben@example.com', NULL, 'Ben Lee');
INSERT INTO purchase VALUES (1, 1, 'Tea, two boxes'), (2, 1, 'Cup, as a present for Ben'), (3, 2, 'Jam');
INSERT INTO invoice VALUES (7, 1, '2026-03-01', 12), (8, 2, '2026-03-01', 3);
"""

SHOP_MAP = """
region = "RO"
[tables.customer]
label = "Your account"
category = "contact"
identifiers = { email = "email" }
columns = { email = "E-mail", phone = "Phone", name = "Name" }
correctable = { phone = "phone", name = "name" }
on_erase = "delete"
anonymise = { email = "erased-{key}@example.invalid" }
[tables.purchase]
label = "Orders"
category = "purchases"
via = "purchase.customer_id = customer.id"
columns = { item = "Item" }
on_erase = "delete"
[tables.invoice]
label = "Invoices"
category = "purchases"
via = "invoice.customer_id = customer.id"
columns = { issued = "Date", total = "Total" }
on_erase = "delete"
hold = { law = "Accounting Act 82/1991", keep = "10 years", from = "issued" }
"""

NEWS = """
CREATE TABLE subscription (email VARCHAR(80) PRIMARY KEY, status VARCHAR(20) NOT NULL);
INSERT INTO subscription VALUES ('ana@example.com', 'subscribed'), ('ben@example.com', 'subscribed');
"""

NEWS_MAP = """
[tables.subscription]
label = "Newsletters"
category = "marketing"
identifiers = { email = "email" }
columns = { email = "E-mail", status = "State" }
on_erase = "delete"
"""

SYSTEMS = """
[[system]]
name = "shop"
title = "Web shop"
kind = "sql"
url = "sqlite:///shop.db"
map = "shop.toml"
[[system]]
name = "news"
title = "Newsletter"
kind = "sql"
url = "sqlite:///news.db"
map = "news.toml"
"""


@dataclass(frozen=True)
class Company:
    """The folder with both databases."""

    folder: Path

    def rows(self, system: str, sql: str) -> list[Any]:
        with sqlite3.connect(self.folder / f"{system}.db") as connection:
            return connection.execute(sql).fetchall()

    def run(self, system: str, sql: str) -> None:
        connection = sqlite3.connect(self.folder / f"{system}.db")
        try:
            connection.executescript(sql)
        finally:
            connection.close()

    def take_down(self, system: str) -> None:
        (self.folder / f"{system}.db").rename(self.folder / f"{system}.away")
        (self.folder / f"{system}.db").mkdir()

    def bring_back(self, system: str) -> None:
        (self.folder / f"{system}.db").rmdir()
        (self.folder / f"{system}.away").rename(self.folder / f"{system}.db")


def found_company(house: House, folder: Path) -> Company:
    """Both databases filled and connected."""
    folder.mkdir(exist_ok=True)
    company = Company(folder)
    company.run("shop", SHOP)
    company.run("news", NEWS)
    (folder / "shop.toml").write_text(SHOP_MAP)
    (folder / "news.toml").write_text(NEWS_MAP)
    (folder / "systems.toml").write_text(SYSTEMS)
    settings.use(replace(house.settings, systems=str(folder / "systems.toml")))
    return company


async def ask(
    right: str, address: str = ANA, details: Mapping[str, Any] | None = None, browser: str | None = None
) -> cases.Opened:
    return await cases.open(right, address, language="en", details=details, browser=browser)


async def prove(opened: cases.Opened, address: str = ANA, browser: str | None = None) -> str:
    """With the code from the newest mail to that address; answers the state."""
    assert opened.challenge is not None
    proof = await identity.prove_code(opened.challenge, await code_to(address), browser=browser)
    return await cases.verified(opened.id, proof)


async def code_to(address: str) -> str:
    codes: list[str] = re.findall(r"\b(\d{6})\b", await newest_to(address, "mail/code"))
    return codes[-1]


async def confirmed(case_id: str, address: str) -> None:
    """The new e-mail address of a correction, by the code that went there."""
    challenge = await cases.new_address.ask(case_id)
    await cases.new_address.prove(await identity.prove_code(challenge, await code_to(address)))


async def newest_to(address: str, template: str) -> str:
    for each in await messages.mailbox(200):
        if each.to == address and each.template == template and each.letter:
            return each.letter.text
    raise AssertionError(f"No {template} went to {address}.")


async def letters_to(address: str) -> list[str]:
    return [each.template for each in reversed(await messages.mailbox(200)) if each.to == address]


async def collected(right: str, address: str = ANA, details: Mapping[str, Any] | None = None) -> str:
    """Asked, proven and searched for; answers the case's id."""
    opened = await ask(right, address, details)
    await prove(opened, address)
    await cases.collect(opened.id, officer=OLGA)
    await jobs.run_due()
    return opened.id


async def answer(case_id: str, how: str = "fulfilled", reasons: str = "") -> cases.Case:
    """Olga proposes, Petra approves where it takes two, and the jobs run."""
    if await cases.propose(case_id, answer=how, reasons=reasons, officer=OLGA) == "approving":
        waiting = await cases.proposal(case_id)
        assert waiting is not None
        await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    return await cases.case(case_id)


async def visit(address: str = ANA) -> identity.Session:
    """A freshly proven session of the person with that address."""
    identifier = await subjects.find("email", address)
    assert identifier is not None
    token = await identity.open_session(subject=identifier.subject, identifier=identifier.id)
    session = await identity.session(token, "customer")
    assert session is not None
    return session
