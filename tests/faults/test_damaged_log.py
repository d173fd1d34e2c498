"""Rows of the log are dropped, made up, or put in each other's place: the check names the first bad one, every time.

Single flipped bits, in every stored column, are in tests/audit/test_verification.py. Here too: what a damaged log means
for people meanwhile. The portal goes on taking their words, and signs nothing more.
"""

import random
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from portal import audit, db
from tests.audit.acts import require_whole, say, without_triggers
from tests.conftest import House
from tests.faults.harness import Customer, Journal, Visitor, checkpoint
from tests.faults.oracle import portal_rows
from tests.journeys.conftest import serving
from tests.journeys.steps import eventually, somebody

LEAVES = 300


class _PutBack(Exception):
    """Rolls the damage back."""


@dataclass(frozen=True)
class Damage:
    """What was done, and the first entry that is wrong by it; None where no single entry is."""

    told: str
    first_bad: int | None


Doing = Callable[[random.Random], Awaitable[Damage]]


async def test_sixty_times_rows_dropped_made_up_or_swapped_are_found(house: House, seed: int) -> None:
    await _damaged_and_checked(seed, times=60)


@pytest.mark.deep
@pytest.mark.timeout(900)
async def test_five_hundred_times_rows_dropped_made_up_or_swapped_are_found(house: House, seed: int) -> None:
    await _damaged_and_checked(seed, times=500)


def test_people_are_heard_while_a_damaged_log_is_not_signed_on(var: Path, tmp_path: Path, seed: int) -> None:
    with serving(var) as portal:
        customer = Customer(
            somebody(var, "language = 'en'")[1], Visitor(portal), Journal(tmp_path / "journal.jsonl"), random.Random(seed)
        )
        customer.arrive()
        eventually(lambda: portal_rows(var, "SELECT count(*) FROM entry WHERE log_index IS NULL") == [(0,)])
        bad = _flip_a_bit_of_the_last_leaves(var, random.Random(seed))
        for answer in ("yes", "no", "yes"):
            assert customer.visitor.press(customer.squares[0], answer=answer).status_code == 200
        eventually(lambda: "audit_log_not_signed" in (var / "server.log").read_text())
        promised = checkpoint(portal, tmp_path / "checkpoint").read_text()  # jobs of the start may be signed until then
        assert customer.visitor.press(customer.squares[0], answer="no").status_code == 200
        assert customer.visitor.look("/preferences") and customer.visitor.look("/")
        assert portal_rows(var, "SELECT count(*) FROM entry WHERE log_index IS NULL")[0][0] >= 2
        assert checkpoint(portal, tmp_path / "later").read_text() == promised
        told = portal.command("audit", "verify")
        assert told.returncode == 1 and f"The first entry that is wrong: {bad}\n" in told.stdout, told.stdout + told.stderr


async def _damaged_and_checked(seed: int, *, times: int) -> None:
    for size in (1, 2, 200):
        await say(times=size, answer="no")
        await audit.sequence_all()
    await say("ben", times=LEAVES - 203)
    await audit.sequence_all()
    await without_triggers()
    await require_whole()
    chance = random.Random(seed)
    for number in range(times):
        doing = _ALL[number % len(_ALL)]
        with pytest.raises(_PutBack):
            async with db.writing():
                done = await doing(chance)
                report = await audit.verify_log()
                assert not report.ok, f"{done.told}, and nobody noticed"
                if done.first_bad is not None:
                    assert report.first_bad == done.first_bad, (done, report.first_bad, report.problems)
                raise _PutBack
    await require_whole()


async def _leaf_dropped(chance: random.Random) -> Damage:
    index = chance.randrange(LEAVES)
    await db.run("DELETE FROM leaf WHERE log_index = ?", index)
    return Damage(f"leaf {index} dropped", index)


async def _entry_dropped(chance: random.Random) -> Damage:
    index = chance.randrange(LEAVES)
    await db.run("DELETE FROM entry WHERE log_index = ?", index)
    return Damage(f"entry {index} dropped", index)


async def _tile_dropped(chance: random.Random) -> Damage:
    level, number = chance.choice([(0, 0), (0, 1), (1, 0)])
    await db.run("DELETE FROM tile WHERE level = ? AND number = ?", level, number)
    return Damage(f"tile {level}/{number} dropped", None if level else number * 256)


async def _last_checkpoint_dropped(_chance: random.Random) -> Damage:
    await db.run("DELETE FROM checkpoint WHERE size = (SELECT size FROM head)")
    return Damage("the last checkpoint dropped", None)


