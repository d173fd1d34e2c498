"""A person whose every field is a word that stands nowhere else, and all that they and the officers do with it."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from portal import audit, cases, db, identity, jobs, settings, statement, subjects
from tests.api.machines import Machine, key, said
from tests.cases.shops import found_company
from tests.conftest import House
from tests.people import PASSWORD, Browser, Officer, code_for, go_to_work, hire, newest_mail, sign_in

EMAIL, NAME = "ana.canarybird@example.com", "Ana Canaryname"
PHONE, STREET = "+40712340987", "Canary Lane 77, Brasov"
OFFICER = "olga.canarywing@example.com"


@dataclass
class Walk:
    """What must be found nowhere, by what it is; and the person's case and record."""

    secrets: dict[str, str] = field(default_factory=dict)
    subject: str = ""
    case: str = ""

    def note(self, what: str, secret: str) -> str:
        assert len(secret) >= 6
        self.secrets[what] = secret
        return secret


async def walk(house: House, folder: Path) -> Walk:
    """Signs in, decides, asks, writes; a shop hands in a word and a list; an officer reads, notes and answers."""
    seen = Walk()
    for what, word in (
        ("e-mail", EMAIL),
        ("name", "Canaryname"),
        ("phone", PHONE),
        ("address", "Canary Lane"),
        ("officer", OFFICER),
    ):
        seen.note(what, word)
    _found_company(house, folder)
    await statement.publish_all("system", why="The first texts.")
    async with Browser() as ana, Browser() as olgas:
        await _decide(seen, ana)
        await _hand_in(seen)
        olga = await _come_to_work(seen, olgas)
        await _ask(seen, ana)
        await _work(seen, olgas, olga)
        await _fetch(seen, ana)
    await audit.sequence_all()
    return seen


async def erase(seen: Walk) -> None:
    """As an erasure ends, with the jobs that follow it."""
    async with db.writing():
        await subjects.forget(seen.subject, by="officer:petra")
    await jobs.run_due()
    await audit.sequence_all()


def _found_company(house: House, folder: Path) -> None:
    company = found_company(house, folder)
    company.run("shop", f"UPDATE customer SET email = '{EMAIL}', phone = '{PHONE}', name = '{NAME}' WHERE id = 1")
    company.run("news", f"UPDATE subscription SET email = '{EMAIL}' WHERE email = 'ana@example.com'")
    settings.use(replace(settings.get(), log_level="debug"))


async def _decide(seen: Walk, ana: Browser) -> None:
    ana.headers["user-agent"] = seen.note("browser", "Canarybrowser/7.1")
    await sign_in(ana, EMAIL)
    seen.note("code of a sign-in", await code_for(EMAIL))
    seen.note("link of a sign-in", re.findall(r"/l/([\w-]+)", await newest_mail(EMAIL))[0])
    seen.note("cookie of a customer", next(iter(ana.cookies.jar)).value or "")
    switch = re.search(r'action="(/preferences/newsletter/email\?[^"]*)"', (await ana.get("/preferences")).text)
    assert switch
    page = await ana.post(switch[1].replace("&amp;", "&"), data={"answer": "yes"})
    assert page.status_code == 200
    mine = await subjects.find("email", EMAIL)
    assert mine is not None
    seen.subject = mine.subject
    async with db.writing():
        await subjects.ensure("phone", PHONE, by="import", subject=mine.subject)
        await subjects.ensure("post", STREET, by="import", subject=mine.subject)


async def _hand_in(seen: Walk) -> None:
    secret = seen.note("key of a program", await key(*identity.SCOPES))
    evidence = {"form": seen.note("evidence", "canary-evidence-of-a-form")}
    lines = "email,answer\n" + seen.note("line of a list", "canary.listed@example.com") + ",no\n"
    async with Machine(secret) as shop:
        told = await shop.post("/api/v1/decisions", json=said(EMAIL, evidence=evidence))
        assert told.status_code == 201, told.text
        csv = {"content-type": "text/csv"}
        planned = await shop.post("/api/v1/imports?purpose=back-in-stock&channel=email", content=lines, headers=csv)
        assert planned.status_code == 201, planned.text
        done = await shop.post(f"/api/v1/imports/{planned.json()['id']}/commit", content=lines, headers=csv)
        assert done.is_success, done.text


async def _come_to_work(seen: Walk, browser: Browser) -> Officer:
    olga = await hire(OFFICER, "privacy-officer")
    seen.note("seed of a second factor", olga.totp.secret)
    seen.note("password", PASSWORD)
    await go_to_work(browser, olga)
    seen.note("code of a second factor", olga.totp.generate_otp(olga.last))
    seen.note("cookie of an officer", next(iter(browser.cookies.jar)).value or "")
    return olga


async def _ask(seen: Walk, ana: Browser) -> None:
    message = seen.note("message", "canary-message: what do you hold of me?")
    page = await ana.post("/requests", data={"right": "access", "country": "RO", "message": message})
    assert page.status_code == 200, page.text
    newest = await db.row("SELECT id FROM case_file ORDER BY id DESC LIMIT 1")
    assert newest is not None
    seen.case = newest["id"]


async def _work(seen: Walk, browser: Browser, olga: Officer) -> None:
    desk = f"/admin/cases/{seen.case}"
    assert (await browser.post(desk + "/start")).status_code == 200
    await jobs.run_due()
    note = seen.note("note of an officer", "canary-note: she telephoned twice")
    assert (await browser.post(desk + "/notes", data={"text": note})).status_code == 200
    assert NAME in (await browser.get(desk + "/findings")).text
    await cases.propose(seen.case, officer=olga.id)
    waiting = await cases.proposal(seen.case)
    assert waiting is not None
    await cases.approve(seen.case, waiting.digest, officer="petra")
    await jobs.run_due()
    assert (await cases.case(seen.case)).state == "delivering"


async def _fetch(seen: Walk, ana: Browser) -> None:
    await sign_in(ana, EMAIL)
    link = await ana.post(f"/requests/{await cases.reference_of(seen.case)}/download", follow_redirects=False)
    seen.note("link of a download", link.headers["location"].rpartition("/")[2])
    package = await ana.get(link.headers["location"])
    assert package.status_code == 200 and len(package.content) > 1000
