"""Legal holds: set by counsel on a person or a system, they stop deleting and nothing else, and are looked at again in time."""

from datetime import timedelta

import pytest

from portal import audit, cases, connectors, db, jobs, messages, subjects, vault
from portal.cases import contact, fanout, letterbox, models
from portal.lib import clock, ids
from portal.lib.clock import months_later
from portal.lib.errors import Conflict, Invalid, NotFound
from tests.cases.shops import ANA, BEN, OLGA, PETRA, Company, answer, collected
from tests.cases.test_conversation import PDF
from tests.cases.test_fulfilling import proposed_erasure
from tests.cases.test_holds import left
from tests.conftest import on_both

CARLA = "carla"
WHY = "Court case 12/2026 about the invoices."
STOPPED = {"what": "no advertising", "right": "opt-out", "remedies": []}


async def person(address: str = ANA) -> str:
    found = await subjects.find("email", address)
    assert found is not None
    return found.subject


@on_both
async def test_a_system_on_hold_is_kept_as_it_is_and_the_rest_is_deleted(company: Company) -> None:
    hold = await cases.legal_holds.set_on_system("news", WHY, officer=CARLA)
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    await jobs.run_due()
    assert left(company) == [("shop", 0), ("news", 1)]
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None
    kept = [(each.system, each.action, each.law) for each in snapshot.removals if each.system == "news"]
    assert kept == [("news", "keep", "GDPR Art. 17(3)(e)")]
    assert (await cases.case(case_id)).outcome == "fulfilled"
    await cases.legal_holds.lift(hold, officer=CARLA)
    assert await cases.legal_holds.standing() == []


