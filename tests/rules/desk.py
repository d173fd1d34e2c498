"""What officers do besides cases: coming to work, people who may be the same, keys, telling a system again, legal claims."""

import re
from datetime import timedelta

from portal import audit, cases, connectors, db, identity, sites, subjects
from portal.consent import openings
from portal.lib import clock
from tests.cases.shops import collected
from tests.cases.test_no_basis import left_by, search
from tests.people import ANA, OLGA, PASSWORD, Browser, Officer, hire
from tests.rules.watch import Watch
from tests.sites.shops import Visitor


async def come_to_work(watch: Watch, browser: Browser) -> Officer:
    """Invited, a password, a second factor, and once more through the front door."""
    invitation = await identity.invite(OLGA, name="Olga", roles=["privacy-officer"], by=None)
    await browser.get("/admin/sign-in")
    page = await watch.press(browser, "/admin/invitation/" + invitation.link.rsplit("/", 1)[1], password=PASSWORD)
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", (await browser.get(page.headers["location"])).text)
    assert secret
    olga = Officer(invitation.officer_id, OLGA, secret[1])
    await watch.press(browser, "/admin/sign-in/code", code=olga.code())
    await watch.press(browser, "/admin/sign-out")
    await sign_in_officer(watch, browser, olga)
    return olga


async def sign_in_officer(watch: Watch, browser: Browser, officer: Officer) -> None:
    await browser.get("/admin/sign-in")
    await watch.press(browser, "/admin/sign-in", email=officer.address, password=PASSWORD)
    await watch.press(browser, "/admin/sign-in/code", code=officer.code())


async def tell_people_apart(watch: Watch, olga: Browser) -> None:
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


async def decide_without_a_basis(watch: Watch) -> None:
    """Two people took their only yes back; weeks later one is kept, and a deletion of the other is opened and ended."""
    kept, deleted = await left_by("kept@example.com"), await left_by("left@example.com")
    with clock.at(clock.now() + timedelta(days=45)):
        await search()
        async with Browser() as later:
            await sign_in_officer(watch, later, await hire("later.olga@example.com", "privacy-officer"))
            await watch.press(later, f"/admin/people/{kept.subject}/no-basis/keeping", why="A guarantee runs until then.")
            page = await watch.press(later, f"/admin/people/{deleted.subject}/no-basis/erasure", note="keep")
            await watch.press(later, page.headers["location"] + "/ending")


async def tell_a_system_again(watch: Watch) -> None:
    async with Browser() as owner:
        await sign_in_officer(watch, owner, await hire("owner@example.com", "owner"))
        await watch.press(owner, "/admin/systems/shop/replay", **{"from": "0"})
        await watch.press(owner, "/admin/autopilot", do="watch", switch="access/shop")
        in_force = connectors.proposals.in_force(connectors.proposals.listed("shop")) or ""
        await watch.press(owner, "/admin/systems/shop/map", map=in_force, kind="email", address=ANA, do="try")


async def make_and_end_a_key(watch: Watch) -> None:
    async with Browser() as owner:
        await sign_in_officer(watch, owner, await hire("key.owner@example.com", "owner"))
        await watch.press(owner, "/admin/keys", label="Till", scopes="decisions:write", sources="checkout", grade="self")
        made = next(each for each in await identity.keys() if each.label == "Till")
        await watch.press(owner, f"/admin/keys/{made.id}/revocation")


async def answer_on_a_website(watch: Watch, ana: Browser) -> None:
    """A site is prepared, one's server gets its secret, a visitor says yes there, and Ana says that the browser is hers."""
    outlet = {"name": "outlet", "title": "The outlet", "origins": "https://outlet.example.com", "asks": "visits", "law": "opt-in"}
    outlet |= {"title-en": "May we?", "body-en": "It works without."}
    site = sites.named("shop")
    async with Browser() as owner, Visitor(site, site.origins[0]) as visitor:
        await sign_in_officer(watch, owner, await hire("web.owner@example.com", "owner"))
        await watch.press(owner, "/admin/sites/new", **outlet)
        await watch.press(owner, "/admin/sites/shop/secret")
        async with watch.noting("/w/v1/{site}/choices"):
            answer = (await visitor.answer()).json()
        async with watch.noting("/w/v1/{site}/standing"):
            await visitor.standing()
        async with watch.noting("/w/v1/{site}/proof/{token}/no"):
            await visitor.post("/w/" + answer["proof"].partition("/w/")[2] + "/no")
        await watch.press(ana, f"/browsers/{answer['proof'].rpartition('/')[2]}")


async def subscribe_to_the_calendar(watch: Watch, olga: Browser) -> None:
    await watch.press(olga, "/admin/calendar")
    await watch.press(olga, "/admin/calendar/end")


async def open_what_is_kept(watch: Watch, olga: Browser) -> None:
    """One claim is changed, refused; one is agreed to and taken back."""
    async with db.writing():
        gone = await subjects.ensure("email", "gone@example.com", by="import")
        await subjects.forget(gone.subject, by="system")
    entry = (await audit.search(subject=gone.subject, limit=1))[0].id
    claim = {"kind": "of ours", "reference": "12/2027", "reason": "What was sold has not been paid."}
    async with Browser() as owner:
        await sign_in_officer(watch, owner, await hire("second.owner@example.com", "owner"))
        for _claim in range(2):
            await watch.press(olga, "/admin/evidence", about=entry, **claim)
        agreed, refused = await openings.openings()
        await watch.press(olga, f"/admin/evidence/{refused.id}/claim", **claim | {"reference": "13/2027"})
        await watch.press(owner, f"/admin/evidence/{refused.id}/refusal", why="That is settled.")
        await watch.press(owner, f"/admin/evidence/{agreed.id}/approval", digest=agreed.digest)
        await watch.press(olga, f"/admin/evidence/{agreed.id}/withdrawal")


async def work_on_several(watch: Watch, olga: Browser, officer: str) -> None:
    """A search is begun for one that waits, an answer is undone, and a filter is saved and taken away."""
    case_id = await collected("access")
    await watch.press(olga, "/admin/bulk", once="1", **{f"case-{case_id}": "reviewing"})
    bulk = await db.row("SELECT id FROM case_bulk")
    assert bulk is not None
    await watch.press(olga, f"/admin/bulk/{bulk['id']}/undo")
    await watch.press(olga, "/admin/filters?right=access", title="Copies")
    [saved] = await cases.filters.saved_by(officer)
    await watch.press(olga, f"/admin/filters/{saved.id}/removal")
