"""Access and erasure from the form to the proof on a public sample shop (Chinook) that nobody here wrote."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from portal import audit, cases, jobs, settings
from portal.lib import clock
from tests.cases.shops import OLGA, PETRA, ask, newest_to, prove, visit
from tests.conftest import House
from tests.connectors.test_chinook import CHINOOK, MAP

LUIS = "luisg@embraer.com.br"
SYSTEMS = '[[system]]\nname = "chinook"\ntitle = "Music shop"\nkind = "sql"\nurl = "sqlite:///chinook.sqlite"\nmap = "map.toml"\n'


@pytest.fixture
def music_shop(house: House, tmp_path: Path) -> Path:
    if not CHINOOK.exists():
        pytest.skip("The sample database is not on this machine.")
    assert len(MAP.strip().splitlines()) <= 40
    shutil.copy(CHINOOK, tmp_path / "chinook.sqlite")
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "systems.toml").write_text(SYSTEMS)
    settings.use(replace(house.settings, systems=str(tmp_path / "systems.toml")))
    return tmp_path / "chinook.sqlite"


async def test_a_customer_of_the_sample_shop_gets_a_package_with_every_row(music_shop: Path) -> None:
    case_id = await _collected("access")
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"
    await jobs.run_due()
    session = await visit(LUIS)
    opened = await cases.download(await cases.hand_over(case_id, session), session)
    package = zipfile.ZipFile(BytesIO(b"".join([chunk async for chunk in opened.content])))
    told = json.loads(package.read("data.json"))
    given = {
        (table["name"], row["key"]): {each["name"]: each["value"] for each in row["fields"]}
        for system in told["systems"]
        for category in system["categories"]
        for table in category["tables"]
        for row in table["rows"]
    }
    lines = "SELECT InvoiceLineId, TrackId FROM InvoiceLine JOIN Invoice USING (InvoiceId) WHERE CustomerId = 1"
    sold = {("InvoiceLine", f"InvoiceLineId={line}"): str(track) for line, track in _rows(music_shop, lines)}
    assert {key: fields["TrackId"] for key, fields in given.items() if key[0] == "InvoiceLine"} == sold
    invoices = {f"InvoiceId={number}" for (number,) in _rows(music_shop, "SELECT InvoiceId FROM Invoice WHERE CustomerId = 1")}
    assert {key for table, key in given if table == "Invoice"} == invoices
    account = given["Customer", "CustomerId=1"]
    assert (account["FirstName"], account["Email"], account["PostalCode"]) == ("Luís", LUIS, "12227-000")
    assert package.read("letter.pdf").startswith(b"%PDF-")
    await _the_log_is_whole()


async def test_an_erasure_in_the_sample_shop_keeps_only_what_the_law_holds(music_shop: Path) -> None:
    dates = sorted(row[0] for row in _rows(music_shop, "SELECT date(InvoiceDate) FROM Invoice WHERE CustomerId = 1"))
    others = _rows(music_shop, "SELECT * FROM Customer WHERE CustomerId <> 1 ORDER BY 1")
    middle = datetime.fromisoformat(dates[len(dates) // 2]).replace(tzinfo=UTC)
    with clock.at(middle.replace(year=middle.year + 5, hour=12)):
        case_id = await _collected("erasure")
        await cases.propose(case_id, officer=OLGA)
        proposal = await cases.proposal(case_id)
        assert proposal is not None
        await cases.approve(case_id, proposal.digest, officer=PETRA)
        await jobs.run_due()
        letter = await newest_to(LUIS, "mail/case-erased")
    assert (await cases.case(case_id)).outcome == "fulfilled"
    kept = _rows(music_shop, "SELECT count(*) FROM Invoice WHERE CustomerId = 1")[0][0]
    assert 0 < kept < len(dates)
    assert "Accounting Act, art. 25" in letter
    account = _rows(music_shop, "SELECT FirstName, LastName, Company, Phone, Email FROM Customer WHERE CustomerId = 1")
    assert account == [("Erased", "Erased", None, None, "erased-1@example.invalid")]
    assert _rows(music_shop, "SELECT * FROM Customer WHERE CustomerId <> 1 ORDER BY 1") == others
    await _the_log_is_whole()


async def _collected(right: str) -> str:
    """Asked for at the form, proven by the code, searched for; answers the case's id."""
    opened = await ask(right, LUIS)
    await prove(opened, LUIS)
    await cases.collect(opened.id, officer=OLGA)
    await jobs.run_due()
    found = await cases.case(opened.id)
    assert (found.state, found.partial) == ("reviewing", ()), found.systems
    return opened.id


async def _the_log_is_whole() -> None:
    await audit.sequence_all()
    report = await audit.verify_log()
    assert report.ok, report.problems


def _rows(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()
