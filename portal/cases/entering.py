"""Somebody called, came in or wrote on paper, and one of us writes the request down (GDPR Art. 12(2): the person chooses how).

Who writes it down needs to see nothing of anybody; who may, is told when the same was asked for already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from portal import db, subjects, vault
from portal.cases import deadlines, letterbox, models
from portal.cases.details import OFFERED as OFFERED
from portal.cases.details import REQUESTERS as REQUESTERS
from portal.cases.intake import Opened, open_case
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.settings import get

HOW = ("call", "visit", "letter", "mail")
OLDEST = date(2018, 5, 25)  # what came in before is nobody's backlog any more


@dataclass(frozen=True)
class Said:
    """What was asked, by whom and how, as it was written down. `once` is the form's, so that pressing twice opens one."""

    rights: Sequence[str]
    address: str
    how: str
    who: str = "me"
    received_on: str = ""
    language: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    once: str = ""
    mail: str = ""  # the kept mail that it was read from


@dataclass(frozen=True)
class Entered:
    """`number` is what the caller notes: it tells nobody anything, and officers find the request by it."""

    id: str
    reference: str
    number: str
    due_on: date
    law: str
    reach: str  # email · phone · post


async def write_down(said: Said, *, officer: str) -> Entered:
    """Open it; raises Conflict when this very form was sent already."""
    kind, received = check(said)
    mark = vault.blind("case arrival", f"desk {said.once}")
    async with db.writing():
        opened = await open_case(
            said.rights[0],
            said.address,
            also=said.rights[1:],
            kind=kind,
            language=said.language or get().language_list[0],
            who=said.who,
            details=said.details,
            source=said.how,
            actor=f"officer:{officer}",
            received_at=received,
        )
        if said.once and not await came_first(mark, opened.id):
            raise Conflict(_("This was written down already. For another request open an empty page."))
        if said.mail:
            await letterbox.became_case(said.mail, opened.id, officer=officer)
    return await _entered(opened, kind)


async def came_first(mark: bytes, case_id: str) -> bool:
    """Inside `writing()`: of whatever has the same mark one becomes a request, also when two come at the same moment."""
    sql = "INSERT INTO case_arrival (mark, case_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
    return bool(await db.run(sql, mark, case_id, clock.micros(clock.now())))


async def same(rights: Sequence[str], address: str) -> list[str]:
    """The open requests for one of these rights by this address, for who may see them: proven with it, or not yet."""
    kind = kind_of(address)
    asked = vault.blind("case", subjects.canonical(kind, address))
    rows = await models.CaseRow.filter(asked=asked, right__in=list(rights), is_open=1)
    known = await subjects.find(kind, address)
    if known is not None:
        proven = await models.CaseIdentifier.filter(identifier=known.id).values_list("case_id", flat=True)
        rows += await models.CaseRow.filter(id__in=list(proven), right__in=list(rights), is_open=1)
    return sorted({row.id for row in rows})


def day_of(text: str) -> datetime | None:
    """The day of receipt as a moment of it in the controller's time zone; None for now. Raises Invalid."""
    try:
        day = date.fromisoformat(text) if text else today()
    except ValueError:
        raise _wrong_day(_("Please write the day like 2026-11-22.")) from None
    if day > today():
        raise _wrong_day(_("The day of receipt cannot lie in the future."))
    if day < OLDEST:
        raise _wrong_day(_("This day lies too far back."))
    return None if day == today() else datetime.combine(day, time(12), ZoneInfo(get().time_zone))


def today() -> date:
    """In the controller's time zone."""
    return deadlines.today(get().time_zone)


def check(said: Said) -> tuple[str, datetime | None]:
    """Kind of the address, and the moment of receipt; raises Invalid naming all that is wrong at once."""
    wrong: dict[str, str] = {}
    kind, received = "", None
    try:
        kind = kind_of(said.address)
    except Invalid as problem:
        wrong |= problem.fields
    if not said.rights:
        wrong["rights"] = _("Please say what they ask for.")
    if said.how not in HOW:
        wrong["how"] = _("Please say how the request came in.")
    try:
        received = day_of(said.received_on)
    except Invalid as problem:
        wrong |= problem.fields
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    return kind, received


def _wrong_day(sentence: str) -> Invalid:
    return Invalid(_("Please look at the marked fields."), {"received_on": sentence})


def kind_of(address: str) -> str:
    """E-mail, telephone or a place; raises Invalid for none of them."""
    text = address.strip()
    if not text:
        raise Invalid(_("Please look at the marked fields."), {"address": _("Please say how we reach them.")})
    kind = "email" if "@" in text else "post" if any(map(str.isalpha, text)) else "phone"
    try:
        subjects.canonical(kind, text)
    except Invalid as problem:
        raise Invalid(_("Please look at the marked fields."), {"address": problem.sentence}) from problem
    return kind


async def _entered(opened: Opened, kind: str) -> Entered:
    row = await models.CaseRow.get(id=opened.id)
    return Entered(row.id, opened.reference, row.id[-8:], date.fromisoformat(row.due_on), row.law, kind)
