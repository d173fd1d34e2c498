"""The time to change one's mind: an approved deletion waits until it is over, and not a moment past the legal date."""

from datetime import datetime, timedelta

import pytest

from portal import audit, cases, connectors, db, jobs, messages, subjects
from portal.cases import cooling, fanout, models, moves
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import ANA, OLGA, PETRA, Company, answer, ask, collected, letters_to, prove
from tests.conftest import on_both
from tests.consent.people import known, publish, say
from tests.people import Browser, sign_in

THREE_DAYS = timedelta(hours=72)


async def approved(delete: str = "later") -> str:
    case_id = await collected("erasure", details={"delete": delete})
    await answer(case_id)
    return case_id


async def moment(case_id: str) -> datetime | None:
    return (await cases.case(case_id)).deletes_after


def orders(company: Company) -> int:
    return int(company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1")[0][0])


@on_both
async def test_a_deletion_waits_three_days_and_begins_by_itself(company: Company) -> None:
    case_id = await approved()
    proven = (await models.CaseIdentifier.get(case_id=case_id)).proven_at
    assert await moment(case_id) == proven + THREE_DAYS
    assert (await cases.persons_side.of(case_id)).deletes_after == proven + THREE_DAYS
    assert orders(company) == 2 and (await cases.case(case_id)).state == "fulfilling"
    with clock.at(proven + THREE_DAYS - timedelta(minutes=1)):
        await cases.execute(case_id, officer=OLGA)
        await jobs.run_due()
        assert orders(company) == 2
    with clock.at(proven + THREE_DAYS + timedelta(seconds=1)):
        await jobs.run_due()
        case = await cases.case(case_id)
        assert (case.state, case.outcome, case.deletes_after) == ("closed", "fulfilled", None)
    assert orders(company) == 0 and await subjects.find("email", ANA) is None


async def test_delete_now_waits_for_nothing(company: Company) -> None:
    case_id = await approved("now")
    assert orders(company) == 0 and (await cases.case(case_id)).outcome == "fulfilled"
    with pytest.raises(Invalid):
        await ask("erasure", details={"delete": "whenever"})


async def test_whoever_does_not_want_to_wait_any_longer_says_so_and_the_deletion_begins(company: Company) -> None:
    early, late = await ask("erasure", details={"delete": "later"}), await approved()
    page = f"/requests/{await cases.reference_of(late)}"
    async with Browser() as ana, Browser() as nobody:
        await sign_in(ana, ANA)
        assert "I do not want to wait" not in (await nobody.get(page)).text
        assert "I do not want to wait" in (await ana.get(page)).text
        await jobs.run_due()
        assert orders(company) == 2
        assert (await ana.post(page + "/at-once")).status_code == 200
        await jobs.run_due()
        assert orders(company) == 0 and (await cases.case(late)).outcome == "fulfilled"
    assert len(await audit.search(event="case.wait_given_up", case=late)) == 1
    with pytest.raises(Conflict):  # nobody has proven it, so nothing waits
        async with db.writing():
            await cooling.give_up(await moves.lock(early.id))


async def test_where_no_system_is_connected_the_portals_own_part_waits_no_longer_either(company: Company) -> None:
    (company.folder / "systems.toml").write_text("")
    await publish()
    await say(await known("email", ANA, proven=True), "yes", grade="self-verified")
    case_id = await approved()
    async with Browser() as ana:
        await sign_in(ana, ANA)
        await jobs.run_due()
        assert (await cases.case(case_id)).state == "fulfilling"
        await ana.post(f"/requests/{await cases.reference_of(case_id)}/at-once")
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"


async def test_a_visit_that_was_left_open_cannot_cut_the_wait_short(company: Company) -> None:
    case_id = await approved()
    page = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as ana:
        await sign_in(ana, ANA)
        with clock.at(clock.now() + timedelta(minutes=15)):
            refused = await ana.post(page + "/at-once")
            assert refused.status_code == 403 and "/sign-in/again" in refused.text
            await jobs.run_due()
            assert orders(company) == 2 and await moment(case_id) is not None


async def test_what_waits_no_longer_still_waits_for_the_second_person(company: Company) -> None:
    case_id = await collected("erasure", details={"delete": "later"})
    async with Browser() as ana:
        await sign_in(ana, ANA)
        await ana.post(f"/requests/{await cases.reference_of(case_id)}/at-once")
    await cases.propose(case_id, officer=OLGA)
    await jobs.run_due()
    assert orders(company) == 2 and await moment(case_id) is None
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    assert orders(company) == 0


async def test_advertising_stops_at_once_all_the_same(company: Company) -> None:
    await prove(await ask("erasure", details={"delete": "later"}))
    assert len(await audit.search(event="consent.objected")) == 1


@on_both
async def test_what_is_taken_back_meanwhile_is_never_deleted(company: Company) -> None:
    case_id = await approved()
    await cases.withdraw(case_id, actor="customer:ana")
    with clock.at(clock.now() + timedelta(days=4)):
        await jobs.run_due()
    assert orders(company) == 2 and (await cases.case(case_id)).outcome == "withdrawn"


async def test_what_is_taken_back_between_a_workers_looks_is_not_deleted(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has looked, found that it may begin, and asks the system while the person presses the button."""
    case_id, real = await approved(), fanout.open_system

    async def pressed_meanwhile(task: models.Task, row: models.CaseRow) -> connectors.Connector:
        if (await cases.case(case_id)).state == "fulfilling":
            await cases.withdraw(case_id, actor="customer:ana")
        return await real(task, row)

    monkeypatch.setattr(fanout, "open_system", pressed_meanwhile)
    with clock.at(clock.now() + timedelta(days=4)):
        await jobs.run_due()
    assert orders(company) == 2 and company.rows("news", "SELECT count(*) FROM subscription") == [(2,)]


async def test_a_hold_that_comes_meanwhile_is_respected(company: Company) -> None:
    case_id = await approved()
    hold = await cases.hold(case_id, "freeze", "She telephoned.", officer=OLGA)
    with clock.at(clock.now() + timedelta(days=4)):
        await jobs.run_due()
        assert orders(company) == 2
        await cases.lift(hold, officer=OLGA)
        await jobs.run_due()
        assert orders(company) == 0


async def test_lifting_a_hold_does_not_shorten_the_wait(company: Company) -> None:
    case_id = await approved()
    await cases.lift(await cases.hold(case_id, "freeze", "She telephoned.", officer=OLGA), officer=OLGA)
    await jobs.run_due()
    assert orders(company) == 2


async def test_it_never_waits_into_the_legal_day(company: Company) -> None:
    """An answer that took its time is approved on the day before it is due."""
    case_id = await collected("erasure", details={"delete": "later"})
    proven = (await models.CaseIdentifier.get(case_id=case_id)).proven_at
    async with db.writing():
        await models.CaseRow.filter(id=case_id).update(due_on=(proven + timedelta(days=2)).date().isoformat())
    await answer(case_id)
    ends = await moment(case_id)
    assert ends is not None and ends < proven + timedelta(days=2)
    with clock.at(ends + timedelta(seconds=1)):
        await jobs.run_due()
    assert orders(company) == 0


async def test_an_approval_after_the_three_days_begins_at_once(company: Company) -> None:
    case_id = await collected("erasure", details={"delete": "later"})
    with clock.at(clock.now() + timedelta(days=5)):
        await answer(case_id)
    assert orders(company) == 0


@on_both
async def test_a_letter_of_another_kind_while_it_waits_stops_nothing_and_goes_with_the_rest(company: Company) -> None:
    """A pause of theirs ends meanwhile, and they are told."""
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
    case_id = await approved()
    with clock.at(clock.now() + timedelta(days=1)):
        async with db.writing():
            context = {"link": "https://privacy.example.com", "titles": ["News"]}
            await messages.send_later(
                template="mail/pause-over", to=ANA, language="en", context=context, subject=ana.home, key="pause"
            )
        await jobs.run_due()
    with clock.at(clock.now() + timedelta(days=4)):
        await jobs.run_due()
        assert (await cases.case(case_id)).outcome == "fulfilled"
    assert "mail/pause-over" not in await letters_to(ANA)


async def test_an_approval_that_lost_its_force_begins_nothing(company: Company) -> None:
    case_id = await approved()
    await cases.triage(case_id, officer=OLGA, flags=["third party"])
    with clock.at(clock.now() + timedelta(days=4)):
        await jobs.run_due()
    assert orders(company) == 2 and (await cases.case(case_id)).state == "reviewing"
    with pytest.raises(Conflict):
        await cases.approve(case_id, "0" * 64, officer=PETRA)
