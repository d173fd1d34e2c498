"""Precedence tuned by the company: it can turn a yes into a no and never the other way round, and every door answers alike."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import audit, consent, documents
from portal.consent import fold as stored
from portal.consent import precedence, retuning
from portal.consent.batches import commit_import, plan_import, undo_import
from portal.consent.fold import fold
from portal.consent.import_rows import Options
from portal.consent.precedence import File, tuned
from portal.consent.precedence_file import parse
from portal.consent.rules import Answer, Asked, Pause, Spoken, Stop, Terms, Tuning, answer
from portal.consent.scrubbing import answers_for
from portal.consent.words import ALL, Cell
from portal.lib import clock
from portal.public import reasons
from portal.settings import HOME
from tests.conftest import House
from tests.consent.people import known, publish, say
from tests.consent.test_rules import ASKED, CELL, CONSENT, CUSTOMER, LEGITIMATE, T0, said

NOW = T0 + timedelta(days=60)
SOURCES = ["preference-centre", "call-centre", "competition", "checkout"]
TUNED = Tuning(("preference-centre", "call-centre", "competition"), 30, (("checkout", 90),))

_number = iter(range(10**9))
_word = st.builds(
    lambda what, grade, day, cell, who, source, until: replace_source(said(what, grade, day, cell, until, who), source),
    st.sampled_from(["yes", "yes", "yes", "yes", "no", "no", "unset", "informed"]),
    st.sampled_from(["import", "self", "self", "self-verified"]),
    st.integers(0, 40),
    st.sampled_from([CELL, CELL, CELL, CELL, Cell("newsletter", "email", ALL), Cell("newsletter", ALL, ALL)]),
    st.sampled_from(["ana", "ana", "ana", "ben"]),
    st.sampled_from(SOURCES),
    st.none() | st.integers(30, 100),
)
_words = st.lists(_word, max_size=8)
_tuning = st.builds(
    Tuning,
    st.permutations(SOURCES).flatmap(lambda order: st.integers(0, 4).map(lambda n: tuple(order[:n]))),
    st.integers(0, 40),
    st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 100), max_size=3).map(lambda each: tuple(sorted(each.items()))),
)
_stops = st.lists(
    st.builds(lambda day: Stop("s", "ana", "objected", "marketing", T0 + timedelta(days=day), "x", "x"), st.integers(0, 40)),
    max_size=1,
)
_terms = st.sampled_from([CONSENT, LEGITIMATE, CUSTOMER, CONSENT._replace(lifetime_months=2)])
_asked = st.sampled_from([ASKED, Asked("ana", CELL, unproven_siblings=frozenset({"ben"}))])


def replace_source(word: Spoken, source: str) -> Spoken:
    return word._replace(source=source)


def plain(words: Sequence[Spoken], terms: Terms = CONSENT, stops: Sequence[Stop] = (), asked: Asked = ASKED) -> Answer:
    return answer(asked, list(fold(words).values()), stops, [], terms, NOW)


def under(
    tuning: Tuning,
    words: Sequence[Spoken],
    terms: Terms = CONSENT,
    stops: Sequence[Stop] = (),
    asked: Asked = ASKED,
    pauses: Sequence[Pause] = (),
    now: datetime = NOW,
) -> Answer:
    found = answer(asked, list(fold(words).values()), stops, pauses, terms, now)
    return tuned(found, asked, words, stops, pauses, terms, now, tuning)


@settings(max_examples=max(400, settings.default.max_examples if settings.default else 0))
@given(_words, _stops, _terms, _asked, _tuning)
def test_a_tuning_turns_no_untuned_no_into_a_yes(
    words: list[Spoken], stops: list[Stop], terms: Terms, asked: Asked, tuning: Tuning
) -> None:
    untuned, found = plain(words, terms, stops, asked), under(tuning, words, terms, stops, asked)
    assert untuned.allowed or not found.allowed
    assert found == untuned or (untuned.allowed and not found.allowed and found.tuned and untuned.because in found.overruled)


@given(_words, _stops, _terms, _asked)
def test_a_neutral_tuning_gives_the_untuned_answer(words: list[Spoken], stops: list[Stop], terms: Terms, asked: Asked) -> None:
    untuned = plain(words, terms, stops, asked)
    for neutral in (precedence.NEUTRAL, Tuning(("checkout",), 30), Tuning(tuple(SOURCES), 0), precedence.read().tuning):
        assert neutral.changes_nothing
        assert under(neutral, words, terms, stops, asked) == untuned
        # Not only because nothing is computed: the rules themselves find nothing to set aside.
        assert answer(asked, list(fold(words).values()), stops, [], terms._replace(tuning=neutral), NOW) == untuned


@given(_words, _word, _stops, _terms, _asked, _tuning)
def test_one_more_no_opens_nothing_under_any_tuning(
    words: list[Spoken], more: Spoken, stops: list[Stop], terms: Terms, asked: Asked, tuning: Tuning
) -> None:
    no = more._replace(answer="no", expires_at=None)
    assert under(tuning, words, terms, stops, asked).allowed or not under(tuning, [*words, no], terms, stops, asked).allowed


@given(_words, _terms, _asked, _tuning, st.randoms(use_true_random=False))
def test_a_tuned_answer_does_not_depend_on_the_order_of_arrival(
    words: list[Spoken], terms: Terms, asked: Asked, tuning: Tuning, random: Random
) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    assert under(tuning, words, terms, asked=asked) == under(tuning, shuffled, terms, asked=asked)


@given(_words, _tuning, st.integers(0, 200))
def test_time_alone_opens_nothing_under_any_tuning(words: list[Spoken], tuning: Tuning, days: int) -> None:
    if not under(tuning, words).allowed:
        assert not under(tuning, words, now=NOW + timedelta(days=days)).allowed


def _from(source: str, what: str, day: float, grade: str = "self") -> Spoken:
    return replace_source(said(what, grade, day), source)


def test_a_yes_further_down_the_order_does_not_lift_an_equally_sure_no_too_soon() -> None:
    no, yes = _from("preference-centre", "no", 1), _from("competition", "yes", 20)
    found = under(TUNED, [no, yes])
    assert (found.allowed, found.rule, found.because.id, found.tuned) == (False, 4, no.decision, "priority")
    assert [each.id for each in found.overruled] == [yes.decision]
    assert not under(TUNED, [no, _from("competition", "yes", 31)]).allowed
    assert under(TUNED, [no, _from("competition", "yes", 31.01)]).allowed


def test_neither_a_surer_yes_nor_one_from_as_far_up_nor_from_outside_the_order_is_held_back() -> None:
    no = _from("call-centre", "no", 1)
    assert under(TUNED, [no, _from("competition", "yes", 2, "self-verified")]).allowed
    assert under(TUNED, [no, _from("call-centre", "yes", 2)]).allowed
    assert under(TUNED, [no, _from("preference-centre", "yes", 2)]).allowed
    assert under(TUNED, [no, _from("letter", "yes", 2)]).allowed


def test_a_later_no_from_further_down_does_not_hide_the_one_from_further_up() -> None:
    words = [_from("call-centre", "no", 1), _from("competition", "no", 2), _from("competition", "yes", 3)]
    assert plain(words).allowed
    assert not under(TUNED, words).allowed


def test_a_yes_runs_out_sooner_and_one_from_elsewhere_stands_on() -> None:
    yes = _from("checkout", "yes", 0)
    tuning = Tuning(counts_for=(("checkout", 60),))
    assert under(tuning, [yes], now=NOW - timedelta(microseconds=1)).allowed
    found = under(tuning, [yes])
    assert (found.allowed, found.rule, found.tuned) == (False, 3, "recency")
    assert [each.id for each in found.overruled] == [yes.decision]
    older = _from("preference-centre", "yes", -10)
    assert under(tuning, [older, yes]).allowed


def test_a_no_has_no_end() -> None:
    no = _from("checkout", "no", 0)
    assert not under(Tuning(counts_for=(("checkout", 1),)), [no], LEGITIMATE, now=T0 + timedelta(days=5000)).allowed


# The file


def test_the_file_that_ships_changes_nothing_and_neither_does_one_that_is_missing(tmp_path: Path) -> None:
    assert precedence.read(HOME / "policies" / "precedence.toml").tuning.changes_nothing
    assert precedence.read(tmp_path / "precedence.toml").tuning == precedence.NEUTRAL


def test_the_files_comment_names_every_collection_point() -> None:
    text = (HOME / "policies" / "precedence.toml").read_text()
    comment = text[text.index("# Collection points:") : text.index("[priority]")].replace("\n# ", " ")
    assert comment.split("\n")[0] == f"# Collection points: {', '.join(sorted(consent.SOURCES))}."


def test_a_file_is_read_as_it_says() -> None:
    text = (
        '[priority]\norder = [\n  "letter", # paper first\n  "form",\n]\nwithin_days = 30\n'
        '[[recency]]\nsource = "competition"\nyes_counts_for_days = 180\n'
    )
    assert parse(text.encode(), "precedence.toml") == Tuning(("letter", "form"), 30, (("competition", 180),))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[priority\n", 1, "not valid TOML"),
        ("\n[prority]\n", 2, "Unknown part 'prority'"),
        ("priority = 3\n", 1, "[priority] is a part"),
        ('[priority]\norder = "letter"\nwithin_days = 1\n', 2, "order is a list"),
        ("[priority]\nwithin_days = 1\norder = [3]\n", 3, "order is a list"),
        ('[priority]\nwithin_days = 1\norder = [\n "letter",\n "leter"]\n', 5, "'leter' is no collection point"),
        ('[priority]\nwithin_days = 1\norder = [\n "letter",\n "form",\n "letter"]\n', 6, "'letter' stands twice"),
        ('[priority]\norder = ["letter", "form"]\n', 1, "within_days"),
        ('[priority]\norder = ["letter"]\nwithin_days = -1\n', 3, "from 0 to 3650"),
        ('[priority]\norder = ["letter"]\nwithin_days = true\n', 3, "from 0 to 3650"),
        ('[priority]\norder = ["letter"]\nwithin_days = "30"\n', 3, "from 0 to 3650"),
        ("[priority]\norder = []\nwithin_days = 1\nwithin_dayz = 2\n", 4, "Unknown setting 'within_dayz'"),
        ('[recency]\nsource = "letter"\n', 1, "Write each as [[recency]]"),
        ('[[recency]]\nsource = "letter"\n', 1, "has no 'yes_counts_for_days'"),
        ('[[recency]]\nsource = "leter"\nyes_counts_for_days = 1\n', 2, "'leter' is no collection point"),
        ('[[recency]]\nsource = "letter"\nyes_counts_for_days = 0\n', 3, "from 1 to 3650"),
        ('[[recency]]\nsource = "letter"\nyes_counts_for_days = 1.5\n', 3, "from 1 to 3650"),
        ('[[recency]]\nsource = "letter"\nyes_counts_for_days = 9\nno_counts_for_days = 9\n', 4, "Unknown setting"),
        (
            '[[recency]]\nsource = "form"\nyes_counts_for_days = 9\n[[recency]]\nsource = "form"\nyes_counts_for_days = 8\n',
            5,
            "has a [[recency]] already",
        ),
    ],
)
def test_a_mistake_is_said_with_file_and_line(text: str, line: int, what: str) -> None:
    with pytest.raises(documents.Faulty) as refused:
        parse(text.encode(), "precedence.toml")
    [fault] = refused.value.faults
    assert (fault.file, fault.line) == ("precedence.toml", line)
    assert what in fault.sentence


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "precedence.toml"
    path.write_bytes("# one\n# ș\n".encode("utf-16-le"))
    with pytest.raises(documents.Faulty, match=r"precedence.toml:1: "):
        precedence.read(path)


# Every door

STOCK = Cell("back-in-stock", "email")
SURVEYS = Cell("surveys", "email")
_days = st.integers(-40, 0)
_act = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["yes", "yes", "yes", "no", "no", "unset", "object"]),
    st.sampled_from(["self", "self", "self-verified"]),
    st.sampled_from(SOURCES),
    st.sampled_from([STOCK, STOCK, STOCK, SURVEYS, Cell("back-in-stock", ALL)]),
    _days,
)


@settings(max_examples=20)
@given(st.lists(_act, min_size=2, max_size=10), _tuning, st.booleans())
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
