"""Hashed suppression lists of other systems: nobody can open them, and whoever is on one is closed from the same moment."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal import consent, db, subjects
from portal.consent import Cell
from portal.consent.scrubbing import Scrubbing
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.conftest import House
from tests.consent.exports import LETTER, imported, may, ready
from tests.consent.hashes import listed, take_hashes
from tests.consent.lists import written
from tests.consent.people import known, say

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")
SURVEYS = Cell("surveys", "email")  # on unless somebody refuses


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
async def test_whoever_is_on_a_hashed_list_is_closed_known_or_not(house: House, tmp_path: Path, algorithm: str) -> None:
    await ready()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes", "newsletter", grade="import", edition="legacy:old:1")
    path = listed(tmp_path, "ana", "ben", algorithm=algorithm)
    dry = await take_hashes(path, kind="email", by="system", commit=False)
    assert dry == {"rows": 2, "new": 2, "same": 0, "bad": 0, "known": 1}
    assert await may("ana") and await may("ben", SURVEYS) and await db.rows("SELECT id FROM suppression") == []
    assert await take_hashes(path, kind="email", by="system", commit=True) == dry
    assert not await may("ana") and not await may("ben", SURVEYS) and await may("carla", SURVEYS)
    again = await take_hashes(path, kind="email", by="system", commit=True)
    assert (again["new"], again["same"], again["known"]) == (0, 2, 1)
    assert len(await db.rows("SELECT id FROM stop")) == 2, "Each list has a stop of its own: it may be taken back."
    stored = repr(await db.rows("SELECT kind, hash FROM suppression"))
    assert hashlib.new(algorithm, b"ben@example.com").hexdigest() not in stored and hashlib.new(
        algorithm, b"ben@example.com"
    ).digest() not in [bytes(row["hash"]) for row in await db.rows("SELECT hash FROM suppression")]


async def test_lists_and_scrubs_know_who_is_on_a_hashed_list(house: House, tmp_path: Path) -> None:
    await ready()
    await take_hashes(listed(tmp_path, "ana"), kind="email", by="system", commit=True)
    head = "Identifier,Purpose Name,Purpose Version,Purpose Status,Consent Date\n"
    rows = "".join(f"{who}@example.com,Marketing Emails,12,ACTIVE,2026-03-01\n" for who in ("ana", "ben"))
    done = await imported("onetrust", written(tmp_path, head + rows))
    assert (done.counts["held-conflict"], done.counts["new"]) == (1, 1)
    assert await subjects.find("email", "ana@example.com") is None and await may("ben")
    scrubbing = await Scrubbing.of(written(tmp_path, "email\nana@example.com\nBEN@example.com\ncarla@example.com\n"), SURVEYS)
    answered = "".join([part async for part in scrubbing.parts()])
    assert answered == "identifier,allowed,rule\nana@example.com,false,1\nBEN@example.com,true,3\ncarla@example.com,true,3\n"


async def test_only_their_owner_opens_an_address_that_is_on_a_hashed_list(house: House, tmp_path: Path) -> None:
    await ready()
    await take_hashes(listed(tmp_path, "ana"), kind="email", by="system", commit=True)
    async with db.writing():
        with pytest.raises(Conflict):
            await subjects.ensure("email", "ana@example.com", by="officer:petra")
    async with db.writing():
        ana = await subjects.ensure("email", "ana@example.com", by="system", own=True)
    await say(ana, "yes", "newsletter", grade="import", edition="legacy:old:1")
    assert not await may("ana")
    async with db.writing():
        await subjects.mark_verified(ana.id)
    with clock.at(datetime(2026, 11, 23, 12, tzinfo=UTC)):
        await say(ana, "yes", "newsletter", grade="self-verified")
        assert (await consent.permission(ana.id, *LETTER)).allowed


async def test_numbers_match_with_and_without_their_plus(sqlite_house: House, tmp_path: Path) -> None:
    await ready()
    hashed = hashlib.sha256(b"40722000001").hexdigest()
    await take_hashes(written(tmp_path, f"sha256\n{hashed.upper()}\nnothing\n"), kind="phone", by="system", commit=True)
    asked = [("phone", "+40722000001"), ("phone", "+40722000002")]
    assert set(await subjects.suppressed(asked)) == {asked[0]}


async def test_a_list_without_a_column_of_hashes_is_refused(sqlite_house: House, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="sha256"):
        await take_hashes(written(tmp_path, "email\nana@example.com\n"), kind="email", by="system", commit=False)
    with pytest.raises(Invalid):
        await take_hashes(listed(tmp_path, "ana"), kind="post", by="system", commit=False)
