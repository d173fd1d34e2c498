"""Looks at pages of a site as three visitors do: before any choice, after "no to all", after "yes to all".

Each time in a new profile of a headless Chromium, driven by Playwright, which comes with the tests and is no part of running
the portal. One load and a scroll to the foot: what waits for a press or a sign-in is not seen.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from portal import settings
from portal.lib.errors import Invalid, Unavailable
from portal.paper import _, language
from portal.sites import inventory, texts
from portal.sites.inventory import BEFORE, MISSING, NO, READY, SILENT, TESTING, YES, Look, Scan, Thing
from portal.sites.register import key_of
from portal.sites.sites_file import Site

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, Page, Request

QUIET, MOST_QUIET = 0.75, 10.0  # seconds without a request in flight, and how long we wait for them
READY_WITHIN = 10_000  # milliseconds
LONGEST = 90.0  # seconds for one look
LONGEST_NAME = 200
NEVER_END = ("ping", "eventsource", "websocket", "media")
TEST_MODE = {NO: "test:none", YES: "test:all"}

# The script may come late; a page that has none is not waited for.
AWAIT_SCRIPT = """async (most) => {
  if (!window.privacyChoices && !document.querySelector("script[data-site]")) return "missing";
  const ends = Date.now() + most;
  while (!window.privacyChoices && Date.now() < ends) await new Promise((then) => setTimeout(then, 50));
  const late = new Promise((then) => setTimeout(then, Math.max(0, ends - Date.now()), null));
  const seen = await Promise.race([window.privacyChoices?.ready, late]);
  const mode = document.querySelector("script[data-site]")?.dataset.mode ?? "";
  return seen ? { testing: mode.startsWith("test:"), answers: seen.answers } : "silent";
}"""
STORED = """() => ["localStorage", "sessionStorage"].map((store) => {
  try { return Object.keys(window[store]).slice(0, 1000) } catch { return [] }
})"""


async def scan(site: Site, addresses: Sequence[str], *, by: str) -> Scan:
    """Look at these pages, at the site's first one if none is named, and keep what was found.

    Raises Invalid for a page that is not the site's, NotFound for a site that is not published, Unavailable without a browser
    or when a page cannot be opened; then nothing is kept.
    """
    pages = [page_of(site, each) for each in addresses or [f"{site.origins[0]}/"]]
    shown = texts.in_language_of(await texts.texts_of(site), language())
    needed = frozenset(each.key for each in shown.asks.values() if each.needed)
    looks = await _look_at_all(site, pages, needed)
    scripts = [(look.page, look.script) for look in looks if look.when == BEFORE]
    return await inventory.keep(site, scripts, inventory.judge(site, looks), by=by)


def page_of(site: Site, address: str) -> str:
    """The address as it is opened; raises Invalid unless it is a page of one of the site's origins."""
    if _origin(address) not in site.origins:
        sentence = _("%(address)s is not a page of this site; its pages begin with: %(origins)s")
        raise Invalid(sentence % {"address": without_query(address), "origins": ", ".join(site.origins)})
    return address


def without_query(address: str) -> str:
    return _clean(address.partition("#")[0].partition("?")[0])


def _origin(address: str) -> str:
    """Scheme, host and port as browsers send it; "" for what is no plain address of the web."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}" + ("" if port in (None, usual) else f":{port}")


async def _look_at_all(site: Site, pages: Sequence[str], needed: frozenset[str]) -> list[Look]:
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        raise Unavailable(_("A scan needs Playwright. In the portal's folder, type: pip install '.[test]'")) from None
    async with async_playwright() as playwright:
        try:
            # Strangers' scripts run there: in Chromium's sandbox, which it does not have for root.
            browser = await playwright.chromium.launch(executable_path=_chromium(), chromium_sandbox=os.geteuid() != 0)
        except Error as problem:
            sentence = _("Chromium does not start. Say where it is, as in: CHROMIUM=/usr/bin/chromium portal sites scan …")
            raise Unavailable(f"{sentence} ({problem.message.splitlines()[0]})") from None
        try:
            return [await _look(browser, site, page, when, needed) for page in pages for when in (BEFORE, NO, YES)]
        except Error as problem:
            sentence = _("A page could not be looked at; nothing was kept.")
            raise Unavailable(f"{sentence} ({_clean(problem.message.splitlines()[0].partition('?')[0])})") from None
        finally:
            await browser.close()


def _chromium() -> str | None:
    """CHROMIUM, or a system's package; without both Playwright takes the one that it installed itself."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


