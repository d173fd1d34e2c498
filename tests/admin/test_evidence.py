"""What is kept of an erased person opens to nobody alone: not by the record, not by a proof, not by a program's key."""

import re
from collections.abc import AsyncIterator

import pytest

from portal import audit, db, identity, subjects
from portal.consent import openings
from tests.api.machines import Machine, key
from tests.cases.shops import Company, answer, collected, newest_to
from tests.consent.people import say
from tests.people import ANA, Browser, go_to_work, hire

CLAIM = {"kind": "against us", "reference": "Court of Cluj 12/2027", "reason": "She says that she never said yes to us."}


@pytest.fixture
async def owner(company: Company) -> AsyncIterator[Browser]:
    async with Browser() as browser:
        await go_to_work(browser, await hire("owner@example.com", "owner"))
        yield browser


async def a_yes_then_erased() -> str:
    """Ana says yes, keeps no proof, and is erased. Answers the entry of her yes."""
    async with db.writing():
        mine = await subjects.ensure("email", ANA, by="import")
        await subjects.mark_verified(mine.id)
        said = await say(mine, "yes", "newsletter", grade="self-verified", evidence={"till": "number 7"})
        await subjects.forget(mine.subject, by="system")
    await audit.sequence_all()
    return said.entry


async def test_an_erased_persons_yes_opens_to_no_officer_and_no_program_alone(
    company: Company, olga: Browser, vik: Browser, owner: Browser
) -> None:
    async with db.writing():
        mine = await subjects.ensure("email", "ben@example.com", by="import")
        living = (await say(mine, "no", "newsletter", edition="newsletter@1/en")).entry
    entry = await a_yes_then_erased()
    shown = (await olga.get(f"/admin/audit/{living}")).text
    assert "newsletter@1/en" in shown and "b•••" in shown  # what the page shows of somebody who is here
    person = (await _entry(entry)).subject
    for browser in (olga, vik, owner):
        page = await browser.get(f"/admin/audit/{entry}")
        assert page.status_code == 200
        assert re.search(r"Kept as evidence until \d+ \w+ 20\d\d\. Opening it takes two people", page.text)
        assert "newsletter@1/en" not in page.text and "a•••" not in page.text
        assert (await browser.get(f"/admin/audit/{entry}/proof")).status_code == 403
    for browser in (olga, vik, owner):  # nor in outline: which word, and when
        for asked in (f"subject={person}", f"actor=customer:{person}", f"subject={person}&event=consent.granted"):
            page = await browser.get(f"/admin/audit?{asked}")
            assert "Kept as evidence until" in page.text and f"/admin/audit/{entry}" not in page.text
        row = re.search(rf'<a href="/admin/audit/{entry}">.*?</tr>', (await browser.get("/admin/audit")).text, re.DOTALL)
        assert row and "Kept of somebody" in row[0] and "consent" not in row[0] and "said yes" not in row[0]
        assert "consent.granted" not in (await browser.get(f"/admin/audit/{entry}")).text
    for browser in (olga, vik):
        page = await browser.get(f"/admin/people/{person}")
        assert "Kept as evidence until" in page.text and "newsletter" not in page.text.lower()
        assert "newsletter@1" not in (await browser.get(f"/admin/people/{mine.subject}/with/{person}")).text
    async with Machine(await key(*identity.SCOPES)) as shop:
        assert (await shop.get(f"/api/v1/receipts/{living}")).status_code == 200
        assert (await shop.get(f"/api/v1/receipts/{entry}")).status_code == 404


