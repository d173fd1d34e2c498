"""A customer signs in without a password: an address is typed, a mail brings a link and a code, either will do.

Known and unknown addresses get the same page in the same time (ASVS 5.0 V6.3.8).
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import db, identity, subjects
from portal.lib.errors import Invalid, Refusal
from portal.pages import (
    CUSTOMER,
    anyone,
    cookie,
    customer,
    drop_cookie,
    form,
    get,
    keep_cookie,
    local_path,
    page,
    post,
    remember_browser,
)
from portal.paper import _, language
from portal.shield import client_network

ASKS_PER_HOUR = 60


async def show(request: Request) -> Response:
    return remember_browser(request, sign_in_page(request))


def sign_in_page(request: Request, problem: Refusal | None = None, *, address: str | None = None) -> Response:
    """The page that asks who it is, with what went wrong: with the typed address, or else with the whole."""
    sentence = problem.sentence if problem else ""
    return page(
        request,
        "public/sign-in.html",
        problem.status if problem else 200,
        address=address or "",
        errors={} if address is None else {"email": sentence},
        sentence=sentence if address is None else "",
        account=identity.openid.is_offered(),
    )


async def ask(request: Request) -> Response:
    fields = await form(request)
    try:
        challenge = await ask_for_proof(request, fields.get("email", ""), use="sign-in")
    except Invalid as problem:
        return sign_in_page(request, problem, address=fields.get("email", ""))
    return RedirectResponse(f"/proofs/{challenge.id}", 303)


async def ask_for_proof(request: Request, address: str, *, use: str, bound_to: str = "") -> identity.Challenge:
    """Mail a link and a code; counted per network before anything else happens."""
    await db.throttle(
        f"ask:{client_network(request)}",
        limit=ASKS_PER_HOUR,
        per=timedelta(hours=1),
        sentence=_("There were many requests from your network. Please try again in a while."),
    )
    browser = cookie(request, "browser") or None
    return await identity.challenge(address, use=use, bound_to=bound_to, language=language(), browser=browser)


async def ask_again_who(request: Request) -> Response:
    """A signed-in customer proves once more that it is them, before a download or another serious step."""
    address = await subjects.value_of(await subjects.get(request.state.customer.identifier)) or ""
    challenge = await ask_for_proof(request, address, use="step-up", bound_to=request.state.customer.id)
    response = RedirectResponse(f"/proofs/{challenge.id}", 303)
    wanted = (await form(request)).get("next", "/")
    return keep_cookie(response, "next", local_path(wanted, "/"), seconds=900)


async def leave(request: Request) -> Response:
    if request.state.customer:
        await identity.close_session(request.state.customer.id, by=request.state.customer)
    return drop_cookie(RedirectResponse("/", 303), CUSTOMER)


async def leave_everywhere(request: Request) -> Response:
    await identity.sign_out_everywhere(request.state.customer)
    return drop_cookie(RedirectResponse("/", 303), CUSTOMER)


routes = [
    get("/sign-in", show, guard=anyone),
    post("/sign-in", ask, guard=anyone),
    post("/sign-in/again", ask_again_who, guard=customer),
    post("/sign-out", leave, guard=anyone),
    post("/sign-out/everywhere", leave_everywhere, guard=customer),
]
