"""The code of a letter comes back: for people whom no mail reaches (GDPR Art. 12(2), (6)). Nobody is signed in by it.

The code alone names the request: who lost the mailbox may have lost the request's number too.
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases, db
from portal.lib.errors import Refusal
from portal.pages import anyone, form, get, page, post
from portal.paper import _
from portal.shield import client_network

TRIES_PER_HOUR = 10


async def show(request: Request) -> Response:
    return page(request, "public/letter.html", errors={})


async def take(request: Request) -> Response:
    try:
        await db.throttle(
            f"letter code:{client_network(request)}",
            limit=TRIES_PER_HOUR,
            per=timedelta(hours=1),
            sentence=_("Many codes were tried from your network. Please try again in a while."),
        )
        reference = await cases.proving.take_letter_code((await form(request)).get("code", ""))
    except Refusal as problem:
        return page(request, "public/letter.html", problem.status, errors={"code": problem.sentence})
    return RedirectResponse(f"/requests/{reference}", 303)


routes = [get("/letter", show, guard=anyone), post("/letter", take, guard=anyone)]
