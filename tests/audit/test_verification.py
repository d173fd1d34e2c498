"""One flipped bit anywhere in the log is found, and so is everything cruder."""

import base64
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import audit, db
from portal.audit import succession
from portal.audit.leaves import particulars, statement, states, tombstone
from portal.audit.notes import sign_checkpoint
from tests.audit.acts import SAID, count, require_whole, say, without_triggers
from tests.conftest import LOG_KEY, House

COLUMNS = {
    "entry": [
        "id",
        "event",
        "log_index",
        "recorded_at",
        "actor",
        "subject",
        "case_id",
        "object",
        "key_id",
        "sealed",
        "commitment",
        "n",
        "d",
    ],
    "leaf": ["log_index", "bytes"],
    "tile": ["level", "number", "hashes"],
    "checkpoint": ["size", "note"],
    "head": ["one", "origin", "size", "frontier"],
}
NAMED = ["id", "event", "actor", "subject", "case", "object"]
KEYS = {"entry": ["id"], "leaf": ["log_index"], "tile": ["level", "number"], "checkpoint": ["size"], "head": ["one"]}


async def _a_log() -> None:
    """A few checkpoints, two levels of tiles, entries under all kinds of keys, shredded ones, one that waits."""
    for size in (1, 2, 200):
        await say(times=size, answer="no")
        await audit.sequence_all()
    await say("ben", times=3)
    await say(case="c-1", times=60)
    async with db.writing():
        await audit.record(SAID, actor="system", count=3, digest=b"\1" * 32)
        await audit.shred_payloads(subject="ben")
    await audit.sequence_all()
    await say()
    await require_whole()
    await without_triggers()


async def _flip(house: House, table: str, column: str, chance: random.Random) -> None:
    """Flip one bit of one value, see what the verification says, put it back."""
    found = await db.rows(f"SELECT * FROM {table} WHERE {column} IS NOT NULL ORDER BY {KEYS[table][0]}")
    stored = chance.choice([each for each in found if each[column] not in ("", b"")])
    old = stored[column]
    new, mark = _flipped(old, chance, house.settings.is_sqlite)
    key = {name: stored[name] for name in KEYS[table]}
    await _put(table, column, new, mark, key)
    report = await audit.verify_log()
    changed_key = key | ({column: new} if column in key else {})
    if isinstance(new, bytes) and isinstance(old, str):
        # No text any more: as a key it is found by its bytes.
        await _put(table, column, old, "?", changed_key, "CAST(id AS BLOB) = ?" if column in key else "")
    else:
        await _put(table, column, old, "?", changed_key)
    assert not report.ok, f"{table}.{column} of {key}: {old!r} became {new!r}, and nobody noticed"
    expected = stored["log_index"] if table in ("entry", "leaf") and column != "log_index" else None
    if expected is not None:
        assert report.first_bad == expected, report.problems


def _flipped(old: Any, chance: random.Random, sqlite: bool) -> tuple[Any, str]:
    if isinstance(old, int):
        return old ^ 1 << chance.randrange(12, 63), "?"
    raw = bytearray(old.encode() if isinstance(old, str) else old)
    if isinstance(old, bytes):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        return bytes(raw), "?"
    # Text: on SQLite any bit, also where that is no UTF-8 any more; PostgreSQL itself refuses to hold such text.
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8 if sqlite else 4)
    return (bytes(raw), "CAST(? AS TEXT)") if sqlite else (raw.decode(), "?")


async def _put(table: str, column: str, value: Any, mark: str, key: dict[str, Any], where: str = "") -> None:
    condition = where or " AND ".join(f"{name} = ?" for name in key)
    async with db.writing():
        if table == "head" and column == "one":
            await db.rows("PRAGMA ignore_check_constraints = ON")
        assert await db.run(f"UPDATE {table} SET {column} = {mark} WHERE {condition}", value, *key.values()) == 1


async def test_one_flipped_bit_in_any_stored_column_is_found(sqlite_house: House) -> None:
    await _a_log()
    chance = random.Random(62)
    for table, columns in COLUMNS.items():
        for column in columns:
            for _time in range(3):
                await _flip(sqlite_house, table, column, chance)
    await require_whole()


async def test_the_name_of_another_log_of_this_portal_does_not_fit(sqlite_house: House) -> None:
    await _a_log()
    [stored] = await db.rows("SELECT origin FROM head")
    await _put("head", "origin", succession.next_origin(stored["origin"]), "?", {"one": 1})
    report = await audit.verify_log()
    assert not report.ok and "last checkpoint" in report.problems[0]


@pytest.mark.deep
async def test_five_hundred_flipped_bits_are_found_five_hundred_times(house: House) -> None:
    await _a_log()
    chance = random.Random(500)
    places = [(table, column) for table, columns in COLUMNS.items() for column in columns if column != "one"]
    for _time in range(500):
        await _flip(house, *chance.choice(places), chance)
    await require_whole()


