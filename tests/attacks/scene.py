"""What the attacks are tried on: Ana's things, made through the rooms, with an address for every object route."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from portal import audit, cases, connectors, consent, db, identity, sites, statement, subjects, vault
from portal.cases import mail_in, models
from portal.connectors.person import questions
from portal.connectors.systems import read
from portal.identity.roles import ROLES
from portal.lib import clock
from portal.pages import CUSTOMER, OFFICER
from portal.settings import HOME
from tests.api.machines import Machine, key, said
from tests.cases.shops import ask, collected, found_company, prove
from tests.cases.test_handover import delivered
from tests.conftest import House
from tests.connectors.colleague import ENTRY, newest_link
from tests.people import ANA, Browser, hire, link_for, sign_in
from tests.sites.shops import Visitor

# Not objects of anybody: a word of the site itself, a public text.
PUBLIC_WORDS = {"/language/{code}": "/language/en", "/notices/{key}": "/notices/privacy"}
# The script's files by their hash, and what a website's public key leads to.
PUBLIC_WORDS |= {f"/w/v1/{{hash}}/{file}": "" for file in (*sites.releases.FILES, sites.releases.TYPES)}
VISITORS = ("settings", "page", "choices", "standing", "settings/{digest}", "form/{purpose}", "form/{purpose}.html")
PUBLIC_WORDS |= {f"/w/v1/{{site}}/{end}": "" for end in VISITORS}
PUBLIC_WORDS |= {"/audit/tile/{path:path}": "/audit/tile/0/000.p/1"}
PUBLIC_WORDS |= {f"/texts/{{key}}@{{number:int}}/{{language}}{end}": f"/texts/statement@1/en{end}" for end in ("", "/changes")}
OWNERS = ("/admin/keys", "/admin/sites/new", "/admin/systems/{system}/map")


@dataclass(frozen=True)
class Scene:
    """`ana` and the officers are signed in; `path(pattern)` leads to something of hers."""

    ana: Browser
    officers: Mapping[str, Browser]
    paths: Mapping[str, str]
    identifier: str
    subject: str
    case: str
    key: str

    def machine(self) -> Machine:
        """The shop's checkout, with its key."""
        return Machine(self.key)

    def officer(self, pattern: str) -> Browser:
        """Signed in, with the role that works behind this route."""
        if pattern.endswith(("/silence", "/hold")) or pattern.startswith("/admin/holds"):
            return self.officers["counsel"]
        return self.officers["owner" if pattern.startswith(OWNERS) else "privacy-officer"]

    def path(self, pattern: str) -> str:
        if "{" not in pattern:
            return pattern
        assert pattern in self.paths, f"A new route with an object: say in tests/attacks/scene.py where Ana's stands: {pattern}"
        return self.paths[pattern]


