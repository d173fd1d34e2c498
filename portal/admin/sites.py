"""Websites that embed the script: what to paste there, whether it is heard of, what visitors answer, what was found
on its pages, and a preview.

A site is added in policies/sites.toml and published like every text; here its owner gets what belongs into the site.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from portal import sites
from portal.admin.menu import desk
from portal.admin.step_up import is_due, kept, step_up
from portal.lib.errors import Conflict, NotAllowed, NotFound, TooMany
from portal.pages import form, get, officer, page, post
from portal.paper import language
from portal.sites import Site, inventory

DAYS = 30
WIDE, HIGH = 10, 48  # of one day's bar


@dataclass(frozen=True)
class Chart:
    """One purpose: how many said yes and no, and for each day the two parts of its bar (place, top, height)."""

    title: str
    yes: int
    no: int
    days: list[tuple[date, int, int]]
    bars: list[tuple[int, float, float, float]]

    @property
    def rate(self) -> int:
        return round(100 * self.yes / (self.yes + self.no)) if self.yes + self.no else 0


async def show(request: Request) -> Response:
    since = _since()
    lines = []
    for site in sites.sites().values():
        answers = [each.number for each in await sites.counts.days(site.name, since) if not each.purpose]
        lines.append((site, await sites.traffic.last(site.name), sum(answers)))
    return desk(request, "admin/sites.html", lines=lines, seen=sites.traffic.SETTINGS, days=DAYS)


async def show_one(request: Request) -> Response:
    return await _page(request, {})


async def preview(request: Request) -> Response:
    """The real script on a page of ours: it asks, and its answers change nothing."""
    site = _site(request)
    shown = sites.texts.in_language_of(await sites.texts.texts_of(site), request.query_params.get("lang", "")[:20] or language())
    script = sites.releases.current(sites.releases.SCRIPT)
    return page(request, "admin/site-preview.html", site=site, shown=shown, key=sites.key_of(site), script=script)


async def make_secret(request: Request) -> Response:
    """The answer is the only page that ever shows it."""
    site = _site(request)
    try:
        await step_up(request, (await form(request)).get("code", ""))
        secret = await sites.links.make_secret(site, by=f"officer:{request.state.officer.id}")
    except (NotAllowed, Conflict, TooMany) as problem:
        response = await _page(request, {"code": problem.sentence}, problem.status)
        if isinstance(problem, TooMany):
            response.headers["retry-after"] = str(problem.retry_after)
        return response
    return kept(request, desk(request, "admin/site-secret.html", site=site, secret=secret))


async def _page(request: Request, wrong: dict[str, str], status: int = 200) -> Response:
    site = _site(request)
    spoken = request.query_params.get("lang", "")
    try:
        texts = await sites.texts.texts_of(site)
        pasted = sites.snippet(site, spoken if spoken in texts.latest else "")
    except NotFound as problem:  # not published, or the script was not built
        return desk(request, "admin/site.html", status, site=site, missing=problem.sentence)
    shown = sites.texts.in_language_of(texts, language())
    return desk(
        request,
        "admin/site.html",
        status,
        site=site,
        missing="",
        shown=shown,
        languages_of=sorted(texts.latest),
        spoken=spoken,
        pasted=pasted,
        last=await sites.traffic.last(site.name),
        hows=await _hows(site),
        charts=await _charts(site, [(each.key, each.title) for each in shown.asks.values() if not each.needed]),
        scan=await inventory.latest(site),
        in_words=inventory.in_words,
        script_in_words=inventory.script_in_words,
        has_secret=await sites.links.has_secret(site),
        due=is_due(request),
        wrong=wrong,
        days=DAYS,
        wide=WIDE * DAYS,
        high=HIGH,
    )


async def _hows(site: Site) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in await sites.counts.days(site.name, _since()):
        if not each.purpose:
            found[each.how] += each.number
    return found


async def _charts(site: Site, purposes: Sequence[tuple[str, str]]) -> list[Chart]:
    counted: Counter[tuple[str, date, str]] = Counter()
    for each in await sites.counts.days(site.name, _since()):
        counted[each.purpose, each.day, each.answer] += each.number
    days = [_since() + timedelta(days=number) for number in range(DAYS)]
    found = {key: [(day, counted[key, day, "yes"], counted[key, day, "no"]) for day in days] for key, _title in purposes}
    most = max([yes + no for each in found.values() for _day, yes, no in each], default=0)
    return [_chart(title, found[key], most) for key, title in purposes]


def _chart(title: str, days: list[tuple[date, int, int]], most: int) -> Chart:
    """Yes stands on the ground, no on top of it; the highest day of all purposes fills the picture."""
    bars = []
    for number, (_day, yes, no) in enumerate(days):
        tall, part = ((yes + no) * HIGH / most, yes * HIGH / most) if most else (0.0, 0.0)
        bars.append((number * WIDE, round(HIGH - tall, 2), round(HIGH - part, 2), round(part, 2)))
    return Chart(title, sum(yes for _day, yes, _no in days), sum(no for _day, _yes, no in days), days, bars)


def _site(request: Request) -> Site:
    return sites.named(request.path_params["site"])


def _since() -> date:
    return sites.counts.today() - timedelta(days=DAYS - 1)


routes = [
    get("/admin/sites", show, guard=officer("sites.see")),
    get("/admin/sites/{site}", show_one, guard=officer("sites.see")),
    get("/admin/sites/{site}/preview", preview, guard=officer("sites.see")),
    post("/admin/sites/{site}/secret", make_secret, guard=officer("sites.change")),
]