async def test_two_people_read_it_for_a_week_and_every_look_is_recorded(
    company: Company, olga: Browser, owner: Browser, vik: Browser
) -> None:
    entry = await a_yes_then_erased()
    assert f'href="/admin/evidence/new?about={entry}"' in (await olga.get(f"/admin/audit/{entry}")).text
    page = await olga.post("/admin/evidence", data={"about": entry, **CLAIM})
    where = page.url.path
    assert "Waits for a second person" in page.text and "Agree to exactly this" not in page.text
    for browser in (olga, owner, vik):  # nobody reads before somebody agreed
        assert (await browser.get(where + "/entries")).status_code == 403
    assert (await olga.post(where + "/approval", data={"digest": _digest_of(page.text, where)})).status_code == 403
    assert (await vik.post(where + "/approval")).status_code == 403
    assert [("It waits for a second person." in (await each.get("/admin")).text) for each in (owner, olga, vik)] == [
        True,
        False,
        False,
    ]
    page = await owner.get(where)
    assert CLAIM["reference"] in page.text and CLAIM["reason"] in page.text
    page = await owner.post(where + "/approval", data={"digest": _digest_of(page.text, where)})
    assert page.status_code == 200 and "Read what is kept" in page.text
    for number, browser in enumerate((olga, owner), start=1):
        page = await browser.get(where + "/entries")
        assert "Yes to: Newsletter" in page.text and "a•••@example.com" in page.text and "number 7" in page.text
        assert 'href="/texts/newsletter@1/en"' in page.text
        assert len(await audit.search(event="evidence.read", object=where.rpartition("/")[2])) == number
    proof = await olga.get(f"{where}/entries/{entry}")
    assert audit.verify_receipt(proof.text, await audit.log_keys()).ok
    assert (await olga.get(f"{where}/entries/{await _other_entry(entry)}")).status_code == 404
    assert (await vik.get(where + "/entries")).status_code == 403
    assert CLAIM["reference"] in (await vik.get("/admin/evidence")).text  # the auditor sees that it happened
    assert [each.event for each in reversed(await audit.search(object=where.rpartition("/")[2]))] == [
        "evidence.opening_asked", "evidence.opened", *["evidence.read"] * 4,
    ]  # fmt: skip


async def test_a_person_who_was_erased_is_found_by_what_is_left_and_not_by_an_address(company: Company, olga: Browser) -> None:
    async with db.writing():
        mine = await subjects.ensure("email", ANA, by="import")
        said = await say(mine, "no", "newsletter")
    await audit.sequence_all()
    receipt = await audit.prove(said.entry)
    page = await olga.post("/admin/evidence", data={"about": receipt, **CLAIM})
    assert page.status_code == 409 and "was not deleted" in page.text
    case = await collected("erasure")
    assert (await answer(case)).outcome == "fulfilled"
    assert f'href="/admin/evidence/new?about={case}"' in (await olga.get(f"/admin/cases/{case}")).text
    link = re.search(r"http\S+/requests/[\w-]+", await newest_to(ANA, "mail/case-erased"))
    assert link
    for about in (case, receipt.replace("\n", "\r\n"), said.entry, link[0], mine.subject):
        page = await olga.post("/admin/evidence", data={"about": about, **CLAIM})
        assert page.status_code == 200 and "Waits for a second person" in page.text, about
    assert {each.subject for each in await openings.openings()} == {mine.subject}
    for nobody in (ANA, "", "x" * 5000, receipt.replace("A", "B", 1)):
        page = await olga.post("/admin/evidence", data={"about": nobody, **CLAIM})
        assert page.status_code == 422 and CLAIM["reference"] in page.text, nobody
    page = await olga.post("/admin/evidence", data={"about": said.entry, "kind": "curiosity"})
    assert page.status_code == 422 and page.text.count('class="error"') == 3
    assert len(await openings.openings()) == 5


async def _entry(entry_id: str) -> audit.Entry:
    found = await audit.entry(entry_id)
    assert found is not None
    return found


async def _other_entry(entry_id: str) -> str:
    """Of somebody else."""
    mine = (await _entry(entry_id)).subject
    return next(each.id for each in await audit.search(limit=200) if each.subject != mine)


def _digest_of(page: str, where: str) -> str:
    found = re.search(r'name="digest" value="(\w+)"', page)
    return found[1] if found else ""
