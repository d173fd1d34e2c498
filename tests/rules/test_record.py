"""Every unsafe route leaves an entry in the record, or stands below with its reason. Each is used here as people use it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from portal import cases, db, identity, jobs, messages, settings, statement, subjects
from portal.lib import clock
from tests.api.machines import Machine, key, question, said
from tests.api.sender import SECRET, Sender
from tests.cases.shops import Company, found_company
from tests.cases.test_handover import delivered
from tests.conftest import House
from tests.people import ANA, BEN, OLGA, PASSWORD, PETRA, Browser, Officer, code_for, hire, link_for, newest_mail, sign_in
from tests.rules.doors import doors, pattern_of

NOTHING_TO_RECORD = {
    "/admin/sign-in": "half of a sign-in; the second factor records it, and a wrong password is recorded",
    "/api/v1/permissions/check": "a question, asked before every message; the answer is what stands in the record",
    "/preferences/confirmations": "has the same mail sent again; the yes before and the answer after are recorded",
    "/admin/cases/{case}/retry": "asks a system sooner that would be asked anyway; its answer is recorded",
    "/admin/cases/{case}/papers": "has a paper made that should be there already; that it was made is recorded",
}


@dataclass
class Watch:
    """Presses buttons and notes which routes wrote into the record."""

    recorded: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    async def send_list(self, machine: Machine, path: str, lines: str) -> httpx2.Response:
        pattern, before = pattern_of("POST", path.partition("?")[0]), await _entries()
        answer = await machine.post(path, content=lines, headers={"content-type": "text/csv"})
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        self.used.add(pattern)
        if await _entries() > before:
            self.recorded.add(pattern)
        return answer

    async def send(self, machine: Machine, path: str, sent: dict[str, object]) -> httpx2.Response:
        """What another program sends."""
        before = await _entries()
        answer = await machine.post(path, json=sent)
        assert answer.status_code in (200, 201, 202), f"{path}: {answer.status_code} {answer.text}"
        self.used.add(path)
        if await _entries() > before:
            self.recorded.add(path)
        return answer

    async def press(self, browser: Browser, path: str, **fields: str) -> httpx2.Response:
        pattern, before = pattern_of("POST", path.partition("?")[0]), await _entries()
        answer = await browser.post(path, data=fields, follow_redirects=False)
        assert answer.status_code in (200, 303), f"{path}: {answer.status_code} {_main(answer.text)}"
        self.used.add(pattern)
        if await _entries() > before:
            self.recorded.add(pattern)
        return answer


@pytest.fixture
async def company(sqlite_house: House, tmp_path: Path) -> AsyncIterator[Company]:
    company = found_company(sqlite_house, tmp_path / "company")
    await statement.publish_all("system", why="The first texts.")
    yield company


async def test_every_unsafe_route_leaves_an_entry_or_a_reason(company: Company) -> None:
    watch = Watch()
    async with Browser() as ana, Browser() as olgas, Browser() as petras:
        olga, petra = await _come_to_work(watch, olgas), await hire(PETRA, "approver")
        await _sign_in(watch, petras, petra)
        await _visit(watch, ana)
        await _work(watch, company, ana, olgas, petras)
        await _answer_a_warning(watch)
        await _programs(watch)
        await _answer_mails(watch)
        await _make_and_end_a_key(watch)
        await watch.press(olgas, "/admin/people", address=ANA)
        await _tell_people_apart(watch, olgas)
        await watch.press(olgas, "/admin/audit/check")
        await _tell_a_system_again(watch)
        await watch.press(olgas, "/admin/sign-out")
        await watch.press(ana, "/sign-out/everywhere")
        assert olga.id != petra.id
    unsafe = {each.pattern for each in doors() if each.unsafe}
    assert watch.used == unsafe, f"Not used here yet: {unsafe - watch.used}"
    assert unsafe - watch.recorded == set(NOTHING_TO_RECORD)


async def _come_to_work(watch: Watch, browser: Browser) -> Officer:
    """Invited, a password, a second factor, and once more through the front door."""
    invitation = await identity.invite(OLGA, name="Olga", roles=["privacy-officer"], by=None)
    await browser.get("/admin/sign-in")
    page = await watch.press(browser, "/admin/invitation/" + invitation.link.rsplit("/", 1)[1], password=PASSWORD)
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", (await browser.get(page.headers["location"])).text)
    assert secret
    olga = Officer(invitation.officer_id, OLGA, secret[1])
    await watch.press(browser, "/admin/sign-in/code", code=olga.code())
    await watch.press(browser, "/admin/sign-out")
    await _sign_in(watch, browser, olga)
    return olga


async def _tell_people_apart(watch: Watch, olga: Browser) -> None:
    """One pair is linked and the link taken back, then they are found to be two people."""
    async with db.writing():
        one = await subjects.ensure("email", "carol@example.com", by="import")
        other = await subjects.ensure("email", "carol+shop@example.com", by="import")
    mine, pair = f"/admin/people/{one.subject}", f"/admin/people/{one.subject}/with/{other.subject}"
    await watch.press(olga, mine + "/comparison", address="carol+shop@example.com")
    await watch.press(olga, f"{mine}/addresses/{one.id}/audience", audience="shared")
    await watch.press(olga, pair + "/link", why="told us")
    await watch.press(olga, f"{mine}/addresses/{other.id}/split")
    await watch.press(olga, pair + "/dismissal")


async def _tell_a_system_again(watch: Watch) -> None:
    async with Browser() as owner:
        await _sign_in(watch, owner, await hire("owner@example.com", "owner"))
        await watch.press(owner, "/admin/systems/shop/replay", **{"from": "0"})


async def _sign_in(watch: Watch, browser: Browser, officer: Officer) -> None:
    await browser.get("/admin/sign-in")
    await watch.press(browser, "/admin/sign-in", email=officer.address, password=PASSWORD)
    await watch.press(browser, "/admin/sign-in/code", code=officer.code())


async def _visit(watch: Watch, ana: Browser) -> None:
    """By code and by link; a yes, a no, taken back; a pause; no more advertising; out and in again."""
    await ana.get("/sign-in")
    page = await watch.press(ana, "/sign-in", email=ANA)
    await watch.press(ana, page.headers["location"], code=await code_for(ANA))
    switch = re.search(r'action="(/preferences/newsletter/email\?[^"]*)"', (await ana.get("/preferences")).text)
    assert switch
    action = switch[1].replace("&amp;", "&")
    await watch.press(ana, action, answer="yes")
    part = await ana.post(action, data={"answer": "no"}, headers={"hx-request": "true"})
    once = re.search(r'name="once" value="([^"]+)"', part.text)
    assert once
    await watch.press(ana, "/preferences/undo", once=once[1])
    await watch.press(ana, "/preferences/pause", months="1")
    await watch.press(ana, "/preferences/resume")
    await watch.press(ana, "/preferences/wishes", hours="evening")
    await watch.press(ana, "/preferences/stop")
    await watch.press(ana, "/sign-in/again", next="/requests")
    await watch.press(ana, await link_for(ANA))
    await watch.press(ana, "/sign-out")
    await ana.get("/sign-in")
    page = await watch.press(ana, "/sign-in", email=ANA)
    await watch.press(ana, page.headers["location"], code=await code_for(ANA))


async def _work(watch: Watch, company: Company, ana: Browser, olga: Browser, petra: Browser) -> None:
    """Taken back; a copy with every button on its way, handed over; a correction; a deletion sent back and approved."""
    asked = await watch.press(ana, "/requests", right="access", country="RO")
    await watch.press(ana, asked.headers["location"] + "/withdrawal")
    async with Browser() as stranger:
        await watch.press(stranger, "/requests", right="erasure", email="nobody@example.com", country="RO")
        await watch.press(stranger, f"/requests/{stranger.cookies['request']}/proof")
    ready = await delivered()
    link = await watch.press(ana, f"/requests/{await cases.reference_of(ready)}/download")
    assert (await ana.get(link.headers["location"])).status_code == 200  # a deletion waits until the copy was opened
    await _copy(watch, company, ana, olga)
    await _correction(watch, ana, olga)
    desk = await _started(watch, ana, olga, "erasure")
    await watch.press(olga, desk + "/proposal", answer="fulfilled")
    await watch.press(petra, desk + "/objection", why="Please look at the invoices again.")
    await watch.press(olga, desk + "/proposal", answer="fulfilled")
    digest = re.search(r'name="digest" value="(\w+)"', (await petra.get(desk)).text)
    assert digest
    await watch.press(petra, desk + "/approval", digest=digest[1])
    company.run("shop", "INSERT INTO purchase VALUES (9, 1, 'Came in after the dry run')")
    await jobs.run_due()
    await watch.press(olga, desk + "/search")


async def _copy(watch: Watch, company: Company, ana: Browser, olga: Browser) -> None:
    company.take_down("shop")
    desk = await _started(watch, ana, olga, "access")
    company.bring_back("shop")
    await watch.press(olga, desk + "/retry")
    with clock.at(clock.now() + timedelta(hours=2)):  # the system's own turn after a failure
        await jobs.run_due()
    await watch.press(olga, desk + "/notes", text="She telephoned.")
    await watch.press(olga, desk + "/holds", kind="clarification", **{"hold-why": "Which of the two shops?"})
    page = await olga.get(desk)
    hold = re.search(r'name="lift" value="([^"]+)"', page.text)
    assert hold, page.text
    await watch.press(olga, desk + "/holds", lift=hold[1])
    found = (await olga.get(desk + "/findings")).text
    place = re.search(
        r'name="finding" value="(.+?)"><input .*? name="row" value="(.+?)"><input .*? name="field" value="(.+?)"', found
    )
    assert place, found
    where = {"finding": place[1], "row": place[2], "field": place[3]}
    await watch.press(olga, desk + "/redactions", **where, reason="third party")
    await watch.press(olga, desk + "/redactions", **where, do="put back")
    reference = await cases.reference_of(desk.rpartition("/")[2])
    await watch.press(ana, f"/requests/{reference}/withdrawal")  # a deletion would wait for this copy


async def _correction(watch: Watch, ana: Browser, olga: Browser) -> None:
    desk = await _started(watch, ana, olga, "rectification", **{"new-phone": "+40 722 123 456"})
    await watch.press(olga, desk + "/corrections", field="phone", do="accept")


async def _make_a_paper_again(watch: Watch, olga: Browser, case_id: str) -> None:
    async with db.writing():
        await db.run("UPDATE job SET state = 'failed', ended_at = due_at WHERE key = ?", f"cases.proof {case_id}")
    await watch.press(olga, f"/admin/cases/{case_id}/papers", paper="proof")


async def _make_and_end_a_key(watch: Watch) -> None:
    async with Browser() as owner:
        await _sign_in(watch, owner, await hire("key.owner@example.com", "owner"))
        await watch.press(owner, "/admin/keys", label="Till", scopes="decisions:write", sources="checkout", grade="self")
        made = next(each for each in await identity.keys() if each.label == "Till")
        await watch.press(owner, f"/admin/keys/{made.id}/revocation")


async def _programs(watch: Watch) -> None:
    async with Machine(await key(*identity.SCOPES)) as shop:
        await watch.send(shop, "/api/v1/decisions", said(ANA))
        await watch.send(shop, "/api/v1/permissions/check", question(ANA))
        where, lists = "?purpose=back-in-stock&channel=email", "email,answer\nlist@example.com,no\n"
        planned = await watch.send_list(shop, "/api/v1/imports" + where, lists)
        await watch.send_list(shop, f"/api/v1/imports/{planned.json()['id']}/commit", lists)
        await watch.send_list(shop, f"/api/v1/imports/{planned.json()['id']}/undo", "")
        await watch.send_list(shop, "/api/v1/permissions/scrub" + where, lists)
    await _hand_in(watch)


async def _hand_in(watch: Watch) -> None:
    """The shop signs what it hands in."""
    path = Path(settings.get().systems)
    (path.parent / "inbound.secret").write_text(SECRET)
    inbound = 'inbound_secret_file = "inbound.secret"\ninbound_sources = ["checkout"]\ninbound_grade = "self"\n'
    path.write_text(path.read_text().replace('name = "shop"\n', 'name = "shop"\n' + inbound, 1))
    settings.use(replace(settings.get()))
    before = await _entries()
    async with Machine() as machine:
        body = said("handed.in@example.com", "no", said_at=clock.rfc3339(clock.now()))
        answer = await Sender(machine, system="shop").send("msg_1", body)
    assert answer.status_code == 200, answer.text
    watch.used.add("/api/v1/inbound/{system}")
    if await _entries() > before:
        watch.recorded.add("/api/v1/inbound/{system}")


async def _answer_mails(watch: Watch) -> None:
    """Ben's second address confirms a yes, stops it by the link of a message, takes that back; then others read it too."""
    second = "ben2@example.com"
    async with Browser() as ben, Machine(await key(*identity.SCOPES)) as shop:
        await sign_in(ben, BEN)
        mine = await subjects.find("email", BEN)
        assert mine
        async with db.writing():
            other = await subjects.ensure("email", second, by="import", subject=mine.subject)
        page = (await ben.get("/preferences")).text
        switch = re.search(rf'action="(/preferences/newsletter/email\?[^"]*{other.id}[^"]*)"', page)
        assert switch
        await watch.press(ben, switch[1].replace("&amp;", "&"), answer="yes")
        await jobs.run_due()
        await ben.get("/preferences")  # says once what was saved
        waiting = re.search(r'name="waiting" value="([^"]+)"', (await ben.get("/preferences")).text)
        assert waiting
        await watch.press(ben, "/preferences/confirmations", waiting=waiting[1])
        confirm = re.search(r"(/confirm/[\w-]+)", await newest_mail(second))
        assert confirm
        await watch.press(ben, confirm[1])
        await watch.send(shop, "/api/v1/unsubscribe-tokens", question("new@example.com", purpose="newsletter"))
        made = await watch.send(shop, "/api/v1/unsubscribe-tokens", question(second, purpose="newsletter"))
        link = "/u/" + made.json()["url"].rpartition("/u/")[2]
        once = re.search(r'name="once" value="([^"]+)"', (await watch.press(ben, link)).text)
        assert once
        await watch.press(ben, link + "/undo", once=once[1])
        await watch.press(ben, f"/preferences/addresses/{other.id}", **{"is": "shared"})
        await watch.send(shop, "/api/v1/bounces", {"identifier": {"email": second}, "why": "hard bounce"})


