"""Answering by itself: off from the start, only after a month of the very same answers, and never what asks for judgement."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, cases, custody, db, jobs, settings, subjects
from portal.cases import models, states, switches
from portal.custody import backup
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from tests.cases.autopilot_steps import (
    LATER,
    OWNER,
    acting,
    an_hour_later,
    asked,
    comes_back,
    known,
    searched,
    state,
    waits_for_news,
    watched,
    watching,
)
from tests.cases.shops import BEN, MALLORY, OLGA, SYSTEMS, Company, answer, ask, found_company, newest_to, prove
from tests.conftest import House, on_both


async def test_it_is_off_until_an_owner_says_otherwise(company: Company) -> None:
    case_id = await asked()
    await jobs.run_due()
    assert await state(case_id) == states.TRIAGE and {each.mode for each in await switches.switches()} == {"off"}


@on_both
async def test_while_it_watches_officers_answer_and_it_notes_whether_alike(company: Company) -> None:
    await watching()
    case_id = await asked()
    await jobs.run_due()
    assert await state(case_id) == states.TRIAGE
    await searched(case_id)
    assert await state(case_id) == states.REVIEWING and (await watched()).waiting == 1
    await answer(case_id)
    assert (await watched()) == switches.Watched(1, (), 0, 0)
    await searched(await asked(message="Please call me about my order."))
    assert (await watched()).left == 1
    assert len(await audit.search(event="case.autopilot_looked")) == 2


@on_both
async def test_it_acts_only_after_a_month_that_shows_something(company: Company) -> None:
    with pytest.raises(Conflict, match="watch for a month first"):
        await switches.act("access", "shop", officer=OWNER)
    await watching()
    with pytest.raises(Conflict, match="not watched for a month yet"):
        await switches.act("access", "shop", officer=OWNER)
    with clock.at(clock.now() + LATER), pytest.raises(Conflict, match="no request yet"):
        await switches.act("access", "shop", officer=OWNER)
    for right, system in (("erasure", "shop"), ("access", "nowhere")):
        with pytest.raises(NotFound):
            await switches.watch(right, system, officer=OWNER)


@on_both
@pytest.mark.parametrize("right", ["access", "portability"])
async def test_a_copy_is_ready_without_an_officer_for_whoever_signed_in(company: Company, right: str) -> None:
    await acting(right)
    case_id = await asked(right)
    await jobs.run_due()
    assert await state(case_id) == states.DELIVERING and await cases.package_of(case_id) is not None
    assert await switches.acted(right, clock.now() - timedelta(days=1)) == 1
    log = await audit.search(case=case_id, limit=50)
    assert not [each for each in log if each.actor.startswith("officer:")]
    told = [step.event for step in await cases.timeline(case_id)]
    assert "case.autopilot_answered" in told and "case.proposed" not in told


async def test_a_newly_connected_system_and_a_switch_turned_off_leave_everything_to_officers(company: Company) -> None:
    await acting()
    before, till = settings.get(), SYSTEMS.partition('[[system]]\nname = "news"')[0].replace('name = "shop"', 'name = "till"')
    (company.folder / "more.toml").write_text(SYSTEMS + till)
    settings.use(replace(before, systems=str(company.folder / "more.toml")))
    first = await asked()
    await jobs.run_due()
    settings.use(before)
    await switches.stop("access", "news", officer=OWNER)
    second = await asked()
    await jobs.run_due()
    assert await state(first) == await state(second) == states.TRIAGE


async def test_switched_off_between_search_and_answer_it_answers_nothing(company: Company) -> None:
    await acting()
    case_id = await asked()
    company.take_down("news")
    await jobs.run_due()
    assert await state(case_id) == states.COLLECTING
    await switches.stop("access", "shop", officer=OWNER)
    company.bring_back("news")
    with clock.at(clock.now() + timedelta(hours=1)):
        await jobs.run_due()
    assert await state(case_id) == states.REVIEWING


async def by_code(company: Company) -> str:
    await known()
    opened = await ask("access", BEN)
    await prove(opened, BEN)
    return opened.id


async def marked(company: Company) -> str:
    case_id = await asked()
    await cases.triage(case_id, officer=OLGA, flags=["third party"])
    return case_id


async def held(company: Company) -> str:
    case_id = await asked()
    await cases.hold(case_id, "clarification", "What is meant?", officer=OLGA)
    return case_id


async def with_a_message(company: Company) -> str:
    return await asked(message="Please call me about my order.")


async def about_somebody_else_too(company: Company) -> str:
    company.run("shop", f"UPDATE customer SET name = 'with {MALLORY}' WHERE id = 2;")
    return await asked()


async def with_free_text(company: Company) -> str:
    company.run("shop", "UPDATE purchase SET item = 'Jam' || char(10) || 'for the neighbour' WHERE customer_id = 2;")
    return await asked()


@pytest.mark.parametrize("case", [by_code, marked, held, with_a_message, about_somebody_else_too, with_free_text])
async def test_what_asks_for_judgement_waits_for_an_officer(company: Company, case: Callable[[Company], Awaitable[str]]) -> None:
    await acting()
    case_id = await case(company)
    await jobs.run_due()
    assert await state(case_id) in (states.TRIAGE, states.REVIEWING)
    assert await switches.acted("access", clock.now() - timedelta(days=1)) == 0


async def test_what_an_officer_began_is_the_officers(company: Company) -> None:
    await acting()
    case_id = await asked()
    await searched(case_id)
    assert await state(case_id) == states.REVIEWING and (await models.CaseRow.get(id=case_id)).officer == OLGA


@on_both
async def test_a_name_is_corrected_without_an_officer_and_read_back(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    case_id = await asked("rectification", name="Ben A. Lee")
    await an_hour_later()
    assert company.rows("shop", "SELECT name FROM customer WHERE id = 2") == [("Ben A. Lee",)]
    [correction] = await cases.corrections(case_id)
    assert correction["read_back"] is True and await state(case_id) == states.CLOSED
    log = {each.event for each in await audit.search(case=case_id, limit=50)}
    assert "case.autopilot_answered" in log and "case.correction_decided" not in log


@on_both
async def test_a_correction_waits_an_hour_in_which_it_can_be_taken_back(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    regretted = await asked("rectification", name="Ben A. Lee")
    await jobs.run_due()
    with clock.at(clock.now() + timedelta(minutes=50)):
        await jobs.run_due()
        assert await state(regretted) == states.REVIEWING
        await cases.withdraw(regretted, actor="customer:ben")
    with clock.at(clock.now() + timedelta(minutes=61)):
        await jobs.run_due()
    assert company.rows("shop", "SELECT name FROM customer WHERE id = 2") == [("Benjamin Lee",)]


async def test_a_person_who_says_within_the_hour_that_it_was_not_them_is_heard(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    async with db.writing():
        ben = await subjects.find("email", BEN)
        assert ben is not None
        other = await subjects.ensure("email", "ben@work.example", by="customer", subject=ben.subject, own=True)
        await subjects.mark_verified(other.id)
    case_id = await asked("rectification", name="Ben A. Lee")
    await jobs.run_due()
    await cases.not_me(re.findall(r"/requests/notices/([\w-]+)", await newest_to("ben@work.example", "mail/case-notice"))[-1])
    with clock.at(clock.now() + timedelta(minutes=61)):
        await jobs.run_due()
    assert await state(case_id) == states.REVIEWING
    assert company.rows("shop", "SELECT name FROM customer WHERE id = 2") == [("Benjamin Lee",)]


async def test_while_it_watches_no_correction_is_accepted(company: Company) -> None:
    await watching("rectification")
    case_id = await searched(await asked("rectification", name="Ben A. Lee"))
    assert [each["accepted"] for each in await cases.corrections(case_id)] == [None]
    await cases.decide_correction(case_id, "name", False, why="It says so on the passport.", officer=OLGA)
    await answer(case_id, "refused", "Your name is right as it stands.")
    assert (await switches.watched("rectification", clock.now() - LATER)).other == (case_id,)


@pytest.mark.parametrize("unproven", ["0722 222 222", "nonsense"])
async def test_a_telephone_number_that_nobody_proved_is_an_officers(company: Company, unproven: str) -> None:
    await acting("rectification", name="Benjamin Lee")
    case_id = await asked("rectification", phone=unproven)
    await an_hour_later()
    assert await state(case_id) == states.REVIEWING
    assert company.rows("shop", "SELECT phone FROM customer WHERE id = 2") == [(None,)]


async def test_a_telephone_number_that_the_person_proved_is_corrected(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    async with db.writing():
        ben = await subjects.find("email", BEN)
        assert ben is not None
        await subjects.ensure("phone", "+40722222222", by="customer", subject=ben.subject, own=True)
    assert await corrected_phone() == states.REVIEWING
    phone = await subjects.find("phone", "+40722222222")
    assert phone is not None
    async with db.writing():
        await subjects.mark_verified(phone.id)
    with clock.at(clock.now() + timedelta(hours=2)):  # else it is the same form, sent twice
        assert await corrected_phone() == states.CLOSED
    assert company.rows("shop", "SELECT phone FROM customer WHERE id = 2") == [("+40722222222",)]


async def corrected_phone() -> str:
    case_id = await asked("rectification", phone="+40722222222")
    await an_hour_later()
    return await state(case_id)


async def test_what_stands_twice_or_cannot_be_corrected_is_an_officers(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    company.run("news", "ALTER TABLE subscription ADD COLUMN name VARCHAR(80); UPDATE subscription SET name = 'B. Lee';")
    rules = company.folder / "news.toml"
    rules.write_text(rules.read_text().replace('status = "State" }', 'status = "State", name = "Name" }'))
    case_id = await asked("rectification", name="Ben A. Lee")
    await an_hour_later()
    assert await state(case_id) == states.REVIEWING


async def test_a_copy_that_is_asked_for_again_is_an_officers(company: Company) -> None:
    await acting()
    case_id = await asked()
    await jobs.run_due()
    with clock.at(clock.now() + timedelta(days=40)):
        await cases.close(case_id, "fulfilled", officer=OLGA)
        await cases.reopen(case_id, officer=OLGA)
        await jobs.run_due()
        assert await state(case_id) == states.TRIAGE


async def test_a_restored_backup_does_not_answer_by_itself_what_was_ended_since(sqlite_house: House, tmp_path: Path) -> None:
    found_company(sqlite_house, tmp_path / "company")
    await watching()
    made = await backup.make(tmp_path / "backups")
    await switches.stop("access", "shop", officer=OWNER)
    await audit.sequence_all()
    await db.close()
    done = await custody.restore(made.data, new_log=True)
    await db.open_database()
    assert done.again["autopilot.off"] == 1
    modes = {each.system: each.mode for each in await switches.switches() if each.right == "access"}
    settings.use(sqlite_house.settings)
    assert modes == {"shop": "off", "news": "watching", "portal": "watching"}


async def test_an_officers_no_to_a_correction_is_not_overwritten(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    case_id = await asked("rectification", name="Ben A. Lee")
    await waits_for_news(company, case_id)
    await cases.decide_correction(case_id, "name", False, why="It says so on the passport.", officer=OLGA)
    await comes_back(company)
    assert await state(case_id) == states.REVIEWING
    assert company.rows("shop", "SELECT name FROM customer WHERE id = 2") == [("Benjamin Lee",)]


async def test_what_an_officer_took_out_or_noted_meanwhile_is_an_officers(company: Company) -> None:
    await acting()
    redacted = await asked()
    await waits_for_news(company, redacted)
    purchases = next(each for each in await cases.review(redacted, officer=OLGA) if each.table == "purchase")
    await cases.redact(redacted, purchases.id, 0, "item", reason="third party", officer=OLGA)
    await comes_back(company)
    noted = await asked(message="")
    await cases.add_note(noted, "Do not send this before we spoke.", officer=OLGA)
    await jobs.run_due()
    assert await state(redacted) == states.REVIEWING and await state(noted) in (states.TRIAGE, states.REVIEWING)


@pytest.mark.parametrize("name", ["Ben\nLee", '=HYPERLINK("http://evil.example")', "<b>Ben</b>", "Ben " * 50, "x@evil.example"])
async def test_a_name_that_is_none_is_an_officers(company: Company, name: str) -> None:
    await acting("rectification", name="Benjamin Lee")
    case_id = await asked("rectification", name=name)
    await an_hour_later()
    assert await state(case_id) == states.REVIEWING
