"""The end of evidence: what an erased person said and when is kept as proof (GDPR Art. 7(1), 17(3)(e)), and then goes too.

Until then nobody reads it alone: `closed` says so to every door, and consent/openings.py is how two people open it.
How long is the rule `choices` of policies/retention.toml, counted from the erasure. At its end the evidence key is destroyed
and the contents of the person's entries in the log with it; the log counts them and still verifies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from portal import audit, db, documents, jobs, vault
from portal.lib import clock
from portal.subjects import events
from portal.subjects.models import Subject

RULE = "choices"
MONTHS = 36  # unless the rule says
AT_ONCE = 50


@dataclass(frozen=True)
class Closed:
    """What an erased person said and when: kept as proof up to and including `last_day`, None when that is over."""

    erased_at: datetime
    last_day: date | None


async def closed(subject_id: str) -> Closed | None:
    """For one record of a person: since when and until when it is closed to every single officer; None while they are here."""
    found = await Subject.get_or_none(id=subject_id)
    if found is None or found.erased_at is None:
        return None
    ends = await vault.ends_of("evidence", subject_id)
    if ends is None or ends <= clock.now():
        return Closed(found.erased_at, None)
    return Closed(found.erased_at, (ends - timedelta(microseconds=1)).date())


async def closed_among(entries: Sequence[audit.Entry]) -> set[str]:
    """Those of these entries, by their ids, that are closed."""
    about = {each.id: each.subject for each in entries if each.subject is not None and each.case is None}
    people = sorted(set(about.values()))
    sql = f"SELECT id FROM subject WHERE erased_at IS NOT NULL AND id IN ({', '.join('?' * len(people))})"
    erased = {each["id"] for each in await db.rows(sql, *people)} if people else set()
    return {entry for entry, person in about.items() if person in erased}


async def closed_entry(entry: audit.Entry) -> Closed | None:
    """The same for what stands in an entry of the log. The steps of a request lie under the request's own key."""
    return None if entry.subject is None or entry.case is not None else await closed(entry.subject)


async def keep(people: Sequence[str]) -> None:
    """The evidence of people who are being erased ends on its day; inside `writing()`."""
    await vault.end_at("evidence", people, _end())


@jobs.verb("subjects.evidence_ends", every=timedelta(hours=1))
async def end(job: jobs.Job) -> None:
    """Destroy the evidence keys whose end has come, a portion per transaction."""
    while await _end_some():
        pass


@jobs.verb("subjects.scrub")
async def scrub_keys(job: jobs.Job) -> None:
    """A destroyed key must not be readable in the free space of the database's files either."""
    if not await db.scrub("data_key"):
        raise jobs.TryAgain("Somebody is reading the database.", after=timedelta(seconds=30))


async def scrub_soon() -> None:
    """Inside the `writing()` in which keys are destroyed."""
    await jobs.later("subjects.scrub", {}, key="subjects.scrub")


async def _end_some() -> int:
    async with db.writing():
        people = await vault.ended("evidence", AT_ONCE)
        for each in people:
            await audit.shred_payloads(subject=each)
            await vault.shred("evidence", each)
        if people:
            # Without the person: an entry about them would make them a new key.
            await audit.record(events.EVIDENCE_ENDED, actor="system", count=len(people))
            await scrub_soon()
    return len(people)


def _end() -> datetime:
    """The first moment of the day after the period is over."""
    rule, now = documents.retention().get(RULE), clock.now()
    if rule is not None and rule.unit == "day":
        last = now.date() + timedelta(days=rule.number)
    else:
        months = MONTHS if rule is None else rule.number * (12 if rule.unit == "year" else 1)
        last = clock.months_later(now.date(), months)
    return datetime.combine(last + timedelta(days=1), time(), UTC)
