"""A database that does not answer is said plainly, with 503, and nothing is lost or shown."""

import sqlite3
from contextlib import closing

from portal import consent
from portal.settings import HOME
from tests.conftest import House
from tests.people import Browser


async def test_a_lost_database_is_a_503_with_a_page_and_a_time_to_come_back(sqlite_house: House) -> None:
    await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
    with closing(sqlite3.connect(sqlite_house.settings.var / "portal.db")) as database, database:
        database.execute("DROP TABLE challenge")
    async with Browser() as ana:
        answer = await ana.post("/sign-in", data={"email": "ana@example.com"})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "30"
    assert "try again" in answer.text and "challenge" not in answer.text and "no such table" not in answer.text


async def test_an_address_with_a_slash_too_many_never_leads_elsewhere(sqlite_house: House) -> None:
    async with Browser() as mallory:
        answer = await mallory.get("/sign-in/", headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 404 and "location" not in answer.headers


async def test_bytes_under_another_versions_hash_are_not_kept(sqlite_house: House) -> None:
    async with Browser() as ana:
        old = await ana.get("/static/0123456789/css/page.css")
    assert old.status_code == 200 and "immutable" not in old.headers["cache-control"]
