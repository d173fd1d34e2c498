"""People for whom no basis is left: the list, the longest first, and one page that says which basis ended when, and what
stands without a word, where an officer opens a deletion or keeps the data for a time (GDPR Art. 5(1)(e), 17(1)(b))."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, cases, consent, db, subjects
from portal.admin import events
from portal.admin.cases import or_say_why
from portal.admin.duplicates import masks_of
from portal.admin.menu import desk
from portal.consent import CHANNELS
from portal.lib.errors import Invalid
from portal.pages import form, get, officer, post
from portal.paper import _, date_text


@dataclass(frozen=True)
class Line:
    """One proposal of the list; addresses are masked."""

    subject: str
    addresses: tuple[str, ...]
    why: tuple[str, ...]
    since: date


async def show(request: Request) -> Response:
    found, more = await cases.basis_proposals.proposed(request.query_params.get("after", ""))
    masks = await _masks(found)
    lines = [
        Line(each.subject, tuple(masks[each.subject].values()), _reasons(each.ended, masks[each.subject]), each.ended_at.date())
        for each in found
    ]
    return desk(request, "admin/no-basis.html", lines=lines, more=f"?after={more}" if more else "")


async def show_person(request: Request) -> Response:
    return await _page(request, None, {})


async def open_erasure(request: Request) -> Response:
    keep_note = (await form(request)).get("note") == "keep"
    case = await cases.basis_proposals.open_erasure(
        request.path_params["subject"], officer=request.state.officer.id, keep_note=keep_note
    )
    return RedirectResponse(f"/admin/cases/{case}", 303)


async def keep(request: Request) -> Response:
    fields = await form(request)
    try:
        until = _day(fields.get("until", ""))
        await cases.basis_proposals.keep(
            request.path_params["subject"], fields.get("why", ""), until, officer=request.state.officer.id
        )
    except Invalid as problem:
        return await _page(request, problem, fields)
    return RedirectResponse("/admin/no-basis", 303)


async def end(request: Request) -> Response:
    """A deletion that the company opened itself is ended before anything was deleted."""
    case = request.path_params["case"]
    return await or_say_why(request, lambda: cases.by_company.end(case, officer=request.state.officer.id))


async def _page(request: Request, problem: Invalid | None, given: dict[str, str]) -> Response:
    subject = request.path_params["subject"]
    found = await cases.basis_proposals.of_person(subject)
    if found is None:
        return RedirectResponse(f"/admin/people/{subject}", 303)
    async with db.writing():
        said = {"role": request.state.officer.role_for("people.see")}
        by = f"officer:{request.state.officer.id}"
        await audit.record(events.LOOKED, actor=by, subject=subject, object="no basis", payload=said)
    masks = (await _masks([found]))[found.subject]
    return desk(
        request,
        "admin/no-basis-one.html",
        422 if problem else 200,
        subject=found.subject,
        addresses=list(masks.values()),
        why=_reasons(found.ended, masks),
        since=found.ended_at,
        standing=await _without_a_word(found.person),
        given=given,
        wrong=problem.fields if problem else {},
        sentence=problem.sentence if problem else "",
    )


async def _masks(found: Sequence[cases.basis_proposals.Proposal]) -> dict[str, dict[str, str]]:
    """By person and identifier the masked address, of all that live."""
    owners = {known.id: each.subject for each in found for known in each.person.identifiers if known.erased_at is None}
    masks = await masks_of([await subjects.get(each) for each in owners])
    return {each.subject: {one: masks[one] for one in owners if owners[one] == each.subject} for each in found}


def _reasons(ended: Sequence[consent.bases.Ended], masks: dict[str, str]) -> tuple[str, ...]:
    """Which basis ended when and how, each sentence once."""
    return tuple(dict.fromkeys(_reason(each, masks.get(each.identifier, "")) for each in ended))


def _reason(ended: consent.bases.Ended, address: str) -> str:
    told = {
        "purpose": ended.purpose.title,
        "channel": consent.channel_name(ended.channel),
        "day": date_text(ended.at),
        "address": address,
    }
    if ended.how == "retired":
        return _("%(purpose)s (%(channel)s, %(address)s): we gave this purpose up on %(day)s.") % told
    if ended.how == "objected":
        return _("%(purpose)s (%(channel)s, %(address)s): they objected on %(day)s.") % told
    if ended.how == "joined":
        return _("%(purpose)s (%(channel)s, %(address)s): joined on %(day)s with a record that had refused it.") % told
    if ended.how == "lapsed" and ended.answer == "informed":
        return _("%(purpose)s (%(channel)s, %(address)s): what they were told as a customer ran out on %(day)s.") % told
    if ended.how == "lapsed":
        return _("%(purpose)s (%(channel)s, %(address)s): their yes ran out on %(day)s.") % told
    if ended.answer == "informed":
        return _("%(purpose)s (%(channel)s, %(address)s): they refused on %(day)s what they were told as a customer.") % told
    return _("%(purpose)s (%(channel)s, %(address)s): they took their yes back on %(day)s.") % told


async def _without_a_word(person: subjects.Person) -> list[tuple[str, str]]:
    """Title and basis of what is in force for everybody with such an address, whatever they said."""
    kinds = {each.kind for each in person.identifiers if each.erased_at is None}
    return [
        (each.title, consent.basis_sentence(each.basis))
        for each in await consent.purposes()
        if each.default != "off" and any(not kinds.isdisjoint(CHANNELS[channel]) for channel in each.channels)
    ]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as problem:
        raise Invalid(_("Please look at the marked fields."), {"until": _("This is no day.")}) from problem


routes = [
    get("/admin/no-basis", show, guard=officer("people.see")),
    get("/admin/people/{subject}/no-basis", show_person, guard=officer("people.see")),
    post("/admin/people/{subject}/no-basis/erasure", open_erasure, guard=officer("cases.process")),
    post("/admin/people/{subject}/no-basis/keeping", keep, guard=officer("people.change")),
    post("/admin/cases/{case}/ending", end, guard=officer("cases.process")),
]
