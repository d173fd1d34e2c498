"""The whole site on one page: doors, middleware, what each refusal looks like, and what lives while it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from portal import admin, api, cases, consent, db, demo, identity, problems, public, settings, sites, vault, widget
from portal.lib import ids
from portal.lib.errors import Refusal, TooMany
from portal.pages import page
from portal.paper import STATIC, _, in_language, static
from portal.shield import BodyTooLarge, Shield, outside, plain, too_large
from portal.worker import work

log = structlog.get_logger("portal")


class _Static(StaticFiles):
    """Our own files under an address that carries their hash, so a browser keeps them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        wanted, _slash, name = path.partition("/")
        response = await super().get_response(name, scope)
        # Under another version's hash the bytes may serve now, but nobody may keep them.
        if response.status_code in {200, 304} and static(name) == f"/static/{wanted}/{name}":
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


class _Compressed(GZipMiddleware):
    """Pages are compressed; answers for machines are too small to gain from it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        small = scope["type"] != "http" or problems.is_for_machines(scope["path"])
        await (self.app(scope, receive, send) if small else super().__call__(scope, receive, send))


def build() -> Starlette:
    consent.collection_points.points()  # a mistake in the file is told now, not at the first word from there
    cases.clocks.require_laws()  # so is one in a law's, not at the first request
    cases.conversation.require_answers()
    sites.sites()
    doors = [*api.routes, *widget.routes, *public.routes, *admin.routes, *(demo.routes if settings.get().demo else [])]
    site = Starlette(
        routes=[*doors, Mount("/static", _Static(directory=STATIC))],
        middleware=[Middleware(Shield), Middleware(_Compressed, minimum_size=1000)],
        exception_handlers={
            Refusal: _for_both(refused),
            HTTPException: _for_both(unknown_address),
            BodyTooLarge: body_too_large,
            ClientDisconnect: gone,
            **dict.fromkeys(db.trouble(), _for_both(unavailable)),
            Exception: broken,
        },
        lifespan=lifespan,
    )
    site.router.redirect_slashes = False  # such a redirect would be built from the Host header
    return site


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    await db.open_database()
    stop = asyncio.Event()
    counting = [asyncio.create_task(run(stop)) for run in (identity.run_counting, sites.traffic.run_counting)]
    worker: asyncio.Task[None] | None = None
    try:
        await vault.check_master_key()
        with suppress(*db.trouble()):  # with a full disk what is there is served all the same, and noted at a later start
            await sites.releases.note_releases()
        if settings.get().worker:
            worker = asyncio.create_task(work(stop))
        yield
    finally:
        stop.set()
        if worker is not None:
            await worker
        await asyncio.gather(*counting)
        await db.close()


def _for_both(page_for: Callable[[Request, Exception], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """A page for people, the same as problem+json for machines."""

    async def told(request: Request, problem: Exception) -> Response:
        if problems.is_for_machines(request.url.path):
            return await problems.answer(request, problem)
        return await page_for(request, problem)

    return told


async def refused(request: Request, problem: Exception) -> Response:
    """A room said no: its sentence, on a page that says what to do now."""
    assert isinstance(problem, Refusal)
    response = _sorry(request, problem.status, _("That did not work"), problem.sentence, unchanged=request.method == "POST")
    if isinstance(problem, TooMany):
        response.headers["retry-after"] = str(problem.retry_after)
    return response


async def unknown_address(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    heading = _("This page does not exist") if problem.status_code == 404 else _("That did not work")
    return _sorry(request, problem.status_code, heading, _("The address may be mistyped, or the page has moved."))


async def body_too_large(request: Request, problem: Exception) -> Response:
    return plain(request.url.path, too_large(request.url.path), 413)


async def gone(request: Request, problem: Exception) -> Response:
    """The sender left, or was hung up on, before the body ended: no mistake of ours, and nobody reads this."""
    return Response(status_code=400)


async def unavailable(request: Request, problem: Exception) -> Response:
    """The database or its disk does not answer: nothing was changed, and it is worth trying again."""
    log.error("unavailable", exc_info=problem)
    status, sentence = problems.unavailable(problem)
    unchanged = request.method == "POST" and not isinstance(problem, db.OutcomeUnknown)
    response = _sorry(request, status, _("Not now"), sentence, unchanged=unchanged)
    response.headers["retry-after"] = "30"
    return response


async def broken(request: Request, problem: Exception) -> Response:
    """Something we did not expect: the person gets a reference, the log gets the rest."""
    spoken, headers = outside(request)
    with in_language(spoken):
        response = await (problems.answer if problems.is_for_machines(request.url.path) else _broken_page)(request, problem)
    response.headers.update(headers)
    return response


async def _broken_page(request: Request, problem: Exception) -> Response:
    reference = ids.new()[-12:]
    log.error("unexpected", reference=reference, exc_info=problem)
    sentence = _("It may not have been saved. Please look before you try again, and tell us this number if it stays: %(number)s")
    return _sorry(request, 500, _("Something went wrong on our side"), sentence % {"number": reference})


def _sorry(request: Request, status: int, heading: str, sentence: str, *, unchanged: bool = False) -> Response:
    said = {"heading": heading, "sentence": sentence, "unchanged": unchanged}
    if not request.url.path.startswith("/admin"):
        return page(request, "public/error.html", status, **said, way_out=None)
    frame = admin.desk if getattr(request.state, "officer", None) else page
    return frame(request, "admin/error.html", status, **said)
