"""An e-mail address is put in place of another only when it is proven; the old one is told, and no no is lost by it."""

import pytest

from portal import audit, cases, consent, db, identity, jobs, subjects
from portal.cases import models, states, verification
from portal.lib.errors import Conflict, Invalid, NotAllowed
from tests.cases.autopilot_steps import acting, an_hour_later, asked
from tests.cases.autopilot_steps import state as cases_state
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, ask, collected, confirmed, letters_to, newest_to, visit
from tests.conftest import on_both
from tests.consent.people import allowed, known, publish, say

NEW = "ana@new.example"
CORRECTABLE = ('correctable = { phone = "phone", name = "name" }', 'correctable = { email = "email", name = "name" }')


def correcting_addresses(company: Company) -> Company:
    shop, news = company.folder / "shop.toml", company.folder / "news.toml"
    shop.write_text(shop.read_text().replace(*CORRECTABLE))
    news.write_text(news.read_text().replace("on_erase", 'correctable = { email = "email" }\non_erase'))
    return company


async def of(address: str) -> subjects.Identifier:
    found = await subjects.find("email", address)
    assert found is not None
    return found


async def carried_out(company: Company) -> str:
    case_id = await collected("rectification", details={"changes": {"email": NEW}})
    await confirmed(case_id, NEW)
    await cases.decide_correction(case_id, "email", True, officer=OLGA)
    await answer(case_id)
    return case_id


async def said_no(identifier: str) -> set[tuple[str, str, str]]:
    found = await db.rows("SELECT purpose, channel, topic FROM decision WHERE identifier = ? AND answer = 'no'", identifier)
    return {(each["purpose"], each["channel"], each["topic"]) for each in found}


async def standing(case_id: str) -> list[str]:
    return [each.system for row in await cases.corrections(case_id) for each in row["targets"] if each.chosen]


@on_both
async def test_the_new_address_stands_everywhere_and_the_old_one_is_told_and_left(company: Company) -> None:
    correcting_addresses(company)
    case_id = await collected("rectification", details={"changes": {"email": NEW}})
    assert await standing(case_id) == ["shop", "news", "portal"]
    with pytest.raises(Conflict, match="not confirmed the new address"):
        await cases.decide_correction(case_id, "email", True, officer=OLGA)
    session, old = await visit(), await of(ANA)
    await confirmed(case_id, NEW)
    assert (await of(NEW)).subject != old.subject
    await cases.decide_correction(case_id, "email", True, officer=OLGA)
    assert (await answer(case_id)).outcome == "fulfilled"

    assert company.rows("shop", "SELECT email FROM customer ORDER BY id") == [(NEW,), (BEN,)]
    assert company.rows("news", "SELECT email FROM subscription ORDER BY email") == [(NEW,), (BEN,)]
    old, new = await of(ANA), await of(NEW)
    assert (old.audience, new.audience) == (subjects.FORMER, "person")
    assert new.subject == old.subject and new.verified_at is not None
    assert "/requests/notices/" in await newest_to(ANA, "mail/case-notice")
    assert "mail/case-corrected" not in await letters_to(ANA)
    assert "corrected, and read again" in await newest_to(NEW, "mail/case-corrected")
    assert not await cases.is_of(case_id, session) or (await subjects.get(session.identifier or "")).audience == subjects.FORMER
    assert await cases.is_of(case_id, await visit(NEW))


TOLD_OF_THE_NEWSLETTER = """
[consent]
table = "subscription"
identifiers = { email = "email" }
[[consent.cell]]
purpose = "newsletter"
channel = "email"
topic = "offers"
set = { status = ["subscribed", "unsubscribed"] }
"""


@on_both
async def test_a_list_that_hears_of_every_choice_has_room_for_the_new_address(company: Company) -> None:
    correcting_addresses(company)
    news = company.folder / "news.toml"
    news.write_text(news.read_text() + TOLD_OF_THE_NEWSLETTER)
    await publish()
    case_id = await collected("rectification", details={"changes": {"email": NEW}})
    await confirmed(case_id, NEW)
    await audit.sequence_all()
    heard = await consent.propagation.propagate_once("news")
    assert heard.sent and company.rows("news", "SELECT email FROM subscription ORDER BY email") == [(ANA,), (BEN,)]
    await cases.decide_correction(case_id, "email", True, officer=OLGA)
    assert (await answer(case_id)).outcome == "fulfilled"
    assert company.rows("news", "SELECT email FROM subscription ORDER BY email") == [(NEW,), (BEN,)]