async def _look(browser: "Browser", site: Site, address: str, when: str, needed: frozenset[str]) -> Look:
    context = await browser.new_context(accept_downloads=False)
    try:
        async with asyncio.timeout(LONGEST):
            if mode := TEST_MODE.get(when):
                await context.add_init_script(f'if (window === top) window.privacyChoicesTest = "{mode}"')
            page = await context.new_page()
            traffic = _Traffic(site)
            context.on("request", traffic.began)
            context.on("requestfinished", traffic.ended)
            context.on("requestfailed", traffic.ended)
            page.on("websocket", lambda socket: traffic.note("host", socket.url))
            script, answers = await _open(page, site, address, traffic)
            came, stopped = traffic.things()
            things = came | await _stored(page, site)
            allowed = {BEFORE: needed | answers, NO: needed, YES: frozenset(site.asks)}[when]
            return Look(without_query(address), when, script, allowed, frozenset(things), frozenset(stopped))
    except TimeoutError:
        raise Unavailable(
            _("%(address)s did not come to rest; nothing was kept.") % {"address": without_query(address)}
        ) from None
    finally:
        await context.close()


async def _open(page: "Page", site: Site, address: str, traffic: "_Traffic") -> tuple[str, frozenset[str]]:
    """What was seen of our script, and the purposes that it let run without an answer."""
    answer = await page.goto(address, wait_until="domcontentloaded")
    if answer and answer.status >= 400:
        sentence = _("%(address)s answers %(status)s; nothing was kept.")
        raise Unavailable(sentence % {"address": without_query(address), "status": answer.status})
    await traffic.rest()
    seen = await page.evaluate(AWAIT_SCRIPT, READY_WITHIN)
    await page.evaluate("() => window.scrollTo(0, document.documentElement.scrollHeight)")
    await traffic.rest()
    if _origin(page.url) not in site.origins:
        raise Invalid(_("%(address)s leads to another site; nothing was kept.") % {"address": without_query(address)})
    if seen in (MISSING, SILENT):
        return seen, frozenset()
    told = seen["answers"] if isinstance(seen.get("answers"), dict) else {}
    yes = frozenset(each for each in site.asks if told.get(each) is True)
    return (TESTING if seen["testing"] else READY), yes


class _Traffic:
    """The requests of one look: to which other hosts, and which are still on their way."""

    def __init__(self, site: Site) -> None:
        self.own = {_host(each) for each in (*site.origins, settings.get().base_url)}
        self.asked: list[tuple[Thing, Request | None]] = []
        self.stopped: set[Request] = set()
        self.open: set[Request] = set()
        self.heard = 0.0

    def began(self, request: "Request") -> None:
        self.heard = asyncio.get_running_loop().time()
        if request.resource_type not in NEVER_END:
            self.open.add(request)
        frame, host = _frame_within(request), _host(request.url)
        if frame is None:
            self.note("host", request.url, request)
        elif request.resource_type == "document":
            self.note("frame", request.url, request)
        elif host != _host(frame.url):  # what an embedded page has from its own host says nothing new
            self.note("host", request.url, request)

    def ended(self, request: "Request") -> None:
        self.heard = asyncio.get_running_loop().time()
        self.open.discard(request)
        if "csp" in (request.failure or "").lower():
            self.stopped.add(request)

    def note(self, kind: str, address: str, request: "Request | None" = None) -> None:
        host = _host(address)
        if host and host not in self.own:
            self.asked.append((Thing(kind, host, host), request))

    def things(self) -> tuple[set[Thing], set[Thing]]:
        """What was asked for, and what a policy of the page never let out."""
        came = {thing for thing, request in self.asked if request not in self.stopped}
        return came, {thing for thing, _request in self.asked} - came

    async def rest(self) -> None:
        now = asyncio.get_running_loop().time
        ends, self.heard = now() + MOST_QUIET, now()
        while now() < ends and (self.open or now() - self.heard < QUIET):  # noqa: ASYNC110  # silence is no event
            await asyncio.sleep(0.05)


def _frame_within(request: "Request") -> "Frame | None":
    """The embedded page that asks; None for the page itself and for a service worker."""
    from playwright.async_api import Error

    with suppress(Error):
        return request.frame if request.frame.parent_frame else None
    return None


async def _stored(page: "Page", site: Site) -> set[Thing]:
    """Cookies of all hosts, and what each page and embedded page stored; not our script's own memory."""
    from playwright.async_api import Error

    cookies = await page.context.cookies()
    things = {Thing("cookie", _clean(each.get("name", "")), _clean(each.get("domain", "").lstrip("."))) for each in cookies}
    for frame in page.frames:
        if not (host := _host(frame.url)):
            continue
        with suppress(Error, TimeoutError):  # it was closed meanwhile, or does not answer
            local, session = await asyncio.wait_for(frame.evaluate(STORED), 5)
            things |= {Thing("local", _clean(each), host) for each in local if not each.startswith(f"pc1:{key_of(site)}")}
            things |= {Thing("session", _clean(each), host) for each in session}
    return things


def _host(address: str) -> str:
    """Host, and port where it is not the usual one; "" for what is not fetched from a host."""
    parts = urlsplit(address)
    return _clean(parts.netloc.rpartition("@")[2].lower()) if parts.scheme in ("http", "https", "ws", "wss") else ""


def _clean(text: str) -> str:
    """A stranger's word for a terminal and a table: short, without signs that steer either."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:LONGEST_NAME])
