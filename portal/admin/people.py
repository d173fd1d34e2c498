"""One person whole: addresses, what is on and why, history, requests. Found by an exact address; every look is recorded."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, connectors, consent, db, subjects
from portal.admin import events
from portal.admin.menu import desk
from portal.lib.errors import Invalid, NotFound
from portal.pages import form, get, officer, post
from portal.paper import _


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
            payload={"by": kind, "found": found is not None},
        )
    if found is None:
        nobody = {"address": _("We hold nothing under this address.")}
        return desk(request, "admin/people.html", 404, given={"address": given}, wrong=nobody)
    return RedirectResponse(f"/admin/people/{found.subject}", 303)


async def show(request: Request) -> Response:
    subject = request.path_params["subject"]
    person = await subjects.whole(subject)
    if not person.identifiers:
        raise NotFound(_("There is no such person."))
    async with db.writing():
        await audit.record(events.LOOKED, actor=f"officer:{request.state.officer.id}", subject=subject, object="person")
    values = await subjects.values_of(person.identifiers)
    cells = [cell for cell in await consent.choices(subject) if cell.topic is None and cell.identifier is not None]
    titles = {each.key: each.title for each in await consent.purposes()}
    return desk(
        request,
        "admin/person.html",
        person=person,
        values=values,
        cells=cells,
        titles=titles,
        history=await consent.history(subject, limit=100),
        deaf=await _deaf(subject),
    )


async def _deaf(subject: str) -> list[str]:
    """The systems that have not taken this person's words for over an hour."""
    late = await consent.standings.unconfirmed(subject)
    return [each.title for each in connectors.systems() if each.name in late]


routes = [
    get("/admin/people", ask, guard=officer("people.see")),
    post("/admin/people", find, guard=officer("people.see")),
    get("/admin/people/{subject}", show, guard=officer("people.see")),
]