@on_both
async def test_what_the_old_address_said_no_to_is_a_no_at_the_new_one_and_a_yes_is_not_moved(company: Company) -> None:
    await publish()
    old = await known("email", ANA, proven=True)
    await say(old, "yes", "newsletter", topic="offers")
    await say(old, "no", "similar-books", source="unsubscribe-link")
    await say(old, "no", "partners", consent.ALL, topic=consent.ALL)
    session = await visit()
    await consent.stops.object_to_marketing(old.subject, by="system")
    await carried_out(correcting_addresses(company))
    new = await of(NEW)
    assert await said_no(new.id) == {("similar-books", "email", ""), ("partners", "*", "*")}
    assert not await allowed(new, "newsletter", topic="offers") and not await allowed(new, "similar-books")
    assert await identity.session(session.id, "customer") is None


@on_both
async def test_what_was_said_at_the_new_address_stays_as_it_was_said(company: Company) -> None:
    await publish()
    old = await known("email", ANA, proven=True)
    new = await known("email", NEW, old.subject, proven=True)
    await say(old, "no", "newsletter")
    await say(new, "yes", "newsletter", grade="self-verified")
    await carried_out(correcting_addresses(company))
    assert await allowed(new, "newsletter") and await said_no(new.id) == set()


async def test_an_address_of_another_record_is_looked_at_by_officers_first(company: Company) -> None:
    ben = await known("email", NEW)
    case_id = await carried_out(correcting_addresses(company))
    assert await cases_state(case_id) == states.FULFILLING
    [own] = await models.Task.filter(case_id=case_id, step="correct", system="portal")
    assert own.state == "stopped" and "another record" in own.sentence
    assert (await of(ANA)).audience == "person" and (await of(NEW)).subject == ben.subject
    async with db.writing():
        await subjects.link(ben.id, (await of(ANA)).subject, by="officer:olga", why="same number")
    await cases.look_again(case_id, officer=OLGA)
    await jobs.run_due()
    await cases.decide_correction(case_id, "email", True, officer=OLGA)
    assert (await answer(case_id)).outcome == "fulfilled" and (await of(ANA)).audience == subjects.FORMER


async def test_a_shared_address_stands_in_nobodys_place(company: Company) -> None:
    await known("email", NEW, audience="shared")
    case_id = await collected("rectification", details={"changes": {"email": NEW}})
    with pytest.raises(NotAllowed, match="Several people"):
        await confirmed(case_id, NEW)
    with pytest.raises(Conflict, match="not confirmed"):
        await cases.decide_correction(case_id, "email", True, officer=OLGA)


async def test_an_address_that_must_not_be_used_is_told_nothing(company: Company) -> None:
    await known("email", "ana@other.example", (await known("email", ANA, proven=True)).subject, proven=True)
    details = {"changes": {"email": NEW}, "avoid": ANA}
    opened = await cases.open_for(await visit("ana@other.example"), "rectification", language="en", details=details)
    async with db.writing():
        row = await models.CaseRow.get(id=opened.id)
        await verification.tell_old(row, await of(ANA))
    assert "mail/case-notice" not in await letters_to(ANA)


async def test_nothing_is_asked_of_a_new_address_before_it_is_known_who_asks(company: Company) -> None:
    opened = await ask("rectification", details={"changes": {"email": NEW}})
    with pytest.raises(Conflict):
        await cases.new_address.ask(opened.id)
    assert await letters_to(NEW) == []


async def test_what_is_no_address_is_refused_in_its_field(company: Company) -> None:
    with pytest.raises(Invalid) as problem:
        await ask("rectification", details={"changes": {"email": "ana at home"}})
    assert list(problem.value.fields) == ["email"]


async def test_another_request_of_theirs_is_answered_to_the_new_address_as_well(company: Company) -> None:
    access = await collected("access")
    await carried_out(correcting_addresses(company))
    await cases.collect(access, officer=OLGA)
    await jobs.run_due()
    await answer(access)
    assert "mail/case-ready" in await letters_to(NEW) and "mail/case-ready" not in await letters_to(ANA)


async def test_a_proven_address_is_corrected_without_an_officer_where_the_autopilot_acts(company: Company) -> None:
    correcting_addresses(company)
    await acting("rectification", name="Benjamin Lee")
    case_id = await asked("rectification", email=NEW)
    await confirmed(case_id, NEW)
    await an_hour_later()
    assert await cases_state(case_id) == states.CLOSED
    assert company.rows("shop", "SELECT email FROM customer WHERE id = 2") == [(NEW,)]


async def test_an_unproven_address_is_left_to_officers_by_the_autopilot(company: Company) -> None:
    correcting_addresses(company)
    await acting("rectification", name="Benjamin Lee")
    case_id = await asked("rectification", email=NEW)
    await an_hour_later()
    assert await cases_state(case_id) == states.REVIEWING