async def open_scene(house: House, folder: Path) -> Scene:
    """Ana with a request at every stage that a route needs, and one officer of each role."""
    found_company(house, folder)
    await statement.publish_all("system", why="The first texts.")
    ana = Browser()
    await sign_in(ana, ANA)
    ready, waiting = await delivered(), await ask("access")
    await prove(waiting)
    erasure = await collected("erasure")
    opened = await ask("access", "somebody@example.com")
    session = await _session_of(ana)
    secret = await key(*identity.SCOPES)
    async with Machine(secret) as shop:
        assert (await shop.post("/api/v1/decisions", json=said(ANA, "no"))).status_code == 201
    reference = await cases.reference_of(waiting.id)
    await audit.sequence_all()
    entry = (await audit.search(subject=session.subject, limit=1))[0].id
    await ana.post("/sign-in", data={"email": ANA}, follow_redirects=False)
    invitation = (await identity.invite("new@example.com", name="New", roles=[], by=None)).link
    link = await consent.unsubscribing.unsubscribe_token(session.identifier or "", consent.Cell("newsletter", "email"))
    asked = uuid.UUID(session.identifier).bytes + (2**52).to_bytes(8)
    (folder / "list.csv").write_text(f"email,answer\n{ANA},no\n")
    async with db.writing():
        perhaps_ana = await subjects.ensure("email", ANA.replace("@", "+shop@"), by="import:1")
        await db.run("INSERT INTO anchor VALUES ('the-newest', 'timestamp', 'authority', 'log', 1, 'note', ?, 0)", b"its answer")
    options = consent.batches.Options(defaults={"purpose": "newsletter", "channel": "email"})
    shops = await identity.admit(secret)
    assert shops is not None
    batch = await consent.batches.plan_import(folder / "list.csv", options, by=shops.actor)
    paths = {
        **PUBLIC_WORDS,
        "/u/{token}": f"/u/{link}",
        "/u/{token}/undo": f"/u/{link}/undo",
        "/confirm/{token}": f"/confirm/{vault.seal_link('confirm', asked)}",
        "/preferences/addresses/{identifier}": f"/preferences/addresses/{session.identifier}",
        "/proofs/{challenge}": f"/proofs/{opened.challenge}",
        "/l/{secret}": await link_for(ANA),
        "/preferences/{purpose}/{channel}": f"/preferences/newsletter/email?to={session.identifier}&text=newsletter@1/en",
        "/receipts/{entry}": f"/receipts/{entry}",
        "/receipts/{entry}/download": f"/receipts/{entry}/download",
        "/api/v1/inbound/{system}": "/api/v1/inbound/shop",
        "/api/v1/receipts/{entry}": f"/api/v1/receipts/{entry}",
        "/requests/{reference}": f"/requests/{reference}",
        "/requests/{reference}/proof": f"/requests/{reference}/proof",
        "/requests/{reference}/withdrawal": f"/requests/{reference}/withdrawal",
        "/requests/{reference}/statement": f"/requests/{reference}/statement",
        "/requests/{reference}/second-proof": f"/requests/{reference}/second-proof",
        "/requests/{reference}/messages": f"/requests/{reference}/messages",
        "/requests/{reference}/messages/read": f"/requests/{reference}/messages/read",
        "/requests/{reference}/appeal": f"/requests/{reference}/appeal",
        "/requests/{reference}/resumption": f"/requests/{reference}/resumption",
        "/requests/{reference}/at-once": f"/requests/{reference}/at-once",
        "/requests/{reference}/download": f"/requests/{await cases.reference_of(ready)}/download",
        "/requests/{reference}/certificate": f"/requests/{await cases.reference_of(ready)}/certificate",
        "/requests/{reference}/proofs": f"/requests/{await cases.reference_of(ready)}/proofs",
        "/requests/notices/{secret}": "/requests/notices/" + "n" * 43,
        "/downloads/{secret}": f"/downloads/{await cases.hand_over(ready, session)}",
        "/admin/invitation/{secret}": "/admin/invitation/" + invitation.rsplit("/", 1)[1],
        "/admin/audit/{entry}": f"/admin/audit/{entry}",
        "/admin/audit/{entry}/proof": f"/admin/audit/{entry}/proof",
        "/admin/audit/anchors/{anchor}": "/admin/audit/anchors/the-newest",
        "/admin/audit/anchors/{anchor}/checkpoint": "/admin/audit/anchors/the-newest/checkpoint",
        "/admin/people/{subject}": f"/admin/people/{session.subject}",
        "/admin/people/{subject}/comparison": f"/admin/people/{session.subject}/comparison",
        "/admin/cases/{case}": f"/admin/cases/{erasure}",
        "/admin/keys/{key}/revocation": f"/admin/keys/{shops.id}/revocation",
        "/admin/systems/{system}": "/admin/systems/shop",
        "/admin/systems/{system}/replay": "/admin/systems/shop/replay",
        "/admin/systems/{system}/map": "/admin/systems/shop/map",
    }
    for end in ("", "/link", "/dismissal"):
        paths["/admin/people/{subject}/with/{other}" + end] = f"/admin/people/{session.subject}/with/{perhaps_ana.subject}{end}"
    for end in ("split", "audience"):
        theirs = f"/admin/people/{session.subject}/addresses/{session.identifier}/{end}"
        paths[f"/admin/people/{{subject}}/addresses/{{identifier}}/{end}"] = theirs
    for end in ("", "/commit", "/undo"):
        paths["/api/v1/imports/{batch}" + end] = f"/api/v1/imports/{batch.id}{end}"
    doors = ("cases.py", "clocks.py", "conversation.py", "rights.py", "verifying.py", "colleagues.py", "recipients.py")
    desks = "".join((HOME / "portal" / "admin" / each).read_text() for each in doors)
    for rest in re.findall(r'"/admin/cases/\{case\}(/\w+)"', desks):
        paths["/admin/cases/{case}" + rest] = f"/admin/cases/{erasure}{rest}"
    note = cases.conversation.Attachment("note.txt", "text/plain", b"A note of Ana")
    await cases.conversation.received(erasure, "Please look at this.", attachments=[note])
    [message] = await cases.conversation.thread(erasure)
    paths["/admin/cases/{case}/messages/{file}"] = f"/admin/cases/{erasure}/messages/{message.files[0].id}"
    paths["/admin/cases/{case}/letter"] = await _letter()
    for end in ("", "/file", "/done"):
        paths["/admin/mail/{mail}" + end] = f"/admin/mail/{await _mail_of(ANA)}{end}"
    paths["/admin/lists/{list}"] = f"/admin/lists/{await cases.backlog.keep('list.csv', b'address', officer='olga')}"
    paths["/api/v1/requests/{reference}"] = f"/api/v1/requests/{reference}"
    paths["/admin/people/{subject}/hold"] = f"/admin/people/{session.subject}/hold"
    for end in ("", "/erasure", "/keeping"):
        paths["/admin/people/{subject}/no-basis" + end] = f"/admin/people/{session.subject}/no-basis{end}"
    paths["/admin/cases/{case}/ending"] = f"/admin/cases/{erasure}/ending"
    hold = await cases.legal_holds.set_on_system("news", "An inquiry of the authority.", officer="carla")
    for end in ("review", "end"):
        paths["/admin/holds/{hold}/" + end] = f"/admin/holds/{hold}/{end}"
    paths["/answer/{token}"] = await _answered_by_hand(erasure, folder)
    paths["/admin/cases/{case}/files/{system}"] = f"/admin/cases/{erasure}/files/archive"
    officers = {role: await _at_work(role) for role in sorted(ROLES)}
    officer = await identity.officer_by_email("privacy-officer@example.com")
    saved = await cases.filters.save("Copies", {"right": "access"}, officer=officer.id)
    paths["/admin/filters/{filter}/removal"] = f"/admin/filters/{saved}/removal"
    several = await cases.bulk.start([(erasure, "reviewing")], officer=officer.id, once="1")
    for end in ("", "/undo"):
        paths["/admin/bulk/{bulk}" + end] = f"/admin/bulk/{several}{end}"
    paths["/admin/calendar/{day}/{number}"] = f"/admin/calendar/{(await cases.case(erasure)).due_on}/{erasure[-8:]}"
    paths["/calendars/{secret}"] = f"/calendars/{await cases.feed.make(officer.id)}"
    opening, kept = await _opened_by_two()
    for end in ("", "/claim", "/withdrawal", "/approval", "/refusal", "/entries", "/entries/{entry}"):
        paths["/admin/evidence/{opening}" + end] = f"/admin/evidence/{opening}{end.replace('{entry}', kept)}"
    paths |= await _on_a_website()
    return Scene(ana, officers, paths, session.identifier or "", session.subject or "", erasure, secret)


