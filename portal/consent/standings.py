"""How each connected system fares: for officers, the command line, and whoever asks whether a stop has arrived.

One that does not answer is left alone for a while, ever longer; one that says it is gone (410), until an officer says
otherwise. Officers are told once when a message was not taken for a day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, connectors, db, identity, messages, paper, settings, subjects
from portal.consent import deliveries, events
from portal.consent.changes import OF_A_PERSON, OF_ONE_WORD
from portal.consent.deliveries import Standing
from portal.consent.telling import Line
from portal.lib import clock

WORRYING_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Fares:
    """One system now. `behind`: entries of the log it has not been told; `oldest`: since when a message waits."""

    name: str
    title: str
    kind: str
    position: int
    behind: int
    waiting: int
    parked: int
    oldest: datetime | None
    told_at: datetime | None
    problem: str
    problem_at: datetime | None
    paused_at: datetime | None

    @property
    def in_trouble(self) -> bool:
        late = self.oldest is not None and self.oldest < clock.now() - WORRYING_AFTER
        return self.paused_at is not None or self.parked > 0 or late


@dataclass(frozen=True)
class Delivery:
    """A line of the delivery log. `allowed` is what was told, None when nothing was taken yet."""

    id: str
    log_index: int
    subject: str
    purpose: str
    channel: str
    topic: str
    state: str
    allowed: bool | None
    tries: int
    next_at: datetime | None
    problem: str
    created_at: datetime
    done_at: datetime | None


async def fares() -> list[Fares]:
    """All systems in the order of the file."""
    checkpoint = await audit.checkpoint()
    last = checkpoint.size - 1 if checkpoint else -1
    cursors = {row["system"]: row for row in await db.rows("SELECT * FROM cursor")}
    waiting = await db.rows(
        "SELECT system, count(*) AS n, sum(CASE WHEN state = 'parked' THEN 1 ELSE 0 END) AS parked, min(created_at) AS oldest"
        " FROM delivery WHERE state <> 'sent' GROUP BY system"
    )
    queues = {row["system"]: row for row in waiting}
    return [_fares(each, cursors.get(each.name, {}), queues.get(each.name, {}), last) for each in connectors.systems()]


async def delivered(system: str, *, before: str | None = None, waiting: bool = False, limit: int = 50) -> list[Delivery]:
    """The delivery log of a system, newest first, or only what still waits; the next page begins `before` this one's last id."""
    only = " AND state <> 'sent'" if waiting else ""
    sql = f"SELECT * FROM delivery WHERE system = ?{only}{' AND id < ?' if before else ''} ORDER BY id DESC LIMIT ?"
    return [_delivery(row) for row in await db.rows(sql, system, *([before] if before else []), limit)]


async def unconfirmed(subject_id: str) -> list[str]:
    """The names of systems that have not taken this person's words for over an hour: named on the person's page."""
    person, before = await subjects.whole(subject_id), clock.now() - WORRYING_AFTER
    marks = ", ".join("?" * len(person.subjects))
    late = {
        row["system"]
        for row in await db.rows(
            f"SELECT DISTINCT system FROM delivery WHERE state <> 'sent' AND created_at < ? AND subject IN ({marks})",
            *(clock.micros(before), *person.subjects),
        )
    }
    entries = [entry for subject in person.subjects for entry in await audit.search(subject=subject, limit=20)]
    for system in connectors.systems():
        position = (await deliveries.standing(system.name)).position
        for entry in entries:
            told = entry.log_index is not None and entry.log_index <= position
            if entry.event in OF_ONE_WORD | OF_A_PERSON and not told and (entry.recorded_at or before) < before:
                late.add(system.name)
    return sorted(late)


async def note_round(about: connectors.System, line: Line, before: Standing, *, parked: bool) -> None:
    """How a round went with the system as a whole. Writes only when there is something to say."""
    if not line.sent and not line.problem:
        return
    now = clock.now()
    columns: dict[str, Any] = {}
    if line.sent:
        columns |= {"told_at": clock.micros(now), "tries": 0, "next_at": None}
    if line.problem:
        columns |= {"problem": line.problem, "problem_at": clock.micros(now)}
    if line.is_down:
        tries = 1 if line.sent else before.tries + 1
        columns |= {"tries": tries, "next_at": clock.micros(now + deliveries.pause(tries))}
    if line.departed:
        columns |= {"paused_at": clock.micros(now)}
    async with db.writing():
        await deliveries.note_system(about.name, **columns)
        if line.departed:
            await audit.record(events.DEPARTED, actor="system", object=about.name)
        elif line.sent and not line.is_down and before.tries:
            await deliveries.release(about.name)
        if (parked or line.departed) and before.alerted_at is None:
            await _alert(about)
        elif line.sent and before.alerted_at is not None and not await _something_parked(about.name):
            await deliveries.note_system(about.name, alerted_at=None)


async def note_problem(system: str, problem: str) -> None:
    """Inside `writing()`: it cannot even be spoken to."""
    await deliveries.note_system(system, problem=problem, problem_at=clock.micros(clock.now()))


async def _alert(about: connectors.System) -> None:
    await deliveries.note_system(about.name, alerted_at=clock.micros(clock.now()))
    await audit.record(events.SILENT, actor="system", object=about.name)
    for officer in await identity.officers():
        if "privacy-officer" in officer.roles:
            await messages.send_later(
                template="mail/system-silent",
                to=officer.email,
                language=paper.language(),
                context={"title": about.title, "link": f"{settings.get().base_url}/admin/systems/{about.name}"},
            )


async def _something_parked(system: str) -> bool:
    sql = "SELECT 1 AS one FROM delivery WHERE system = ? AND state <> 'sent' AND state = 'parked' LIMIT 1"
    return await db.row(sql, system) is not None


def _fares(system: connectors.System, cursor: dict[str, Any], queue: dict[str, Any], last: int) -> Fares:
    moments = [_moment(cursor.get(name)) for name in ("told_at", "problem_at", "paused_at")]
    position = int(cursor.get("log_index", -1))
    return Fares(
        *(system.name, system.title, system.kind, position, max(0, last - position)),
        *(int(queue.get("n", 0)), int(queue.get("parked", 0)), _moment(queue.get("oldest"))),
        told_at=moments[0],
        problem=cursor.get("problem", ""),
        problem_at=moments[1],
        paused_at=moments[2],
    )


def _delivery(row: dict[str, Any]) -> Delivery:
    return Delivery(
        *(row["id"], row["log_index"], row["subject"], row["purpose"], row["channel"], row["topic"], row["state"]),
        *(None if row["allowed"] is None else bool(row["allowed"]), row["tries"], _moment(row["next_at"]), row["problem"]),
        *(clock.from_micros(row["created_at"]), _moment(row["done_at"])),
    )


def _moment(stored: int | None) -> datetime | None:
    return None if stored is None else clock.from_micros(stored)
