"""Child process: one person's copy from N connected systems of M rows each, from the proof to the package.

Says how long the portal took, how long of it the letter was printed, and what a bare WeasyPrint takes for the same page.
"""

import asyncio
import json
import re
import resource
import sqlite3
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from portal import cases, db, identity, jobs, messages, paper, settings, vault
from portal.worker import know_all_verbs

MAP = """
[tables.customer]
label = "Your account"
category = "contact"
identifiers = { email = "email" }
columns = { email = "E-mail", name = "Name" }
on_erase = "delete"
[tables.purchase]
label = "Orders"
category = "purchases"
via = "purchase.customer_id = customer.id"
columns = { item = "Item", price = "Price", bought_on = "Bought on" }
on_erase = "delete"
"""


async def main(systems: int, rows: int) -> None:
    know_all_verbs()
    address, folder = f"ana-{systems}-{rows}@example.com", Path(settings.get().var) / f"systems-{systems}-{rows}"
    folder.mkdir()
    (folder / "map.toml").write_text(MAP)
    (folder / "systems.toml").write_text("\n".join(_system(folder, number, rows, address) for number in range(systems)))
    settings.use(replace(settings.get(), systems=str(folder / "systems.toml")))
    await db.open_database()
    try:
        await vault.check_master_key()
        print(json.dumps(await _answered(address)))
    finally:
        await db.close()


def _system(folder: Path, number: int, rows: int, address: str) -> str:
    with sqlite3.connect(folder / f"system{number}.db") as database:
        database.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT)")
        database.execute(
            "CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), item TEXT,"
            " price INTEGER, bought_on DATE)"
        )
        database.execute("CREATE INDEX purchase_of ON purchase (customer_id)")
        database.execute("INSERT INTO customer VALUES (1, ?, 'Ana Pop')", (address,))
        bought = ((each, 1, f"Book number {each}, in a box", each % 90, "2026-03-01") for each in range(rows - 1))
        database.executemany("INSERT INTO purchase VALUES (?, ?, ?, ?, ?)", bought)
    url = f"sqlite:///system{number}.db"
    return f'[[system]]\nname = "system{number}"\ntitle = "System {number}"\nkind = "sql"\nurl = "{url}"\nmap = "map.toml"\n'


async def _answered(address: str) -> dict[str, float]:
    opened = await cases.open("access", address, language="en", details={"country": "RO"})
    assert opened.challenge is not None
    [mail] = [each.letter.text for each in await messages.mailbox(20) if each.to == address and each.letter]
    proof = await identity.prove_code(opened.challenge, re.findall(r"\b\d{6}\b", mail)[0])
    pages, printed = list[str](), 0.0

    async def timed(html: str, **how: Any) -> bytes:
        nonlocal printed
        pages.append(html)
        at = time.perf_counter()
        done = await paper.pdf(html, **how)
        printed += time.perf_counter() - at
        return done

    with patch("portal.cases.letter.pdf", timed):
        began = time.perf_counter()
        await cases.verified(opened.id, proof)
        await cases.collect(opened.id, officer="olga")
        await jobs.run_due()
        if await cases.propose(opened.id, answer="fulfilled", officer="olga") == "approving":
            waiting = await cases.proposal(opened.id)
            assert waiting is not None
            await cases.approve(opened.id, waiting.digest, officer="petra")
        await jobs.run_due()
        ready = time.perf_counter() - began
    assert await cases.package_of(opened.id) is not None
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ready": ready, "letter": printed, "memory": memory, "bare": _bare(pages[0])}


def _bare(page: str) -> float:
    """The second time: its fonts are known by then. It is imported here, so that its memory is not taken for the portal's."""
    from weasyprint import HTML

    HTML(string=page).write_pdf(pdf_variant="pdf/ua-1")
    began = time.perf_counter()
    HTML(string=page).write_pdf(pdf_variant="pdf/ua-1")
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
