"""Legal holds: while a claim or an inquiry needs it, nothing of a person or in a system is deleted (GDPR Art. 17(3)(e)).

Counsel sets one with a reason and looks at it again at least every six months. Advertising stops all the same, and copies
are given all the same: only deleting waits. What stands in a held system is named in a dry run as kept.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from portal import audit, connectors, db, jobs, subjects, vault
from portal.cases import concerned, deadlines, events, models
from portal.lib import clock, ids
from portal.lib.clock import months_later
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _
from portal.settings import get
from portal.vault import Place

LONGEST_MONTHS = 6
LAW = "GDPR Art. 17(3)(e)"


@dataclass(frozen=True)
class LegalHold:
    """One that stands. `why` is empty once the person's key is gone. `due`: it has to be looked at again."""

    id: str
    subject: str | None
    system: str
    why: str
    by: str
    since: datetime
    review_on: date
    due: bool


@dataclass(frozen=True)
class Held:
    """Records of everybody on hold, and the requests about them."""

    people: tuple[str, ...]
    cases: tuple[str, ...]


async def set_on_person(subject: str, why: str, *, officer: str, review_on: date | None = None) -> str:
    """Answers the hold's id."""
    person = await subjects.whole(subject)
    if not person.identifiers or await vault.find_key("life", person.subjects[0]) is None:
        raise NotFound(_("There is no such person."))
    return await _set(person.subjects[0], "", why, review_on, officer)


async def set_on_system(system: str, why: str, *, officer: str, review_on: date | None = None) -> str:
    if system not in {each.name for each in connectors.systems()}:
        raise Invalid(_("Please choose a connected system."), {"system": _("Choose one of these.")})
    return await _set(None, system, why, review_on, officer)


async def review(hold_id: str, why: str, *, officer: str, review_on: date | None = None) -> date:
    """It is still needed, for this reason; answers when it is looked at next."""
    day = _checked(why, review_on)
    async with db.writing():
        row = await _standing(hold_id)
        sealed = (await _key(row.subject)).seal(Place("legal_hold", "why", row.id), why.strip())
        await models.LegalHold.filter(id=row.id).update(why=sealed, review_on=day.isoformat(), told_at=None)
        await _record(events.HOLD_REVIEWED, row, f"officer:{officer}", {"next": day.isoformat()})
    return day


async def lift(hold_id: str, *, officer: str) -> None:
    """What only waited for it is deleted now."""
    async with db.writing():
        row = await _standing(hold_id)
        now = clock.micros(clock.now())
        # A restored one may stand in parts, on records that were one person's (safekeeping.py).
        for each in [row, *await models.LegalHold.filter(id__startswith=f"{hold_id}.", lifted_at=None)]:
            changed = await db.run(
                "UPDATE legal_hold SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL",
                *(now, f"officer:{officer}", each.id),
            )
            if not changed:
                raise Conflict(_("This hold was lifted already."))
            await _record(events.HOLD_ENDED, each, f"officer:{officer}", {})
        for task in await models.Task.filter(step="erase", state="waiting"):
            await jobs.hurry(f"cases.erase {task.id}")


async def standing() -> list[LegalHold]:
    """All in force, the next review first."""
    today = deadlines.today(get().time_zone)
    return [await _told(each, today) for each in await models.LegalHold.filter(lifted_at=None).order_by("review_on", "id")]


async def of_person(subject: str | None) -> list[LegalHold]:
    if subject is None:
        return []
    people = (await subjects.whole(subject)).subjects
    return [each for each in await standing() if each.subject in people]


async def due() -> int:
    """How many have to be looked at again."""
    today = deadlines.today(get().time_zone).isoformat()
    found = await db.row("SELECT count(*) AS n FROM legal_hold WHERE lifted_at IS NULL AND review_on <= ?", today)
    return int(found["n"]) if found else 0


async def holds_person(subject: str | None) -> bool:
    """Whether nothing of this person may be deleted; a hold on any of their joined records holds them all."""
    if subject is None:
        return False
    held = await db.rows("SELECT subject FROM legal_hold WHERE lifted_at IS NULL AND subject IS NOT NULL")
    return bool(held) and not {each["subject"] for each in held}.isdisjoint((await subjects.whole(subject)).subjects)


async def holds_request(row: models.CaseRow) -> bool:
    """Whether a hold stands on anybody whom a request is about: each address shown in it may be another record's."""
    mine = [await subjects.get(each) for each in await concerned.identifiers(row)]
    about = {each.subject for each in mine} | {each.home for each in mine} | ({row.subject} if row.subject else set())
    return any([await holds_person(each) for each in sorted(about)])


async def of_request(case_id: str) -> list[LegalHold]:
    """All that stand on anybody whom it is about."""
    row = await models.CaseRow.get(id=case_id)
    mine = [await subjects.get(each) for each in await concerned.identifiers(row)]
    about = {each.subject for each in mine} | {each.home for each in mine} | ({row.subject} if row.subject else set())
    found = [each for one in sorted(about) for each in await of_person(one)]
    return list({each.id: each for each in found}.values())


