"""What a company's tuning does to one answer: it can turn a yes into a no and never the other way round."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.consent import precedence
from portal.consent.fold import fold
from portal.consent.precedence import tuned
from portal.consent.rules import Answer, Asked, Pause, Spoken, Stop, Terms, Tuning, answer
from portal.consent.words import ALL, Cell
from tests.consent.test_rules import ASKED, CELL, CONSENT, CUSTOMER, LEGITIMATE, T0, said
from tests.consent.tunings import SOURCES, TUNINGS

NOW = T0 + timedelta(days=60)
TUNED = Tuning(("preference-centre", "call-centre", "competition"), 30, (("checkout", 90),))

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


@settings(max_examples=400)
@given(_words, _stops, _terms, _asked, TUNINGS)
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


@given(_words, _word, _stops, _terms, _asked, TUNINGS)
def test_one_more_no_opens_nothing_under_any_tuning(
    words: list[Spoken], more: Spoken, stops: list[Stop], terms: Terms, asked: Asked, tuning: Tuning
) -> None:
    no = more._replace(answer="no", expires_at=None)
    assert under(tuning, words, terms, stops, asked).allowed or not under(tuning, [*words, no], terms, stops, asked).allowed


@given(_words, _terms, _asked, TUNINGS, st.randoms(use_true_random=False))
def test_a_tuned_answer_does_not_depend_on_the_order_of_arrival(
    words: list[Spoken], terms: Terms, asked: Asked, tuning: Tuning, random: Random
) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    assert under(tuning, words, terms, asked=asked) == under(tuning, shuffled, terms, asked=asked)


@given(_words, TUNINGS, st.integers(0, 200))
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
