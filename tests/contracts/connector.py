"""What every connector promises, whatever it connects: subclass, give a `stand`, and these tests run.

The stand holds two people: Ana, who has rows to find, to correct and to erase, and Ben, whom nothing may touch.
`EveryContract` is what all kinds promise. `HoldingContract` adds what holds data of people can be searched for, as the
portal's own tables, `CorrectingContract` corrections besides, as a person who answers by hand; `ApartContract` what may be
down by itself and hears of words said elsewhere, as a receiver of webhooks. `ConnectorContract` is all of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from portal.connectors import Cell, Connector, ConnectorError, Finding, Identifiers, Plan, RowName, as_text


@dataclass(frozen=True, kw_only=True)
class Working:
    """A connector at work.

    `proven_elsewhere`: fields of Ana's that a request never changes here, because another verb of the portal does so with
    a proof of its own. A system that stands apart has none: what it can correct, it corrects.
    """

    connector: Connector
    ana: Identifiers
    ben: Identifiers
    proven_elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Holding(Working):
    """On something that holds both people."""

    one_more_row: Callable[[], Awaitable[None]]  # something of Ana's arrives


@dataclass(frozen=True, kw_only=True)
class Apart(Working):
    """On a system that stands apart: it may be down by itself, and hears of words said elsewhere."""

    unreachable: Connector  # the same kind of system, but down
    cell: Cell
    consent_of_ana: Callable[[], Awaitable[bool | None]]  # as the system itself remembers it


@dataclass(frozen=True, kw_only=True)
class Correcting(Holding):
    """On something that can be corrected."""

    correction: tuple[str, str]  # a generic field and a new value for Ana


@dataclass(frozen=True, kw_only=True)
class Stand(Correcting, Apart):
    """On somebody else's data."""


NOBODY = {"email": ["nobody@example.com"], "phone": ["+40700000000"]}


class EveryContract:
    @pytest.fixture
    def stand(self) -> Working:
        raise NotImplementedError("A connector's tests bring their own stand.")

    async def test_nobody_is_found_under_an_unknown_address(self, stand: Working) -> None:
        assert await stand.connector.find(NOBODY) == []
        assert await stand.connector.find({}) == []
        assert (await stand.connector.plan_erasure(NOBODY)).rows == ()

    async def test_a_dry_run_changes_nothing_and_says_the_same_twice(self, stand: Working) -> None:
        before = await stand.connector.find(stand.ana)
        plan = await stand.connector.plan_erasure(stand.ana)
        assert await stand.connector.find(stand.ana) == before
        assert await stand.connector.plan_erasure(stand.ana) == plan
        assert {(row.table, str(row.key)) for row in plan.rows} == {_name(finding) for finding in before}

    async def test_a_plan_survives_being_stored(self, stand: Working) -> None:
        plan = await stand.connector.plan_erasure(stand.ana)
        stored = Plan.from_json(plan.to_json())
        assert stored == plan
        assert stored.hash == plan.hash
        assert stored.hash != (await stand.connector.plan_erasure(stand.ben)).hash

    async def test_an_erasure_does_what_its_stored_plan_says_and_leaves_ben_alone(self, stand: Working) -> None:
        ben = await stand.connector.find(stand.ben)
        plan = Plan.from_json((await stand.connector.plan_erasure(stand.ana)).to_json())
        outcome = await stand.connector.erase(plan)
        assert outcome.done
        assert outcome.counts == plan.counts
        left = await stand.connector.recheck(stand.ana, plan)
        assert all(row.expected and row.law for row in left)
        assert len(left) == sum(row.action == "keep" for row in plan.rows)
        assert await stand.connector.find(stand.ben) == ben

    async def test_a_healthy_system_says_so(self, stand: Working) -> None:
        health = await stand.connector.check()
        assert health.ok, health.problems

    async def test_a_field_that_has_no_place_here_is_named_and_nothing_changes(self, stand: Working) -> None:
        before = await stand.connector.find(stand.ana)
        wanted = dict.fromkeys(("shoe_size", *stand.proven_elsewhere), "new@example.com")
        outcome = await stand.connector.correct(stand.ana, wanted)
        assert (outcome.done, outcome.changed, set(outcome.missing)) == (False, (), set(wanted))
        assert await stand.connector.find(stand.ana) == before

    async def test_a_word_on_an_unknown_purpose_is_not_wanted_and_does_nothing(self, stand: Working) -> None:
        before = await stand.connector.find(stand.ana)
        for index, channel in enumerate(("email", "sms", "post")):
            cell = Cell("no-such-purpose", channel)
            assert not stand.connector.takes(cell)
            await stand.connector.set_consent(stand.ana, cell, False, index)
        assert await stand.connector.find(stand.ana) == before


