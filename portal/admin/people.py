"""One person whole: addresses, what is on and why, history, requests. Found by an exact address; every look is recorded."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, cases, connectors, consent, db, subjects
from portal.admin import duplicates, events
from portal.admin.duplicates import masks_of, why_short
from portal.admin.menu import desk
from portal.admin.words import audience_name, kind_name
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.pages import form, get, officer, post
from portal.paper import _

AUDIENCES = ("person", "shared", "role")


async def ask(request: Request) -> Response:
    return desk(request, "admin/people.html", given={}, wrong={})


async def find(request: Request) -> Response:
    """By e-mail address or phone number; nothing is listed, so nobody browses people.

    That somebody asked is recorded, found or not: the answer tells something either way. The address is not.
    """
    given = (await form(request)).get("address", "")
    kind = "email" if "@" in given else "phone"
    try:
        found = await subjects.find(kind, given)
    except Invalid as problem:
        return desk(request, "admin/people.html", 422, given={"address": given}, wrong={"address": problem.sentence})
    async with db.writing():
        await audit.record(
            events.SOUGHT,
            actor=f"officer:{request.state.officer.id}",
            subject=found.subject if found else None,
            object="person",
            payload={"by": kind, "found": found is not None, "role": _role(request)},
        )
    if found is None:
        nobody = {"address": _("We hold nothing under this address.")}
        return desk(request, "admin/people.html", 404, given={"address": given}, wrong=nobody)
    return RedirectResponse(f"/admin/people/{found.subject}", 303)


async def show(request: Request) -> Response:
    return await _page(request, {}, {})


async def compare(request: Request) -> Response:
    """With the record behind another address, which the officer knows; recorded like every other question."""
    subject, given = request.path_params["subject"], (await form(request)).get("address", "")
    try:
        found = await subjects.find("email" if "@" in given else "phone", given)
    except Invalid as problem:
        return await _page(request, {"address": given}, {"address": problem.sentence})
    async with db.writing():
        by, payload = f"officer:{request.state.officer.id}", {"found": found is not None, "role": _role(request)}
        await audit.record(events.SOUGHT, actor=by, subject=found.subject if found else None, object="duplicate", payload=payload)
    if found is None:
        return await _page(request, {"address": given}, {"address": _("We hold nothing under this address.")})
    if found.subject == (await subjects.whole(subject)).subjects[0]:
        return await _page(request, {"address": given}, {"address": _("This address is this person's already.")})
    return RedirectResponse(f"/admin/people/{subject}/with/{found.subject}", 303)


async def split(request: Request) -> Response:
    """Takes a link back: what was linked with this address stands for itself again, exactly as before."""
    identifier = await _own(request)
    async with db.writing():
        await subjects.split(identifier.id, by=f"officer:{request.state.officer.id}", why="not the same person")
    return RedirectResponse(f"/admin/people/{identifier.home}/with/{request.path_params['subject']}", 303)


async def set_audience(request: Request) -> Response:
    """A family's or a role's address may refuse for its users, and never opts others in."""
    identifier, audience = await _own(request), (await form(request)).get("audience", "")
    if audience not in AUDIENCES:
        raise Invalid(_("Say who uses this address."), {"audience": _("Choose one of these.")})
    async with db.writing():
        await subjects.set_audience(identifier.id, audience, by=f"officer:{request.state.officer.id}")
    return RedirectResponse(f"/admin/people/{request.path_params['subject']}", 303)


async def _own(request: Request) -> subjects.Identifier:
    """An address of this person that is neither erased nor left."""
    for each in (await subjects.whole(request.path_params["subject"])).identifiers:
        if each.id == request.path_params["identifier"]:
            if each.erased_at is not None or each.audience == subjects.FORMER:
                raise Conflict(_("This address is no longer used."))
            return each
    raise NotFound(_("There is no such address."))


async def _page(request: Request, given: dict[str, str], wrong: dict[str, str]) -> Response:
    subject = request.path_params["subject"]
    person = await subjects.whole(subject)
    if not person.identifiers:
        raise NotFound(_("There is no such person."))
    if closed := await subjects.evidence.closed(subject):
        return desk(request, "admin/person-erased.html", closed=closed, subject=subject)
    async with db.writing():
        by, said = f"officer:{request.state.officer.id}", {"role": _role(request)}
        await audit.record(events.LOOKED, actor=by, subject=subject, object="person", payload=said)
    values = await subjects.values_of(person.identifiers)
    cells = [cell for cell in await consent.choices(subject) if cell.topic is None and cell.identifier is not None]
    titles = {each.key: each.title for each in await consent.purposes()}
    hints = await subjects.duplicates.of_person(subject)
    return desk(
        request,
        "admin/person.html",
        422 if wrong else 200,
        person=person,
        values=values,
        cells=cells,
        titles=titles,
        history=await consent.history(subject, limit=100),
        deaf=await _deaf(subject),
        hints=hints,
        masks=await masks_of([end for each in hints for end in (each.first, each.second)]),
        why_short=why_short,
        legal_holds=await cases.legal_holds.of_person(subject),
        no_basis=await cases.basis_proposals.of_person(person.subjects[0]),
        kept=await cases.basis_proposals.kept(subject),
        kind_name=kind_name,
        audience_name=audience_name,
        audiences=AUDIENCES,
        given=given,
        wrong=wrong,
    )


def _role(request: Request) -> str:
    """What the person is told of who looked, instead of a name."""
    return str(request.state.officer.role_for("people.see"))


async def _deaf(subject: str) -> list[str]:
    """The systems that have not taken this person's words for over an hour."""
    late = await consent.standings.unconfirmed(subject)
    return [each.title for each in connectors.systems() if each.name in late]


routes = [
    get("/admin/people", ask, guard=officer("people.see")),
    post("/admin/people", find, guard=officer("people.see")),
    get("/admin/people/{subject}", show, guard=officer("people.see")),
    post("/admin/people/{subject}/comparison", compare, guard=officer("people.change")),
    post("/admin/people/{subject}/addresses/{identifier}/split", split, guard=officer("people.change")),
    post("/admin/people/{subject}/addresses/{identifier}/audience", set_audience, guard=officer("people.change")),
    *duplicates.routes,
]
