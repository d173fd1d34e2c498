"""SEC-11, SEC-18, SEC-33, generated from the table of routes: who reaches what. A new route cannot be forgotten."""

import hashlib
import sqlite3

import httpx2
import pytest

from portal import db, identity, settings
from portal.shield import EXEMPT_FROM_CSRF
from tests.attacks.scene import PUBLIC_WORDS, Scene
from tests.people import BEN, Browser, sign_in
from tests.rules.doors import Door, doors

# Objects whose address is itself the secret: whoever has it may look, and what they see names nobody.
SEEN_BY_WHOEVER_HAS_IT = {
    "GET /proofs/{challenge}": "asks for the code",
    "GET /l/{secret}": "asks for the code in any browser but the one that asked",
    "GET /requests/{reference}": "128 random bits; says where the request stands and nothing personal",
    "GET /u/{token}": "in a message; says what it stops, and not for whom",
    "GET /confirm/{token}": "in the person's own mail; says what they are asked to confirm, and nothing of them",
    "GET /requests/{reference}/certificate": "the same 128 random bits, after a deletion; it names nobody",
    "GET /requests/{reference}/proofs": "the same, for some days after a deletion; steps with their times, and no address",
    "GET /requests/notices/{secret}": "in the person's own mail; a button",
    "GET /answer/{token}": "in a colleague's own mail; says whose data is asked for until they have answered",
    "GET /calendars/{secret}": "256 random bits of an officer; short numbers and days, and nothing of anybody",
    "GET /w/v1/{site}/proof/{token}": "known to the browser that answered; says what was answered and by nobody's name",
    "GET /w/v1/{site}/proof/{token}/{number:int}": "the file of the same",
    "GET /browsers/{token}": "the same proof, for whoever signed in: its person adds the browser to their choices",
    "GET /admin/invitation/{secret}": "in the invited colleague's own mail; asks for a password",
}
TAKEN_FROM_WHOEVER_HAS_IT = {
    "POST /requests/notices/{secret}": "the warning's answer: 'this was not me'",
    "POST /u/{token}": "stops one kind of message, without signing in (RFC 8058)",
    "POST /w/v1/{site}/proof/{token}/no": "the same proof: whoever has it can only end what was allowed",
    "POST /browsers/{token}": "the browser's own proof, held by the browser alone; somebody else's browser is not taken",
    "POST /answer/{token}": "the colleague's answer, to this one question",
    "POST /confirm/{token}": "the mail's answer: only who reads the mailbox has it",
    "POST /requests/{reference}/proof": "a new mail to the address the request was made with, and nowhere else",
    "POST /admin/invitation/{secret}": "the invitation's answer",
}
# What a look may write: the record of the look, counters, keys for that record, when a session was last used.
WRITTEN_BY_LOOKING = {"entry", "leaf", "tile", "checkpoint", "head", "throttle", "session", "data_key"}
NOT_ONLY_LOOKING = {
    "GET /downloads/{secret}": "a download must be a GET for browsers to save it; the link is for this session and one use",
    "GET /admin/sign-in/code": "shows a new officer's second factor, made anew until the first code of it was given",
}
NOT_THERE_YET = {  # the case is not closed; nobody is half signed in, or at their account; the operator opened no log
    "GET /audit/tile/{path:path}",
    "GET /admin/cases/{case}/proof",
    "GET /admin/cases/{case}/certificate",
    "GET /admin/cases/{case}/package",
    "GET /requests/{reference}/certificate",
    "GET /requests/{reference}/proofs",
    "GET /admin/sign-in/code",
    "GET /sign-in/account",
}
AUDITORS_POSTS = {"POST /admin/audit/check": "reads all", "POST /admin/people": "a search; the address shall not stand in a URL"}
REFUSED = "Your role does not allow this"


async def test_all_of_it_opens_for_those_it_belongs_to(scene: Scene) -> None:
    """Or else the refusals below would prove nothing."""
    for door in [each for each in doors() if not each.unsafe and each.name not in NOT_THERE_YET]:
        browser: httpx2.AsyncClient = scene.officer(door.pattern) if door.pattern.startswith("/admin") else scene.ana
        answer = await (scene.machine() if door.for_machines else browser).get(scene.path(door.pattern))
        assert answer.status_code == 200, f"{door.name}: {answer.status_code}"
        assert not answer.url.path.endswith("/sign-in") or door.pattern.endswith("/sign-in"), door.name


async def test_a_post_from_a_foreign_page_is_refused_at_every_door(scene: Scene) -> None:
    before = await _contents()
    for door in [each for each in doors() if each.unsafe and not each.pattern.startswith(EXEMPT_FROM_CSRF)]:
        browser = scene.officer(door.pattern) if door.pattern.startswith("/admin") else scene.ana
        for headers in _foreign():
            answer = await browser.request("POST", scene.path(door.pattern), data={"answer": "no"}, headers=headers)
            assert answer.status_code == 403 and "did not come from our own page" in answer.text, f"{door.name} {headers}"
    assert await _contents() == before


