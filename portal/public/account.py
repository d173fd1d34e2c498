"""A customer goes to the company's own sign-in and comes back: instead of a mail, for whoever has an account there.

The browser is sent on by a page, not by the answer to its form: our forms may lead nowhere but to us (CSP form-action).
"""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import cases, db, identity
from portal.lib import ids
from portal.lib.errors import Refusal
from portal.pages import A_YEAR, anyone, cookie, form, get, keep_cookie, page, post
from portal.paper import _
from portal.public.proofs import go_on
from portal.public.sign_in import ASKS_PER_HOUR, sign_in_page
from portal.shield import client_network


async def go(request: Request) -> Response:
    await db.throttle(
        f"ask:{client_network(request)}",
        limit=ASKS_PER_HOUR,
        per=timedelta(hours=1),
        sentence=_("There were many requests from your network. Please try again in a while."),
    )
    browser = cookie(request, "browser") or ids.secret(128)
    try:
        address = await identity.openid.begin(browser, **await _purpose(request))
    except Refusal as problem:
        return sign_in_page(request, problem)
    response = page(request, "public/to-account.html", address=address)
    return keep_cookie(response, "browser", browser, seconds=A_YEAR)


async def _purpose(request: Request) -> dict[str, Any]:
    """A request that waits for its proof, a visit that proves itself anew, or else a new visit."""
    given, session = await form(request), request.state.customer
    if reference := given.get("reference"):
        return {"use": "request", "bound_to": (await cases.status_for_person(reference)).id}
    if session is not None and given.get("again"):
        return {"use": "step-up", "bound_to": session.id, "subject": session.subject}
    return {}


async def back(request: Request) -> Response:
    try:
        proof = await identity.openid.finish(request.query_params, cookie(request, "browser"))
        return await go_on(request, proof)
    except Refusal as problem:
        return sign_in_page(request, problem)


routes = [
    post(identity.openid.BACK, go, guard=anyone),
    get(identity.openid.BACK, back, guard=anyone),
]