async def test_a_hold_on_a_system_after_the_dry_run_stops_that_system_until_it_is_lifted(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    hold = await cases.legal_holds.set_on_system("shop", WHY, officer=CARLA)
    await jobs.run_due()
    waiting = await cases.case(case_id)
    assert left(company) == [("shop", 2), ("news", 0)] and waiting.state == "fulfilling"
    assert any("legal hold" in each.sentence for each in waiting.systems if each.system == "shop")
    await cases.legal_holds.lift(hold, officer=CARLA)
    await jobs.run_due()
    assert left(company) == [("shop", 0), ("news", 0)] and (await cases.case(case_id)).state == "closed"


async def test_a_copy_is_given_whatever_is_on_hold(company: Company) -> None:
    case_id = await collected("access")
    await cases.legal_holds.set_on_person(await person(), WHY, officer=CARLA)
    await cases.review(case_id, officer=OLGA)
    assert (await answer(case_id)).state == "delivering"


async def test_what_goes_by_itself_leaves_a_person_on_hold_alone(company: Company) -> None:
    mine, other = await collected("access"), await collected("access", BEN)
    for each in (mine, other):
        await answer(each, "refused", "It was the fourth time this week.")
    hold = await cases.legal_holds.set_on_person(await person(), WHY, officer=CARLA)
    with clock.at(clock.now() + timedelta(days=1200)):
        async with db.writing():
            assert await contact.fall_of_expired() == 1
        assert await vault.find_key("case", mine) and not await vault.find_key("case", other)
        await cases.legal_holds.lift(hold, officer=CARLA)
        async with db.writing():
            assert await contact.fall_of_expired() == 1


async def test_what_was_found_and_sent_stays_while_a_hold_stands_and_goes_when_it_is_lifted(company: Company) -> None:
    mine, other = await collected("access"), await collected("access", BEN)
    await cases.conversation.received(mine, "Here is my bill.", actor="customer:ana", attachments=[PDF])
    file = (await cases.conversation.thread(mine))[0].files[0].id
    hold = await cases.legal_holds.set_on_person(await person(), WHY, officer=CARLA)
    with clock.at(clock.now() + timedelta(days=800)):
        await tidied()
        assert await contents(mine) == 4 and await contents(other) == 0
        assert (await cases.conversation.file(mine, file, officer=OLGA)).size == len(PDF.content)
        await cases.legal_holds.lift(hold, officer=CARLA)
        await tidied()
        assert await contents(mine) == 0
        with pytest.raises(NotFound):
            await cases.conversation.file(mine, file, officer=OLGA)


async def tidied(*others: str) -> None:
    async with db.writing():
        for verb in ("cases.tidy", "cases.tidy_mail", *others):
            await jobs.later(verb, {})
    await jobs.run_due()


async def contents(case_id: str) -> int:
    """How many of its findings can be read."""
    found = await models.FindingRow.filter(case_id=case_id).exclude(blob_id=None)
    return len([each for each in found if [piece async for piece in vault.read_blob(each.blob_id or "")]])


async def test_a_hold_on_any_record_that_a_request_is_about_stops_its_deletion(company: Company) -> None:
    """Two addresses that were never joined, both shown in one request."""
    case_id = await collected("erasure")
    async with db.writing():
        other = await subjects.ensure("email", BEN, by="import")
        await models.CaseIdentifier.create(id=ids.new(), case_id=case_id, identifier=other.id, how="code", proven_at=clock.now())
    assert other.subject != (await cases.case(case_id)).subject
    hold = await cases.legal_holds.set_on_person(other.subject, WHY, officer=CARLA)
    assert [each.id for each in await cases.legal_holds.of_request(case_id)] == [hold]
    with pytest.raises(Conflict, match="legal hold"):
        await answer(case_id)
    held = await cases.legal_holds.covered()
    assert case_id in held.cases and await person() in held.people


async def test_a_hold_is_looked_at_again_within_six_months_and_named_until_then(company: Company) -> None:
    case_id = await collected("access")
    today = clock.now().date()
    with pytest.raises(Invalid, match="marked"):
        await cases.legal_holds.set_on_person(
            await person(), WHY, review_on=months_later(today, 6) + timedelta(days=2), officer=CARLA
        )
    with pytest.raises(Invalid):
        await cases.legal_holds.set_on_person(await person(), "Court.", officer=CARLA)
    hold = await cases.legal_holds.set_on_person(await person(), WHY, officer=CARLA)
    assert [(each.why, each.due) for each in await cases.legal_holds.of_person(await person())] == [(WHY, False)]
    with clock.at(clock.now() + timedelta(days=190)):
        for _day in range(2):
            async with db.writing():
                await jobs.later("cases.review_holds", {})
            await jobs.run_due()
        assert await cases.legal_holds.due() == 1
        told = [each for each in await audit.search(subject=await person()) if each.event == "hold.review_due"]
        assert len(told) == 1
        await cases.legal_holds.review(hold, "The appeal is still open in Cluj.", officer=CARLA)
        assert await cases.legal_holds.due() == 0
    assert (await cases.case(case_id)).state == "reviewing"


async def test_the_reason_is_sealed_under_the_persons_key_and_every_step_is_recorded(company: Company) -> None:
    await collected("access")
    hold = await cases.legal_holds.set_on_person(await person(), WHY, officer=CARLA)
    stored = await db.row("SELECT why FROM legal_hold WHERE id = ?", hold)
    assert stored is not None and WHY.encode() not in bytes(stored["why"])
    await cases.legal_holds.lift(hold, officer=CARLA)
    with pytest.raises(Conflict, match="already"):
        await cases.legal_holds.lift(hold, officer=OLGA)
    recorded = [each.event for each in await audit.search(subject=await person()) if each.event.startswith("hold.")]
    assert sorted(recorded) == ["hold.ended", "hold.set"]


async def test_a_deletion_does_not_wait_for_a_held_system_that_holds_nothing(company: Company) -> None:
    company.run("news", "DELETE FROM subscription")
    case_id = await collected("erasure")
    await cases.legal_holds.set_on_system("news", WHY, officer=CARLA)
    assert (await answer(case_id)).outcome == "fulfilled"


async def test_a_hold_that_is_set_while_a_system_is_being_asked_stops_the_deletion(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning anew takes its time, and counsel does not wait for it."""
    case_id = await collected("erasure")
    subject = (await cases.case(case_id)).subject or ""
    opened = fanout.open_system

    async def open_slowly(task: models.Task, row: models.CaseRow) -> connectors.Connector:
        if not await cases.legal_holds.standing():
            await cases.legal_holds.set_on_person(subject, WHY, officer=CARLA)
        return await opened(task, row)

    monkeypatch.setattr("portal.cases.fulfilment.fanout.open_system", open_slowly)
    await answer(case_id)
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(2,)]
    assert company.rows("news", "SELECT count(*) FROM subscription WHERE email LIKE 'ana%'") == [(1,)]


async def test_mails_from_and_to_somebody_on_hold_stay_with_what_they_say(company: Company) -> None:
    case_id = await collected("access")
    async with db.writing():
        mail = await letterbox.keep(b"m" * 16, b"From: ana@example.com", letterbox.CASE, case=case_id)
        for address in (ANA, BEN):
            known = await subjects.ensure("email", address, by="import")
            await messages.send_later(
                template="mail/case-stopped", to=address, language="en", context=STOPPED, subject=known.subject
            )
    hold = await cases.legal_holds.set_on_person(await person(), WHY, officer=CARLA)
    with clock.at(clock.now() + timedelta(days=800)):
        await tidied("messages.tidy")
        assert await kept_for(ANA) and not await kept_for(BEN)
        blob = (await models.MailRow.get(id=mail)).blob_id or ""
        assert b"".join([each async for each in vault.read_blob(blob)]) == b"From: ana@example.com"
        await cases.legal_holds.lift(hold, officer=CARLA)
        await tidied("messages.tidy")
        assert not await kept_for(ANA) and await db.row("SELECT 1 AS one FROM blob WHERE id = ?", blob) is None


async def kept_for(address: str) -> bool:
    return any(each.to == address and each.template == "mail/case-stopped" for each in await messages.mailbox(200))
