"""Whoever asks for another person shows what entitles them: seen, noted, not kept (GDPR Art. 12(6); EDPB 01/2022 §79-81).

The asker proves an address of their own; that opens nobody's data. Only an officer's note about the mandate does: from
then on the request is about the identifiers that the asker named, which must have carried the data before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from portal import audit, db, subjects
from portal.cases import deadlines, events, models, moves, others_word, protection, states, together, verification
from portal.cases.whole import details_of
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.settings import get

_SIGNED, _POWER, _COURT = "signed permission", "power of attorney", "court decision"
KINDS: Mapping[str, tuple[str, ...]] = {
    "agent": (_SIGNED, _POWER),
    "child": ("birth certificate", _COURT),
    "guardian": (_COURT, _POWER),
    "deceased": ("death and inheritance", "death and will"),
}


@dataclass(frozen=True)
class Mandate:
    """`who` asks for whom, `kinds` to choose from; and once it was seen, which one, from which day, and when we saw it."""

    who: str
    kinds: tuple[str, ...]
    name: str
    concerned: Mapping[str, str]
    kind: str = ""
    dated: date | None = None
    noted_at: datetime | None = None


async def of(case_id: str) -> Mandate | None:
    """None where the person asks themselves, or nobody does."""
    row = await moves.load(case_id)
    if row.requester in ("me", states.BY_COMPANY):
        return None
    details = await details_of(case_id)
    name, about = details.get("concerned_name", ""), details.get("concerned", {})
    seen = await models.Mandate.filter(case_id__in=[case_id, row.appeal_of or case_id]).first()
    if seen is None:
        return Mandate(row.requester, KINDS[row.requester], name, about)
    return Mandate(row.requester, KINDS[row.requester], name, about, seen.kind, date.fromisoformat(seen.dated), seen.noted_at)


async def note(case_id: str, kind: str, dated: str, *, officer: str) -> None:
    """An officer saw it: `kind`, and the day it bears. Counts for all requests that were sent together; also
    for what acted at once: nothing waited for it, but an address that we did not know stays closed longer."""
    async with db.writing():
        row = await moves.lock(case_id)
        day = _checked(row, kind, dated)
        noted = 0
        for each in await together.rows(row):
            if each.is_open or each.right in states.AT_ONCE:
                noted += await _note(await moves.lock(each.id), kind, day, officer)
        if not noted:
            raise Conflict(_("This was noted already."))


def _checked(row: models.CaseRow, kind: str, dated: str) -> date:
    if row.requester in ("me", states.BY_COMPANY):
        raise Conflict(_("Nobody asks here for another person."))
    wrong = {} if kind in KINDS[row.requester] else {"mandate": _("Please choose what you saw.")}
    today = deadlines.today(get().time_zone)
    try:
        day = date.fromisoformat(dated)
    except ValueError:
        day = date.max
    if day > today:
        wrong["dated"] = _("Please give the day that stands on it; it cannot lie in the future.")
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    return day


async def _note(row: models.CaseRow, kind: str, day: date, officer: str) -> int:
    actor, now = f"officer:{officer}", clock.now()
    if await models.Mandate.filter(case_id=row.id).exists():
        return 0
    await models.Mandate.create(case_id=row.id, kind=kind, dated=day.isoformat(), by=actor, noted_at=now)
    at_once = row.right in states.AT_ONCE
    if at_once:
        await others_word.permitted(row, by=actor)
    for each in () if at_once else await _about(row):
        await models.Concerned.create(id=ids.new(), case_id=row.id, identifier=each.id, noted_at=now)
        row.subject = row.subject or each.subject
    await row.save(update_fields=["subject"])
    said = {"how": kind, "dated": day.isoformat()}
    await audit.record(events.MANDATE_SEEN, actor=actor, subject=row.subject, case=row.id, payload=said)
    if row.subject is not None and not at_once:
        details = await details_of(row.id)
        await protection.begin(row, row.subject, by=actor, ground=str(details.get("ground", "")))
        if row.requester == "agent":
            await verification.warn(row, row.subject)
    return 1


async def _about(row: models.CaseRow) -> list[subjects.Identifier]:
    """What the asker named; of a child without an address of their own, the asker's proven one."""
    named: Mapping[str, str] = (await details_of(row.id)).get("concerned", {})
    if named:
        found = [await subjects.ensure(kind, value, by="system") for kind, value in named.items()]
        if any(each.audience != "person" for each in found):
            raise Conflict(_("Several people use this address, so it does not say whose data it is."))
        if len({each.subject for each in found if each.created_at < row.created_at}) > 1:
            raise Conflict(_("The address and the number given belong to different people here. Ask which of them is meant."))
        return found
    proven = [await subjects.get(str(each.identifier)) for each in await models.CaseIdentifier.filter(case_id=row.id)]
    if not proven:
        raise Conflict(_("Nobody has proven an address in this request yet, and none of the person was given."))
    return proven
