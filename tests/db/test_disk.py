"""A database that has no room: what was begun is undone, nobody hears a yes, and room is found again by trying."""

import pytest
from starlette.requests import Request

from portal import db, problems
from portal.db import disk
from tests.conftest import House
from tests.people import Browser


async def test_without_room_a_write_is_undone_and_soon_tried_again_on_a_fresh_connection(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _keep("before")
    with pytest.raises(db.NoRoom):
        await _keep_without_room("lost")
    assert db.is_full()
    with pytest.raises(db.NoRoom, match="a moment ago"):
        await _keep("too soon")  # though there is room
    monkeypatch.setattr(disk, "TRIED_EACH", 0.0)
    disk.remember(full=True)  # two seconds later
    with pytest.raises(db.NoRoom, match="takes nothing more"):
        await _keep_without_room("lost")
    async with db.writing():
        pass
    assert db.is_full()  # what writes nothing has found no room
    await _keep("after")
    assert not db.is_full()
    assert await db.rows("SELECT name FROM throttle ORDER BY name") == [{"name": "after"}, {"name": "before"}]
    async with db.writing():
        assert await db.rows("PRAGMA synchronous") == [{"synchronous": 2}]  # a fresh connection promises as much


async def test_what_a_full_database_raises_is_told_as_trouble_and_not_as_our_mistake(house: House) -> None:
    with pytest.raises(Exception) as raised:
        if house.settings.is_sqlite:
            await _keep_without_room("lost")
        async with db.writing():
            await db.run("DO $$ BEGIN RAISE disk_full; END $$")
    assert db.is_trouble(raised.value), raised.value
    disk.remember(full=False)


async def test_people_and_programs_hear_that_nothing_was_saved_and_when_to_come_back(sqlite_house: House) -> None:
    disk.remember(full=True)
    try:
        async with Browser() as ana:
            page = await ana.post("/sign-in", data={"email": "ana@example.com"})
            ready = await ana.get("/readyz")
        told = await problems.answer(Request({"type": "http"}), db.NoRoom())
    finally:
        disk.remember(full=False)
    assert page.status_code == told.status_code == 507
    assert page.headers["retry-after"] == told.headers["retry-after"] == "30"
    assert "Nothing can be saved" in page.text and "Nothing was changed." in page.text and b"Nothing can be saved" in told.body
    assert ready.status_code == 200 and "degraded" in ready.json()


async def _keep_without_room(name: str) -> None:
    """The connection in use may not let the file grow."""
    async with db.writing():
        await db.rows("PRAGMA max_page_count = 1")
        await db.run("INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, 0, 0, 0)", name + "x" * 200_000)


async def _keep(name: str) -> None:
    async with db.writing():
        await db.run("INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, 0, 0, 0)", name)