class HoldingContract(EveryContract):
    @pytest.fixture
    def stand(self) -> Holding:
        raise NotImplementedError("A connector's tests bring their own stand.")

    async def test_every_finding_names_its_table_and_key_in_plain_words(self, stand: Holding) -> None:
        findings = await stand.connector.find(stand.ana)
        assert findings
        assert all(finding.table and finding.key and finding.label and finding.category for finding in findings)
        assert len({_name(finding) for finding in findings}) == len(findings)
        assert all(field.label for finding in findings for field in finding.fields)
        assert any(field.identifying for finding in findings for field in finding.fields)

    async def test_what_is_found_for_ana_is_not_found_for_ben(self, stand: Holding) -> None:
        ana = {_name(finding) for finding in await stand.connector.find(stand.ana)}
        ben = {_name(finding) for finding in await stand.connector.find(stand.ben)}
        assert ana and ben and not ana & ben

    async def test_before_an_erasure_the_recheck_says_that_everything_is_left(self, stand: Holding) -> None:
        plan = await stand.connector.plan_erasure(stand.ana)
        left = await stand.connector.recheck(stand.ana, plan)
        assert len(left) == len(plan.rows)
        assert sum(not row.expected for row in left) >= sum(row.action != "keep" for row in plan.rows)

    async def test_erasing_twice_is_refused_and_the_recheck_tells_that_it_is_done(self, stand: Holding) -> None:
        plan = await stand.connector.plan_erasure(stand.ana)
        await stand.connector.erase(plan)
        with pytest.raises(ConnectorError) as refused:
            await stand.connector.erase(plan)
        assert refused.value.permanent
        assert all(row.expected for row in await stand.connector.recheck(stand.ana, plan))

    async def test_counts_unlike_the_dry_run_stop_the_erasure_before_anything_is_gone(self, stand: Holding) -> None:
        plan = await stand.connector.plan_erasure(stand.ana)
        await stand.one_more_row()
        before = await stand.connector.find(stand.ana)
        with pytest.raises(ConnectorError, match="dry run") as refused:
            await stand.connector.erase(plan)
        assert refused.value.permanent
        assert await stand.connector.find(stand.ana) == before

    async def test_a_row_that_arrives_after_the_erasure_is_seen(self, stand: Holding) -> None:
        plan = await stand.connector.plan_erasure(stand.ana)
        await stand.connector.erase(plan)
        await stand.one_more_row()
        assert any(not row.expected for row in await stand.connector.recheck(stand.ana, plan))


