"""Requests worked from asking to the answer: every button of a case is pressed once, by the person or by officers."""

import re
from datetime import timedelta

from portal import cases, db, jobs, messages, subjects
from portal.cases.models import RecipientRow
from portal.lib import clock, ids
from tests.cases.shops import Company, answer, collected
from tests.cases.test_handover import delivered
from tests.cases.test_proving import code_in
from tests.people import BEN, Browser, code_for, hire
from tests.rules.desk import sign_in_officer
from tests.rules.watch import Watch


async def work_cases(watch: Watch, company: Company, ana: Browser, olga: Browser, petra: Browser) -> None:
    """Taken back; a copy with every button on its way, handed over; a correction; a deletion sent back and approved."""
    asked = await watch.press(ana, "/requests", right="access", country="RO")
    await watch.press(ana, asked.headers["location"] + "/withdrawal")
    await watch.press(ana, asked.headers["location"] + "/resumption")
    await watch.press(ana, asked.headers["location"] + "/messages", text="All of it, please.")
    await _answer(watch, olga, asked.headers["location"])
    await watch.press(ana, asked.headers["location"] + "/messages/read")
    await watch.press(ana, asked.headers["location"] + "/withdrawal")
    async with Browser() as stranger:
        await watch.press(stranger, "/requests", right="erasure", email="nobody@example.com", country="RO")
        await watch.press(stranger, f"/requests/{stranger.cookies['request']}/proof")
    ready = await delivered()
    link = await watch.press(ana, f"/requests/{await cases.reference_of(ready)}/download")
    assert (await ana.get(link.headers["location"])).status_code == 200  # a deletion waits until the copy was opened
    await _copy(watch, company, ana, olga)
    await _correction(watch, ana, olga)
    desk = await _started(watch, ana, olga, "erasure", delete="later")
    await watch.press(ana, f"/requests/{await cases.reference_of(desk.rpartition('/')[2])}/at-once")
    fee = {"fee-amount": "12.50 EUR", "fee-ground": "excessive", "fee-why": "It was the ninth time since Monday."}
    await watch.press(olga, desk + "/fee", **fee)
    await watch.press(olga, desk + "/proposal", answer="fulfilled")
    await watch.press(petra, desk + "/objection", why="Please look at the invoices again.")
    await watch.press(olga, desk + "/proposal", answer="fulfilled")
    digest = re.search(r'name="digest" value="(\w+)"', (await petra.get(desk)).text)
    assert digest
    await watch.press(petra, desk + "/approval", digest=digest[1])
    company.run("shop", "INSERT INTO purchase VALUES (9, 1, 'Came in after the dry run')")
    await jobs.run_due()
    await watch.press(olga, desk + "/search")


async def send_by_post(watch: Watch, olga: Browser) -> None:
    """A copy that waits in the portal is sent on paper."""
    async with db.writing():
        known = await subjects.ensure("email", "on.paper@example.com", by="import")
        await subjects.ensure("post", "Strada Scurtă 2, 400001 Cluj", by="import", subject=known.subject)
    desk = f"/admin/cases/{await delivered('on.paper@example.com')}"
    await watch.press(olga, desk + "/post", place="Strada Scurtă 2, 400001 Cluj", system="portal")


async def prove_without_mail(watch: Watch, olga: Browser, petra: Browser) -> None:
    """By letter, in person and by facts; one copy is given from hand to hand; and counsel's holds."""
    async with db.writing():
        known = await subjects.ensure("email", "no.mail@example.com", by="import")
        await subjects.ensure("post", "Strada Lungă 5, 400001 Cluj", by="import", subject=known.subject)
    desk = await _asked_for(watch, "no.mail@example.com")
    await watch.press(olga, desk + "/unproven", way="facts")
    await watch.press(olga, desk + "/letters", place="Strada Lungă 5, 400001 Cluj", system="portal")
    [letter] = await cases.letters.of_case(desk.rpartition("/")[2])
    code = await code_in(letter.id)
    await watch.press(olga, desk + "/letters", posted=letter.id)
    async with Browser() as person:
        await watch.press(person, "/letter", code=code)
    await watch.press(olga, desk + "/start")
    await jobs.run_due()
    await olga.get(desk + "/findings")
    await watch.press(olga, desk + "/proposal", answer="fulfilled")
    waiting = await cases.proposal(desk.rpartition("/")[2])
    assert waiting is not None
    await watch.press(petra, desk + "/approval", digest=waiting.digest)
    await jobs.run_due()
    await watch.press(olga, desk + "/handover", given="tracked post", tracking="RR 123 456 789 RO")
    await watch.press(olga, await _asked_for(watch, "met@example.com") + "/meeting", document="passport")
    told = await _asked_for(watch, "told@example.com")
    case_id = told.rpartition("/")[2]
    reasons = "She named the tea of March and our last letter."
    match = await cases.proving.compare_facts(case_id, ["last order", "what we wrote last"], reasons, officer="olga")
    await watch.press(petra, told + "/confirmation", match=match, do="decline")
    async with watch.noting("/admin/cases/{case}/facts"):
        facts = {"facts": ["last order", "what we wrote last"], "facts-why": reasons}
        assert (await olga.post(told + "/facts", data=facts, follow_redirects=False)).status_code == 303
    async with Browser() as counsel:
        await sign_in_officer(watch, counsel, await hire("holding.counsel@example.com", "counsel"))
        await watch.press(counsel, f"/admin/people/{known.subject}/hold", why="Court case 12/2026.")
        await watch.press(counsel, "/admin/holds", system="news", why="An inquiry of the authority.")
        hold = (await cases.legal_holds.standing())[0].id
        await watch.press(counsel, f"/admin/holds/{hold}/review", why="The appeal is still open.")
        for each in await cases.legal_holds.standing():
            await watch.press(counsel, f"/admin/holds/{each.id}/end")


