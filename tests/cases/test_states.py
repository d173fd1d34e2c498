"""The table of states: no path ends well without every system's answer, and nobody unproven reaches anybody's data."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portal.cases import states
from portal.cases.states import CLOSED, COLLECTED, COLLECTING, DELIVERING, FULFILLING, REVIEWING, TABLE, Facts
from portal.lib.errors import Conflict

VERBS = sorted({move.verb for move in TABLE})
_facts = st.builds(
    Facts,
    state=st.sampled_from(states.STATES),
    right=st.sampled_from(sorted(states.RIGHTS)),
    proven=st.booleans(),
    systems=st.integers(0, 3),
    answered=st.integers(0, 3),
    found=st.booleans(),
    flagged=st.booleans(),
    proposed=st.sampled_from(["", "fulfilled", "partly", "refused"]),
    approved=st.booleans(),
    acting=st.booleans(),
    acted=st.booleans(),
    stopped=st.booleans(),
    holds=st.frozensets(st.sampled_from(states.HOLDS)),
    mandated=st.booleans(),
)


def test_the_table_names_only_known_states_rights_and_outcomes() -> None:
    for move in TABLE:
        assert {*move.sources, move.target} <= set(states.STATES)
        assert move.rights <= states.RIGHTS
        assert (move.target == CLOSED) == (move.outcome in states.OUTCOMES)
    assert {move.outcome for move in TABLE} - {""} == set(states.OUTCOMES)


def test_every_right_can_be_closed_from_where_it_starts() -> None:
    for right in states.RIGHTS:
        reached, edge = {states.RECEIVED}, {states.RECEIVED}
        while edge:
            edge = {m.target for m in TABLE if right in m.rights and set(m.sources) & edge} - reached
            reached |= edge
        assert CLOSED in reached, right


@given(_facts, st.sampled_from(VERBS))
def test_a_refused_move_says_why_in_a_sentence(facts: Facts, verb: str) -> None:
    try:
        move = states.target(verb, facts)
    except Conflict as refusal:
        assert refusal.sentence.endswith((".", "?")), refusal.sentence
        assert verb not in states.possible(facts)
    else:
        assert verb in states.possible(facts) and facts.state in move.sources


@given(_facts, st.sampled_from(VERBS))
def test_erasing_refusing_and_flagged_answers_need_a_second_person(facts: Facts, verb: str) -> None:
    try:
        move = states.target(verb, facts)
    except Conflict:
        return
    if move.target == FULFILLING and facts.right in COLLECTED:
        assert facts.approved or not (facts.right == "erasure" or facts.flagged or facts.proposed in ("refused", "partly"))
    if move.outcome == "refused":
        assert facts.approved and facts.proposed == "refused"


def test_an_opt_out_needs_no_proof() -> None:
    facts = Facts(state=states.RECEIVED, right="opt-out")
    assert states.target("act at once", facts).target == FULFILLING
    with pytest.raises(Conflict):
        states.target("ask for proof", facts)


class CaseMachine(RuleBasedStateMachine):
    """The world around a case moves as it likes; the table alone decides where the case goes."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = Facts(state=states.RECEIVED, right="access")
        self.outcome = ""

    @precondition(lambda self: self.facts.state == states.RECEIVED)
    @rule(right=st.sampled_from(sorted(COLLECTED)), for_another=st.booleans())
    def ask(self, right: str, for_another: bool) -> None:
        self.facts = replace(self.facts, right=right, mandated=not for_another)

    @rule()
    def an_officer_sees_the_mandate(self) -> None:
        self.facts = replace(self.facts, mandated=True)

    @rule()
    def prove(self) -> None:
        self.facts = replace(self.facts, proven=True)

    @rule(answered=st.integers(0, 3), found=st.booleans())
    def systems_answer(self, answered: int, found: bool) -> None:
        if self.facts.state == COLLECTING:
            self.facts = replace(self.facts, answered=answered, found=found)

    @rule(flagged=st.booleans(), holds=st.frozensets(st.sampled_from(states.HOLDS)))
    def officers_mark(self, flagged: bool, holds: frozenset[str]) -> None:
        self.facts = replace(self.facts, flagged=flagged, holds=holds)

    @rule(proposed=st.sampled_from(["fulfilled", "partly", "refused"]))
    def somebody_proposes(self, proposed: str) -> None:
        if self.facts.state in (states.TRIAGE, COLLECTING, REVIEWING):
            self.facts = replace(self.facts, proposed=proposed, approved=False)

    @precondition(lambda self: self.facts.state == states.APPROVING)
    @rule()
    def second_person_signs(self) -> None:
        self.facts = replace(self.facts, approved=True)

    @rule(acted=st.booleans(), stopped=st.booleans())
    def jobs_work(self, acted: bool, stopped: bool) -> None:
        if self.facts.state == FULFILLING:
            self.facts = replace(self.facts, acting=True, acted=acted and not stopped, stopped=stopped and not acted)

    @rule(verb=st.sampled_from(VERBS), outcome=st.sampled_from(["", *states.OUTCOMES]))
    def act(self, verb: str, outcome: str) -> None:
        try:
            move = states.target(verb, self.facts, outcome)
        except Conflict:
            return
        fresh: dict[str, Any] = {"state": move.target}
        if move.target == COLLECTING:
            fresh |= {"systems": 3, "answered": 0, "found": False, "acting": False, "acted": False, "stopped": False}
        if verb in ("send back", "void", "collect again", "look again", "reopen"):
            fresh |= {"proposed": "", "approved": False}
        self.facts, self.outcome = replace(self.facts, **fresh), move.outcome

    @invariant()
    def nobody_unproven_is_searched_for(self) -> None:
        if self.facts.right in COLLECTED and self.facts.state in (COLLECTING, REVIEWING, FULFILLING, DELIVERING):
            assert self.facts.proven and self.facts.mandated

    @invariant()
    def no_good_end_without_every_answer(self) -> None:
        if self.facts.state == CLOSED and self.outcome in ("fulfilled", "partly", "nothing held"):
            assert self.facts.systems and self.facts.answered == self.facts.systems
        if self.facts.state == CLOSED and self.outcome == "nothing held":
            assert not self.facts.found
        if self.facts.state == CLOSED and self.outcome in ("fulfilled", "partly"):
            assert self.facts.acted

    @invariant()
    def an_erasure_is_approved(self) -> None:
        if self.facts.right == "erasure" and self.facts.state in (FULFILLING, DELIVERING):
            assert self.facts.approved


TestCaseMachine = CaseMachine.TestCase