async def test_looking_changes_nothing(scene: Scene) -> None:
    before, beside = await _contents(), sqlite3.connect(settings.get().var / "portal.db")
    for door in [each for each in doors() if not each.unsafe and each.name not in NOT_ONLY_LOOKING]:
        for browser in (scene.ana, scene.officers["privacy-officer"], Browser(), scene.machine()):
            # Once a minute a session notes that it is still used; of customers' looks at their own nothing else is kept.
            kept = {"session"} if browser is scene.ana and not door.pattern.startswith("/admin") else WRITTEN_BY_LOOKING
            version = beside.execute("PRAGMA data_version").fetchone()
            await browser.get(scene.path(door.pattern), follow_redirects=False)
            if beside.execute("PRAGMA data_version").fetchone() != version:  # something was committed
                after = await _contents()
                assert _changed(before, after) <= kept, door.name
                before = after
    beside.close()


@pytest.mark.parametrize("who", ["ben", "nobody", "mallory with a made-up cookie"])
async def test_nobody_reaches_anas_things(scene: Scene, who: str) -> None:
    other = Browser()
    if who == "ben":
        await sign_in(other, BEN)
    if who.startswith("mallory"):
        for name in ("customer", "officer", "half"):
            other.cookies.set(name, "A" * 43, domain="127.0.0.1")
    before = await _contents()
    for door in [each for each in doors() if "{" in each.pattern]:
        if door.pattern in PUBLIC_WORDS or door.name in TAKEN_FROM_WHOEVER_HAS_IT:
            continue
        answer = await _try(other, door, scene)
        if door.name in SEEN_BY_WHOEVER_HAS_IT:
            assert answer.status_code in (200, 303, 404), f"{door.name}: {answer.status_code}"
            assert not any(word in answer.text for word in ("ana@", "Ana", scene.identifier, scene.subject)), door.name
        else:
            to_sign_in = answer.status_code == 303 and answer.headers["location"].endswith("/sign-in")
            assert to_sign_in or answer.status_code in (403, 404) or (door.for_machines and answer.status_code == 401), (
                f"{door.name}: {answer.status_code}"
            )
    # A wrong code counts, and stands in the record where it says that somebody tried.
    assert _changed(before, await _contents()) - {"throttle", "challenge", "entry", "data_key"} == set()


async def test_a_customers_cookie_opens_no_officers_door_and_the_other_way_round(scene: Scene) -> None:
    customer, officer = scene.ana.cookies["customer"], scene.officers["owner"].cookies["officer"]
    swapped = Browser()
    swapped.cookies.set("officer", customer, domain="127.0.0.1")
    swapped.cookies.set("customer", officer, domain="127.0.0.1")
    for path in ("/admin", "/admin/cases", "/preferences", "/requests"):
        answer = await swapped.get(path, follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"].endswith("/sign-in")


async def test_each_role_opens_exactly_the_doors_of_its_actions(scene: Scene) -> None:
    for door in [each for each in doors() if each.guard.startswith("officer(")]:
        roles = identity.ACTIONS[door.guard[len("officer(") : -1]]
        for role, browser in scene.officers.items():
            if role in roles and door.unsafe:
                continue  # what an officer who may does is the business of tests/rules/test_record.py
            answer = await _try(browser, door, scene)
            refused = answer.status_code == 403 and REFUSED in answer.text
            assert refused is (role not in roles), f"{door.name} as {role}: {answer.status_code}"


def test_an_auditor_changes_nothing() -> None:
    unsafe = [each for each in doors() if each.unsafe and each.guard.startswith("officer(")]
    assert {each.name for each in unsafe if "auditor" in identity.ACTIONS[each.guard[8:-1]]} == set(AUDITORS_POSTS)


def test_the_lists_name_routes_that_exist() -> None:
    named = {**SEEN_BY_WHOEVER_HAS_IT, **TAKEN_FROM_WHOEVER_HAS_IT, **NOT_ONLY_LOOKING, **AUDITORS_POSTS}
    assert set(named) <= {each.name for each in doors()}
    assert set(PUBLIC_WORDS) <= {each.pattern for each in doors()}


async def _try(browser: Browser, door: Door, scene: Scene) -> httpx2.Response:
    data = {"answer": "no", "code": "000000"} if door.unsafe else None
    return await browser.request(door.method, scene.path(door.pattern), data=data, follow_redirects=False)


def _foreign() -> list[dict[str, str]]:
    evil = "https://evil.example"
    return [
        {"sec-fetch-site": "cross-site", "origin": evil},
        {"sec-fetch-site": "same-site", "origin": evil, "hx-request": "true"},
        {"sec-fetch-site": "", "origin": evil},
        {"sec-fetch-site": "none", "origin": ""},
    ]


async def _contents() -> dict[str, str]:
    """Table → a hash of all its rows."""
    tables = [each["name"] for each in await db.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {table: hashlib.sha256(repr(await db.rows(f'SELECT * FROM "{table}"')).encode()).hexdigest() for table in tables}


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {table for table in after if after[table] != before.get(table)}
