"""Promises are measured, and a missed one says so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal import cases, consent, db, documents, statement, subjects
from portal.documents import Faulty
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.statement import figures
from portal.statement.commitments import Commitment, measured
from portal.statement.figures import Figure
from tests.conftest import House, on_both
from tests.documents.policy import change, copied

OLGA = "officer:olga"
MARCH = datetime(2026, 3, 1, 8, tzinfo=UTC)


async def test_the_page_shows_each_promise_with_the_aim_it_serves_and_what_was_measured(sqlite_house: House) -> None:
    await statement.publish_all(OLGA)
    promises = {each.commitment.key: each for each in (await statement.page("en")).measured}
    assert promises["languages"].aim == "Everybody can read us" and promises["languages"].kept
    assert promises["languages"].sentence == "Kept: 100 %."


async def test_a_promise_that_is_missed_says_so(house: House) -> None:
    with clock.at(MARCH):
        await statement.publish_all(OLGA)
        await documents.publish("privacy", {"en": "# Privacy\n"}, kind="notice", by=OLGA)
    with clock.at(MARCH + timedelta(days=400, hours=1)):
        promises = {each.commitment.key: each for each in (await statement.page("en")).measured}
    assert promises["fresh"].kept is False and promises["fresh"].sentence == "Missed: 400 days."
    assert promises["languages"].kept is False and promises["languages"].sentence.startswith("Missed: 9")


async def test_few_cases_about_people_are_not_shown(sqlite_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([0, 4, 5])

    async def measure() -> tuple[float | None, int]:
        count = next(counts)
        return (3.0 if count else None), count

    monkeypatch.setitem(figures.FIGURES, "days_to_answer", Figure("day", about_people=True, measure=measure))
    promise = Commitment("answers", "choice", "days_to_answer", False, 10, "We answer within 10 days.")
    sentences = [(await measured([promise]))[0].sentence for _each in range(3)]
    assert sentences == ["Nothing to measure yet.", "Too few cases to show.", "Kept: 3 days."]


async def test_there_is_no_page_before_the_first_publication(sqlite_house: House) -> None:
    with pytest.raises(NotFound):
        await statement.page("en")


async def test_a_reader_of_a_missing_language_is_told(sqlite_house: House) -> None:
    await statement.publish_all(OLGA)
    page = await statement.page("th")
    assert page.fallback and page.edition.language == "en"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"fresh"\naim = "honesty"', '"fresh"\naim = "profit"', "one of the company's aims"),
        ('figure = "days_since_statement"', 'figure = "happiness"', "one of these figures"),
        ("at_most = 365", "at_most = 300", "does not say its number, 300"),
        ("at_most = 365", "at_best = 365", "no at_best"),
    ],
)
async def test_a_promise_that_cannot_be_measured_is_told_with_its_line(
    sqlite_house: House, tmp_path: Path, old: str, new: str, said: str
) -> None:
    file = copied(tmp_path / "mine") / "statement" / "en.md"
    change(file, old, new)
    await consent.publish_purposes(OLGA)
    with pytest.raises(Faulty, match=said) as problem:
        await statement.publish(OLGA)
    line = file.read_text().splitlines().index('key = "fresh"') + 1
    assert ("policies/statement/en.md", line) in {(fault.file, fault.line) for fault in problem.value.faults}


async def test_every_language_promises_the_same(sqlite_house: House, tmp_path: Path) -> None:
    file = copied(tmp_path / "mine") / "statement" / "ro.md"
    change(file, 'every_language"\nat_least = 100', 'every_language"\nat_least = 90')
    change(file, '"100 % din textele', '"90 % din textele')
    await consent.publish_purposes(OLGA)
    with pytest.raises(Faulty, match="not those of policies/statement/en.md"):
        await statement.publish(OLGA)


@on_both
async def test_the_time_until_a_no_counts_is_asked_of_the_answers_that_others_get(house: House) -> None:
    await statement.publish_all(OLGA)
    for number in range(6):
        async with db.writing():
            ana = await subjects.ensure("email", f"ana{number}@example.com", by="system")
        edition = (await documents.in_force("newsletter", "en")).name
        for answer in ("yes", "no"):
            now = clock.now()
            word = consent.Word(
                ana.id, "newsletter", "email", "", answer, now, "preference-centre", "self", "system", edition, "en"
            )
            await consent.decide(word)
    value, count = await figures.FIGURES["seconds_until_a_no_counts"].measure()
    assert (value, count) == (0.0, 6)
    promises = {each.commitment.key: each for each in (await statement.page("en")).measured}
    assert promises["withdrawals"].sentence == "Kept: 0 seconds."


async def test_the_share_of_requests_in_time_comes_from_the_cases(house: House) -> None:
    measure = figures.FIGURES["open_requests_in_time"].measure
    assert await measure() == (None, 0)
    with clock.at(MARCH):
        await cases.open("access", "ana@example.com", language="en")
    with clock.at(MARCH + timedelta(days=60)):
        await cases.open("access", "ben@example.com", language="en")
        assert await measure() == (50.0, 2)
