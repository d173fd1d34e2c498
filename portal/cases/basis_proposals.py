"""What officers make of people for whom no basis is left: open a deletion, or keep the data for a time, with a reason.

What is shown is looked at anew each time, so whoever said yes a minute ago is not among them, and nothing is opened for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal import audit, consent, db, subjects, vault
from portal.cases import basis_reasons, by_company, deadlines, events, models
from portal.cases.basis_search import morning_of
from portal.lib import clock
from portal.lib.clock import months_later
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.settings import get
from portal.vault import Place

LONGEST_MONTHS = 6
SHOWN = 50


@dataclass(frozen=True)
class Proposal:
    """`ended`: what rested on a word last, until `ended_at` or a little before."""

    subject: str
    person: subjects.Person
    ended_at: datetime
    ended: tuple[consent.bases.Ended, ...]


async def proposed(after: str = "", limit: int = SHOWN) -> tuple[list[Proposal], str]:
    """The longest without a basis first, and where the next page begins, "" at the end (`after`)."""
    rows = await _rows(after, limit)
    return await _still(rows), _place(rows[-1]) if len(rows) == limit else ""


async def of_person(subject_id: str) -> Proposal | None:
    """What is proposed for this very person now."""
    rows = await models.Watched.filter(subject=subject_id, proposed_at__isnull=False)
    return next(iter(await _still(rows)), None)


async def any_proposed() -> bool:
    return await db.row("SELECT 1 AS one FROM basis_watch WHERE proposed_at IS NOT NULL LIMIT 1") is not None


async def keep(subject_id: str, why: str, until: date | None, *, officer: str) -> date:
    """Not proposed again before that day, within six months; answers it."""
    today = deadlines.today(get().time_zone)
    latest = months_later(today, LONGEST_MONTHS)
    day, wrong = until or latest, dict[str, str]()
    if len(why.strip()) < 10:
        wrong["why"] = _("What do we need the data for? At least ten letters.")
    if not today < day <= latest:
        wrong["until"] = _("A day within the next six months.")
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    async with db.writing():
        row = await _lock(subject_id)
        key = await vault.find_key("life", row.subject)
        if key is None:
            raise Conflict(_("Somebody else has decided already, or something changed since. Look at the list again."))
        sealed, by = key.seal(Place("basis_watch", "kept_why", row.subject), why.strip()), f"officer:{officer}"
        await models.Watched.filter(subject=row.subject).update(
            kept_why=sealed, kept_until=day.isoformat(), kept_by=by, proposed_at=None, look_at=morning_of(day)
        )
        await audit.record(events.BASIS_KEPT, actor=by, subject=row.subject, payload={"until": day.isoformat()})
    return day


async def open_erasure(subject_id: str, *, officer: str, keep_note: bool = True) -> str:
    """Answers the id of the case; of two officers who do this at once one gets a Conflict."""
    async with db.writing():
        row = await _lock(subject_id)
        people = await _people([row.subject])
        standings = await consent.bases.standings(list(people.values()))
        standing = standings.get(row.subject)
        if standing is None or standing.ended_at is None or await basis_reasons.against(list(people.values())):
            raise Conflict(_("Something changed since: there is a basis again, or a request. Look at the person."))
        await models.Watched.filter(subject=row.subject).update(proposed_at=None, look_at=clock.now())
        return await by_company.open_erasure(row.subject, officer=officer, keep_note=keep_note)


async def kept(subject_id: str) -> tuple[date, str] | None:
    """Until when an officer keeps the data of somebody without a basis, and why; None where nobody decided that, or no more."""
    row = await models.Watched.get_or_none(subject=(await subjects.whole(subject_id)).subjects[0])
    if row is None or row.kept_until is None or row.kept_why is None or morning_of(row.kept_until) <= clock.now():
        return None
    key = await vault.find_key("life", row.subject)
    why = key.open(Place("basis_watch", "kept_why", row.subject), row.kept_why) if key else ""
    return date.fromisoformat(row.kept_until), why


async def _lock(subject_id: str) -> models.Watched:
    """Inside `writing()`: the proposal, with everybody else who wants to decide waiting; Conflict without one."""
    await db.run("UPDATE basis_watch SET look_at = look_at WHERE subject = ?", subject_id)
    row = await models.Watched.get_or_none(subject=subject_id)
    if row is None or row.proposed_at is None:
        raise Conflict(_("Somebody else has decided already, or something changed since. Look at the list again."))
    return row


async def _still(rows: Sequence[models.Watched]) -> list[Proposal]:
    """Those for whom it still holds."""
    people = await _people([each.subject for each in rows])
    standings = await consent.bases.standings(list(people.values()))
    reasons = await basis_reasons.against(list(people.values()))
    found = []
    for row in rows:
        now = standings.get(row.subject)
        if now is not None and now.ended_at is not None and row.proposed_at is not None and row.subject not in reasons:
            found.append(Proposal(row.subject, people[row.subject], now.ended_at, now.ended))
    return found


async def _rows(after: str, limit: int) -> list[models.Watched]:
    ended, _dot, subject = after.partition(".")
    start = (int(ended), subject) if ended.isdecimal() and len(ended) < 19 else (-1, "")
    ids = await db.rows(
        "SELECT subject FROM basis_watch WHERE proposed_at IS NOT NULL AND (ended_at, subject) > (?, ?)"
        " ORDER BY ended_at, subject LIMIT ?",
        *(*start, limit),
    )
    found = (
        {each.subject: each for each in await models.Watched.filter(subject__in=[row["subject"] for row in ids])} if ids else {}
    )
    return [found[row["subject"]] for row in ids]


async def _people(subject_ids: list[str]) -> dict[str, subjects.Person]:
    """By the person's id; whoever was joined to somebody else since, or erased, is missing."""
    if not subject_ids:
        return {}
    marks = ", ".join("?" * len(subject_ids))
    sql = f"SELECT min(id) AS id FROM identifier WHERE erased_at IS NULL AND subject IN ({marks}) GROUP BY subject"
    people = await subjects.people([row["id"] for row in await db.rows(sql, *subject_ids)])
    return {each.subject: each for each in people.values()}


def _place(row: models.Watched) -> str:
    assert row.ended_at is not None
    return f"{clock.micros(row.ended_at)}.{row.subject}"
