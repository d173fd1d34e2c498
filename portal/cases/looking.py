"""The record of an officer's look at what a request holds: who, when, for which purpose and by which role (C-579/21)."""

from datetime import datetime

from portal import audit, db, identity
from portal.cases import models
from portal.lib.errors import NotFound


async def note(row: models.CaseRow, event: audit.Event, officer: str, object: str = "") -> None:
    """With its purpose and the role by which this officer may look; the person will see both, and never the name."""
    said = {"purpose": row.right, "role": await role_of(officer, "data.see")}
    async with db.writing():
        await audit.record(event, actor=f"officer:{officer}", subject=row.subject, case=row.id, object=object, payload=said)


async def role_of(officer: str, action: str) -> str:
    """The role by which an officer may do this; empty for one who is not known here any more."""
    try:
        return (await identity.officer(officer)).role_for(action)
    except NotFound:
        return ""


async def last(case_id: str, event: audit.Event) -> datetime | None:
    """When any officer looked last."""
    found = await audit.search(case=case_id, event=event.name, limit=1)
    return found[0].recorded_at if found else None
