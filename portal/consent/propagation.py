"""Telling every connected system what may be used, in the order of the audit log (GDPR Art. 7(3), 19; C-129/21).

Each system owns a cursor over the log's index. What is told is the answer that counts now, so telling twice does no
harm. A cell that a system does not take at the moment is parked with its person: later words of that person wait behind
it, everybody else's pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, connectors, db, jobs, settings, subjects
from portal.consent import events
from portal.consent.permissions import below, permissions
from portal.consent.purposes import Purpose, in_force
from portal.consent.words import CHANNELS, Cell
from portal.lib import clock, ids
from portal.subjects import Known, Person

AT_ONCE = 100
LONGEST_PAUSE = timedelta(hours=1)
WORRYING_AFTER = timedelta(hours=1)

_OF_ONE_WORD = {
    each.name for each in (events.GRANTED, events.REFUSED, events.UNSET, events.INFORMED, events.CONFIRMED, events.UNDONE)
}
_OF_A_PERSON = {
    each.name
    for each in (
        *(events.OBJECTED, events.SUPPRESSED, events.RESTRICTED, events.STOPPED),
        *(events.LIFTED, events.PAUSED, events.RESUMED),
    )
} | {"subject.linked", "subject.split", "identifier.verified"}


@dataclass(frozen=True)
class Told:
    """What one round did for one system; `index` is how far in the log it has been told, `more` that it is not the end."""

    sent: int
    waiting: int
    index: int
    more: bool


@dataclass(frozen=True)
class _Item:
    log_index: int
    subject: str
    identifier: str
    cell: Cell


async def wake() -> None:
    """Let a worker tell the systems soon; inside `writing()`, so that it happens if and only if the change does."""
    if settings.get().systems:
        await jobs.later("consent.propagate", {}, key="consent.propagate")


@jobs.verb("consent.propagate", every=timedelta(minutes=1), at_once=1)
async def propagate(job: jobs.Job) -> None:
    """Tell every system all that is new; one that cannot be reached or read does not hold up the others."""
    problems: list[str] = []
    told_up_to: list[int] = []
    for system in connectors.systems():
        try:
            while (told := await propagate_once(system.name)).more:
                pass
            told_up_to.append(told.index)
        except (connectors.ConnectorError, connectors.Misconfigured) as problem:
            problems.append(f"{system.name}: {problem.sentence}")
    if problems:
        raise jobs.TryAgain(" ".join(problems), after=timedelta(minutes=1))
    end = min(told_up_to, default=0)
    # An entry may have got its place while the systems were told: then it is not among what they were told.
    if told_up_to and any(each.log_index is None or each.log_index > end for each in await audit.search(limit=AT_ONCE)):
        raise jobs.TryAgain("The log has not given the newest entries their places yet.", after=timedelta(milliseconds=200))


async def propagate_once(system: str) -> Told:
    """One round for one system: what is parked and due again, then the next entries of the log."""
    connector = connectors.open_system(system)
    sent = await _retry_parked(system, connector)
    position = await _position(system)
    entries = await audit.entries_after(position, AT_ONCE)
    items = [item for item in await _items(entries) if connector.takes(connectors.Cell(*item.cell))]
    blocked = await _blocked(system, {item.subject for item in items})
    outcomes = await _tell(connector, items, blocked)
    end = max((each.log_index or 0 for each in entries), default=position)
    if entries:
        await _write_down(system, position, end, outcomes)
    parked = await db.row("SELECT count(*) AS n FROM delivery WHERE system = ? AND state = 'waiting'", system)
    delivered = sum(1 for _item, allowed, _problem in outcomes if allowed is not None)
    return Told(sent + delivered, parked["n"] if parked else 0, end, len(entries) == AT_ONCE)


async def unconfirmed(subject_id: str) -> list[str]:
    """The names of systems that have not taken this person's words for over an hour: named on the person's page."""
    person, before = await subjects.whole(subject_id), clock.now() - WORRYING_AFTER
    marks = ", ".join("?" * len(person.subjects))
    parked = await db.rows(
        f"SELECT DISTINCT system FROM delivery WHERE state = 'waiting' AND created_at < ? AND subject IN ({marks})",
        *(clock.micros(before), *person.subjects),
    )
    late = {row["system"] for row in parked}
    entries = [entry for subject in person.subjects for entry in await audit.search(subject=subject, limit=20)]
    for system in connectors.systems():
        position = await _position(system.name)
        for entry in entries:
            told = entry.log_index is not None and entry.log_index <= position
            if entry.event in _OF_ONE_WORD | _OF_A_PERSON and not told and (entry.recorded_at or before) < before:
                late.add(system.name)
    return sorted(late)


async def _position(system: str) -> int:
    found = await db.row("SELECT log_index FROM cursor WHERE system = ?", system)
    return -1 if found is None else int(found["log_index"])


async def _items(entries: list[audit.Entry]) -> list[_Item]:
    """The cells that these entries may have changed, in the order of the log."""
    words = await _words({entry.object for entry in entries if entry.event in _OF_ONE_WORD})
    people = await subjects.people({row["identifier"] for row in words.values()})
    known = await in_force(None)
    found: list[_Item] = []
    for entry in entries:
        index = entry.log_index or 0
        if entry.event in _OF_ONE_WORD and entry.object in words:
            row = words[entry.object]
            cell = Cell(row["purpose"], row["channel"], row["topic"])
            if cell.purpose in known:
                found += _of_word(index, people[row["identifier"]], row["identifier"], below(known[cell.purpose], cell))
        elif entry.event in _OF_A_PERSON and entry.subject is not None:
            found += _of_person(index, await _person(entry.subject), known.values())
    return list(dict.fromkeys(found))


async def _words(decisions: set[str]) -> dict[str, dict[str, Any]]:
    if not decisions:
        return {}
    marks = ", ".join("?" * len(decisions))
    sql = f"SELECT id, identifier, purpose, channel, topic FROM decision WHERE id IN ({marks})"
    return {row["id"]: row for row in await db.rows(sql, *sorted(decisions))}


async def _person(subject_id: str) -> Person | None:
    identifiers = (await subjects.whole(subject_id)).identifiers
    return (await subjects.people([identifiers[0].id])).get(identifiers[0].id) if identifiers else None


def _of_word(index: int, person: Person, identifier: str, cells: list[Cell]) -> list[_Item]:
    """The word's own address and, by rule 5, the person's unproven ones."""
    concerned = [each for each in person.identifiers if each.id == identifier or each.verified_at is None]
    return [_Item(index, person.subject, each.id, cell) for each in concerned for cell in cells if _reaches(each, cell)]


def _of_person(index: int, person: Person | None, known: Iterable[Purpose]) -> list[_Item]:
    if person is None:
        return []
    cells = [cell for about in known for cell in below(about, Cell(about.key, "*", "*"))]
    return [_Item(index, person.subject, each.id, cell) for each in person.identifiers for cell in cells if _reaches(each, cell)]


def _reaches(known: Known, cell: Cell) -> bool:
    # An erased address cannot be told to anybody any more: the erasure itself reaches the systems.
    return known.erased_at is None and known.kind in CHANNELS[cell.channel]


async def _blocked(system: str, people: set[str]) -> set[str]:
    if not people:
        return set()
    marks = ", ".join("?" * len(people))
    sql = f"SELECT DISTINCT subject FROM delivery WHERE system = ? AND state = 'waiting' AND subject IN ({marks})"
    return {row["subject"] for row in await db.rows(sql, system, *sorted(people))}


async def _tell(connector: connectors.Connector, items: list[_Item], blocked: set[str]) -> list[tuple[_Item, bool | None, str]]:
    """Each item with what was told (None: parked) and why not."""
    answers = await _allowed(items)
    addresses = await _addresses({item.identifier for item in items})
    outcomes: list[tuple[_Item, bool | None, str]] = []
    for item in items:
        if item.subject in blocked:
            outcomes.append((item, None, ""))
            continue
        allowed = answers.get((item.identifier, item.cell), False)
        problem = await _send(connector, item, addresses[item.identifier], allowed)
        if problem is not None:
            blocked.add(item.subject)
        outcomes.append((item, allowed if problem is None else None, problem or ""))
    return outcomes


async def _allowed(items: list[_Item]) -> dict[tuple[str, Cell], bool]:
    """What counts now; a cell that its purpose no longer has, or whose purpose was retired, is missing: no."""
    known = await in_force({item.cell.purpose for item in items})
    living = {cell for about in known.values() for cell in below(about, Cell(about.key, "*", "*"))}
    answers = await permissions({(item.identifier, item.cell) for item in items if item.cell in living})
    return {asked: answer.allowed for asked, answer in answers.items()}


async def _send(connector: connectors.Connector, item: _Item, address: dict[str, list[str]], allowed: bool) -> str | None:
    """Tell one cell; answers what went wrong, in a sentence."""
    if not address:
        return None
    try:
        await connector.set_consent(address, connectors.Cell(*item.cell), allowed, item.log_index)
    except connectors.ConnectorError as problem:
        return problem.sentence
    return None


async def _addresses(identifiers: set[str]) -> dict[str, dict[str, list[str]]]:
    """Per identifier what connectors look it up by: its kind and its canonical value."""
    people = await subjects.people(identifiers)
    known = [each for asked, person in people.items() for each in person.identifiers if each.id == asked]
    values = await subjects.values_of(known)
    return {
        each.id: {each.kind: [subjects.canonical(each.kind, value)]} if (value := values[each.id]) is not None else {}
        for each in known
    }


async def _write_down(system: str, position: int, end: int, outcomes: list[tuple[_Item, bool | None, str]]) -> None:
    """Deliveries and the cursor in one transaction. A crash before it: the same items are told again, which does no harm."""
    now = clock.now()
    async with db.writing():
        await db.run(
            "INSERT INTO cursor (system, log_index, moved_at) VALUES (?, -1, ?) ON CONFLICT (system) DO NOTHING",
            *(system, clock.micros(now)),
        )
        moved = await db.run(
            "UPDATE cursor SET log_index = ?, moved_at = ? WHERE system = ? AND log_index = ?",
            *(end, clock.micros(now), system, position),
        )
        if not moved:  # another worker told the same round
            return
        await db.many(
            "INSERT INTO delivery (id, system, log_index, subject, identifier, purpose, channel, topic, state, allowed, tries,"
            " next_at, problem, created_at, done_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(system, item, allowed, problem, now) for item, allowed, problem in outcomes],
        )


def _row(system: str, item: _Item, allowed: bool | None, problem: str, now: datetime) -> tuple[Any, ...]:
    parked = allowed is None
    return (
        *(ids.new(), system, item.log_index, item.subject, item.identifier, *item.cell),
        *("waiting" if parked else "sent", None if allowed is None else int(allowed), 1 if problem else 0),
        *(clock.micros(now + _pause(1 if problem else 0)) if parked else None, problem, clock.micros(now)),
        None if parked else clock.micros(now),
    )


async def _retry_parked(system: str, connector: connectors.Connector) -> int:
    """Tell what is parked and due, person by person in the order of the log, until the first that fails again."""
    waiting = await db.rows(
        "SELECT * FROM delivery WHERE system = ? AND state = 'waiting' ORDER BY subject, log_index, id LIMIT 1000", system
    )
    now, sent, stuck = clock.micros(clock.now()), 0, set[str]()
    for row in waiting:
        if row["subject"] in stuck:
            continue
        if row["next_at"] > now:
            stuck.add(row["subject"])
            continue
        item = _Item(row["log_index"], row["subject"], row["identifier"], Cell(row["purpose"], row["channel"], row["topic"]))
        [(_told, allowed, problem)] = await _tell(connector, [item], set())
        await _note(row, allowed, problem)
        if allowed is None:
            stuck.add(row["subject"])
        else:
            sent += 1
    return sent


async def _note(row: dict[str, Any], allowed: bool | None, problem: str) -> None:
    now = clock.now()
    async with db.writing():
        if allowed is None:
            later = clock.micros(now + _pause(row["tries"] + 1))
            sql = "UPDATE delivery SET tries = tries + 1, next_at = ?, problem = ? WHERE id = ?"
            await db.run(sql, later, problem, row["id"])
        else:
            sql = "UPDATE delivery SET state = 'sent', allowed = ?, done_at = ?, problem = '' WHERE id = ?"
            await db.run(sql, int(allowed), clock.micros(now), row["id"])


def _pause(tries: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(tries, 12)), LONGEST_PAUSE) if tries else timedelta(0)
