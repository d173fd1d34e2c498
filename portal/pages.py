"""How a door answers a browser, and who may come in: every route is made by `get` or `post` and names its guard.

A page and its refresh share one template: with `HX-Request` the fragment answers, without it a redirect (303), so that
everything works without JavaScript.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from babel import Locale
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from tortoise.exceptions import ValidationError

from portal import db, documents, identity, settings, sites
from portal.lib import ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.paper import _, language, render

Handler = Callable[[Request], Awaitable[Response]]
Guard = Callable[[Request], Awaitable[Response | None]]

CUSTOMER, OFFICER, BROWSER = "customer", "officer", "browser"
SIGNAL, MOST_MARKS = "signal", 5
LONGEST_FIELD = 10_000
A_YEAR = 365 * 24 * 3600


def get(path: str, handler: Handler, *, guard: Guard) -> Route:
    return Route(path, _guarded(handler, guard), methods=["GET"])


def post(path: str, handler: Handler, *, guard: Guard) -> Route:
    return Route(path, _guarded(handler, guard), methods=["POST"])


async def anyone(request: Request) -> Response | None:
    """Guard: no sign-in needed; whoever is signed in is known all the same."""
    request.state.customer = await _session(request, CUSTOMER)
    return None


async def customer(request: Request) -> Response | None:
    """Guard: a signed-in customer, else to the sign-in page and back."""
    request.state.customer = await _session(request, CUSTOMER)
    if request.state.customer is None:
        return _to_sign_in(request, "/sign-in")
    if request.method == "GET" and "hx-request" not in request.headers:
        await _hear_signal(request)
    return None


def is_signalled(request: Request) -> bool:
    """Global Privacy Control, of which only exactly `1` counts."""
    return request.headers.get("sec-gpc") == "1"


def officer(action: str) -> Guard:
    """Guard: an officer whose roles allow `action` (identity/roles.py)."""

    async def guard(request: Request) -> Response | None:
        session = await _session(request, OFFICER)
        if session is None:
            return _to_sign_in(request, "/admin/sign-in")
        request.state.officer = await identity.officer(session.officer)
        request.state.officer_session = session
        identity.require(request.state.officer, action)
        return None

    guard.__name__ = f"officer({action})"
    return guard


def page(request: Request, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """A template with what every layout needs."""
    return HTMLResponse(render(template, **_for_layout(request), **context), status)


def part_or_redirect(request: Request, template: str, to: str, /, **context: Any) -> Response:
    """After a change: the fragment for htmx, a redirect to the page for everybody else."""
    if "hx-request" in request.headers:
        return page(request, template, **context)
    return RedirectResponse(to, 303)


async def form(request: Request) -> dict[str, str]:
    """The text fields of a form, trimmed; raises Invalid when one is unreadable or far too long."""
    given = await request.form(max_files=0, max_fields=1000)
    fields = {name: value.strip() for name, value in given.items() if isinstance(value, str)}
    for name, value in fields.items():
        if len(value) > LONGEST_FIELD or "\x00" in value or not _is_text(value):
            raise Invalid(_("A field holds more than we can take."), {name: _("Please shorten this text.")})
    return fields


def _is_text(value: str) -> bool:
    """Half of a surrogate pair is no text, whatever character set the sender named."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def local_path(wanted: str, otherwise: str) -> str:
    """`wanted` if it is a plain path on this site, for `next` fields; anything that could leave the site is not."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if plain and wanted.isprintable() and "\\" not in wanted else otherwise


def keep_cookie(response: Response, name: str, value: str, *, seconds: int | None = None) -> Response:
    """Set one of our cookies: out of reach of scripts, sent on our own site only."""
    response.set_cookie(_cookie(name), value, max_age=seconds, httponly=True, secure=_on_https(), samesite="lax", path="/")
    return response


def drop_cookie(response: Response, name: str) -> Response:
    # A browser lets go of a __Host- cookie only if this is as strict as what made it.
    response.delete_cookie(_cookie(name), path="/", httponly=True, secure=_on_https(), samesite="lax")
    return response


def cookie(request: Request, name: str) -> str:
    return request.cookies.get(_cookie(name), "")


def remember_browser(request: Request, response: Response) -> Response:
    """A random value that binds links to the browser that asked for them; it says nothing about the person."""
    if not cookie(request, "browser"):
        keep_cookie(response, "browser", ids.secret(128), seconds=A_YEAR)
    return response


def _cookie(name: str) -> str:
    return f"__Host-{name}" if _on_https() else name


def _on_https() -> bool:
    return settings.get().base_url.startswith("https:")


def _guarded(handler: Handler, guard: Guard) -> Handler:
    async def endpoint(request: Request) -> Response:
        try:
            response = await guard(request) or await handler(request)
        except ValidationError as problem:  # longer than anything its column can hold
            sentence = _("There is nothing of this name here.")
            raise (NotFound(sentence) if request.method == "GET" else Invalid(sentence)) from problem
        if (marks := getattr(request.state, "signal_marks", None)) is None:
            return response
        return keep_cookie(response, SIGNAL, marks, seconds=A_YEAR) if marks else drop_cookie(response, SIGNAL)

    endpoint.__name__ = handler.__name__
    endpoint.guard = guard  # type: ignore[attr-defined]  # read by the rule that every route names its guard
    return endpoint


async def _hear_signal(request: Request) -> None:
    """The signal of a customer's browser is an objection: recorded once for each of them, never again by the next page.

    The browser remembers whose it has told us; without the signal it forgets, so that one that is set again is heard.
    """
    subject, told = request.state.customer.subject, cookie(request, SIGNAL).split(".")
    with suppress(Conflict, Invalid, *db.trouble()):  # the page comes all the same, and the next one tries again
        if is_signalled(request) and (mark := await sites.signals.mark_of(subject)) and mark not in told:
            request.state.signal = await sites.signals.heard(subject)
            request.state.signal_marks = ".".join([mark, *filter(None, told)][:MOST_MARKS])
        elif not is_signalled(request) and any(told):
            request.state.signal_marks = ""


async def _session(request: Request, kind: str) -> Any:
    token = cookie(request, kind)
    return await identity.session(token, kind) if token else None


def _to_sign_in(request: Request, where: str) -> Response:
    if request.method != "GET":
        raise NotAllowed(_("You were signed out. Nothing was changed; sign in and try again."))
    target = quote(request.url.path) + (f"?{quote(request.url.query, safe='=&%+')}" if request.url.query else "")
    response = RedirectResponse(where, 303)
    return keep_cookie(response, "next", target, seconds=900)


def _for_layout(request: Request) -> dict[str, Any]:
    path = request.url.path
    other = "admin" if path.startswith("/admin") else "public"
    return {
        "company": documents.company(),
        "language": language(),
        "languages": [_language_link(code, path) for code in settings.get().language_list],
        "here": path.strip("/").split("/")[0 if other == "public" else -1],
        "session": getattr(request.state, "officer_session" if other == "admin" else "customer", None),
        "signal": getattr(request.state, "signal", ""),
    }


def _language_link(code: str, path: str) -> dict[str, str | None]:
    name = Locale.parse(code).get_language_name()
    return {"code": code, "name": name, "href": f"/language/{code}?{urlencode({'next': path})}"}
