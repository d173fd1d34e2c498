"""Telling every connected system what may be used, in the order of the audit log (GDPR Art. 7(3), 19; C-129/21).

Each system owns a cursor over the log's index and a job of its own, so that none waits for another. What is told is the
answer that counts now, so telling twice does no harm. A cell that a system does not take at the moment waits with its
person: later words of that person wait behind it, everybody else's pass.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal import audit, connectors, db, documents, jobs, settings
from portal.consent import deliveries, events, standings
from portal.consent.changes import OF_A_PART, Item, given_by, items_of
from portal.consent.telling import Line, Outcome
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _

ENTRIES = 200
PEOPLE = 200
# A system with a long queue goes on later, so that the others get a hand in between.
LONGEST_SHIFT = 10.0
# How long it is known when a system took something over, where no retention rule is called `deliveries`.
KEPT = timedelta(days=366)
_LONGEST = {"day": timedelta(days=1), "month": timedelta(days=31), "year": timedelta(days=366)}


@dataclass(frozen=True)
class Told:
    """What one round did: `index` is how far in the log, `more` that it was not the end, `again_at` when something is due.

    `left_alone`: the system does not answer, or is gone, and nothing is sent until `again_at` or an officer's word.
    """

    sent: int
    waiting: int
    index: int
    more: bool
    again_at: datetime | None = None
    left_alone: bool = False


async def wake() -> None:
    """Let a worker tell the systems soon; inside `writing()`, so that it happens if and only if the change does."""
    if settings.get().systems:
        await jobs.later("consent.propagate", {}, key="consent.propagate")


@jobs.verb("consent.propagate", every=timedelta(minutes=1), at_once=1)
async def propagate(job: jobs.Job) -> None:
    """Put a job on the list for every system."""
    try:
        names = [system.name for system in connectors.systems()]
    except connectors.Misconfigured as problem:
        raise jobs.TryAgain(problem.sentence, after=timedelta(minutes=1)) from problem
    async with db.writing():
        for name in names:
            await jobs.later("consent.tell", {"system": name}, key=f"consent.tell {name}")


@jobs.verb("consent.tell", at_once=3)
async def tell(job: jobs.Job) -> None:
    """Tell one system all that is new and due."""
    system, ends = job.arguments["system"], time.monotonic() + LONGEST_SHIFT
    try:
        while (told := await propagate_once(system)).more:
            if time.monotonic() > ends:
                raise jobs.TryAgain("There is more to tell.", after=timedelta(0))
    except NotFound:
        return  # it is no longer connected
    except connectors.ConnectorError as problem:  # its map or its keys are wrong
        async with db.writing():
            await standings.note_problem(system, problem.sentence)
        raise jobs.TryAgain(problem.sentence, after=timedelta(minutes=1)) from problem
    # An entry may have got its place while the system was told: then it is not among what it was told.
    newest = await audit.search(limit=ENTRIES)
    if not told.left_alone and any(each.log_index is None or each.log_index > told.index for each in newest):
        raise jobs.TryAgain("The log has not given the newest entries their places yet.", after=timedelta(milliseconds=200))
    if told.again_at is not None:
        raise jobs.TryAgain("Something waits for its next try.", after=max(told.again_at - clock.now(), timedelta(seconds=1)))


@jobs.verb("consent.tidy_deliveries", every=timedelta(days=1), at_once=1)
async def tidy(job: jobs.Job) -> None:
    """What a system took over is forgotten after the time that policies/retention.toml says."""
    rule = documents.retention().get("deliveries")
    kept = KEPT if rule is None else rule.number * _LONGEST[rule.unit]
    await deliveries.forget_sent(clock.now() - kept)


async def propagate_once(system: str) -> Told:
    """One round for one system: who waits and is due, then the next entries of the log."""
    connector, about = connectors.open_system(system), system_of(system)
    before = await deliveries.standing(system)
    if before.is_left_alone:
        waiting, _next_at = await deliveries.counts(system)
        return Told(0, waiting, before.position, False, _again(before), left_alone=True)
    try:
        return await _round(about, Line(connector, about.at_once), before)
    finally:
        if isinstance(connector, connectors.KeepsConnections):
            await connector.close()


async def replay(system: str, *, since: int, by: str) -> None:
    """Tell a system everything from a place in the log on once more; one that said it was gone is called again."""
    system_of(system)
    async with db.writing():
        position = (await deliveries.standing(system)).position
        if since < 0:
            raise Invalid(_("Places in the log are counted from 0."), {"from": _("Enter 0 or more.")})
        if since > position + 1:
            so_far = _("This system has been told up to %d. Beginning later would leave something out.") % position
            raise Conflict(so_far)
        await deliveries.note_system(system, log_index=since - 1, tries=0, next_at=None, paused_at=None, alerted_at=None)
        await deliveries.release(system)
        await audit.record(events.REPLAYED, actor=by, object=system, payload={"from": since, "position": position})
        await wake()


async def _round(about: connectors.System, line: Line, before: deliveries.Standing) -> Told:
    parked = await _tell_due(about.name, line)
    end, more = before.position, True
    _waiting, next_at = await deliveries.counts(about.name)
    if line.is_open and not _is_due(next_at):
        entries, more = _portion(await audit.entries_after(before.position, ENTRIES))
        end = max((each.log_index or 0 for each in entries), default=before.position)
        if entries and not await _tell_new(about, line, before.position, end, await items_of(entries)):
            return Told(line.sent, 0, before.position, False)  # another worker was faster
    await standings.note_round(about, line, before, parked=parked)
    waiting, next_at = await deliveries.counts(about.name)
    after = await deliveries.standing(about.name)
    if after.is_left_alone:
        return Told(line.sent, waiting, end, False, _again(after), left_alone=True)
    return Told(line.sent, waiting, end, more or _is_due(next_at), next_at)


async def _tell_due(system: str, line: Line) -> bool:
    """Who waits and is due; says whether something was parked."""
    waiting = await deliveries.due(system, PEOPLE)
    if not waiting:
        return False
    outcomes = await line.tell([each.item for each in waiting])
    return await deliveries.note(system, list(zip(waiting, outcomes, strict=True)))


def _portion(entries: list[audit.Entry]) -> tuple[list[audit.Entry], bool]:
    """What one round takes of them, and whether there is more: an entry about a part of an import stands for many words."""
    for number, entry in enumerate(entries, 1):
        if entry.event in OF_A_PART:
            return entries[:number], True
    return entries, len(entries) == ENTRIES


async def _tell_new(about: connectors.System, line: Line, position: int, end: int, items: Sequence[Item]) -> bool:
    wanted = await wanted_by(about, line.connector, items)
    behind = await deliveries.blocked(about.name, {item.subject for item in wanted})
    free = [item for item in wanted if item.subject not in behind]
    told = dict(zip(free, await line.tell(free), strict=True))
    return await deliveries.write_down(about.name, position, end, [(item, told.get(item, Outcome(None))) for item in wanted])


async def wanted_by(about: connectors.System, connector: connectors.Connector, items: Sequence[Item]) -> list[Item]:
    """What the system takes; and what is taken back by people whose data came from it (C-129/21)."""
    takes = {cell: connector.takes(connectors.Cell(*cell)) for cell in {item.cell for item in items}}
    theirs = await given_by({item.identifier for item in items if item.withdraws and not takes[item.cell]}, about.sources)
    return [item for item in items if takes[item.cell] or (item.withdraws and item.identifier in theirs)]


def _again(standing: deliveries.Standing) -> datetime | None:
    return None if standing.paused_at else standing.next_at


def _is_due(at: datetime | None) -> bool:
    return at is not None and at <= clock.now()


def system_of(name: str) -> connectors.System:
    for system in connectors.systems():
        if system.name == name:
            return system
    raise NotFound(_("No connected system is called %s.") % name)
