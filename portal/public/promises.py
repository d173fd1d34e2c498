"""What the company publishes: the mission statement and the notices, each with its earlier editions and what changed.

An edition's page shows the stored bytes, never a new rendering (GDPR Art. 5(2), 12-14).
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import documents, statement
from portal.documents import Edition
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.pages import anyone, get, page
from portal.paper import _, language


async def show_statement(request: Request) -> Response:
    """The mission statement in force, with what was measured beside each promise."""
    found = await statement.page(language())
    return await _show(request, found.edition, found)


async def list_notices(request: Request) -> Response:
    keys = await documents.keys("notice")
    return page(request, "public/notices.html", notices=[await documents.in_force(key, language()) for key in keys])


async def show_notice(request: Request) -> Response:
    edition = await documents.in_force(request.path_params["key"], language())
    if edition.kind == "purpose":
        raise NotFound(_("There is no page at this address."))
    return await _show(request, edition)


async def show_edition(request: Request) -> Response:
    """One edition by its full name, for ever at the same address: `/texts/newsletter@7/en`."""
    edition = await documents.named("{key}@{number}/{language}".format(**request.path_params))
    return await _show(request, edition)


async def show_changes(request: Request) -> Response:
    """What changed from the edition before, word by word."""
    newer = await documents.named("{key}@{number}/{language}".format(**request.path_params))
    if newer.number == 1:
        return RedirectResponse(f"/texts/{newer.name}", 303)
    older = await documents.numbered(newer.key, newer.number - 1, newer.language)
    return page(request, "public/changes.html", older=older, newer=newer, compared=documents.compare(older, newer))


async def _show(request: Request, edition: Edition, promises: statement.Page | None = None) -> Response:
    others = [each for each in await documents.editions(edition.key) if each.language == edition.language]
    in_force = edition.in_force_from <= clock.now() and not any(
        each.number > edition.number and each.in_force_from <= clock.now() for each in others
    )
    text = edition.html.decode()
    return page(request, "public/text.html", edition=edition, text=text, editions=others, in_force=in_force, promises=promises)


routes = [
    get("/promises", show_statement, guard=anyone),
    get("/notices", list_notices, guard=anyone),
    get("/notices/{key}", show_notice, guard=anyone),
    get("/texts/{key}@{number:int}/{language}", show_edition, guard=anyone),
    get("/texts/{key}@{number:int}/{language}/changes", show_changes, guard=anyone),
]
