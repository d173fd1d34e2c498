"""SEC-12: what customers write, and what connected systems hold, is text wherever it is shown; in a real browser."""

import asyncio
import io
import re
import socket
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import uvicorn
from playwright.async_api import BrowserContext, Page, async_playwright

from portal import audit, cases, jobs, messages, settings, statement, subjects
from portal.app import build
from tests import browser
from tests.attacks.payloads import PAYLOADS
from tests.cases.shops import Company, found_company, visit
from tests.conftest import House
from tests.people import ANA, OLGA, Browser, code_for, go_to_work, hire, sign_in

NASTY = "'onfocus=alert`1`autofocus={{7*7}}@example.com"
WORST = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
# Whatever of this is in a page came from a text: our own pages have none of it.
SUSPICIOUS = r"""() => [...document.querySelectorAll('*')].flatMap(e => [
  ...[...e.attributes].filter(a => /^on|^srcdoc$/i.test(a.name)
      || /^(href|src|action|formaction|data|xlink:href|content)$/i.test(a.name)
        && /^\s*(javascript|vbscript|data:text)/i.test(a.value)
      || /^(data-)?hx-/.test(a.name) && /evil|js:/.test(a.value)).map(a => e.tagName + ' ' + a.name + '=' + a.value),
  ...(/^(i?frame|object|embed|base|audio|video|marquee|math|template|xmp|plaintext)$/i.test(e.tagName) ? [e.tagName] : []),
  ...(e.tagName === 'SCRIPT' && !e.src.startsWith(location.origin + '/static/') ? ['SCRIPT ' + e.outerHTML] : []),
  ...(e.tagName === 'IMG' && !/^data:image|^\/static\//.test(e.getAttribute('src') || '') ? ['IMG ' + e.outerHTML] : []),
])"""


