"""Is what we would restore what we had? On both databases, in a place where nothing was before, against the clock."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, consent, custody, db, settings, subjects, vault
from portal.audit.notes import Checkpoint, VerifierKey, sign_checkpoint
from portal.consent import Word
from portal.custody import backup
from portal.custody.copying import scratch
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid
from portal.settings import Settings
from portal.subjects import Arrival
from tests.audit.acts import require_whole
from tests.custody.copies import NEWSLETTER, found_portal, open_portal

AT_ONCE = 2000
DEEP = [pytest.mark.deep, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("people", [60, pytest.param(10_000, marks=DEEP)])
async def test_a_fresh_place_gets_every_row_back_and_proves_each_day(portal: Settings, tmp_path: Path, people: int) -> None:
    days = 4
    async with open_portal():
        with clock.at(clock.now() - timedelta(days=days)):
            await found_portal()
        key = await audit.log_key()
        for day in range(days, 0, -1):
            with clock.at(clock.now() - timedelta(days=day)):
                await _say_yes(range(people * (day - 1) // days, people * day // days))
                await audit.sequence_all()
        began, before = time.monotonic(), await _counts()
        made = await backup.make(tmp_path / "backups")
        backed_up = time.monotonic() - began
    began = time.monotonic()
    drilled = await custody.drill(made.data)
    assert (drilled.entries, drilled.receipts, drilled.again) == (made.entries, days, {})
    rehearsed = time.monotonic() - began
    settings.use(_elsewhere(portal, tmp_path / "fresh"))
    began = time.monotonic()
    done = await custody.restore(made.data)
    print(
        f"{people} people, {made.entries} entries, {made.bytes >> 20} MiB: backup {backed_up:.1f} s, drill {rehearsed:.1f} s,"
        f" restored in {time.monotonic() - began:.1f} s"
    )
    async with open_portal():
        assert await _counts() == before | {"entry": before["entry"] + 1}, "one entry tells of the restore"
        await _prove_each_day(key, days)
        assert (await require_whole()).size == done.entries
    shutil.rmtree(tmp_path / "fresh")


async def test_two_drills_at_once_do_not_sweep_each_others_places_away(on_sqlite: Settings, tmp_path: Path) -> None:
    async with open_portal():
        await found_portal()
        await audit.sequence_all()
        made = await backup.make(tmp_path / "backups")
        with scratch(), pytest.raises(Conflict, match="Another"):
            await custody.drill(made.data)


async def _say_yes(numbers: Sequence[int]) -> None:
    for start in range(0, len(numbers), AT_ONCE):
        async with db.writing():
            addresses = [f"person{number}@example.com" for number in numbers[start : start + AT_ONCE]]
            found = await subjects.ensure_many([Arrival("email", each, "system") for each in addresses])
            await consent.decide_many([_yes(each) for each in found if each is not None])


def _yes(identifier: str) -> Word:
    return Word(identifier, *NEWSLETTER, "", "yes", None, "checkout", "self", "system", "newsletter@1/en", "en")


def _elsewhere(usual: Settings, var: Path) -> Settings:
    """Another machine, with the copies of the two small files that were made all the time."""
    var.mkdir()
    for name in ("audit.lock", "safety.log"):
        if (usual.var / name).exists():
            shutil.copy(usual.var / name, var)
    return replace(usual, var=var, database_url=usual.database_url.replace("?", "_fresh?", 1))


async def _counts() -> dict[str, int]:
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    if not settings.get().is_sqlite:
        tables = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    counted = {}
    for each in await db.rows(tables):
        found = await db.row(f"SELECT count(*) AS n FROM {each['name']}")
        assert found is not None
        counted[str(each["name"])] = int(found["n"])
    return counted


async def _prove_each_day(key: VerifierKey, days: int) -> None:
    day = timedelta(days=1) // timedelta(microseconds=1)
    found = await db.rows(f"SELECT max(id) AS id FROM entry WHERE event LIKE 'consent.%' GROUP BY recorded_at / {day}")
    assert len(found) == days
    for each in found:
        report = audit.verify_receipt(await audit.prove(each["id"]), [key])
        assert report.ok, report.problems


async def test_a_backup_of_another_history_than_others_hold_is_no_good_one(portal: Settings, tmp_path: Path) -> None:
    async with open_portal():
        await found_portal()
        await _say_yes(range(20))
        await audit.sequence_all()
        signed = await audit.checkpoint()
        assert signed is not None
        await _anchored(signed)
        made = await backup.make(tmp_path / "backups")
    assert (await custody.drill(made.data)).anchors == 1
    async with open_portal():
        await _anchored(sign_checkpoint(signed.origin, signed.size - 1, b"x" * 32, vault.signing_seed()))
    with pytest.raises(Invalid, match=f"another state of the first {signed.size - 1} entries"):
        await custody.drill(made.data)


async def _anchored(signed: Checkpoint) -> None:
    async with db.writing():
        await db.run(
            "INSERT INTO anchor (id, kind, party, origin, size, note, proof, made_at) VALUES (?, 'mail', 'a', ?, ?, ?, ?, ?)",
            *(ids.new(), signed.origin, signed.size, signed.note, b"", clock.micros(clock.now())),
        )