async def test_flipped_bits_are_found_on_both_databases(house: House) -> None:
    await _a_log()
    chance = random.Random(7)
    for place in ("entry sealed", "entry subject", "leaf bytes", "tile hashes", "checkpoint note"):
        table, column = place.split()
        await _flip(house, table, column, chance)
    await require_whole()


@pytest.mark.parametrize(
    ("crude", "first_bad"),
    [
        ("DELETE FROM leaf WHERE log_index = 7", 7),
        ("DELETE FROM entry WHERE log_index = 9", 9),
        ("DELETE FROM leaf WHERE log_index = (SELECT max(log_index) FROM leaf)", 267),
        ("UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE log_index = 4) WHERE log_index = 5", 5),
        ("UPDATE leaf SET bytes = (SELECT bytes FROM leaf AS other WHERE other.log_index = 4) WHERE log_index = 5", 5),
        ("DELETE FROM checkpoint WHERE size = (SELECT size FROM head)", None),
        ("DELETE FROM data_key WHERE kind = 'evidence' AND owner = 'ana'", 0),
        ("INSERT INTO tile SELECT level, number + 9, hashes FROM tile", None),
        ("INSERT INTO checkpoint SELECT size + 900, note FROM checkpoint", None),
        ("UPDATE entry SET n = 900 WHERE event = 'payload.shredded'", 264),
        ("DELETE FROM head", None),
        ("UPDATE data_key SET wrapped = zeroblob(60) WHERE kind = 'evidence' AND owner = 'ana'", 0),
        ("UPDATE data_key SET master = '00000000' WHERE kind = 'evidence' AND owner = 'ana'", 0),
        ("UPDATE leaf SET bytes = CAST(bytes AS TEXT) WHERE log_index = 8", 8),
        ("UPDATE leaf SET bytes = x'' WHERE log_index = 8", 8),
        ("UPDATE entry SET commitment = CAST('no blob' AS TEXT), sealed = 5 WHERE log_index = 9", 9),
        ("UPDATE entry SET commitment = substr(commitment, 1, 3) WHERE log_index = 9", 9),
        ("INSERT INTO checkpoint SELECT -size, note FROM checkpoint", None),
    ],
)
async def test_crude_sabotage_is_found(sqlite_house: House, crude: str, first_bad: int | None) -> None:
    await _a_log()
    async with db.writing():
        await db.run(crude)
    report = await audit.verify_log()
    assert not report.ok
    if first_bad is not None:
        assert report.first_bad == first_bad, report.problems


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(st.fixed_dictionaries(dict.fromkeys(NAMED, words)), st.sampled_from(NAMED), words, st.dictionaries(words, words))
def test_a_statement_says_its_own_particulars_and_no_others(
    named: dict[str, str], changed: str, other: str, payload: dict[str, str]
) -> None:
    named |= {"at": "2026-11-22T11:18:54.682790Z"}
    said = statement(particulars(**named), payload)
    assert states(said, **named)
    others = named | {changed: other}
    assert states(said, **others) == (others == named)
    assert not states(said[:-1] + f',"{changed}":"{payload}"}}', **named)
    assert not states(said + "}", **named)


async def test_sabotage_differs_from_erasure(house: House) -> None:
    await _a_log()
    async with db.writing():
        entry = await db.row("SELECT id FROM entry WHERE subject = 'ana' AND log_index = 3")
        assert entry is not None
        stored = await db.row("SELECT commitment FROM entry WHERE id = ?", entry["id"])
        assert stored is not None
        # Shredded exactly as the portal does it, but without the entry that says so.
        await db.run(
            "UPDATE entry SET id = ?, recorded_at = NULL, actor = '', subject = NULL, case_id = NULL, object = '',"
            " key_id = NULL, sealed = NULL WHERE id = ?",
            tombstone(bytes(stored["commitment"])),
            entry["id"],
        )
    report = await audit.verify_log()
    assert any("4 entries are missing" in problem and "explain 3" in problem for problem in report.problems)


async def test_a_checkpoint_kept_from_earlier_must_still_fit(house: House) -> None:
    await say(times=5)
    await audit.sequence_all()
    seen = await audit.checkpoint()
    assert seen is not None
    await say(times=5)
    await audit.sequence_all()
    assert (await audit.verify_log(seen=seen)).ok
    seed = base64.b64decode(LOG_KEY)
    assert not (await audit.verify_log(seen=sign_checkpoint(seen.origin, 5, b"x" * 32, seed))).ok
    assert not (await audit.verify_log(seen=sign_checkpoint(seen.origin, 50, seen.root, seed))).ok


async def test_an_empty_log_is_whole(house: House) -> None:
    assert (await require_whole()).size == 0
    await say()
    assert (await require_whole()).size == 0 and await count("entry") == 1
