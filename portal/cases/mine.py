"""A signed-in person's own requests: those that were proven with the very address of this session.

Another address of the same person, or one that several people use, shows nothing of them (EDPB 01/2022 §65-79).
"""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from portal import db, identity, vault
from portal.cases import models
from portal.settings import get
from portal.vault import Place

SHOWN = 100


@dataclass(frozen=True)
class Mine:
    """One line of the person's list."""

    id: str
    reference: str
    right: str
    state: str
    outcome: str
    received_on: date
    due_on: date


async def cases_of(session: identity.Session) -> list[Mine]:
    """Newest first, at most a hundred."""
    proven = await models.CaseIdentifier.filter(identifier=session.identifier or "").values_list("case_id", flat=True)
    found = await models.CaseRow.filter(id__in=list(proven)).order_by("-received_at").limit(SHOWN)
    keys = await vault.keys_of("record", [each.id for each in found])
    return [_mine(each, keys[each.id]) for each in found if each.id in keys]


async def is_of(case_id: str, session: identity.Session | None) -> bool:
    """Whether this request was proven with the address of this session."""
    if session is None or session.identifier is None:
        return False
    found = await db.row("SELECT 1 AS one FROM case_identifier WHERE case_id = ? AND identifier = ?", case_id, session.identifier)
    return found is not None


def _mine(row: models.CaseRow, key: vault.Key) -> Mine:
    reference = key.open(Place("case_file", "reference", row.id), row.reference)
    received_on = row.received_at.astimezone(ZoneInfo(get().time_zone)).date()
    return Mine(row.id, reference, row.right, row.state, row.outcome, received_on, date.fromisoformat(row.due_on))
