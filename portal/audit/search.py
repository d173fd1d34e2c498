"""Finding entries: for the officer's audit page, for a person's history, and for cursors over the log."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal import vault
from portal.audit.entries import unsealed
from portal.audit.leaves import opened_statement
from portal.db import row, rows
from portal.lib import clock

_COLUMNS = "id, event, log_index, recorded_at, actor, subject, case_id, object, key_id, sealed, n, d"


@dataclass(frozen=True)
class Entry:
    """One entry as stored; its contents open with `open_payload`. Shredded ones keep event, place, count and digest."""

    id: str
    event: str
    log_index: int | None
    recorded_at: datetime | None
    actor: str
    subject: str | None
    case: str | None
    object: str
    count: int | None
    digest: str | None
    key_id: str | None = field(repr=False)
    sealed: bytes | None = field(repr=False)


async def search(
    *,
    actor: str | None = None,
    subject: str | None = None,
    case: str | None = None,
    event: str | None = None,
    object: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Entries that fit all that is given, newest first; the next page begins `before` the last id of this one. `case` "": those
    of no case.

    Shredded entries are not found: nothing in them tells any more whose or what they were.
    """
    wanted = [("actor = ?", actor), ("subject = ?", subject), ("case_id = ?", case or None), ("event = ?", event)]
    wanted += [("object = ?", object), ("id < ?", before)]
    given = [(condition, value) for condition, value in wanted if value is not None]
    of_none = ["case_id IS NULL"] if case == "" else []
    where = " AND ".join(["sealed IS NOT NULL", *of_none, *(condition for condition, _value in given)])
    sql = f"SELECT {_COLUMNS} FROM entry WHERE {where} ORDER BY id DESC LIMIT ?"
    return [_entry(each) for each in await rows(sql, *(value for _condition, value in given), limit)]


async def entry(entry_id: str) -> Entry | None:
    """One entry by its id; None when there is none or it was shredded."""
    found = await row(f"SELECT {_COLUMNS} FROM entry WHERE id = ? AND sealed IS NOT NULL", entry_id)
    return None if found is None else _entry(found)


async def entries_after(index: int, limit: int = 500) -> list[Entry]:
    """Entries in the order of the log whose place is after `index` (-1: from the start); shredded ones name nobody."""
    sql = f"SELECT {_COLUMNS} FROM entry WHERE log_index > ? ORDER BY log_index LIMIT ?"
    return [_entry(each) for each in await rows(sql, index, limit)]


async def first_since(moment: datetime) -> int | None:
    """The first place in the log of what was recorded at that moment or later; None where there is nothing."""
    found = await row("SELECT min(log_index) AS place FROM entry WHERE recorded_at >= ?", clock.micros(moment))
    return None if found is None or found["place"] is None else int(found["place"])


async def open_payload(entry: Entry) -> dict[str, Any] | None:
    """The payload as it was recorded; None when it was shredded. Raises vault.Tampered when it was changed."""
    if entry.sealed is None or entry.key_id is None:
        return None
    try:
        key = await vault.key_by_id(entry.key_id)
    except vault.Shredded:
        return None
    return opened_statement(unsealed(key, entry.id, entry.sealed)[1])[1]


def _entry(stored: dict[str, Any]) -> Entry:
    at, sealed = stored["recorded_at"], stored["sealed"]
    return Entry(
        id=stored["id"],
        event=stored["event"],
        log_index=stored["log_index"],
        recorded_at=None if at is None else clock.from_micros(at),
        actor=stored["actor"],
        subject=stored["subject"],
        case=stored["case_id"],
        object=stored["object"],
        count=stored["n"],
        digest=stored["d"],
        key_id=stored["key_id"],
        sealed=None if sealed is None else bytes(sealed),
    )
