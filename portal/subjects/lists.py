"""Who of a long list of addresses is known, in two queries per some thousand: for lists that are checked line by line."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from portal import db
from portal.subjects import hashes
from portal.subjects.identifiers import values_of
from portal.subjects.models import Identifier
from portal.subjects.places import former_places, place

AT_MOST = 4000


class Listed(NamedTuple):
    """An address of the list that is known, or stands under a note (then `id` may be None). `alone`: all there is of its
    person is this one address, where it was first recorded, no note stands on it, and nobody else may be the same person."""

    id: str | None
    subject: str
    alone: bool


async def addresses_of(kind: str, at_once: int = 500) -> AsyncIterator[list[tuple[str, str]]]:
    """The living addresses of one kind, opened some hundred at a time: identifier and value."""
    last = ""
    while rows := await Identifier.filter(kind=kind, erased_at=None, id__gt=last).order_by("id").limit(at_once):
        values = await values_of(rows)
        yield [(each.id, value) for each in rows if (value := values[each.id]) is not None]
        last = rows[-1].id


async def listed(kind: str, values: Sequence[str]) -> dict[str, Listed]:
    """Those of at most `AT_MOST` values that are known; of what is missing here nothing is known.

    Each in the spelling it came in: once a form was changed only that finds what lies under the form from before.
    """
    spelt: dict[bytes, list[str]] = {}
    for each in values:
        for _kind, blind in (place(kind, each), *former_places(kind, each)):
            spelt.setdefault(blind, []).append(each)
    if not spelt:
        return {}
    marks = ", ".join("?" * len(spelt))
    found = await db.rows(
        "SELECT blind, id, subject, CASE WHEN subject = home AND NOT EXISTS (SELECT 1 FROM identifier other"
        " WHERE other.subject = identifier.subject AND other.id <> identifier.id) AND NOT EXISTS (SELECT 1 FROM duplicate"
        " WHERE duplicate.state <> 'dismissed' AND (duplicate.one = identifier.id OR duplicate.other = identifier.id))"
        " THEN 1 ELSE 0 END AS alone"
        f" FROM identifier WHERE kind = ? AND blind IN ({marks})",
        *(kind, *spelt),
    )
    noted = await db.rows(f"SELECT hash FROM suppression WHERE kind = ? AND hash IN ({marks})", kind, *spelt)
    closed = {each for row in noted for each in spelt[bytes(row["hash"])]}
    known: dict[str, Listed] = {}
    for row in found:
        for each in spelt[bytes(row["blind"])]:
            # Two that claim one place after a changed form: the single question finds out which it is (see places).
            alone = bool(row["alone"]) and each not in closed and each not in known
            known[each] = Listed(row["id"], row["subject"], alone)
    on_lists = await hashes.closed((kind, each) for each in values if each not in known)
    return {each: Listed(None, "", False) for each in (*closed, *(value for _kind, value in on_lists))} | known


async def let_go(after: str = "") -> tuple[str, list[tuple[str, str]]]:
    """Forget the notes on addresses that were closed by a hashed list and are on none any more; inside `writing()`.

    Some hundred at a time: answers the last note it looked at, '' when there was none, and note and person of those forgotten.
    """
    marks = ", ".join("?" * len(hashes.KINDS))
    found = await db.rows(
        "SELECT note.id AS note, identifier.id AS id, identifier.home AS home FROM suppression AS note"
        f" {db.through('sqlite_autoindex_suppression_1')}"
        " JOIN identifier ON identifier.kind = note.kind AND identifier.blind = note.hash"
        f" WHERE note.kind IN ({marks}) AND note.basis = ? AND identifier.erased_at IS NULL AND note.id > ?"
        " ORDER BY note.id LIMIT ?",
        *(*hashes.KINDS, hashes.BASIS, after, hashes.AT_ONCE),
    )
    rows = await Identifier.filter(id__in=[each["id"] for each in found]) if found else []
    values = await values_of(rows)
    addresses = {each.id: (each.kind, value) for each in rows if (value := values[each.id]) is not None}
    closed = await hashes.closed(addresses.values())
    free = [(each["note"], each["home"]) for each in found if each["id"] in addresses and addresses[each["id"]] not in closed]
    await db.many("DELETE FROM suppression WHERE id = ?", [(note,) for note, _home in free])
    return (found[-1]["note"] if found else ""), free