async def _on_a_website() -> dict[str, str]:
    """A visitor's answer, its proof, and the pages about the site."""
    site = sites.named("shop")
    async with Visitor(site, site.origins[0]) as visitor:
        proof = "/w/" + (await visitor.answer()).json()["proof"].partition("/w/")[2]
        at, told = visitor.at, hashlib.sha256((await visitor.get(visitor.at + "/settings")).content).hexdigest()
    await audit.sequence_all()
    found = {f"/w/v1/{{site}}/{end}": f"{at}/{end}" for end in ("settings", "page", "choices", "standing")}
    found["/w/v1/{site}/settings/{digest}"] = f"{at}/settings/{told}"
    found |= {f"/w/v1/{{site}}/form/{{purpose}}{end}": f"{at}/form/newsletter{end}" for end in ("", ".html")}
    found |= {f"/w/v1/{{hash}}/{file}": sites.releases.current(file).path for file in sites.releases.FILES}
    found["/w/v1/{hash}/choice.d.ts"] = found["/w/v1/{hash}/choice.js"].replace(".js", ".d.ts")
    found |= {
        "/w/v1/{site}/proof/{token}": proof,
        "/w/v1/{site}/proof/{token}/no": proof + "/no",
        "/w/v1/{site}/proof/{token}/{number:int}": proof + "/1",
    }
    found["/browsers/{token}"] = f"/browsers/{proof.rpartition('/')[2]}"
    return found | {f"/admin/sites/{{site}}{end}": f"/admin/sites/shop{end}" for end in ("", "/preview", "/secret")}


