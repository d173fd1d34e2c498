"""The addresses we know of the person who is signed in: which are theirs, which others read too, which they have left."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import consent, subjects
from portal.identity import Session
from portal.lib.errors import Invalid, NotAllowed, NotFound
from portal.pages import CUSTOMER, customer, drop_cookie, form, post
from portal.paper import _


@dataclass(frozen=True)
class Address:
    """`state`: mine, shared or left; `current`: this visit began with it."""

    id: str
    mask: str
    state: str
    confirmed: bool
    current: bool


async def say(request: Request) -> Response:
    """What the person says about one address; leaving the one of this visit ends it."""
    session: Session = request.state.customer
    identifier = await _own(session, request.path_params["identifier"])
    said = (await form(request)).get("is", "")
    if not await is_their_own(session):
        raise NotAllowed(_("Several people use the address you signed in with. Please sign in with one that is yours alone."))
    by, subject = f"customer:{session.subject}", session.subject or ""
    if said == "left":
        await consent.addresses.not_theirs(identifier, subject=subject, by=by)
    elif said in ("shared", "mine"):
        await consent.addresses.theirs(identifier, subject=subject, shared=said == "shared", by=by)
    else:
        raise Invalid(_("Please choose one of the answers offered."))
    if identifier == session.identifier and said == "left":
        return drop_cookie(RedirectResponse("/", 303), CUSTOMER)
    return RedirectResponse("/preferences#addresses", 303)


async def _own(session: Session, identifier: str) -> str:
    if identifier not in {each.id for each in (await subjects.whole(session.subject or "")).identifiers}:
        raise NotFound(_("There is no such address."))
    return identifier


async def is_their_own(session: Session) -> bool:
    """A family's or a role's address may stop everything and sees it, but switches nothing on for others."""
    return (await subjects.get(session.identifier or "")).audience == "person"


async def only_with_their_own(session: Session) -> None:
    if not await is_their_own(session):
        raise NotAllowed(_("Several people use the address you signed in with, so it can switch things off but not on."))


async def addresses_of(session: Session) -> list[Address]:
    mine = [each for each in (await subjects.whole(session.subject or "")).identifiers if each.erased_at is None]
    values = await subjects.values_of(mine)
    states = {subjects.FORMER: "left", "person": "mine"}
    return [
        Address(
            id=each.id,
            mask=_("A browser of yours") if each.kind == "device" else subjects.mask(each.kind, values[each.id] or ""),
            state=states.get(each.audience, "shared"),
            confirmed=each.verified_at is not None or each.kind == "device",  # by the proof that it held
            current=each.id == session.identifier,
        )
        for each in mine
    ]


routes = [post("/preferences/addresses/{identifier}", say, guard=customer)]
