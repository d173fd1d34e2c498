"""People whom no mail reaches: a letter, a document that is seen, facts that two officers judge; and never what is corrected."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from portal import audit, cases, db, identity, jobs, settings, subjects, vault
from portal.cases import models, policy
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from tests.cases.shops import (
    ANA,
    BEN,
    MALLORY,
    OLGA,
    PETRA,
    Company,
    answer,
    ask,
    code_to,
    collected,
    letters_to,
    newest_to,
    prove,
    visit,
)
from tests.conftest import on_both

HOME = "Ana Pop\nStrada Lungă 5\n400001 Cluj"
REASONS = "She named the tea of March and that it came a day late."
FACTS = ["last order", "what we wrote last"]


def moved_in(company: Company) -> None:
    company.run("shop", "ALTER TABLE customer ADD COLUMN street TEXT")
    company.run("shop", "UPDATE customer SET street = 'Strada Lungă 5, 400001 Cluj' WHERE id = 1")
    path = company.folder / "shop.toml"
    path.write_text(path.read_text().replace('name = "Name" }', 'name = "Name", street = "Street" }', 1))


async def posted_code(case_id: str) -> tuple[str, str]:
    """A letter written and posted; answers it and the code that stood in it."""
    letter = await cases.proving.write_letter(case_id, HOME, "shop", officer=OLGA)
    code = await code_in(letter)
    await cases.letters.posted(case_id, letter, officer=OLGA)
    return letter, code


async def code_in(letter: str) -> str:
    row = await models.Letter.get(id=letter)
    key = await vault.find_key("case", row.case_id)
    assert key and row.text
    text = json.loads(key.open(vault.Place("case_letter", "text", letter), row.text))["text"]
    found = re.search(r"^[0-9A-Z]{4}(-[0-9A-Z]{4}){2}$", text, re.MULTILINE)
    assert found, text
    return found[0]


async def state(case_id: str) -> str:
    return (await cases.case(case_id)).state


@on_both
async def test_a_letters_code_proves_once_posted_once_and_in_time(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    letter = await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    code = await code_in(letter)
    with pytest.raises(NotAllowed):
        await cases.proving.take_letter_code(code)  # not at the post yet
    printed = await cases.letters.pdf(opened.id, letter, officer=OLGA)
    assert printed.startswith(b"%PDF")
    await cases.letters.posted(opened.id, letter, officer=OLGA)
    stored = await db.row("SELECT text, code FROM case_letter WHERE id = ?", letter)
    assert stored is not None and stored["text"] is None and code.encode() not in bytes(stored["code"])
    with clock.at(clock.now() + timedelta(days=22)), pytest.raises(NotAllowed):
        await cases.proving.take_letter_code(code)
    assert await state(opened.id) == "verifying"
    assert await cases.proving.take_letter_code(code.lower().replace("-", " ")) == await cases.reference_of(opened.id)
    assert await state(opened.id) == "triage"
    with pytest.raises(NotAllowed):
        await cases.proving.take_letter_code(code)
    told = {each.event for each in await audit.search(case=opened.id)}
    assert {"case.proof_tried", "case.letter_posted", "case.letter_printed", "case.proven"} <= told
    # Nobody showed the mailbox: it may be another's by now.
    assert "mail/case-started" not in await letters_to(ANA)


async def test_a_letter_goes_only_where_the_data_already_says(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    for place, system in (("Ana Pop\nStrada Nouă 9\n400001 Cluj", "shop"), (HOME, "news"), (HOME, "portal")):
        with pytest.raises(Invalid, match="does not stand"):
            await cases.proving.write_letter(opened.id, place, system, officer=OLGA)
    async with db.writing():
        known = await subjects.ensure("email", ANA, by="import")
        await subjects.ensure("post", HOME, by="import", subject=known.subject)
    with pytest.raises(Invalid, match="does not stand"):  # recorded after the request came in
        await cases.proving.write_letter(opened.id, HOME, "portal", officer=OLGA)
    with clock.at(clock.now() + timedelta(days=2)):
        later = await ask("access", BEN)
        with pytest.raises(Invalid, match="does not stand"):  # somebody else's
            await cases.proving.write_letter(later.id, HOME, "portal", officer=OLGA)
        mine = await cases.open("access", ANA, language="en")
        assert await cases.proving.write_letter(mine.id, HOME, "portal", officer=OLGA)


async def test_three_letters_a_month_go_to_one_person(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    for _number in range(3):
        await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    with pytest.raises(TooMany):
        await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)


async def test_what_is_corrected_proves_nothing(company: Company) -> None:
    moved_in(company)
    opened = await ask("rectification", details={"changes": {"street": "Strada Nouă 9"}})
    with pytest.raises(Conflict, match="asks to correct"):
        await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    assert (await cases.proving.of(opened.id)).ways == ("in person", "facts")


async def test_of_a_document_only_its_kind_is_kept(company: Company) -> None:
    opened = await ask("erasure")
    with pytest.raises(Invalid):
        await cases.proving.saw_document(opened.id, "RX 123456", officer=OLGA)
    await cases.proving.saw_document(opened.id, "passport", officer=OLGA)
    assert await state(opened.id) == "triage"
    assert [each.said for each in (await cases.proving.of(opened.id)).matches] == ["passport"]
    ana = await subjects.find("email", ANA)
    assert ana is not None and ana.verified_at is None  # the mailbox itself was not shown


async def test_facts_take_two_people_and_the_answer_then_takes_two_as_well(company: Company) -> None:
    opened = await ask("access")
    for few in (["last order"], ["name", "birth date", "customer number", "address"]):
        with pytest.raises(Invalid):
            await cases.proving.compare_facts(opened.id, few, REASONS, officer=OLGA)
    match = await cases.proving.compare_facts(opened.id, FACTS, REASONS, officer=OLGA)
    with pytest.raises(NotAllowed, match="another person"):
        await cases.proving.confirm_facts(match, officer=OLGA)
    assert await state(opened.id) == "verifying"
    stored = await db.row("SELECT said FROM case_proof WHERE id = ?", match)
    assert stored is not None and b"tea" not in bytes(stored["said"])
    await cases.proving.confirm_facts(match, officer=PETRA)
    with pytest.raises(Conflict):
        await cases.proving.confirm_facts(match, officer=PETRA)
    assert await state(opened.id) == "triage"
    await cases.collect(opened.id, officer=OLGA)
    await jobs.run_due()
    await cases.review(opened.id, officer=OLGA)
    assert await cases.propose(opened.id, officer=OLGA) == "approving"


async def test_a_failed_try_is_told_with_what_else_would_do(company: Company) -> None:
    opened = await ask("access")
    match = await cases.proving.compare_facts(opened.id, FACTS, REASONS, officer=OLGA)
    await cases.proving.decline_facts(match, officer=PETRA)
    told = await cases.proving.for_person(opened.id)
    assert told is not None and told.failed and told.ways == ("letter", "in person", "facts")
    assert "case.proof_failed" in {each.event for each in await audit.search(case=opened.id)}
    await prove(opened)
    assert await cases.proving.for_person(opened.id) is None


async def test_a_copy_for_somebody_without_a_mailbox_goes_by_tracked_post_and_closes(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    _letter, code = await posted_code(opened.id)
    await cases.proving.take_letter_code(code)
    before = await letters_to(ANA)
    await cases.collect(opened.id, officer=OLGA)
    await jobs.run_due()
    await cases.review(opened.id, officer=OLGA)
    await answer(opened.id)
    assert await state(opened.id) == "delivering" and await letters_to(ANA) == before
    kinds = [each.kind for each in await cases.letters.of_case(opened.id)]
    assert kinds == ["code", "case-ready"] and (await cases.letters.of_case(opened.id))[1].place == HOME
    await cases.by_post.package(opened.id, officer=OLGA)
    await cases.by_post.given(opened.id, "tracked post", "RR 123 456 789 RO", officer=OLGA)
    assert (await cases.case(opened.id)).outcome == "fulfilled"


async def test_a_copy_never_goes_by_post_where_no_postal_address_was_proven(company: Company) -> None:
    met, mailed = await ask("access"), await collected("access", BEN)
    await cases.proving.saw_document(met.id, "passport", officer=OLGA)
    await cases.collect(met.id, officer=OLGA)
    await jobs.run_due()
    await cases.review(met.id, officer=OLGA)
    assert await cases.propose(met.id, officer=OLGA) == "approving", "one officer alone could take anybody's copy"
    await cases.send_back(met.id, why="To be proposed once more.", officer=PETRA)
    for each in (met.id, mailed):
        await answer(each)
    with pytest.raises(Conflict, match="hand to hand"):
        await cases.by_post.given(met.id, "tracked post", "RR 123 456 789 RO", officer=OLGA)
    with pytest.raises(Conflict, match="in the portal"):
        await cases.by_post.given(mailed, "in person", officer=OLGA)
    await cases.by_post.given(met.id, "in person", officer=OLGA)
    assert await state(met.id) == "closed"


async def test_an_address_not_to_use_is_not_warned_and_one_code_is_not_enough(company: Company) -> None:
    """The partner reads `old`; Ana reads the address she asks with."""
    old = "old@example.com"
    async with db.writing():
        first = await subjects.ensure("email", ANA, by="import")
        second = await subjects.ensure("email", old, by="import", subject=first.subject)
        for each in (first, second):
            await subjects.mark_verified(each.id)
    opened = await ask("access", details={"avoid": "Old@example.com"})
    assert await prove(opened) == "verifying"
    told = await cases.proving.for_person(opened.id)
    assert told is not None and told.more == "safe address"
    await cases.proving.saw_document(opened.id, "identity card", officer=OLGA)
    assert await state(opened.id) == "triage" and await letters_to(old) == []
    open_one = await ask("access", details={"message": "And this one warns."})
    await prove(open_one)
    assert await letters_to(old) == ["mail/case-notice"]


async def test_a_browser_new_to_the_account_takes_a_second_person_or_a_stronger_proof(company: Company) -> None:
    async def from_browser(browser: str, message: str) -> cases.Opened:
        opened = await cases.open("access", ANA, language="en", browser=browser, details={"message": message})
        assert opened.challenge is not None
        await cases.verified(opened.id, await identity.prove_code(opened.challenge, await code_to(ANA), browser=browser))
        return opened

    with clock.at(clock.now() - timedelta(days=3)):
        first = await from_browser("hers", "first")
    second = await from_browser("another", "second")
    assert (await cases.case(first.id)).flags == () and (await cases.case(second.id)).flags == ("new device",)
    assert (await cases.case((await from_browser("hers", "third")).id)).flags == ()
    folder = company.folder / "policies"
    folder.mkdir()
    for each in settings.get().policies.iterdir():
        (folder / each.name).symlink_to(each)
    (folder / "verification.toml").unlink()
    text = (settings.get().policies / "verification.toml").read_text()
    (folder / "verification.toml").write_text(text.replace('asks = "second person"', 'asks = "stronger proof"'))
    settings.use(replace(settings.get(), policies=folder))
    assert policy.policy().new_device_asks == "stronger proof"
    third = await from_browser("a third", "fourth")
    assert (await cases.case(third.id)).state == "verifying"
    await cases.proving.saw_document(third.id, "passport", officer=OLGA)
    assert (await cases.case(third.id)).state == "triage"


async def test_whoever_signed_in_from_a_new_browser_first_takes_a_second_person_as_well(company: Company) -> None:
    with clock.at(clock.now() - timedelta(days=3)):
        mine = await ask("access", browser="hers")
        await prove(mine, browser="hers")
    await prove(await ask("access", browser="a thief's"), browser="a thief's")  # which makes that browser known here
    opened = await cases.open_for(await visit(), "access", language="en", browser="a thief's")
    assert (await cases.case(opened.id)).flags == ("new device",)
    known = await cases.open_for(await visit(), "portability", language="en", browser="hers")
    assert (await cases.case(known.id)).flags == ()


async def test_a_postal_address_is_not_put_together_out_of_several_rows_or_found_in_what_somebody_wrote(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (8, 1, 'For Mallory Lee'), (9, 1, 'Aleea Florilor 3, 400002 Cluj')")
    company.run("shop", "INSERT INTO purchase VALUES (10, 1, 'Mallory Lee, Aleea Florilor 3, 400002 Cluj')")
    opened = await ask("access")
    with pytest.raises(Invalid, match="does not stand"):
        await cases.proving.write_letter(opened.id, "Mallory Lee\nAleea Florilor 3\n400002 Cluj", "shop", officer=OLGA)


async def test_who_shows_a_document_after_the_mailbox_still_gets_mail(company: Company) -> None:
    opened = await ask("access", details={"avoid": "old@example.com"})
    assert await prove(opened) == "verifying"
    await cases.proving.saw_document(opened.id, "identity card", officer=OLGA)
    assert (await cases.proving.of(opened.id)).reach == "mail" and await state(opened.id) == "triage"


async def test_an_address_that_was_joined_since_does_not_lift_a_freeze(company: Company) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        work = await subjects.ensure("email", "ana.work@example.com", by="import", subject=ana.subject)
        joined = await subjects.ensure("email", MALLORY, by="import")
        for each in (work, joined):
            await subjects.mark_verified(each.id)
    case_id = await collected("access")
    notice = await newest_to("ana.work@example.com", "mail/case-notice")
    await cases.not_me(notice.split("/requests/notices/")[1].split()[0])
    async with db.writing():
        await subjects.link(joined.id, ana.subject, by="officer:olga", why="The same name.")
    assert [each.id for each in await cases.second_proof.addresses(case_id)] == [work.id]
    with pytest.raises(NotFound):
        await cases.second_proof.ask(case_id, joined.id, await visit(ANA))
