"""Brings every stored address to the form and key by which it is looked up now (`portal reindex`), batch by batch.

How far it is stands in the rows themselves, so that it goes on after a crash at any point: a batch is one transaction.
Nothing is merged: where a changed form makes two addresses equal, the one that is there first has the common place, the other
stays where its own spelling finds it, and a hint says so; an officer decides, and until then the most restrictive counts.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portal import audit, db
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.subjects import events, places
from portal.subjects.arrivals import hold
from portal.subjects.canonical import canonical
from portal.subjects.hints import FORM, Spelt, note, notice_spellings
from portal.subjects.identifiers import values_of
from portal.subjects.models import Identifier
from portal.subjects.notes import move
from portal.subjects.places import blind_of, stored_at, wrapped

Progress = Callable[[int, int], None]

_BEHIND = "erased_at IS NULL AND value IS NOT NULL AND (normaliser <> ? OR blind_key <> ?)"


@dataclass
class Done:
    """What a run did: rows and notes brought up to date, rows that stay under their own spelling, and why those stay."""

    moved: int = 0
    notes: int = 0
    equal: int = 0
    unreadable: int = 0
    hints: int = 0


async def behind() -> tuple[int, int]:
    """How many addresses and notes are not up to date."""
    addresses = await db.row(f"SELECT count(*) AS n FROM identifier WHERE {_BEHIND}", places.NORMALISER, places.BLIND_KEY)
    notes = await db.row("SELECT count(*) AS n FROM suppression WHERE hash_key <> ?", places.BLIND_KEY)
    assert addresses is not None and notes is not None
    return int(addresses["n"]), int(notes["n"])


async def reindex(*, by: str = "system", progress: Progress | None = None, at_once: int = 250) -> Done:
    """Everything that is not up to date; does nothing when all is. Between batches others have as much time as it took."""
    addresses, notes = await behind()
    done, last, seen = Done(), "", 0
    while addresses and (rows := await _next(last, at_once)):
        started = time.monotonic()
        async with db.writing():
            await _move(rows, by, done)
        last, seen = rows[-1].id, seen + len(rows)
        await _rest(started, progress, seen, addresses + notes)
    wrapping = notes > 0
    while wrapping:
        started = time.monotonic()
        count = await _wrap(at_once)
        done.notes, wrapping = done.notes + count, count == at_once
        await _rest(started, progress, seen + done.notes, addresses + notes)
    if done.moved or done.notes:
        async with db.writing():
            payload = {"normaliser": places.NORMALISER, "key": places.BLIND_KEY, "equal": done.equal, "notes": done.notes}
            await audit.record(events.REINDEXED, actor=by, object="identifiers", payload=payload, count=done.moved)
    return done


async def _next(after: str, limit: int) -> list[Identifier]:
    found = await db.rows(
        f"SELECT id FROM identifier WHERE {_BEHIND} AND id > ? ORDER BY id LIMIT ?",
        *(places.NORMALISER, places.BLIND_KEY, after, limit),
    )
    return await Identifier.filter(id__in=[each["id"] for each in found]).order_by("id") if found else []


async def _move(rows: Sequence[Identifier], by: str, done: Done) -> None:
    """One batch; inside `writing()`."""
    living = await hold([each.id for each in rows])  # an erasure at the same moment must not get its index back
    fresh = {each.id: each for each in await Identifier.filter(id__in=sorted(living), erased_at=None)}
    values = await values_of(list(fresh.values()))
    wanted: dict[str, tuple[str, bytes]] = {}
    for each in fresh.values():
        form = _form(each.kind, values[each.id])
        if form is None:
            done.unreadable += 1
        else:
            wanted[each.id] = (form, blind_of(each.kind, form))
    taken = await stored_at([(fresh[one].kind, blind) for one, (_form, blind) in wanted.items()])
    equal: list[tuple[str, str, str, str]] = []
    for one in sorted(wanted):
        row, (form, blind) = fresh[one], wanted[one]
        holder = taken.setdefault((row.kind, blind), one)
        if holder == one:
            await _place(row, blind, places.NORMALISER)
            done.moved += 1
        else:
            equal.append((one, holder, FORM, by))
            await _stay(row, values[one] or "")
            done.equal += 1
    done.hints += await note(equal)
    kept = {one for one, *_other in equal}
    done.hints += await notice_spellings(
        [Spelt(one, form, by) for one, (form, _blind) in sorted(wanted.items()) if fresh[one].kind == "email" and one not in kept]
    )


async def _place(row: Identifier, blind: bytes, normaliser: int) -> None:
    """An address goes to its new place and takes its note along: what closes it must never be lost between the two."""
    await db.run(
        "UPDATE identifier SET blind = ?, blind_key = ?, normaliser = ? WHERE id = ?",
        *(blind, places.BLIND_KEY, normaliser, row.id),
    )
    if row.blind != blind:
        await move([row.blind], row.kind, blind, places.BLIND_KEY)


async def _stay(row: Identifier, value: str) -> None:
    """It keeps the form it has, under the key in use; the next run asks again whether its place has become free."""
    if row.blind_key != places.BLIND_KEY:
        await _place(row, wrapped(row.blind, row.blind_key, places.BLIND_KEY), row.normaliser)


async def _wrap(limit: int) -> int:
    """Notes of addresses that are not stored: nobody can open them, so the old hash is hashed once more.

    Those that have ended close nothing any more and are dropped.
    """
    async with db.writing():
        now = clock.micros(clock.now())
        await db.run("DELETE FROM suppression WHERE hash_key <> ? AND ends_at <= ?", places.BLIND_KEY, now)
        found = await db.rows(
            "SELECT id, hash, hash_key FROM suppression WHERE hash_key <> ? ORDER BY id LIMIT ?", places.BLIND_KEY, limit
        )
        await db.many(
            "UPDATE suppression SET hash = ?, hash_key = ? WHERE id = ?",
            [(wrapped(bytes(each["hash"]), each["hash_key"], places.BLIND_KEY), places.BLIND_KEY, each["id"]) for each in found],
        )
    return len(found)


async def _rest(started: float, progress: Progress | None, seen: int, total: int) -> None:
    if progress is not None:
        progress(seen, total)
    await asyncio.sleep(min(1.0, time.monotonic() - started))


def _form(kind: str, value: str | None) -> str | None:
    """None for a value whose key is gone, or that is no address in the new form: it stays as it is."""
    try:
        return None if value is None else canonical(kind, value)
    except Invalid:
        return None