async def _leaf_made_up(chance: random.Random) -> Damage:
    index = chance.randrange(LEAVES)
    await db.run("INSERT INTO leaf SELECT ?, bytes FROM leaf WHERE log_index = ?", LEAVES + chance.randrange(9), index)
    return Damage(f"leaf {index} once more, at the end", LEAVES)


async def _leaf_put_in_between(chance: random.Random) -> Damage:
    """All later ones move up by one, and the last falls off: the usual way to slip something in."""
    index = chance.randrange(1, LEAVES - 1)
    found = await db.rows("SELECT log_index, bytes FROM leaf WHERE log_index >= ? ORDER BY log_index", index - 1)
    moved = [(bytes(before["bytes"]), each["log_index"]) for before, each in pairwise(found)]
    await db.many("UPDATE leaf SET bytes = ? WHERE log_index = ?", moved)
    return Damage(f"leaf {index - 1} repeated in between", index)


async def _tile_made_up(chance: random.Random) -> Damage:
    number = 2 + chance.randrange(9)
    await db.run("INSERT INTO tile SELECT level, ?, hashes FROM tile WHERE level = 0 AND number = 0", number)
    return Damage(f"a tile {number}", None)


async def _checkpoint_made_up(chance: random.Random) -> Damage:
    size = chance.choice([each for each in range(1, LEAVES) if each not in (1, 3, 203)])
    await db.run("INSERT INTO checkpoint SELECT ?, note FROM checkpoint WHERE size = 203", size)
    return Damage(f"a checkpoint of {size}", None)


async def _leaves_swapped(chance: random.Random) -> Damage:
    first, second = sorted(chance.sample(range(LEAVES), 2))
    await _swap("leaf", "bytes", first, second)
    return Damage(f"leaves {first} and {second} swapped", first)


async def _contents_swapped(chance: random.Random) -> Damage:
    first, second = sorted(chance.sample(range(203), 2))  # under one key
    await _swap("entry", "sealed", first, second)
    return Damage(f"contents of {first} and {second} swapped", first)


async def _commitments_swapped(chance: random.Random) -> Damage:
    first, second = sorted(chance.sample(range(LEAVES), 2))
    await _swap("entry", "commitment", first, second)
    return Damage(f"commitments of {first} and {second} swapped", first)


async def _places_swapped(chance: random.Random) -> Damage:
    first, second = sorted(chance.sample(range(LEAVES), 2))
    for old, new in ((first, -1), (second, first), (-1, second)):
        await db.run("UPDATE entry SET log_index = ? WHERE log_index = ?", new, old)
    return Damage(f"places of entries {first} and {second} swapped", first)


async def _tiles_swapped(_chance: random.Random) -> Damage:
    for old, new in ((0, -1), (1, 0), (-1, 1)):
        await db.run("UPDATE tile SET number = ? WHERE level = 0 AND number = ?", new, old)
    return Damage("tiles swapped", 0)


async def _checkpoints_swapped(chance: random.Random) -> Damage:
    first, second = chance.sample([1, 3, 203, LEAVES], 2)
    for old, new in ((first, -1), (second, first), (-1, second)):
        await db.run("UPDATE checkpoint SET size = ? WHERE size = ?", new, old)
    return Damage(f"checkpoints of {first} and {second} swapped", None)


async def _swap(table: str, column: str, first: int, second: int) -> None:
    held = {each["log_index"]: bytes(each[column]) for each in await db.rows(f"SELECT log_index, {column} FROM {table}")}
    assert held[first] != held[second]
    for index, value in ((first, held[second]), (second, held[first])):
        await db.run(f"UPDATE {table} SET {column} = ? WHERE log_index = ?", value, index)


def _flip_a_bit_of_the_last_leaves(var: Path, chance: random.Random) -> int:
    """In the hashes of the last leaves as the tile has them: the next turn of the sequencer rests on these."""
    with closing(sqlite3.connect(var / "portal.db", timeout=10)) as file, file:
        file.execute("DROP TRIGGER tile_only_grows")
        number, hashes = file.execute("SELECT number, hashes FROM tile WHERE level = 0 ORDER BY number DESC LIMIT 1").fetchone()
        at = chance.randrange(8 * len(hashes))
        changed = bytearray(hashes)
        changed[at // 8] ^= 1 << at % 8
        file.execute("UPDATE tile SET hashes = ? WHERE level = 0 AND number = ?", [bytes(changed), number])
        return int(number * 256 + at // 256)


_ALL: list[Doing] = [
    *(_leaf_dropped, _entry_dropped, _tile_dropped, _last_checkpoint_dropped),
    *(_leaf_made_up, _leaf_put_in_between, _tile_made_up, _checkpoint_made_up),
    *(_leaves_swapped, _contents_swapped, _commitments_swapped, _places_swapped, _tiles_swapped, _checkpoints_swapped),
]
