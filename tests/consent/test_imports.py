"""Lists of answers from other systems: planned, recorded in parts, and in force at once."""

from pathlib import Path

import pytest

from portal import audit, consent, db, subjects
from portal.consent.batches import commit_import, find_batch
from portal.lib.errors import Conflict, Invalid
from tests.conftest import House, on_both
from tests.consent.lists import LIST, check_folds, dies, imported, may, number, plan, written
from tests.consent.people import known, publish, say

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_lists")


async def test_a_dry_run_counts_and_changes_nothing_but_its_plan(house: House, tmp_path: Path) -> None:
    await publish()
    text = LIST + "not an address,yes,2026-03-03\npetra@example.com,,2026-03-03\nvik@example.com,maybe,2026-03-03\n"
    planned = await plan(written(tmp_path, text))
    assert planned.counts["rows"] == 6 and planned.counts["new"] == 3
    assert planned.counts["bad"] == 2 and planned.counts["blank"] == 1
    assert [(line, verdict) for line, verdict, _why in planned.problems] == [(5, "bad"), (7, "bad")]
    assert planned.charset == "utf-8" and planned.phase == "planned"
    assert await number("decision") == await number("identifier") == 0 and await number("batch") == 1
    stored = repr(await db.rows("SELECT * FROM batch"))
    assert "list.csv" not in stored


async def test_an_import_is_recorded_word_by_word_and_in_force(house: House, tmp_path: Path) -> None:
    await publish()
    done = await imported(written(tmp_path, LIST))
    assert done.phase == "in force" and done.in_force_at is not None
    assert await may("ana@example.com") and await may("olga@example.com") and not await may("ben@example.com")
    assert await number("decision") == 3
    rows = await db.rows("SELECT actor, grade, source, edition, batch FROM decision")
    assert {(row["actor"], row["grade"], row["batch"]) for row in rows} == {(f"import:{done.id}", "import", done.id)}
    entries = await audit.search(limit=100)
    assert {"consent.import_planned", "consent.import_started", "consent.import_finished"} <= {each.event for each in entries}
    assert len([each for each in entries if each.event in ("consent.granted", "consent.refused")]) == 3
    await check_folds()


async def test_the_same_list_again_changes_nothing(house: House, tmp_path: Path) -> None:
    await publish()
    await imported(written(tmp_path, LIST))
    again = await imported(written(tmp_path, LIST + "\n"))
    assert again.counts["same"] == 3 and again.counts["new"] == 0
    assert await number("decision") == 3


@on_both
async def test_yeses_count_only_from_the_last_part_and_noes_at_once(house: House, tmp_path: Path) -> None:
    await publish()
    ben = await known("email", "ben@example.com")
    await say(ben, "yes", grade="import", edition="legacy:old:1", said_at=None)
    text = LIST.replace("ben@example.com,no,2026-03-02T10:00:00Z", "ben@example.com,no,")
    path, looked = written(tmp_path, text), list[tuple[bool, bool, bool]]()
    planned = await plan(path)

    class Killed(Exception):
        pass

    for parts in range(3):
        with pytest.raises(Killed):
            await commit_import(planned.id, path, by="officer:petra", at_once=1, progress=dies(Killed, after=1))
        looked.append((await may("ana@example.com"), await may("ben@example.com"), await may("olga@example.com")))
        assert (await find_batch(planned.id)).in_force_at is None, parts
        await check_folds()
    assert looked == [(False, False, False)] * 3
    done = await commit_import(planned.id, path, by="officer:petra", at_once=1)
    assert done.counts == planned.counts and await number("decision") == 4
    assert await may("ana@example.com") and await may("olga@example.com") and not await may("ben@example.com")


async def test_a_commit_refuses_another_file(house: House, tmp_path: Path) -> None:
    await publish()
    planned = await plan(written(tmp_path, LIST))
    with pytest.raises(Conflict):
        await commit_import(planned.id, written(tmp_path, LIST.replace("ana", "mallory")), by="officer:petra")
    assert await number("decision") == 0


async def test_conflicts_older_words_and_stops_are_told_apart(house: House, tmp_path: Path) -> None:
    await publish()
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com", proven=True)
    await say(ana, "no")
    await say(ben, "yes", grade="self-verified")
    olga = await known("email", "olga@example.com")
    await consent.stops.object_to_marketing(olga.subject, by="system")
    text = """email,answer,said_at,purpose
ana@example.com,yes,2020-01-01,back-in-stock
ben@example.com,yes,2020-01-01,back-in-stock
ben@example.com,no,2020-01-01,back-in-stock
olga@example.com,yes,2026-01-01,newsletter
vik@example.com,yes,2026-01-01,back-in-stock
vik@example.com,no,2026-01-01,back-in-stock
vik@example.com,no,2026-01-01,back-in-stock
"""
    done = await imported(written(tmp_path, text), defaults={"channel": "email", "edition": "legacy:old:1"})
    assert {name: done.counts[name] for name in ("new", "older-ignored", "held-conflict", "same", "bad")} == {
        "new": 1,
        "older-ignored": 4,
        "held-conflict": 1,
        "same": 1,
        "bad": 0,
    }
    assert [(line, verdict) for line, verdict, _why in done.problems] == [(5, "held-conflict")]
    assert not await may("vik@example.com"), "Of a yes and a no of the same day the no is the later."
    assert await may("ben@example.com") and await number("decision") == 4


async def test_an_undated_yes_is_the_oldest_and_an_undated_no_is_said_now(house: House, tmp_path: Path) -> None:
    await publish()
    text = "email,answer,said_at\nana@example.com,yes,\nana@example.com,no,2001-01-01\nben@example.com,no,\n"
    ben = await known("email", "ben@example.com")
    await say(ben, "yes", grade="import", edition="legacy:old:1")
    await imported(written(tmp_path, text))
    assert not await may("ana@example.com") and not await may("ben@example.com")
    vouched = await imported(written(tmp_path, text + "olga@example.com,yes,\n"), as_of="2026-01-01")
    assert vouched.counts["new"] == 3 and await may("ana@example.com") and await may("olga@example.com")


async def test_an_address_that_asked_not_to_be_added_again_is_held(house: House, tmp_path: Path) -> None:
    await publish()
    async with db.writing():
        await subjects.suppress("email", "ana@example.com", basis="erasure", by="system")
    done = await imported(written(tmp_path, LIST))
    assert done.counts["held-conflict"] == 1 and await subjects.find("email", "ana@example.com") is None


async def test_a_no_of_the_future_counts_as_said_now(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    await imported(written(tmp_path, "email,answer,said_at\nana@example.com,no,2999-01-01\n"))
    assert not await may("ana@example.com") and await number("decision") == 1


async def test_nobody_vouches_for_a_day_to_come(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    path = written(tmp_path, "email,answer\nana@example.com,yes\n")
    with pytest.raises(Invalid):
        await plan(path, as_of="2062-01-01")
    assert (await plan(path, as_of="2026-11-20")).counts["new"] == 1
