"""Stops that a list of an earlier system brings: mails that came back for good, complaints, objections to one purpose.

They stand above all words and only the person's own later, proven yes lifts them (rule 1). So the same one is recorded
once, and again only if the person said yes here in between and the list is newer than that, or does not say when.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from portal import audit, db, subjects
from portal.consent import events, order
from portal.consent.import_rows import Line
from portal.consent.permissions import Facts
from portal.consent.propagation import wake
from portal.consent.rules import Spoken, Stop
from portal.consent.words import Cell
from portal.lib import clock, ids
from portal.subjects import Person

BOUNCED, COMPLAINED, REFUSED_FOR_GOOD = "hard bounce", "spam complaint", "hard opt-out"
# In the memory of a dry run a stop lies among the words, on a cell that no purpose can have.
_MARK = "stop:"


def rows_of(line: Line) -> list[tuple[str, str]]:
    """Kind and scope of the stops that a line means."""
    if line.stop == REFUSED_FOR_GOOD:
        return [("objected", line.word.purpose)]
    return [("suppressed", "email"), *([("objected", "marketing")] if line.stop == COMPLAINED else [])]


def missing(line: Line, name: str, person: Person | None, facts: Facts) -> list[Stop]:
    """Those of a line's stops that do not stand yet, as they would stand from now."""
    now = clock.now()
    return [Stop("", name, *row, now, "", line.stop) for row in rows_of(line) if not _stands(row, line, name, person, facts)]


def as_word(stop: Stop) -> Spoken:
    return Spoken(stop.holder, Cell(_MARK + stop.kind, stop.scope), "import", "no", stop.since, None, "", stop.why, "")


def as_stop(word: Spoken) -> Stop | None:
    if not word.cell.purpose.startswith(_MARK):
        return None
    return Stop("", word.identifier, word.cell.purpose.removeprefix(_MARK), word.cell.channel, word.at, "", word.source)


async def record_stops(found: Sequence[tuple[Line, str]], people: Mapping[str, Person], by: str) -> None:
    """Record the stops of lines about these identifiers, with one entry in the log per act; inside `writing()`."""
    if not found:
        return
    concerned = {one for _line, each in found for one in (each, *people[each].subjects)}
    since = clock.micros(await order.moment_of_stop(concerned))
    rows, notes = list[tuple[object, ...]](), list[audit.Note]()
    for line, identifier in found:
        person = people[identifier]
        home = next(each.home for each in person.identifiers if each.id == identifier)
        for kind, scope in rows_of(line):
            act = ids.new()
            holders = [identifier] if kind == "suppressed" else list(person.subjects)
            rows += [(ids.new(), act, holder, kind, scope, since, by, line.stop) for holder in holders]
            event = events.SUPPRESSED if kind == "suppressed" else events.OBJECTED
            named = {"channel": scope} if kind == "suppressed" else {"scope": scope}
            notes.append(audit.Note(event, by, home, object=act, payload=named | {"why": line.stop}))
    await db.many("INSERT INTO stop (id, act, holder, kind, scope, since, by, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    await audit.record_many(notes)
    await wake()


async def lift_stops(recorded_by: str, *, by: str) -> None:
    """Take back all stops of an import whose refusals were never said; inside `writing()`."""
    await lift(await standing(recorded_by), by=by)


async def standing(recorded_by: str) -> list[dict[str, Any]]:
    """The stops of an import that are not lifted."""
    return await db.rows("SELECT id, act, holder, kind FROM stop WHERE by = ? AND lifted_at IS NULL ORDER BY id", recorded_by)


async def lift(rows: Sequence[Mapping[str, Any]], *, by: str) -> None:
    """Inside `writing()`, with one entry in the log per act."""
    lifted = "UPDATE stop SET lifted_at = ?, lifted_by = ?, lifted_why = 'import taken back' WHERE id = ? AND lifted_at IS NULL"
    now = clock.micros(clock.now())
    await db.many(lifted, [(now, by, row["id"]) for row in rows])
    people = await subjects.people(row["holder"] for row in rows if row["kind"] == "suppressed")
    holders = {row["act"]: people[row["holder"]].subject if row["holder"] in people else row["holder"] for row in rows}
    payload = {"why": "import taken back"}
    await audit.record_many(
        [audit.Note(events.LIFTED, by, holder, object=act, payload=payload) for act, holder in sorted(holders.items())]
    )


def _stands(row: tuple[str, str], line: Line, name: str, person: Person | None, facts: Facts) -> bool:
    kind, scope = row
    mine = {name} if person is None else {name, *(each.id for each in person.identifiers)}
    holders = {name} if kind == "suppressed" else mine | set(() if person is None else person.subjects)
    said = line.word.said_at
    return any(
        (said is not None and stop.since >= said) or not _answered(mine, stop, facts)
        for holder in holders
        for stop in facts.stops.get(holder, ())
        if (stop.kind, stop.scope) == (kind, scope)
    )


def _answered(identifiers: Iterable[str], stop: Stop, facts: Facts) -> bool:
    """The person themselves said yes to something after that stop."""
    return any(
        word.grade == "self-verified" and word.answer == "yes" and word.at > stop.since
        for each in identifiers
        for word in facts.words.get(each, ())
    )
