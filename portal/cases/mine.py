"""Looking at requests as their person: where one stands by its reference, and the list of a signed-in person.

The list holds what was proven with the very address of the session: another address of the same person, or one that
several people use, shows nothing of them (EDPB 01/2022 §65-79).
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from portal import db, identity, vault
from portal.cases import models, moves, papers, states, together, verification
from portal.cases.whole import because_of
from portal.lib import clock, ids
from portal.lib.errors import NotFound
from portal.paper import _
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


@dataclass(frozen=True)
class Status:
    """What the reference alone shows: nothing personal, not even which address (Art. 12(3))."""

    id: str
    right: str
    state: str
    outcome: str
    challenge: str | None
    received_on: date
    due_on: date
    due_because: tuple[str, ...]
    package_until: date | None
    systems_asked: int
    systems_answered: int
    withdrawable: bool
    certificate: bool | None  # after a deletion: whether the person's certificate is there already
    certificate_given_up: bool  # it is not, and nobody is making it any more
    proofs_until: datetime | None  # after a deletion: until when whoever holds the reference gets the proofs of its steps


async def status_for_person(reference: str) -> Status:
    """The page behind a request's reference; a wrong one is not found, and a right one says nothing about anybody."""
    row = await models.CaseRow.get_or_none(reference_digest=ids.digest(reference))
    if row is None:
        raise NotFound(_("There is no request with this number."))
    facts = await moves.facts(row)
    package = (
        None
        if row.outcome in ("withdrawn", "refused") or await verification.is_erased(row)
        else (
            await models.PackageRow.filter(case_id=row.id, kind="package", keep_until__gt=clock.now())
            .order_by("-made_at")
            .first()
        )
    )
    certificate = None
    if moves.is_certified(row):
        certificate = await models.PackageRow.filter(case_id=row.id, kind="certificate").exists()
    return Status(
        row.id,
        row.right,
        row.state,
        row.outcome,
        row.challenge,
        _day(row.received_at),
        date.fromisoformat(row.due_on),
        because_of(row),
        None if package is None else _day(package.keep_until),
        facts.systems,
        facts.answered,
        "withdraw" in states.possible(facts),
        certificate,
        certificate is False and "certificate" in await papers.given_up(row),
        await _proofs_until(row),
    )


async def reference_of(case_id: str) -> str:
    """The person's reference, for links in pages that the person has signed in to."""
    row = await moves.load(case_id)
    key = await vault.find_key("record", case_id)
    if key is None:
        raise NotFound(_("This request was deleted when its time was over."))
    return key.open(Place("case_file", "reference", case_id), row.reference)


async def cases_of(session: identity.Session) -> list[Mine]:
    """Newest first, at most a hundred."""
    proven = await models.CaseIdentifier.filter(identifier=session.identifier or "").values_list("case_id", flat=True)
    found = await models.CaseRow.filter(id__in=list(proven)).order_by("-received_at").limit(SHOWN)
    keys = await vault.keys_of("record", [each.id for each in found])
    return [_mine(each, keys[each.id]) for each in found if each.id in keys]


async def beside(case_id: str) -> list[Mine]:
    """The other requests that the person sent together with this one."""
    found = await together.beside(case_id)
    keys = await vault.keys_of("record", [each.id for each in found])
    return [_mine(each, keys[each.id]) for each in found if each.id in keys]


async def is_of(case_id: str, session: identity.Session | None) -> bool:
    """Whether this request was proven with the address of this session."""
    if session is None or session.identifier is None:
        return False
    found = await db.row("SELECT 1 AS one FROM case_identifier WHERE case_id = ? AND identifier = ?", case_id, session.identifier)
    return found is not None


async def _proofs_until(row: models.CaseRow) -> datetime | None:
    """As long as the address that the reference was sent to lies under the case's key; both end on the same day."""
    if not moves.is_certified(row) or row.contact_until is None or row.contact_until <= clock.now():
        return None
    return row.contact_until if await vault.find_key("case", row.id) else None


def _mine(row: models.CaseRow, key: vault.Key) -> Mine:
    reference = key.open(Place("case_file", "reference", row.id), row.reference)
    received_on = _day(row.received_at)
    return Mine(row.id, reference, row.right, row.state, row.outcome, received_on, date.fromisoformat(row.due_on))


def _day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(get().time_zone)).date()