async def _asked_for(watch: Watch, email: str) -> str:
    """A request that nobody has proven yet; answers its page at the desk."""
    async with Browser() as stranger:
        await watch.press(stranger, "/requests", right="access", email=email, country="RO")
        status = await cases.status_for_person(stranger.cookies["request"])
    return f"/admin/cases/{status.id}"


async def _answer(watch: Watch, olga: Browser, page: str) -> None:
    """An officer writes back; counsel names a law by which the person is told later who looked."""
    desk = f"/admin/cases/{(await cases.status_for_person(page.rpartition('/')[2])).id}"
    await watch.press(olga, desk + "/messages", do="send", kind="message", text="You get all of it.")
    async with Browser() as counsel:
        await sign_in_officer(watch, counsel, await hire("counsel@example.com", "counsel"))
        until = (clock.now() + timedelta(days=9)).date().isoformat()
        law = {"silence-law": "Act, Art. 7", "silence-why": "File 12", "silence-until": until}
        await watch.press(counsel, desk + "/silence", **law)


async def _tell_recipients(watch: Watch, officer: Browser, desk: str) -> None:
    case_id = desk.rpartition("/")[2]
    async with db.writing():
        for name in ("Cocor Curier SA", "Columba Mail SRL"):
            await RecipientRow.create(id=ids.new(), case_id=case_id, recipient=name, state="open")
    told, other = await cases.recipients.of(case_id)
    await watch.press(officer, desk + "/recipients", recipient=told.id, state="told")
    why = {f"why-{other.id}": "They never got anything of hers."}
    await watch.press(officer, desk + "/recipients", recipient=other.id, state="impossible", **why)


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
    await watch.press(olga, desk + "/extension", **{"more-reason": "complex", "more-text": "Twelve years of orders."})
    await watch.press(olga, desk + "/law", law="uk-gdpr", **{"law-why": "She lives in Leeds."})
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
    await _tell_recipients(watch, olga, desk)
    refused = await collected("rectification", details={"changes": {"name": "Ana Popescu"}})
    await answer(refused, "refused", "Your name stands so in your contract.")
    page = f"/requests/{await cases.reference_of(refused)}"
    await watch.press(ana, page + "/statement", field="name", **{"statement-name": "The court says otherwise."})


async def answer_a_warning(watch: Watch) -> None:
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
        proven = await watch.press(ben, asked.headers["location"], code=await code_for(BEN))
        letter = next(each.letter.text for each in await messages.mailbox(20) if each.to == other and each.letter)
        link = re.search(r"(/requests/notices/[\w-]+)", letter)
        assert link, letter
        await watch.press(reader, link[1])
        await watch.press(ben, proven.headers["location"] + "/second-proof", address=second.id)
        await _close_as_nothing_held(watch, olga)


async def _close_as_nothing_held(watch: Watch, olga: Browser) -> None:
    await sign_in_officer(watch, olga, await hire("olga.second@example.com", "privacy-officer"))
    nobody = Browser()
    await nobody.get("/requests/new")
    desk = await _started(watch, nobody, olga, "access", email="unheard-of@example.com")
    await watch.press(olga, desk + "/closing", outcome="nothing held")
    await _make_a_paper_again(watch, olga, desk.rpartition("/")[2])


async def _make_a_paper_again(watch: Watch, olga: Browser, case_id: str) -> None:
    async with db.writing():
        await db.run("UPDATE job SET state = 'failed', ended_at = due_at WHERE key = ?", f"cases.proof {case_id}")
    await watch.press(olga, f"/admin/cases/{case_id}/papers", paper="proof")


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
