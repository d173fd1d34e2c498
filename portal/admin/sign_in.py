"""Officers come in: an invitation, a password, a second factor. Their cookie is their own, never the customers'."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import identity
from portal.admin.menu import first_page
from portal.lib.errors import NotAllowed, Refusal, TooMany
from portal.pages import (
    OFFICER,
    anyone,
    cookie,
    drop_cookie,
    form,
    get,
    keep_cookie,
    local_path,
    page,
    post,
    remember_browser,
)
from portal.shield import client_network

HALF = "half"
HALF_SECONDS = 600


async def show(request: Request) -> Response:
    return remember_browser(request, page(request, "admin/sign-in.html", email="", wrong=""))


async def take_password(request: Request) -> Response:
    fields = await form(request)
    email = fields.get("email", "")
    try:
        half = await identity.sign_in(
            email, fields.get("password", ""), browser=cookie(request, "browser"), network=client_network(request)
        )
    except Refusal as problem:
        response: Response = page(request, "admin/sign-in.html", problem.status, email=email, wrong=problem.sentence)
        if isinstance(problem, TooMany):
            response.headers["retry-after"] = str(problem.retry_after)
        return response
    return _to_code(half)


async def show_code(request: Request) -> Response:
    setup = await identity.pending_setup(cookie(request, HALF))
    return page(request, "admin/code.html", setup=setup, wrong="")


async def take_code(request: Request) -> Response:
    fields = await form(request)
    try:
        token = await identity.second_factor(
            cookie(request, HALF),
            fields.get("code", ""),
            browser=cookie(request, "browser"),
            device=request.headers.get("user-agent", "")[:100],
        )
    except Refusal as problem:
        setup = await _setup_of(request)
        return page(request, "admin/code.html", problem.status, setup=setup, wrong=problem.sentence)
    wanted = local_path(cookie(request, "next"), await _first_page(token))
    response = drop_cookie(drop_cookie(RedirectResponse(wanted, 303), HALF), "next")
    return keep_cookie(response, OFFICER, token)


async def show_invitation(request: Request) -> Response:
    invited = await identity.invited(request.path_params["secret"])
    response = page(request, "admin/invitation.html", invited=invited, secret=request.path_params["secret"], errors={})
    response.headers["referrer-policy"] = "no-referrer"
    return remember_browser(request, response)


async def take_invitation(request: Request) -> Response:
    secret = request.path_params["secret"]
    try:
        setup = await identity.accept(secret, (await form(request)).get("password", ""))
    except Refusal as problem:
        invited = await identity.invited(secret)
        errors = {"password": problem.sentence}
        return page(request, "admin/invitation.html", problem.status, invited=invited, secret=secret, errors=errors)
    return _to_code(setup.half)


async def leave(request: Request) -> Response:
    token = cookie(request, OFFICER)
    running = await identity.session(token, OFFICER) if token else None
    if running:
        await identity.close_session(running.id, by=running)
    return drop_cookie(RedirectResponse("/admin/sign-in", 303), OFFICER)


def _to_code(half: str) -> Response:
    return keep_cookie(RedirectResponse("/admin/sign-in/code", 303), HALF, half, seconds=HALF_SECONDS)


async def _first_page(token: str) -> str:
    session = await identity.session(token, OFFICER)
    return first_page(await identity.officer(session.officer)) if session and session.officer else "/admin"


async def _setup_of(request: Request) -> identity.Setup | None:
    """After a wrong code: what to scan stays on the page, unless that was the last try."""
    try:
        return await identity.pending_setup(cookie(request, HALF))
    except NotAllowed:
        return None


routes = [
    get("/admin/sign-in", show, guard=anyone),
    post("/admin/sign-in", take_password, guard=anyone),
    get("/admin/sign-in/code", show_code, guard=anyone),
    post("/admin/sign-in/code", take_code, guard=anyone),
    get("/admin/invitation/{secret}", show_invitation, guard=anyone),
    post("/admin/invitation/{secret}", take_invitation, guard=anyone),
    post("/admin/sign-out", leave, guard=anyone),
]