async def _answer_a_warning(watch: Watch) -> None:
    """Ben has two proven addresses; whoever asks with one of them, the other is told and may answer."""
    other = "benjamin@example.com"
    async with db.writing():
        first = await subjects.ensure("email", BEN, by="import")
        second = await subjects.ensure("email", other, by="import", subject=first.subject)
        for each in (first, second):
            await subjects.mark_verified(each.id)
    async with Browser() as ben, Browser() as reader, Browser() as olga:
        await ben.get("/requests/new")
        asked = await watch.press(ben, "/requests", right="access", email=BEN, country="RO")
        await watch.press(ben, asked.headers["location"], code=await code_for(BEN))
        letter = next(each.letter.text for each in await messages.mailbox(20) if each.to == other and each.letter)
        link = re.search(r"(/requests/notices/[\w-]+)", letter)
        assert link, letter
        await watch.press(reader, link[1])
        await _close_as_nothing_held(watch, olga)


async def _close_as_nothing_held(watch: Watch, olga: Browser) -> None:
    await _sign_in(watch, olga, await hire("olga.second@example.com", "privacy-officer"))
    nobody = Browser()
    await nobody.get("/requests/new")
    desk = await _started(watch, nobody, olga, "access", email="unheard-of@example.com")
    await watch.press(olga, desk + "/closing", outcome="nothing held")
    await _make_a_paper_again(watch, olga, desk.rpartition("/")[2])


async def _started(watch: Watch, person: Browser, olga: Browser, right: str, email: str = "", **fields: str) -> str:
    """Asked for, proven, and every system was asked; answers the case's address."""
    asked = await watch.press(person, "/requests", right=right, country="RO", email=email, **fields)
    if "/proofs/" in asked.headers["location"]:
        asked = await watch.press(person, asked.headers["location"], code=await code_for(email))
    newest = await db.row("SELECT id FROM case_file ORDER BY id DESC LIMIT 1")
    assert newest is not None and asked.headers["location"].startswith("/requests/")
    desk = f"/admin/cases/{newest['id']}"
    await watch.press(olga, desk + "/start")
    await jobs.run_due()
    return desk


def _main(page: str) -> str:
    return page.partition("<main")[2].partition("</main")[0]


async def _entries() -> int:
    found = await db.row("SELECT count(*) AS n FROM entry")
    assert found is not None
    return int(found["n"])
