"""What customers do on the site, from signing in to answering mails: every button of theirs is pressed once."""

import re
from dataclasses import replace

from portal import db, identity, jobs, settings, subjects
from tests.api.machines import Machine, key, question
from tests.identity.provider import CLIENT, SECRET, serving
from tests.people import ANA, BEN, Browser, code_for, link_for, newest_mail, sign_in
from tests.rules.watch import Watch


async def visit(watch: Watch, ana: Browser) -> None:
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


async def sign_in_elsewhere(watch: Watch, ana: Browser) -> None:
    """To the company's own sign-in."""
    before = settings.get()
    with serving() as provider:
        ours = replace(before, openid_issuer=provider.issuer, openid_client=CLIENT, openid_secret=SECRET)
        settings.use(replace(ours, outbound_allow="127.0.0.0/8"))
        await watch.press(ana, "/sign-in/account")
    settings.use(before)


async def answer_mails(watch: Watch) -> None:
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
