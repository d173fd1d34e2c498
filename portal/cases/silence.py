"""While a law forbids to tell a person who looked at their data (GDPR Art. 23(1)): named by counsel, with a reason and an end.

The looks since then wait, and are told when it ends, by itself at the latest; what the person's page says about it is the
same for everybody at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import audit, db, vault
from portal.cases import events, models, moves, verification
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.settings import get
from portal.vault import Place

LONGEST = timedelta(days=183)


@dataclass(frozen=True)
class Silence:
    """A law that forbids to tell for a while, as officers see it; `why` is empty once the case's key fell."""

    id: str
    law: str
    why: str
    since: datetime
    ends_at: datetime


async def withhold(case_id: str, law: str, why: str, ends_on: date, *, officer: str) -> str:
    """Counsel names the law by which the person is told later; for at most half a year, and then anew."""
    if not law.strip() or not why.strip() or len(law) > 200 or len(why) > 2000:
        told = _("Name the law and its article, and why it applies here.")
        raise Invalid(told, {"silence-law": _("Please name the law and its article.")})
    ends_at = datetime(ends_on.year, ends_on.month, ends_on.day, tzinfo=ZoneInfo(get().time_zone)) + timedelta(days=1)
    if not clock.now() < ends_at <= clock.now() + LONGEST:
        told = _("Please choose a day within the next six months.")
        raise Invalid(told, {"silence-until": told})
    async with db.writing():
        row = await moves.lock(case_id)
        if await _standing(case_id):
            raise Conflict(_("This stands already. End it first."))
        silence, key = ids.new(), await verification.case_key(row)
        await models.Silence.create(
            id=silence,
            case_id=case_id,
            law=law.strip(),
            why=key.seal(Place("case_silence", "why", silence), why.strip()),
            set_by=f"officer:{officer}",
            since=clock.now(),
            ends_at=ends_at,
        )
        said = {"law": law.strip(), "until": ends_on.isoformat()}
        await audit.record(
            events.SILENCED, actor=f"officer:{officer}", subject=row.subject, case=case_id, object=silence, payload=said
        )
    return silence


async def tell_again(case_id: str, *, officer: str) -> None:
    """The law does not apply any more: the person sees at once who looked meanwhile."""
    async with db.writing():
        row = await moves.lock(case_id)
        now = clock.micros(clock.now())
        ended = await db.run(
            "UPDATE case_silence SET ended_at = ?, ended_by = ? WHERE case_id = ? AND ended_at IS NULL AND ends_at > ?",
            *(now, f"officer:{officer}", case_id, now),
        )
        if not ended:
            raise Conflict(_("Nothing of this kind stands."))
        await audit.record(events.UNSILENCED, actor=f"officer:{officer}", subject=row.subject, case=case_id)


async def standing(case_id: str) -> Silence | None:
    """The one that stands now."""
    found = await _standing(case_id)
    if found is None:
        return None
    key = await vault.find_key("case", case_id)
    why = key.open(Place("case_silence", "why", found.id), found.why) if key else ""
    return Silence(found.id, found.law, why, found.since, found.ends_at)


async def _standing(case_id: str) -> models.Silence | None:
    return await models.Silence.filter(case_id=case_id, ended_at=None, ends_at__gt=clock.now()).order_by("-since").first()


async def since_of(rows: Iterable[models.CaseRow]) -> list[datetime]:
    """Since when looks are not told, of each that stands."""
    wanted = [each.id for each in rows]
    found = await models.Silence.filter(case_id__in=wanted, ended_at=None, ends_at__gt=clock.now()) if wanted else []
    return [each.since for each in found]