async def covered() -> Held:
    """What goes by itself when its time is over leaves these alone."""
    held = await db.rows("SELECT DISTINCT subject FROM legal_hold WHERE lifted_at IS NULL AND subject IS NOT NULL")
    people = await _records({str(row["subject"]) for row in held})
    found = await _requests(people)
    # What was found for a request lies under the key of the one record that it began with, which may be another one.
    people |= {str(each) for each in await models.CaseRow.filter(id__in=list(found)).values_list("subject", flat=True) if each}
    return Held(tuple(sorted(people)), tuple(sorted(found | await _requests(people))))


async def _records(people: set[str]) -> set[str]:
    """With all that are joined to them. A restored hold may be on somebody whom this database does not know."""
    known = {row["id"] for each in people for row in await db.rows("SELECT id FROM subject WHERE id = ?", each)}
    return people | {each for one in known for each in (await subjects.whole(one)).subjects}


async def _requests(people: set[str]) -> set[str]:
    """By whom they are about, or by an address that was shown in them or named."""
    known = [each.id for one in sorted(people) for each in await subjects.identifiers_of(one)]
    found = await models.CaseRow.filter(subject__in=list(people)).values_list("id", flat=True) if people else []
    for rows in (models.CaseIdentifier, models.Concerned) if known else ():
        found = [*found, *await rows.filter(identifier__in=known).values_list("case_id", flat=True)]
    return {str(each) for each in found}


async def holds_system(system: str) -> bool:
    return await db.row("SELECT 1 AS one FROM legal_hold WHERE lifted_at IS NULL AND system = ? LIMIT 1", system) is not None


async def kept(plan: connectors.Plan) -> connectors.Plan:
    """A dry run as it is: with everything kept, where the system is on hold."""
    if not await holds_system(plan.system):
        return plan
    return replace(plan, rows=tuple(replace(each, action="keep", set={}, law=LAW, until=None, why="") for each in plan.rows))


def keeps_all(plan: connectors.Plan) -> bool:
    """Whether there is nothing to do in a system on hold: its dry run was made under the hold, or found nothing."""
    return all(each.action == "keep" and each.law == LAW for each in plan.rows)


@jobs.verb("cases.review_holds", every=timedelta(days=1))
async def remind_of_reviews(job: jobs.Job) -> None:
    """Each that is due is recorded once; the officers' first page names it until counsel has looked."""
    today = deadlines.today(get().time_zone).isoformat()
    for each in await models.LegalHold.filter(lifted_at=None, told_at=None, review_on__lte=today):
        async with db.writing():
            await job.hold()
            each.told_at = clock.now()
            await each.save(update_fields=["told_at"])
            await _record(events.HOLD_DUE, each, "system", {})


async def _set(subject: str | None, system: str, why: str, review_on: date | None, officer: str) -> str:
    day, hold_id = _checked(why, review_on), ids.new()
    async with db.writing():
        sealed = (await _key(subject)).seal(Place("legal_hold", "why", hold_id), why.strip())
        row = await models.LegalHold.create(
            id=hold_id,
            subject=subject,
            system=system,
            why=sealed,
            by=f"officer:{officer}",
            since=clock.now(),
            review_on=day.isoformat(),
        )
        await _record(events.HOLD_SET, row, f"officer:{officer}", {"review": row.review_on})
    return hold_id


def _checked(why: str, review_on: date | None) -> date:
    today = deadlines.today(get().time_zone)
    latest = months_later(today, LONGEST_MONTHS)
    day, wrong = review_on or latest, dict[str, str]()
    if len(why.strip()) < 10:
        wrong["why"] = _("Which claim or inquiry needs it? At least ten letters.")
    if not today < day <= latest:
        wrong["review"] = _("Look at it again within six months.")
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    return day


async def _key(subject: str | None) -> vault.Key:
    """Under the person's own key, which no deletion reaches while the hold stands; a system's reason names nobody."""
    return await vault.key_for("life", subject) if subject else await vault.key_for("portal")


async def _standing(hold_id: str) -> models.LegalHold:
    row = await models.LegalHold.get_or_none(id=hold_id)
    if row is None:
        raise NotFound(_("There is no such hold."))
    if row.lifted_at is not None:
        raise Conflict(_("This hold was lifted already."))
    return row


async def _told(row: models.LegalHold, today: date) -> LegalHold:
    key = await vault.find_key("life", row.subject) if row.subject else await vault.find_key("portal")
    why = key.open(Place("legal_hold", "why", row.id), row.why) if key else ""
    day = date.fromisoformat(row.review_on)
    return LegalHold(row.id, row.subject, row.system, why, row.by, row.since, day, day <= today)


async def _record(event: audit.Event, row: models.LegalHold, actor: str, payload: dict[str, str]) -> None:
    said = payload | ({"system": row.system} if row.system else {})
    await audit.record(event, actor=actor, subject=row.subject, object=f"hold:{row.id}", payload=said)
