"""A tuning that is switched on: every door answers alike, the log names it, and the past keeps the rules it had."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal import audit, consent
from portal.consent import fold as stored
from portal.consent import precedence, retuning
from portal.consent.batches import commit_import, plan_import, undo_import
from portal.consent.import_rows import Options
from portal.consent.precedence import File
from portal.consent.rules import Tuning
from portal.consent.scrubbing import answers_for
from portal.consent.words import ALL, Cell
from portal.lib import clock
from portal.public import reasons
from tests.conftest import House
from tests.consent.people import known, publish, say
from tests.consent.tunings import SOURCES, TUNINGS

STOCK = Cell("back-in-stock", "email")
SURVEYS = Cell("surveys", "email")
_number = iter(range(10**9))
_days = st.integers(-40, 0)
_act = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["yes", "yes", "yes", "no", "no", "unset", "object"]),
    st.sampled_from(["self", "self", "self-verified"]),
    st.sampled_from(SOURCES),
    st.sampled_from([STOCK, STOCK, STOCK, SURVEYS, Cell("back-in-stock", ALL)]),
    _days,
)


@settings(max_examples=8)
@given(st.lists(_act, min_size=2, max_size=10), TUNINGS, st.booleans())
async def test_every_door_gives_the_same_answer_as_a_fold_from_scratch(
    house: House, acts: list[tuple[Any, ...]], tuning: Tuning, same_person: bool
) -> None:
    await publish()
    run = next(_number)
    addresses = [f"r{run}p{number}@example.com" for number in range(3)]
    ana = await known("email", addresses[0])
    people = [ana, await known("email", addresses[1], subject=ana.subject if same_person else None)]
    people.append(await known("email", addresses[2]))
    for who, what, grade, source, cell, days in acts:
        if what == "object":
            await consent.stops.object_to_marketing(people[who].subject, by="system")
        elif what == "no" or cell.channel != ALL:
            at = clock.now() + timedelta(days=days)
            await say(people[who], what, cell.purpose, cell.channel, topic=cell.topic, grade=grade, source=source, said_at=at)
    await _switch_on(precedence.NEUTRAL)
    before = clock.now()
    untuned = await _answers(addresses)
    await _switch_on(tuning)
    found = await _answers(addresses)
    assert {each for each, allowed in found.items() if allowed} <= {each for each, allowed in untuned.items() if allowed}
    for address, identifier in zip(addresses, people, strict=True):
        for cell in (STOCK, SURVEYS):
            asked = await consent.ask("email", address, cell)
            there = found[address, cell]
            assert getattr(asked, "answer", asked).allowed == there
            assert (await consent.permission(identifier.id, *cell)).allowed == there
            assert (await consent.permission(identifier.id, *cell, at=clock.now())).allowed == there
            assert (await consent.permission(identifier.id, *cell, at=before)).allowed == untuned[address, cell]
            shown = [
                each.allowed
                for each in await consent.choices(identifier.subject)
                if each.identifier is not None and each.identifier.id == identifier.id
                if (each.purpose.key, each.channel, each.topic) == (cell.purpose, cell.channel, None)
            ]
            assert shown == [there]


async def _answers(addresses: list[str]) -> dict[tuple[str, Cell], bool]:
    """As a list is scrubbed."""
    return {
        (address, cell): allowed
        for cell in (STOCK, SURVEYS)
        for address, (allowed, _rule) in (await answers_for("email", addresses, cell)).items()
    }


async def _switch_on(tuning: Tuning) -> None:
    """The file is another one each time, so that the same tuning can follow itself."""
    await retuning.switch_on(File(tuning, f"# {next(_number)}".encode()), by="officer:olga")


async def test_what_is_in_force_is_named_by_its_hash_in_the_log_and_can_be_read_again(house: House, tmp_path: Path) -> None:
    assert (await precedence.in_force(), await precedence.tuning()) == (None, precedence.NEUTRAL)
    path = tmp_path / "precedence.toml"
    path.write_bytes(b'\xef\xbb\xbf[[recency]]\r\nsource = "form"\r\nyes_counts_for_days = 9\r\n')
    file = precedence.read(path)
    done = await retuning.switch_on(file, by="officer:olga")
    assert done is not None
    [entry] = await audit.search(event="consent.tuned")
    assert (entry.actor, entry.object) == ("officer:olga", "precedence@1")
    report = audit.verify_receipt(await _proof(entry.id), [await audit.log_key()])
    assert report.ok and report.statement is not None
    assert report.statement["payload"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("# edited, and not switched on\n")
    there = await precedence.in_force()
    assert there is not None
    assert (there.file, there.tuning.counts_for, there.by) == (file.content, (("form", 9),), "officer:olga")
    assert await retuning.switch_on(file, by="officer:olga") is None


async def _proof(entry: str) -> str:
    await audit.sequence_all()
    return await audit.prove(entry)


async def test_an_answer_about_the_past_is_that_of_the_rules_as_they_were_then(house: House) -> None:
    ana = await known("email", "ana@example.com")
    day = datetime(2026, 12, 1, tzinfo=UTC)
    with clock.at(day):
        await publish()
        await say(ana, "yes", source="competition")
    with clock.at(day + timedelta(days=10)):
        await _switch_on(Tuning(counts_for=(("competition", 5),)))
    with clock.at(day + timedelta(days=20)):
        assert not (await consent.permission(ana.id, *STOCK)).allowed
        assert (await consent.permission(ana.id, *STOCK, at=day + timedelta(days=9))).allowed
        assert not (await consent.permission(ana.id, *STOCK, at=day + timedelta(days=11))).allowed
        await _switch_on(precedence.NEUTRAL)
        assert (await consent.permission(ana.id, *STOCK)).allowed


async def test_the_picture_of_ones_consents_ends_where_a_tuning_ends_the_yes(house: House) -> None:
    day = datetime(2026, 12, 1, tzinfo=UTC)
    with clock.at(day):
        await publish()
        ana = await known("email", "ana@example.com")
        await say(ana, "yes", source="competition")
    with clock.at(day + timedelta(days=1)):
        await _switch_on(Tuning(counts_for=(("competition", 5),)))
    with clock.at(day + timedelta(days=20)):
        [lane] = [each for each in await consent.timeline(ana.subject) if each.purpose.key == "back-in-stock"]
        [(start, end)] = lane.spans
        assert start - day < timedelta(seconds=1) and end is not None
        assert timedelta(days=5) <= end - day < timedelta(days=5, seconds=1)


async def test_the_page_says_that_a_later_yes_was_set_aside_and_why(house: House) -> None:
    day = datetime(2026, 12, 1, tzinfo=UTC)
    with clock.at(day):
        await publish()
        ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
        await say(ana, "no")
        await say(ben, "yes", source="form")
        await _switch_on(Tuning(("preference-centre", "competition"), 30, (("form", 5),)))
    with clock.at(day + timedelta(days=10)):
        await say(ana, "yes", source="competition")
        assert await _sentence(ana.subject) == (
            "You said no here, 1 December 2026."
            " Your yes in a competition, 11 December 2026, came too soon after that to change it."
        )
        assert await _sentence(ben.subject) == (
            "Your yes in a form, 1 December 2026, no longer counts: a yes from there holds only for some time."
        )
        found = await consent.ask("email", "ana@example.com", STOCK)
        lost = getattr(found, "answer", found).overruled[0]
        assert (lost.answer, lost.source) == ("yes", "competition")


async def _sentence(subject: str) -> str:
    [cell] = [each for each in await consent.choices(subject) if each.purpose.key == "back-in-stock" and each.identifier]
    return reasons.why(cell)


async def test_the_words_of_an_import_count_under_a_tuning_as_long_as_they_count_at_all(house: House, tmp_path: Path) -> None:
    await publish()
    path = tmp_path / "list.csv"
    path.write_text("email,answer,said_at\nana@example.com,yes,2026-11-01T10:00:00Z\n")
    where = {"purpose": "back-in-stock", "channel": "email", "edition": "back-in-stock@1/en"}
    await _switch_on(Tuning(counts_for=(("competition", 5),)))
    planned = await plan_import(path, Options(defaults=where), by="officer:olga")
    await commit_import(planned.id, path, by="officer:olga")
    ana = await known("email", "ana@example.com")
    assert (await consent.permission(ana.id, *STOCK)).allowed
    assert [each.decision for each in await stored.said([ana.id])] == [(await consent.permission(ana.id, *STOCK)).because.id]
    await undo_import(planned.id, by="officer:olga")
    assert await stored.said([ana.id]) == []
    assert not (await consent.permission(ana.id, *STOCK)).allowed
