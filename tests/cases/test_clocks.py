"""A case's clock: whose law, what moves its date, and what its picture shows."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from portal import audit, cases, db, jobs, settings
from portal.app import build
from portal.cases import clocks, month_grid
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.settings import HOME
from tests.cases.shops import ANA, OLGA, Company, ask, collected, found_company, newest_to
from tests.cases.test_fulfilling import proposed_erasure
from tests.conftest import House


@pytest.fixture
def shop(sqlite_house: House, tmp_path: Path) -> Iterator[Company]:
    """The company on one database: whose law it is and when it ends is no question of SQL."""
    try:
        yield found_company(sqlite_house, tmp_path / "company")
    finally:
        settings.use(sqlite_house.settings)


FEBRUARY = datetime(2026, 2, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("home", "country", "law"),
    [
        ("RO", "RO", "gdpr"),
        ("RO", "GB", "uk-gdpr"),  # both give a month; the person's law is named where both end on the same day
        ("RO", "VN", "vn-pdpl"),  # ten days
        ("RO", "US-CA", "gdpr"),  # nobody waits 45 days here by naming California
        ("RO", "", "gdpr"),
        ("RO", "AU", "gdpr"),
        ("RO", "IN", "gdpr"),  # the rules of India apply from May 2027 on
        ("US-CA", "US-CA", "ccpa"),
        ("US-CA", "US-CO", "us-co"),  # California protects Californians
        ("US-CA", "US", "ccpa"),  # a federation: any of its states
        ("BR", "US-CO", "lgpd"),
        ("KR", "KR", "kr-pipa"),
        ("TH", "", "gdpr"),  # 1 February: the month ends before 30 days do
    ],
)
def test_of_the_laws_that_may_apply_the_one_that_is_due_first_is_taken(tmp_path: Path, home: str, country: str, law: str) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(HOME / "policies", policies)
    company = policies / "company.toml"
    company.write_text(company.read_text().replace('country = "RO"', f'country = "{home}"'))
    before = settings.get()
    settings.use(replace(before, policies=policies))
    try:
        due, fitting = clocks.law_for(country, "access", FEBRUARY)
        (why, *_counted), _romanian = clocks.explained(due, fitting).values()
    finally:
        settings.use(before)
    assert due.law.key == law and due.law in fitting and due.law.title in why
    assert len(why) < 100 and ("may apply" in why) == (len(fitting) > 1)


async def test_the_law_is_changed_with_a_reason_that_stays_and_an_approval_loses_its_force(shop: Company) -> None:
    case_id, _digest = await proposed_erasure()
    before = await cases.case(case_id)
    with pytest.raises(Invalid):
        await clocks.change_law(case_id, "vn-pdpl", " ", officer=OLGA)
    with pytest.raises(Invalid, match="choose a law"):
        await clocks.change_law(case_id, "atlantis", "They live there.", officer=OLGA)
    due = await clocks.change_law(case_id, "vn-pdpl", "She moved to Hanoi.", officer=OLGA)
    case, shown = await cases.case(case_id), await clocks.of(case_id)
    assert (case.law, case.due_on, case.state) == ("vn-pdpl", due, "reviewing") and due < before.due_on
    assert case.due_because[0].startswith("We changed the law to PDPL (Viet Nam) on ") and "20 days" in case.due_because[2]
    assert shown.title == "PDPL (Viet Nam)" and [each.title for each in shown.beside] == [
        "Confirming receipt and telling the procedure"
    ]
    assert [each.text for each in await cases.notes(case_id)] == ["gdpr → vn-pdpl: She moved to Hanoi."]
    await audit.sequence_all()
    (entry,) = await audit.search(case=case_id, event="case.law_changed")
    said = await audit.open_payload(entry)
    assert said is not None and (said["from"], said["to"], said["due"]) == ("gdpr", "vn-pdpl", due.isoformat())
    with pytest.raises(Conflict):
        await clocks.change_law(case_id, "vn-pdpl", "Once more.", officer=OLGA)


async def test_days_of_asking_back_stand_still_only_where_the_law_says_so(company: Company) -> None:
    with clock.at(datetime(2026, 3, 2, 9, tzinfo=UTC)):
        case_id = await collected("access")
    with clock.at(datetime(2026, 3, 5, 9, tzinfo=UTC)):
        other = await cases.hold(case_id, "clarification", "Which of the two shops?", officer=OLGA)
    with clock.at(datetime(2026, 3, 14, 9, tzinfo=UTC)):
        assert (await cases.case(case_id)).due_on == date(2026, 4, 2)  # GDPR
        await cases.lift(other, officer=OLGA)
        await clocks.change_law(case_id, "uk-gdpr", "She lives in Leeds.", officer=OLGA)
        case = await cases.case(case_id)
        assert case.due_on == date(2026, 4, 13)  # 10 days, and 12 April is a Sunday
        assert case.due_because[0].startswith("We changed the law to UK GDPR")
        assert "10 days of waiting for your answer do not count." in case.due_because
        again = await cases.hold(case_id, "clarification", "And which year?", officer=OLGA)
    with clock.at(datetime(2026, 4, 20, 9, tzinfo=UTC)):
        await recounted()
        shown = await clocks.of(case_id)
        assert shown.standing and shown.marks.due == date(2026, 5, 19) and shown.extendable is not None  # 4 May was free
        assert (await cases.queue())[0].days_left == 29
        await cases.lift(again, officer=OLGA)
    with clock.at(datetime(2026, 4, 25, 9, tzinfo=UTC)):
        await recounted()
        shown = await clocks.of(case_id)
        assert not shown.standing and shown.marks.due == date(2026, 5, 19)
        assert shown.marks.pauses == ((date(2026, 3, 5), date(2026, 3, 14)), (date(2026, 3, 14), date(2026, 4, 20)))


async def test_proof_that_was_asked_for_starts_the_british_clock_and_no_other(shop: Company) -> None:
    with clock.at(datetime(2026, 3, 2, 9, tzinfo=UTC)):
        case_id = await collected("access")
        hold = await cases.hold(case_id, "identity", "Two people of that name.", officer=OLGA)
        await clocks.change_law(case_id, "uk-gdpr", "She lives in Leeds.", officer=OLGA)
    with clock.at(datetime(2026, 3, 9, 9, tzinfo=UTC)):
        await cases.lift(hold, officer=OLGA)
        case = await cases.case(case_id)
        assert case.due_on == date(2026, 4, 9) and "counting begins there" in case.due_because[2]
        await clocks.change_law(case_id, "gdpr", "We are in Romania.", officer=OLGA)
        assert (await cases.case(case_id)).due_on == date(2026, 4, 2)


async def test_more_time_is_had_inside_the_first_period_only_and_is_told(shop: Company) -> None:
    with clock.at(datetime(2026, 1, 31, 9, tzinfo=UTC)):
        case_id, late = await collected("access"), await collected("access", "ben@example.com")
    with clock.at(datetime(2026, 3, 2, 21, tzinfo=UTC)):  # the last day, 23:00 in Bucharest
        assert (await clocks.of(case_id)).extendable == date(2026, 4, 30)
        assert await cases.extend(case_id, "complex", "Twelve years of orders.", officer=OLGA) == date(2026, 4, 30)
        shown = await clocks.of(case_id)
        assert shown.extendable is None and (shown.marks.first, shown.marks.extended) == (date(2026, 3, 2), date(2026, 3, 2))
        assert shown.because[0] == "CCPA, GDPR may apply; GDPR asks for the answer first."
        assert "30 April 2026" in await newest_to(ANA, "mail/case-extended")
        with pytest.raises(Conflict, match="knows no extension"):
            await clocks.change_law(case_id, "th-pdpa", "She lives in Phuket.", officer=OLGA)
    with clock.at(datetime(2026, 3, 2, 22, 30, tzinfo=UTC)):
        assert (await clocks.of(late)).extendable is None
        with pytest.raises(Conflict, match="first period is over"):
            await cases.extend(late, "complex", "Twelve years of orders.", officer=OLGA)


async def test_a_changed_file_moves_no_date_and_says_so(shop: Company, tmp_path: Path) -> None:
    case_id = (await ask("access")).id
    before, policies = await cases.case(case_id), tmp_path / "policies"
    shutil.copytree(HOME / "policies", policies)
    law = policies / "laws" / "gdpr.toml"
    law.write_text(law.read_text().replace("amount = 1\n", "amount = 3\n"))
    settings.use(replace(settings.get(), policies=policies))
    await cases.hold(case_id, "clarification", "Which shop?", officer=OLGA)
    after, shown = await cases.case(case_id), await clocks.of(case_id)
    assert (after.due_on, after.due_because, shown.extendable) == (before.due_on, before.due_because, None)
    with pytest.raises(Conflict, match="file has changed"):
        await cases.extend(case_id, "complex", "Twelve years of orders.", officer=OLGA)


def test_the_picture_names_every_day_that_matters_from_receipt_to_the_end() -> None:
    pause = (date(2026, 3, 5), date(2026, 3, 14))
    marks = month_grid.Marks(date(2026, 1, 31), date(2026, 5, 11), (pause,), date(2026, 3, 12), date(2026, 3, 2))
    grids = month_grid.months(marks, date(2026, 3, 12))
    assert [each.first for each in grids] == [date(2026, month, 1) for month in range(1, 6)]
    named = {each.day: each.marks for grid in grids for each in grid.marked}
    assert named[date(2026, 1, 31)] == ("received",) and named[date(2026, 5, 11)] == ("due",)
    assert named[date(2026, 3, 12)] == ("paused", "first end", "today") and named[date(2026, 3, 2)] == ("extended",)
    assert [each for each in named if "paused" in named[each]] == [pause[0] + timedelta(days=step) for step in range(10)]
    days = [day for week in grids[1].weeks for day in week]
    assert len(days) % 7 == 0 and days[0] is None and [each.day.day for each in days if each] == list(range(1, 29))
    long = month_grid.months(replace(marks, due=date(2060, 1, 1)), date(2026, 3, 12))
    assert [each.first for each in long] == [date(2026, 1, 1), date(2026, 3, 1), date(2060, 1, 1)]


async def recounted() -> None:
    async with db.writing():
        await jobs.later("cases.recount", {})
    await jobs.run_due()


async def test_a_hold_after_the_end_or_for_less_than_a_day_moves_no_date(shop: Company) -> None:
    with clock.at(datetime(2026, 3, 2, 9, tzinfo=UTC)):
        case_id = await collected("access")
        await clocks.change_law(case_id, "uk-gdpr", "She lives in Leeds.", officer=OLGA)
        due = (await cases.case(case_id)).due_on
    for moment, kind in (
        (datetime(2026, 3, 10, 9, tzinfo=UTC), "clarification"),
        (datetime(2026, 5, 20, 9, tzinfo=UTC), "identity"),
    ):
        with clock.at(moment):
            await cases.lift(await cases.hold(case_id, kind, "Who is it?", officer=OLGA), officer=OLGA)
            assert (await cases.case(case_id)).due_on == due


def test_a_mistake_in_a_laws_file_is_told_before_anybody_is_served(tmp_path: Path) -> None:
    before, policies = settings.get(), tmp_path / "policies"
    shutil.copytree(HOME / "policies", policies)
    (policies / "laws" / "gdpr.toml").write_text("title = [")
    settings.use(replace(before, policies=policies))
    try:
        with pytest.raises(settings.SettingsError, match=r"gdpr\.toml, line 1: "):
            build()
    finally:
        settings.use(before)
