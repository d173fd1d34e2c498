"""Which cells of which addresses an entry of the log may have changed: what connected systems then hear about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from portal import audit, db, subjects
from portal.consent import events
from portal.consent.permissions import below
from portal.consent.purposes import Purpose, in_force
from portal.consent.words import CHANNELS, Cell
from portal.subjects import Known, Person

OF_ONE_WORD = {
    each.name
    for each in (
        *(events.GRANTED, events.REFUSED, events.UNSET, events.INFORMED),
        *(events.CONFIRMED, events.UNDONE, events.LAPSED),
    )
}
OF_A_PERSON = {
    each.name
    for each in (
        *(events.OBJECTED, events.SUPPRESSED, events.RESTRICTED, events.STOPPED),
        *(events.LIFTED, events.PAUSED, events.RESUMED, events.PAUSE_OVER, events.RETUNED),
    )
} | {"subject.linked", "subject.split", "identifier.verified", "duplicate.found", "duplicate.linked", "duplicate.dismissed"}
# A part of an import begins or ceases to count; its own words are told then, not one by one before.
OF_A_PART = {each.name for each in (events.IMPORT_COUNTS, events.IMPORT_CEASED)}
_OPENING = {each.name for each in (events.GRANTED, events.INFORMED)}
# What the source of somebody's data is told as well (C-129/21).
WITHDRAWING = {each.name for each in (events.REFUSED, events.UNSET, events.OBJECTED, events.SUPPRESSED, events.STOPPED)}


@dataclass(frozen=True, slots=True)
class Item:
    """One cell to tell. `withdraws`: the entry took something back."""

    log_index: int
    subject: str
    identifier: str
    cell: Cell
    withdraws: bool = False


async def items_of(entries: Sequence[audit.Entry]) -> list[Item]:
    """In the order of the log, each once."""
    words = await _words({entry.object for entry in entries if entry.event in OF_ONE_WORD})
    parts = {entry.object: await _of_part(entry.object) for entry in entries if entry.event in OF_A_PART}
    spoken = [*words.values(), *(row for part in parts.values() for row in part)]
    people = await subjects.people({row["identifier"] for row in spoken})
    concerned = {entry.subject for entry in entries if entry.event in OF_A_PERSON and entry.subject is not None}
    persons = {subject: await _person(subject) for subject in sorted(concerned)}
    known = await in_force(None)
    found: list[Item] = []
    for entry in entries:
        index, withdraws = entry.log_index or 0, entry.event in WITHDRAWING
        rows = parts.get(entry.object, []) if entry.event in OF_A_PART else []
        if entry.event in OF_ONE_WORD and entry.object in words:
            row = words[entry.object]
            rows = [] if row["batch"] and entry.event in _OPENING else [row]
        for row in rows:
            cell = Cell(row["purpose"], row["channel"], row["topic"])
            if cell.purpose in known:
                cells = below(known[cell.purpose], cell)
                found += _of_word(index, people[row["identifier"]], row["identifier"], cells, withdraws)
        if entry.event in OF_A_PERSON and entry.subject is not None:
            found += _of_person(index, persons[entry.subject], known.values(), withdraws)
    return list(dict.fromkeys(found))


async def identifiers_of_part(part: str) -> list[str]:
    """Whom a part of an import says something about; `part` as its entry in the log names it."""
    return sorted({row["identifier"] for row in await _of_part(part)})


async def given_by(identifiers: Iterable[str], sources: Sequence[str]) -> set[str]:
    """Those of the identifiers about which one of these collection points ever said something."""
    wanted = sorted(set(identifiers))
    if not wanted or not sources:
        return set()
    sql = (
        f"SELECT DISTINCT identifier FROM decision WHERE identifier IN ({', '.join('?' * len(wanted))})"
        f" AND source IN ({', '.join('?' * len(sources))})"
    )
    return {row["identifier"] for row in await db.rows(sql, *wanted, *sources)}


async def _words(decisions: set[str]) -> dict[str, dict[str, Any]]:
    if not decisions:
        return {}
    marks = ", ".join("?" * len(decisions))
    sql = f"SELECT id, identifier, purpose, channel, topic, batch FROM decision WHERE id IN ({marks})"
    return {row["id"]: row for row in await db.rows(sql, *sorted(decisions))}


async def _of_part(part: str) -> list[dict[str, Any]]:
    """The words of one part of an import, which its entry names as batch/number."""
    batch, _slash, number = part.partition("/")
    return await db.rows(
        "SELECT d.identifier, d.purpose, d.channel, d.topic FROM batch_part p JOIN decision d"
        " ON d.batch = p.batch AND d.id >= p.first AND d.id <= p.last WHERE p.batch = ? AND p.number = ? ORDER BY d.id",
        *(batch, int(number)),
    )


async def _person(subject_id: str) -> Person | None:
    identifiers = (await subjects.whole(subject_id)).identifiers
    return (await subjects.people([identifiers[0].id])).get(identifiers[0].id) if identifiers else None


def _of_word(index: int, person: Person, identifier: str, cells: list[Cell], withdraws: bool) -> list[Item]:
    """The word's own address and, by rule 5, the person's unproven ones."""
    concerned = [each for each in person.identifiers if each.id == identifier or each.verified_at is None]
    return [Item(index, person.subject, each.id, cell, withdraws) for each in concerned for cell in cells if _reaches(each, cell)]


def _of_person(index: int, person: Person | None, known: Iterable[Purpose], withdraws: bool) -> list[Item]:
    if person is None:
        return []
    cells = [cell for about in known for cell in below(about, Cell(about.key, "*", "*"))]
    return [
        Item(index, person.subject, each.id, cell, withdraws)
        for each in person.identifiers
        for cell in cells
        if _reaches(each, cell)
    ]


def _reaches(known: Known, cell: Cell) -> bool:
    # An erased address cannot be told to anybody any more: the erasure itself reaches the systems.
    return known.erased_at is None and known.kind in CHANNELS[cell.channel]
