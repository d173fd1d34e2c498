"""Prepares a website: an officer fills in a form and gets the section for policies/sites.toml, ready to paste.

It changes nothing. What sites ask is kept in the file and published as an edition with the company's other words, so the
back office does not write it; it spares whoever keeps the file the syntax, and tells mistakes where they were made.
"""

from babel import Locale
from starlette.requests import Request
from starlette.responses import Response

from portal import consent, settings
from portal.admin.menu import desk
from portal.consent import Purpose
from portal.lib.errors import Invalid
from portal.pages import form, get, officer, post
from portal.paper import _, language
from portal.sites import drafts, sites_file


async def ask(request: Request) -> Response:
    return _page(request, drafts.Draft(), await consent.purposes())


async def prepare(request: Request) -> Response:
    draft, purposes = drafts.Draft(), await consent.purposes()
    try:
        draft = await _draft(request)
        drafts.check(draft, purposes)
    except Invalid as problem:
        return _page(request, draft, purposes, problem=problem)
    return _page(request, draft, purposes, section=drafts.section(draft))


async def _draft(request: Request) -> drafts.Draft:
    fields, several = await form(request), await request.form()
    fields = {name: value.replace("\r\n", "\n") for name, value in fields.items()}
    lines = [each.partition("=") for each in _lines_of(fields.get("regions", ""))]
    return drafts.Draft(
        name=fields.get("name", ""),
        title=fields.get("title", ""),
        origins=tuple(_lines_of(fields.get("origins", ""))),
        asks=tuple(str(each) for each in several.getlist("asks")),
        forms=tuple(str(each) for each in several.getlist("forms")),
        sells="sells" in fields,
        law=fields.get("law", ""),
        regions=tuple((region.strip(), law.strip().strip('"')) for region, _equals, law in lines),
        texts=tuple(
            (spoken, fields.get(f"title-{spoken}", ""), fields.get(f"body-{spoken}", ""))
            for spoken in settings.get().language_list
        ),
    )


def _page(
    request: Request, draft: drafts.Draft, purposes: list[Purpose], *, section: str = "", problem: Invalid | None = None
) -> Response:
    texts = {spoken: (title, body) for spoken, title, body in draft.texts}
    spoken = [(each, str(Locale.parse(each).get_display_name(language()))) for each in settings.get().language_list]
    return desk(
        request,
        "admin/site-new.html",
        422 if problem else 200,
        draft=draft,
        section=section,
        sentence=problem.sentence if problem else "",
        wrong=problem.fields if problem else {},
        for_visitors=[(each.key, each.title, each.what) for each in drafts.for_visitors(purposes)],
        for_forms=[(each.key, each.title, "") for each in drafts.for_forms(purposes)],
        laws=[(each, law_name(each)) for each in sites_file.LAWS],
        regions="\n".join(f"{region} = {law}" for region, law in draft.regions),
        texts=[(each, name, *texts.get(each, ("", ""))) for each, name in spoken],
        longest=sites_file.LONGEST,
    )


def law_name(law: str) -> str:
    """What a law of sites.toml means for a visitor who has not answered."""
    return {"opt-in": _("Nothing without a yes (opt-in)"), "opt-out": _("Allowed until a no (opt-out)")}[law]


def _lines_of(text: str) -> list[str]:
    return [each.strip() for each in text.splitlines() if each.strip()]


routes = [
    get("/admin/sites/new", ask, guard=officer("sites.change")),
    post("/admin/sites/new", prepare, guard=officer("sites.change")),
]