class ApartContract(EveryContract):
    @pytest.fixture
    def stand(self) -> Apart:
        raise NotImplementedError("A connector's tests bring their own stand.")

    async def test_the_last_word_on_consent_stands_however_often_and_late_words_arrive(self, stand: Apart) -> None:
        words = [(True, 10), (False, 20), (True, 10), (False, 20), (True, 19)]
        for allowed, index in words:
            await stand.connector.set_consent(stand.ana, stand.cell, allowed, index)
        assert await stand.consent_of_ana() is False
        await stand.connector.set_consent(stand.ana, stand.cell, True, 21)
        assert await stand.consent_of_ana() is True

    async def test_a_cell_the_system_does_not_know_changes_nothing(self, stand: Apart) -> None:
        assert stand.connector.takes(stand.cell)
        await stand.connector.set_consent(stand.ana, stand.cell, True, 10)
        other = Cell("no-such-purpose", stand.cell.channel)
        assert not stand.connector.takes(other)
        await stand.connector.set_consent(stand.ana, other, False, 11)
        assert await stand.consent_of_ana() is True

    async def test_a_system_that_is_down_is_tried_again_later(self, stand: Apart) -> None:
        plan = await stand.connector.plan_erasure(stand.ana)
        for act in (
            stand.unreachable.erase(plan),
            stand.unreachable.recheck(stand.ana, plan),
            stand.unreachable.set_consent(stand.ana, stand.cell, False, 1),
        ):
            with pytest.raises(ConnectorError) as down:
                await act
            assert not down.value.permanent
        health = await stand.unreachable.check()
        assert not health.ok and health.problems


class CorrectingContract(HoldingContract):
    @pytest.fixture
    def stand(self) -> Correcting:
        raise NotImplementedError("A connector's tests bring their own stand.")

    async def test_a_correction_is_re_read_and_says_old_and_new(self, stand: Correcting) -> None:
        field, new = stand.correction
        ben = await stand.connector.find(stand.ben)
        outcome = await stand.connector.correct(stand.ana, {field: new})
        assert outcome.done and outcome.changed
        assert all(change.field == field and change.new == new and change.old != new for change in outcome.changed)
        shown = {field.value for finding in await stand.connector.find(stand.ana) for field in finding.fields}
        assert new in shown
        assert not shown & {change.old for change in outcome.changed}
        assert await stand.connector.find(stand.ben) == ben

    async def test_correcting_again_does_no_harm(self, stand: Correcting) -> None:
        field, new = stand.correction
        await stand.connector.correct(stand.ana, {field: new})
        again = await stand.connector.correct(stand.ana, {field: new})
        assert again.done and all(change.old == change.new == new for change in again.changed)

    async def test_a_value_that_changed_after_it_was_decided_about_is_not_overwritten(self, stand: Correcting) -> None:
        field, new = stand.correction
        before = await stand.connector.find(stand.ana)
        found, old = next((each, value.value) for each in before for value in each.fields if value.means == field)
        for held in ("what it said last week", ""):
            with pytest.raises(ConnectorError, match="after this correction was decided") as refused:
                await stand.connector.correct(stand.ana, {field: new}, {field: [RowName(found.table, found.key, held)]})
            assert refused.value.permanent and await stand.connector.find(stand.ana) == before
        there = {field: [RowName(found.table, found.key, as_text(old))]}
        assert len((await stand.connector.correct(stand.ana, {field: new}, there)).changed) == 1
        again = await stand.connector.correct(stand.ana, {field: new}, there)  # written already by whoever fell over
        assert [(change.old, change.new) for change in again.changed] == [(new, new)]

    async def test_a_field_that_the_system_does_not_have_is_named(self, stand: Correcting) -> None:
        field, new = stand.correction
        outcome = await stand.connector.correct(stand.ana, {field: new, "shoe_size": "39"})
        assert not outcome.done
        assert outcome.missing == ("shoe_size",)
        assert outcome.changed


class ConnectorContract(CorrectingContract, ApartContract):
    @pytest.fixture
    def stand(self) -> Stand:
        raise NotImplementedError("A connector's tests bring their own stand.")

    async def test_a_question_to_a_system_that_is_down_is_asked_again_later(self, stand: Stand) -> None:
        for ask in (
            stand.unreachable.find(stand.ana),
            stand.unreachable.plan_erasure(stand.ana),
            stand.unreachable.correct(stand.ana, dict([stand.correction])),
        ):
            with pytest.raises(ConnectorError) as down:
                await ask
            assert not down.value.permanent


def _name(finding: Finding) -> tuple[str, str]:
    return finding.table, str(finding.key)
