"""The seven rules as properties: a no is never lost, whatever is said, by whom, when and in which order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.consent.fold import fold
from portal.consent.rules import Answer, Asked, Pause, Spoken, Stop, Terms, answer, expiry
from portal.consent.words import ALL, GRADES, Cell, parents, rank

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
CELL = Cell("newsletter", "email", "readings")
ASKED = Asked("ana", CELL)
CONSENT = Terms("marketing", "consent", "off", None, "newsletter@1")
LEGITIMATE = Terms("marketing", "legitimate interest", "on", None, "catalogue@1")
CUSTOMER = Terms("marketing", "existing customer", "off", None, "similar@1")
ORDERS = Terms("service", "contract", "fixed", None, "orders@1")
SECURITY = Terms("service", "legal obligation", "fixed", None, "security@1")
NOW = T0 + timedelta(days=100)

_number = iter(range(10**9))


def said(what: str, grade: str, day: float, cell: Cell = CELL, until: float | None = None, identifier: str = "ana") -> Spoken:
    ends = None if until is None else T0 + timedelta(days=until)
    at = T0 + timedelta(days=day)
    return Spoken(identifier, cell, grade, what, at, ends, f"d{next(_number):09}", "checkout", "newsletter@1/en")


def decided(
    words: Sequence[Spoken],
    terms: Terms = CONSENT,
    stops: Sequence[Stop] = (),
    pauses: Sequence[Pause] = (),
    asked: Asked = ASKED,
    now: datetime = NOW,
) -> Answer:
    return answer(asked, list(fold(words).values()), stops, pauses, terms, now)


_grades = st.sampled_from(GRADES)
_days = st.integers(0, 6)
_cells = st.sampled_from([CELL, CELL, CELL, CELL, Cell("newsletter", "email", ALL), Cell("newsletter", ALL, ALL)])
_word = st.builds(
    said,
    st.sampled_from(["yes", "yes", "yes", "no", "no", "unset", "informed"]),
    _grades,
    _days,
    _cells,
    st.none() | st.none() | st.integers(50, 200),
    st.sampled_from(["ana", "ana", "ana", "ben"]),
)
_words = st.lists(_word, max_size=7)
_stop = st.builds(
    lambda kind, day: Stop(
        "s", "ana", kind, "email" if kind == "suppressed" else "marketing", T0 + timedelta(days=day), "x", "x"
    ),
    st.sampled_from(["objected", "suppressed", "erased"]),
    _days,
)
_terms = st.sampled_from([CONSENT, LEGITIMATE, CUSTOMER])
_asked = st.sampled_from([ASKED, Asked("ana", CELL, unproven_siblings=frozenset({"ben"}))])


@given(_words, st.lists(_stop, max_size=3), _terms, _asked)
def test_no_path_turns_a_no_into_a_yes_without_a_later_yes_as_strong(
    words: list[Spoken], stops: list[Stop], terms: Terms, asked: Asked
) -> None:
    if not decided(words, terms, stops, asked=asked).allowed:
        return
    about = {CELL, *parents(CELL)}
    for holder in {asked.identifier, *asked.unproven_siblings}:
        yeses = [each for each in words if each.identifier == holder and each.cell == CELL and each.answer == "yes"]
        for no in [each for each in words if each.identifier == holder and each.cell in about and each.answer == "no"]:
            assert any(yes.at > no.at and rank(yes.grade) >= rank(no.grade) for yes in yeses)
        for stop in stops if holder == asked.identifier else ():
            assert any(yes.at > stop.since and yes.grade == "self-verified" for yes in yeses)


@given(_words, _terms, _asked, st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_in_which_words_arrived(
    words: list[Spoken], terms: Terms, asked: Asked, random: Random
) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    assert decided(words, terms, asked=asked) == decided(shuffled, terms, asked=asked)


@given(_words, _words)
def test_words_folded_one_by_one_are_those_folded_from_the_start(earlier: list[Spoken], later: list[Spoken]) -> None:
    assert fold([*fold(earlier).values(), *later]) == fold([*earlier, *later])


@given(_words, _grades, _days, _cells, st.lists(_stop, max_size=2), _terms)
def test_one_more_no_or_stop_never_opens_anything(
    words: list[Spoken], grade: str, day: int, cell: Cell, stops: list[Stop], terms: Terms
) -> None:
    if not decided(words, terms).allowed:
        assert not decided([*words, said("no", grade, day, cell)], terms).allowed
        assert not decided(words, terms, stops).allowed
        assert not decided(words, terms, pauses=[Pause("p", ALL, ALL, NOW + timedelta(days=1), "x")]).allowed


@given(_words, _grades, _days, _terms)
def test_taking_a_yes_back_never_opens_anything_and_never_takes_back_a_no(
    words: list[Spoken], grade: str, day: int, terms: Terms
) -> None:
    before, after = decided(words, terms), decided([*words, said("unset", grade, day)], terms)
    assert before.allowed or not after.allowed
    if any(each.answer == "no" and each.identifier == "ana" and each.cell == CELL for each in words):
        assert after.rule != 3 or after.because.what != "default"


@given(_words, _terms, st.integers(0, 300))
def test_time_alone_opens_nothing_that_needs_a_yes(words: list[Spoken], terms: Terms, days: int) -> None:
    if terms.default == "off" and not decided(words, terms).allowed:
        assert not decided(words, terms, now=NOW + timedelta(days=days)).allowed


@given(_words, st.lists(_stop, max_size=2), _terms)
def test_every_answer_names_its_rule_and_what_decided(words: list[Spoken], stops: list[Stop], terms: Terms) -> None:
    given_answer = decided(words, terms, stops)
    assert 1 <= given_answer.rule <= 6
    if given_answer.because.what == "decision":
        winner = next(each for each in words if each.decision == given_answer.because.id)
        assert (winner.answer == "no") != given_answer.allowed
        assert given_answer.because.id not in {each.id for each in given_answer.overruled}


def test_rule_1_an_objection_closes_marketing_and_not_the_order_confirmation() -> None:
    objection = Stop("s", "ana-as-a-person", "objected", "marketing", T0 + timedelta(days=5), "customer:ana", "asked")
    closed = decided([said("yes", "self-verified", 1)], stops=[objection])
    assert (closed.allowed, closed.rule, closed.because.kind) == (False, 1, "objected")
    assert [each.answer for each in closed.overruled] == ["yes"]
    assert decided([], ORDERS, [objection]).allowed


@pytest.mark.parametrize("grade", GRADES)
def test_rule_1_only_a_later_yes_of_the_person_proven_lifts_an_objection(grade: str) -> None:
    objection = Stop("s", "x", "objected", "marketing", T0 + timedelta(days=5), "customer:ana", "asked")
    assert decided([said("yes", grade, 6)], stops=[objection]).allowed is (grade == "self-verified")
    assert not decided([said("yes", "self-verified", 5)], stops=[objection]).allowed


def test_rule_1_a_restriction_closes_even_the_contract_but_never_safety() -> None:
    restriction = Stop("s", "x", "restricted", "", T0, "officer:petra", "accuracy contested")
    assert not decided([], ORDERS, [restriction]).allowed
    assert decided([], SECURITY, [restriction]).allowed
    assert decided([said("yes", "self-verified", 1)], stops=[restriction]).allowed


def test_rule_1_a_suppressed_address_is_closed_on_that_channel_alone() -> None:
    bounce = Stop("s", "ana", "suppressed", "email", T0 + timedelta(days=5), "system", "hard bounce")
    assert not decided([said("yes", "self", 1)], stops=[bounce]).allowed
    sms = Cell("offers", "sms")
    assert decided([said("yes", "self", 1, sms)], stops=[bounce], asked=Asked("ana", sms)).allowed
    assert decided([said("yes", "self", 1, identifier="ana2")], stops=[bounce], asked=Asked("ana2", CELL)).allowed


def test_rule_1_an_erased_address_is_always_closed() -> None:
    closed = decided([said("yes", "self-verified", 1)], asked=Asked("ana", CELL, erased=True))
    assert (closed.allowed, closed.rule, closed.because.what) == (False, 1, "erased")


def test_rule_2_what_the_contract_needs_is_on_and_not_a_matter_of_words() -> None:
    assert (decided([], ORDERS).allowed, decided([], ORDERS).rule) == (True, 2)


def test_rule_2_a_customer_who_was_informed_may_be_written_to_until_they_refuse() -> None:
    informed = said("informed", "staff", 1)
    assert (decided([informed], CUSTOMER).allowed, decided([informed], CUSTOMER).rule) == (True, 2)
    assert not decided([informed], CONSENT).allowed
    assert not decided([said("no", "signal", 0), informed], CUSTOMER).allowed


def test_rule_3_a_yes_runs_out_and_a_no_does_not() -> None:
    assert decided([said("yes", "self", 1, until=101)]).allowed
    assert not decided([said("yes", "self", 1, until=100)]).allowed
    assert not decided([said("no", "signal", 1, until=2)], LEGITIMATE, now=NOW + timedelta(days=9000)).allowed


def test_rule_3_a_later_and_shorter_yes_replaces_a_longer_one_of_the_same_grade() -> None:
    assert not decided([said("yes", "self", 1), said("yes", "self", 2, until=90)]).allowed


def test_rule_3_unset_means_the_purposes_default_and_a_pause_closes_it_for_a_while() -> None:
    assert not decided([]).allowed and decided([], LEGITIMATE).allowed
    pause = Pause("p", ALL, ALL, NOW + timedelta(days=1), "customer:ana")
    assert (decided([], LEGITIMATE, pauses=[pause]).rule, decided([], LEGITIMATE, pauses=[pause]).because.what) == (3, "pause")
    assert decided([], LEGITIMATE, pauses=[pause], now=NOW + timedelta(days=2)).allowed
    assert decided([], ORDERS, pauses=[pause]).allowed


def test_rule_4_a_weaker_yes_does_not_lift_a_stronger_no_however_late_it_comes() -> None:
    refused = decided([said("no", "self", 1), said("yes", "import", 50)])
    assert (refused.allowed, refused.rule, refused.because.grade) == (False, 4, "self")
    assert [each.grade for each in refused.overruled] == ["import"]
    assert decided([said("no", "self", 1), said("yes", "self", 2)]).allowed


def test_rule_4_a_no_dated_before_a_standing_yes_is_kept_and_explained_and_changes_nothing() -> None:
    allowed = decided([said("yes", "self", 9), said("no", "import", 3)])
    assert allowed.allowed and [each.answer for each in allowed.overruled] == ["no"]


def test_rule_5_between_unproven_addresses_the_most_restrictive_counts() -> None:
    words = [said("yes", "self", 1), said("no", "self", 2, identifier="ben")]
    both_unproven = Asked("ana", CELL, unproven_siblings=frozenset({"ben"}))
    assert (decided(words, asked=both_unproven).allowed, decided(words, asked=both_unproven).rule) == (False, 5)
    assert decided(words).allowed


def test_rule_6_a_no_to_everything_covers_each_and_a_yes_to_one_lifts_it_for_that_one_alone() -> None:
    everything = said("no", "self", 5, Cell("newsletter", ALL, ALL))
    before = said("yes", "self", 1)
    closed = decided([before, everything])
    assert (closed.allowed, closed.rule) == (False, 6)
    again = [before, everything, said("yes", "self", 6)]
    assert decided(again).allowed
    other = Cell("newsletter", "email", "offers")
    assert not decided([*again, said("yes", "self", 2, other)], asked=Asked("ana", other)).allowed
    assert not decided([said("yes", "self-verified", 6, Cell("newsletter", "email", ALL))]).allowed


def test_a_lifetime_ends_on_the_same_day_of_the_month_or_its_last() -> None:
    assert expiry(T0, None, 1) == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert expiry(T0, None, 24) == datetime(2028, 1, 31, 12, tzinfo=UTC)
    assert expiry(T0, T0 + timedelta(days=3), 24) == T0 + timedelta(days=3)
    assert expiry(T0, None, None) is None