async def _opened_by_two() -> tuple[str, str]:
    """What is kept of somebody erased, opened by the privacy officer and somebody else; and one entry of it."""
    async with db.writing():
        gone = await subjects.ensure("email", "gone@example.com", by="import")
        await subjects.forget(gone.subject, by="system")
    await audit.sequence_all()
    claim = consent.openings.Claim("of ours", "12/2027", "What was sold has not been paid.")
    stating = (await identity.officer_by_email("privacy-officer@example.com")).id
    opening = await consent.openings.ask(gone.subject, claim, officer=stating)
    await consent.openings.approve(opening, (await consent.openings.opening(opening)).digest, officer="somebody else")
    return opening, (await audit.search(subject=gone.subject, limit=1))[0].id


async def _answered_by_hand(case_id: str, folder: Path) -> str:
    """The link of somebody who sent a letter of Ana's; answers where it leads."""
    (folder / "archive.toml").write_text(ENTRY)
    [archive] = read(folder / "archive.toml")
    row = await models.CaseRow.get(id=case_id)
    occasion = connectors.Occasion(case_id, row.round, "no task", row.subject, row.due_on)
    question = await questions.put(occasion, archive, "find", {"identifiers": {"email": [ANA]}, "fields": []})
    told = connectors.person.read_answer(question, {}, connectors.person.HandedIn("letter.pdf", b"%PDF-1.7 Ana"))
    async with db.writing():
        until = clock.now() + timedelta(days=1)
        await connectors.person.keep_answer(question, told.how, told.content, told.handed_in, keep_until=until)
    return f"/answer/{await newest_link()}"


async def _letter() -> str:
    """A letter with a code for somebody whom no mail reaches."""
    async with db.writing():
        known = await subjects.ensure("email", "no.mail@example.com", by="import")
        await subjects.ensure("post", "Strada Lungă 5, 400001 Cluj", by="import", subject=known.subject)
    opened = await ask("access", "no.mail@example.com")
    letter = await cases.proving.write_letter(opened.id, "Strada Lungă 5\n400001 Cluj", "portal", officer="olga")
    return f"/admin/cases/{opened.id}/letter?id={letter}"


async def _at_work(role: str) -> Browser:
    """An officer of one role, signed in without the pages."""
    officer = await hire(f"{role}@example.com", role)
    browser = Browser()
    half = await identity.sign_in(officer.address, "correct horse battery staple")
    browser.cookies.set(OFFICER, await identity.second_factor(half, officer.code()), domain="127.0.0.1")
    return browser


async def _mail_of(sender: str) -> str:
    """An e-mail that an officer has to read."""
    await mail_in.take(f"From: {sender}\nSubject: Hello\n\nHello".encode())
    return (await cases.letterbox.waiting())[0].id


async def _session_of(browser: Browser) -> identity.Session:
    session = await identity.session(browser.cookies[CUSTOMER], "customer")
    assert session is not None
    return session
