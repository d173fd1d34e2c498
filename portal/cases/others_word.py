"""Somebody stops advertising or sharing for another person, at an address that we do not know (11 CCR 7026; GDPR Art. 5(1)(d)).

Their signed permission is enough, and is not asked for first: it counts at once, for known and unknown addresses alike. But
nobody has seen it, the address may be mistyped or a stranger's, and a coded note keeps others from adding it. So the note ends
after the year for which an opt-out counts at least (Cal. Civ. Code 1798.135(c)(4)), or when an officer was shown no permission;
where one was seen it lasts until the owner says otherwise. The owner is bound by none of it: their own yes counts above it, and
warnings reach them all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from portal import db, subjects
from portal.cases import models, moves, states
from portal.cases.whole import details_of
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.paper import _

UNSEEN = timedelta(days=366)


@dataclass(frozen=True)
class Closed:
    """An address that stands closed by the word of another; `shown` is enough of it for an officer."""

    kind: str
    shown: str
    until: date | None


async def close(kind: str, value: str) -> None:
    """Inside `writing()`: nobody has seen that whoever asks is authorised."""
    await subjects.suppress(kind, value, basis=subjects.notes.OTHERS_WORD, by="system", ends_at=clock.now() + UNSEEN)


async def of(case_id: str) -> list[Closed]:
    """What this request closed, as long as it stands and the words of the request are kept."""
    named = await _named(await moves.load(case_id))
    found = [(kind, value, await subjects.notes.standing(kind, value, subjects.notes.BY_OTHERS)) for kind, value in named.items()]
    return [
        Closed(kind, subjects.mask(kind, value), None if note.ends_at is None else note.ends_at.date())
        for kind, value, note in found
        if note is not None
    ]


async def permitted(row: models.CaseRow, *, by: str) -> None:
    """Inside `writing()`: an officer saw the permission; what still stands closed stays so."""
    for kind, value in (await _named(row)).items():
        if await subjects.notes.standing(kind, value, [subjects.notes.OTHERS_WORD]) is not None:
            await subjects.suppress(kind, value, basis=subjects.notes.PERMITTED, by=by)


async def end(case_id: str, *, officer: str) -> None:
    """No permission was shown: the address is open again. Raises Conflict where nothing stands closed."""
    async with db.writing():
        row = await moves.lock(case_id)
        # What a permission that was seen closed is not opened by a request that showed none.
        mandated = await models.Mandate.filter(case_id=case_id).exists()
        bases = subjects.notes.BY_OTHERS if mandated else (subjects.notes.OTHERS_WORD,)
        ended = [
            await subjects.notes.end(kind, value, bases, by=f"officer:{officer}", case=row.id)
            for kind, value in (await _named(row)).items()
        ]
        if not any(ended):
            raise Conflict(_("No address stands closed by this request."))


async def _named(row: models.CaseRow) -> Mapping[str, str]:
    if row.requester == "me" or row.right not in states.AT_ONCE:
        return {}
    named: Mapping[str, str] = (await details_of(row.id)).get("concerned", {})
    return named
