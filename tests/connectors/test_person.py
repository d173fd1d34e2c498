"""A person who answers by hand: the contract that every kind passes, and what only people do: never, late, half, otherwise."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import connectors, db, messages, settings
from portal.connectors import ConnectorError, Misconfigured, Plan, Waiting, person
from portal.connectors.systems import System, read
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from tests.conftest import House
from tests.connectors.colleague import ADDRESS, ANA, BEN, ENTRY, Archive, Asked, for_request, have_a_case, newest_link
from tests.connectors.receiver import write_list
from tests.contracts.connector import Correcting, CorrectingContract

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def system(sqlite_house: House, tmp_path: Path) -> AsyncIterator[System]:
    await have_a_case()
    path = write_list(tmp_path, ENTRY)
    settings.use(replace(sqlite_house.settings, systems=path))
    [listed] = read(Path(path))
    yield listed
    settings.use(sqlite_house.settings)


class TestPerson(CorrectingContract):
    @pytest.fixture
    async def stand(self, system: System) -> Correcting:
        archive = Archive()

        async def one_more_row() -> None:
            archive.folders["Letters"].append({"E-mail": "ana@example.com", "About": "One more"})

        return Correcting(
            connector=Asked(system, archive), ana=ANA, ben=BEN, one_more_row=one_more_row, correction=("name", "Ana-Maria")
        )

    async def test_a_row_that_arrives_after_the_erasure_is_seen(self, stand: Any) -> None:
        """Not by asking a third time, but as soon as anybody looks again."""
        plan = await stand.connector.plan_erasure(stand.ana)
        await stand.connector.erase(plan)
        await stand.one_more_row()
        assert [each.action for each in (await stand.connector.plan_erasure(stand.ana)).rows].count("delete") == 1


async def test_whoever_never_answers_is_written_to_once_and_nothing_else_happens(system: System) -> None:
    for _try in range(3):
        with pytest.raises(Waiting, match="A person was asked on") as waiting:
            await for_request(system).find(ANA)
        assert not waiting.value.permanent
    [mail] = await messages.mailbox()
    assert mail.to == ADDRESS and mail.letter and "ten years" in mail.letter.text
    assert "ana" not in (mail.letter.text + mail.letter.html + mail.letter.subject).lower()
    with pytest.raises(ConnectorError, match="for a request only") as alone:
        await connectors.open_system("archive").find(ANA)
    assert alone.value.permanent


async def test_a_deletion_stays_open_until_it_is_answered_with_the_counts_of_the_dry_run(system: System) -> None:
    archive = Archive()
    plan = await Asked(system, archive).plan_erasure(ANA)
    waiting = for_request(system)
    for _try in range(2):
        with pytest.raises(Waiting):
            await waiting.erase(plan)
        with pytest.raises(Waiting):
            await waiting.recheck(ANA, plan)
    question = await person.by_link(await newest_link())
    await _answer(question, {"how": "done", "count-1": "1", "count-2": "1"})
    for act in (waiting.erase(plan), waiting.recheck(ANA, plan)):
        with pytest.raises(ConnectorError, match="something else than the dry run in Letters") as wrong:
            await act
        assert wrong.value.permanent
    with pytest.raises(Invalid):
        await _answer(question, {"how": "done"})  # half an answer
    await _answer(question, {"how": "cannot", "why": "The key to the cellar is missing."})
    with pytest.raises(Waiting):
        await waiting.recheck(ANA, plan)
    await _answer(question, {"how": "keep", "law": "Tax Code 25", "until": "2030-01-31"})
    with pytest.raises(ConnectorError, match="must be kept: Tax Code 25") as kept:
        await waiting.recheck(ANA, plan)
    assert kept.value.permanent
    await _answer(question, {"how": "done", "count-1": "2"})
    assert [each.law for each in await waiting.recheck(ANA, Plan.from_json(plan.to_json()))] == ["Accounting Act 82/1991"]
    mails = [each for each in await messages.mailbox() if each.to == ADDRESS]
    assert len(mails) == 2  # the dry run and the deletion, however often they were tried


async def test_a_link_is_good_for_its_own_question_until_it_ends_or_another_is_sent(system: System) -> None:
    with clock.at(NOON), pytest.raises(Waiting):
        await for_request(system).find(ANA)
    first = await newest_link()
    forged = first[:-1] + ("A" if first[-1] != "A" else "Q")
    for token in (forged, first[:30], "x", "é", "A" * 70):
        with pytest.raises(NotFound, match="nothing at this address"):
            await person.by_link(token)
    with clock.at(NOON + timedelta(days=29)):
        question = await person.by_link(first)
        async with db.writing():
            await person.renew_link(question.id, officer="olga")
        with pytest.raises(NotFound, match="replaced by a newer one"):
            await person.by_link(first)
        second = await newest_link()
        assert (await person.by_link(second)).id == question.id
    with clock.at(NOON + timedelta(days=60)), pytest.raises(NotFound, match="has ended"):
        await person.by_link(second)


async def test_reminders_go_out_on_their_days_and_before_the_legal_date_under_the_same_link(system: System) -> None:
    with clock.at(NOON), pytest.raises(Waiting):
        await for_request(system).find(ANA)
    first, sent = await newest_link(), []
    for day in range(1, 40):
        with clock.at(NOON + timedelta(days=day, minutes=1)):
            for question_id, task in await person.overdue():
                assert task == "task"
                sent.append(day)
                async with db.writing():
                    await person.remind(question_id, still=True)
    assert sent == [3, 7, 26]  # due on 22 December, 29 days later: three days before, in the morning
    assert await newest_link() == first
    [question] = await person.of_case("0192a000-0000-7000-8000-000000000001", 1)
    assert [each.day for each in question.reminded] == [26, 30, 19]


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (f"mailto:{ADDRESS}", "https://archive.example.com/", "needs an address"),
        (f"mailto:{ADDRESS}", f"mailto:{ADDRESS},mallory@example.com", "needs an address"),
        ('language = "en"', 'language = "xx"', "does not speak this language: xx"),
        ('language = "en"', 'remind_after = "soon"', "Reminders are days"),
        ('language = "en"', 'category = "A/B"', "small letters"),
    ],
)
async def test_a_wrong_entry_is_refused_with_its_place(system: System, right: str, wrong: str, sentence: str) -> None:
    write_list(Path(system.folder), ENTRY.replace(right, wrong))
    with pytest.raises(Misconfigured, match=sentence) as refused:
        connectors.open_system("archive")
    assert refused.value.place == "systems.toml, line 1"


async def _answer(question: person.Question, form: dict[str, str]) -> None:
    read = person.read_answer(question, form, None)
    async with db.writing():
        await person.keep_answer(question, read.how, read.content, None, keep_until=clock.now() + timedelta(days=1))