@dataclass
class Watched:
    """A tab of a real browser; `trouble` is everything that a text should not have been able to do."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    async def look(self, address: str) -> str:
        """The text a person reads there."""
        answer = await self.page.goto(address)
        assert answer is None or answer.status < 500, address
        return await self.check(address)

    async def check(self, where: str) -> str:
        self.trouble += [f"{where}: {each}" for each in await self.page.evaluate(SUSPICIOUS)]
        return await self.page.evaluate("document.documentElement.innerText")  # type: ignore[no-any-return]


async def _whole_findings(tab: Watched, page: str) -> str:
    """The page, and behind it every table that is too long for it."""
    seen = await tab.look(page)
    more = await tab.page.locator("a[href^='?table=']").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return "\n".join([seen, *[await tab.look(page + str(each)) for each in more]])


@pytest.fixture
async def served(sqlite_house: House, tmp_path: Path) -> AsyncIterator[str]:
    """The portal at a port of its own, in this process."""
    company = found_company(sqlite_house, tmp_path / "company")
    _fill(company)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings.use(replace(settings.get(), base_url=address, demo=True))
        server = uvicorn.Server(uvicorn.Config(build(), lifespan="off", log_config=None))
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield address
        finally:
            server.should_exit = True
            await running


async def test_what_people_write_stays_text_on_every_page(served: str) -> None:
    await statement.publish_all("system", why="The first texts.")
    async with Browser() as ana, Browser() as stranger, Browser() as olga, _tab(served) as tab:
        ana.headers |= {"user-agent": WORST, "accept-language": WORST, "referer": f"{served}/{urlencode({'x': WORST})}"}
        await sign_in(ana, ANA)
        cases_of_ana = [await _ask(ana, right) for right in ("access", "rectification", "erasure")]
        await _ask_as_a_stranger(stranger)
        await go_to_work(olga, await hire(OLGA, "privacy-officer", "approver"))
        for case in cases_of_ana:
            await _work_on(olga, case)
        await audit.sequence_all()

        await _holds_cookies_of(tab.page.context, served, ana)
        for path in ("/preferences", "/preferences/history", "/requests", "/requests/new", "/demo/mailbox"):
            await tab.look(served + path)
        for case in cases_of_ana:
            await tab.look(f"{served}/requests/{await cases.reference_of(case)}")
        await _holds_cookies_of(tab.page.context, served, olga)
        seen = [await _whole_findings(tab, f"{served}/admin/cases/{case}/findings") for case in cases_of_ana]
        assert all(_plain(each) in _plain(seen[0]) for each in PAYLOADS), "The findings show the texts as they are."
        assert _plain(WORST) in _plain(seen[1])
        for case in cases_of_ana:
            assert "alert(1)" in await tab.look(f"{served}/admin/cases/{case}")
        person, nasty = await subjects.find("email", ANA), await subjects.find("email", NASTY)
        assert person and nasty
        assert NASTY in await tab.look(f"{served}/admin/people/{nasty.subject}")
        for path in ("", "/cases", "/audit", f"/people/{person.subject}", "/people"):
            await tab.look(f"{served}/admin{path}")
        for entry in await audit.search(limit=10):
            await tab.look(f"{served}/admin/audit/{entry.id}")
        await tab.page.goto("about:blank")  # mail readers have no policy of ours, and mails bring their own style
        for letter in [each.letter for each in await messages.mailbox(50) if each.letter]:
            await tab.page.set_content(letter.html)
            await tab.check(f"mail {letter.subject}")
    assert tab.trouble == []


async def test_what_somebody_typed_comes_back_as_text(served: str) -> None:
    """Forms with mistakes, searches, and pages that do not exist repeat what was typed."""
    async with Browser() as mallory, Browser() as olga, _tab(served) as tab:
        await go_to_work(olga, await hire(OLGA, "privacy-officer"))
        await _holds_cookies_of(tab.page.context, served, olga)
        await tab.page.goto(served + "/healthz")  # a page of ours, so that our policy watches
        names = ("email", "message", "new-name", "new-street", "new-city", "right")
        for each in range(0, len(PAYLOADS), len(names)):
            some = PAYLOADS[each : each + len(names)]
            typed = dict(zip(names, some, strict=False))
            answers = [await mallory.post("/requests", data=typed)]
            assert all(text.strip() in unescape(answers[0].text) for text in some[:5]), "The form keeps what was typed."
            answers += [await mallory.post("/sign-in", data={"email": some[0]})]
            answers += [await olga.post("/admin/people", data={"address": text + "@"}) for text in some]
            answers += [await olga.get("/admin/audit", params=dict(zip(("actor", "subject", "case"), some, strict=False)))]
            answers += [await mallory.get("/language/" + quote(text, safe=""), params={"next": text}) for text in some]
            assert all(answer.status_code < 500 for answer in answers)
            for answer in answers:
                await tab.page.evaluate("html => { document.body.innerHTML = html }", answer.text.partition("<body")[2])
                await tab.check(some[0])
    assert tab.trouble == []


async def test_what_is_in_the_package_stays_text_without_any_server(served: str, tmp_path: Path) -> None:
    async with Browser() as ana, Browser() as olga, _tab(served) as tab:
        await sign_in(ana, ANA)
        case = await _ask(ana, "access")
        await go_to_work(olga, await hire(OLGA, "privacy-officer"))
        await _work_on(olga, case)
        await olga.get(f"/admin/cases/{case}/findings")
        await olga.post(f"/admin/cases/{case}/proposal", data={"answer": "fulfilled"})
        waiting = await cases.proposal(case)
        assert waiting is not None
        await cases.approve(case, waiting.digest, officer="petra")
        await jobs.run_due()
        session = await visit()
        opened = await cases.download(await cases.hand_over(case, session), session)
        content = b"".join([piece async for piece in opened.content])
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            package.extractall(tmp_path / "package")
        pages = sorted((tmp_path / "package").rglob("*.html"))
        assert pages
        read = "".join([await tab.look(page.as_uri()) for page in pages])
        assert all(_plain(each) in _plain(read) for each in PAYLOADS[:20])
    # Its own script and style stand in the file, because it opens without a server.
    assert [each for each in tab.trouble if "alert(1)" in each or "evil" in each] == []


async def _ask(ana: Browser, right: str) -> str:
    """A request with the whole corpus in every field that somebody can fill in, and in some that do not exist."""
    changes = {f"new-{name}": WORST for name in ("name", "phone")} if right == "rectification" else {}
    typed = {"right": right, "country": "RO", "message": "\n".join(PAYLOADS[:-1]), WORST: WORST, "suppress": WORST}
    answer = await ana.post("/requests", data=typed | changes)
    assert answer.status_code == 200 and answer.url.path.startswith("/requests/"), answer.text
    identifier = await subjects.find("email", ANA)
    assert identifier
    return next(each.id for each in await cases.cases_of(await visit()) if each.right == right)


async def _ask_as_a_stranger(stranger: Browser) -> None:
    """Whose very address is an attack, and valid: it is proven like any other."""
    await stranger.get("/requests/new")
    page = await stranger.post("/requests", data={"right": "access", "email": NASTY, "message": WORST, "country": "RO"})
    assert "/proofs/" in page.url.path, page.text
    await stranger.post(page.url.path, data={"code": await code_for(NASTY)})


async def _work_on(olga: Browser, case: str) -> None:
    await olga.post(f"/admin/cases/{case}/start")
    await jobs.run_due()
    await olga.post(f"/admin/cases/{case}/notes", data={"text": WORST})
    assert (await cases.case(case)).state == "reviewing"


def _fill(company: Company) -> None:
    """The connected shop holds the corpus, one text per row."""
    quoted = [each.replace("'", "''") for each in PAYLOADS]
    rows = ", ".join(f"({number}, 1, '{text}')" for number, text in enumerate(quoted, 100))
    company.run("shop", f"INSERT INTO purchase VALUES {rows}; UPDATE customer SET name = '{WORST}' WHERE id = 1")


def _plain(text: str) -> str:
    """Without white space, and without the marks that turn the direction of writing."""
    return re.sub(r"[\s\u202a-\u202e]", "", text)


async def _holds_cookies_of(context: BrowserContext, address: str, caller: Browser) -> None:
    for each in caller.cookies.jar:
        await context.add_cookies([{"name": each.name, "value": each.value or "", "url": address}])


@asynccontextmanager
async def _tab(address: str) -> AsyncIterator[Watched]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser.path(), args=browser.ARGUMENTS)
        try:
            context = await chromium.new_context(locale="en-GB")
            tab = Watched(await context.new_page())
            await context.add_init_script(
                "for (const n of ['alert', 'confirm', 'prompt']) window[n] = () => console.error('ran: ' + n)"
            )
            context.on("dialog", lambda dialog: tab.trouble.append(f"dialog {dialog.message}"))
            context.on("weberror", lambda error: tab.trouble.append(f"error {error.error}"))
            context.on("console", lambda said: tab.trouble.append(said.text) if _tells(said.text) else None)
            context.on("request", lambda asked: tab.trouble.append(asked.url) if "evil" in asked.url.partition("?")[0] else None)
            yield tab
        finally:
            await chromium.close()


def _tells(said: str) -> bool:
    return "Content Security Policy" in said or said.startswith("ran: ")
