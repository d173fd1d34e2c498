"""Each night: for whom the last basis has fallen away, long enough ago that officers should look (GDPR Art. 5(1)(e), 17(1)(b)).

Whom the record names since the last night is looked at, and nobody else; only where the purposes or the time to wait changed,
everybody who ever said yes, portion by portion. How far it got is written with what was found: a kill repeats at most one
portion, and doing it again changes nothing. What to do with whom is found is an officer's to say (basis_proposals.py).
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import audit, consent, db, jobs, subjects
from portal.cases import basis_reasons, events, models
from portal.cases.policy import policy
from portal.lib import clock
from portal.settings import get
from portal.subjects import Person

ENTRIES, PORTION, LOOKS = 200, 500, 25
LONGEST_SHIFT = 10.0
# Until something is recorded about them: the log tells.
NOT_BEFORE_TOLD = datetime(9000, 1, 1, tzinfo=UTC)
# Whoever may not be proposed now, should no entry say when that ends.
AGAIN = timedelta(days=7)
CONCERNING = consent.changes.OF_ONE_WORD | consent.changes.OF_A_PERSON
CONCERNING |= {
    each.name for each in (events.CLOSED, events.WITHDRAWN, events.ENDED_BY_US, events.HOLD_ENDED, events.OPENED_BY_US)
}
CONCERNING |= {"consent.unconfirmed", "subject.erased"}

Hold = Callable[[], Awaitable[None]]


@jobs.verb("cases.search_no_basis", every=timedelta(days=1), at_once=1)
async def search(job: jobs.Job) -> None:
    ends = time.monotonic() + LONGEST_SHIFT
    await search_on(job.hold, ends)
    if time.monotonic() > ends:
        raise jobs.TryAgain("There may be more.", after=timedelta(0))


async def search_on(hold: Hold, ends: float = float("inf")) -> None:
    """Until nothing is left to look at, or to a moment of the monotonic clock. Every transaction asks `hold` first."""
    await _begin(hold)
    for portion in (_sweep, _follow, _look):
        while await portion(hold):
            if time.monotonic() > ends:
                return


async def _begin(hold: Hold) -> None:
    """From the newest place in the log; whoever was there before is found by the sweep."""
    wanted, found = await _swept_for(), await models.BasisSearch.get_or_none(one=1)
    if found is not None and found.swept_for == wanted:
        return
    async with db.writing():
        await hold()
        checkpoint = await audit.checkpoint()
        start = checkpoint.size - 1 if checkpoint else -1
        await db.run(
            "INSERT INTO basis_search (one, log_index, swept_for, swept_up_to) VALUES (1, ?, ?, '')"
            " ON CONFLICT (one) DO UPDATE SET swept_for = excluded.swept_for, swept_up_to = ''",
            *(start, wanted),
        )


async def _swept_for() -> str:
    """Changes when other words may count as a basis, or the time to wait is another."""
    known = sorted(f"{each.key}@{each.number} {each.basis} {each.default}" for each in await consent.purposes())
    tuned = await consent.bases.tuning_number()
    return hashlib.sha256("\n".join([*known, str(tuned), str(policy().no_basis_after)]).encode()).hexdigest()


async def _sweep(hold: Hold) -> bool:
    found = await models.BasisSearch.get(one=1)
    if found.swept_up_to is None:
        return False
    rows = await db.rows(
        "SELECT DISTINCT identifier FROM permission WHERE identifier > ? AND answer IN ('yes', 'informed')"
        " ORDER BY identifier LIMIT ?",
        *(found.swept_up_to, PORTION),
    )
    up_to = str(rows[-1]["identifier"]) if len(rows) == PORTION else None
    people = await _people(each["identifier"] for each in rows)
    await _note(hold, people, set(), "swept_up_to = ?", up_to)
    return up_to is not None


async def _follow(hold: Hold) -> bool:
    found = await models.BasisSearch.get(one=1)
    entries = await audit.entries_after(found.log_index, ENTRIES)
    # A part of an import may be about thousands: it ends its portion.
    parts = [number for number, each in enumerate(entries) if each.event in consent.changes.OF_A_PART]
    entries = entries[: parts[0] + 1] if parts else entries
    if not entries:
        return False
    told = {each.subject for each in entries if each.event in CONCERNING and each.subject is not None}
    # An address that was parted from somebody may have taken their last basis along.
    told |= await _once_joined([each.object for each in entries if each.event == "subject.split"])
    identifiers = await _identifiers_of(told)
    if parts:
        identifiers += await consent.changes.identifiers_of_part(entries[-1].object)
    await _note(hold, await _people(identifiers), told, "log_index = ?", entries[-1].log_index)
    return True


async def _note(hold: Hold, people: list[Person], told: set[str], moved: str, place: str | int | None) -> None:
    """Whoever has lost their last basis is looked at from now on; whoever is looked at already, at once."""
    standings = await consent.bases.standings(people)
    lost = sorted(subject for subject, each in standings.items() if each.ended_at is not None)
    records = sorted(told.union(*(each.subjects for each in people)))
    now = clock.micros(clock.now())
    async with db.writing():
        await hold()
        for start in range(0, len(records), PORTION):
            part = records[start : start + PORTION]
            marks = ", ".join("?" * len(part))
            await db.run(f"UPDATE basis_watch SET look_at = ? WHERE subject IN ({marks})", now, *part)
        await db.many(
            "INSERT INTO basis_watch (subject, look_at) VALUES (?, ?) ON CONFLICT (subject) DO NOTHING",
            [(subject, now) for subject in lost],
        )
        await db.run(f"UPDATE basis_search SET {moved} WHERE one = 1", place)


async def _look(hold: Hold) -> bool:
    if not await _due():
        return False
    async with db.writing():
        await hold()
        due = await _locked([each.subject for each in await _due()])
        people = {each.subject: each for each in await _people(await _identifiers_of(each.subject for each in due))}
        standings = await consent.bases.standings(list(people.values()))
        reasons = await basis_reasons.against(list(people.values()))
        for row in due:
            standing = standings.get(row.subject, consent.bases.Standing(False))
            await _decide(row, standing, reasons.get(row.subject, ""), known=row.subject in people)
    return True


async def _due() -> list[models.Watched]:
    return await models.Watched.filter(look_at__lte=clock.now()).order_by("look_at", "subject").limit(LOOKS)


async def _locked(subject_ids: list[str]) -> list[models.Watched]:
    """Inside `writing()`: as they are when no officer is deciding about them."""
    if not subject_ids:
        return []
    marks = ", ".join("?" * len(subject_ids))
    await db.run(f"UPDATE basis_watch SET look_at = look_at WHERE subject IN ({marks})", *subject_ids)
    return await models.Watched.filter(subject__in=subject_ids, look_at__lte=clock.now())


async def _decide(row: models.Watched, standing: consent.bases.Standing, reason: str, *, known: bool) -> None:
    """Inside `writing()`: what becomes of one who is looked at, and when next."""
    now = clock.now()
    if standing.has_basis or standing.ended_at is None:
        await _gone(row, "basis" if standing.has_basis else "unknown" if not known else "never")
        await row.delete()
        return
    ripe = standing.ended_at + policy().no_basis_after
    if row.kept_until:
        ripe = max(ripe, morning_of(row.kept_until))
    if reason or ripe > now:
        await _gone(row, reason or "time")
        proposed_at, look_at = None, now + AGAIN if reason else ripe
    else:
        proposed_at, look_at = row.proposed_at or now, NOT_BEFORE_TOLD
        if row.proposed_at is None:
            day = standing.ended_at.date().isoformat()
            await audit.record(events.BASIS_PROPOSED, actor="system", subject=row.subject, payload={"ended": day})
    changed = {"look_at": look_at, "proposed_at": proposed_at, "ended_at": standing.ended_at}
    await models.Watched.filter(subject=row.subject).update(**changed)


async def _gone(row: models.Watched, why: str) -> None:
    if row.proposed_at is not None:
        await audit.record(events.BASIS_GONE, actor="system", subject=row.subject, payload={"why": why})


def morning_of(day: date | str) -> datetime:
    """When a day begins where the controller is."""
    found = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime.combine(found, datetime.min.time(), ZoneInfo(get().time_zone))


async def _identifiers_of(subject_ids: Iterable[str]) -> list[str]:
    """One that lives of each record."""
    wanted, found = sorted(set(subject_ids)), list[str]()
    for start in range(0, len(wanted), PORTION):
        part = wanted[start : start + PORTION]
        sql = f"SELECT min(id) AS id FROM identifier WHERE erased_at IS NULL AND home IN ({', '.join('?' * len(part))})"
        found += [row["id"] for row in await db.rows(f"{sql} GROUP BY home", *part)]
    return found


async def _once_joined(identifiers: list[str]) -> set[str]:
    """All to whom these ever pointed."""
    if not identifiers:
        return set()
    sql = f"SELECT DISTINCT subject FROM link WHERE identifier IN ({', '.join('?' * len(identifiers))})"
    return {row["subject"] for row in await db.rows(sql, *identifiers)}


async def _people(identifiers: Iterable[str]) -> list[Person]:
    """Each once, without those of whom nothing is left."""
    found = {each.subject: each for each in (await subjects.people(identifiers)).values()}
    return [each for each in found.values() if any(known.erased_at is None for known in each.identifiers)]
