"""Several requests at once: each has one effect whatever happens, none leaves before its time or unseen where it must be seen."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from portal import audit, cases, db, identity, jobs, subjects
from portal.cases import bulk, models, states
from portal.jobs import leases
from portal.jobs.verbs import registered
from portal.jobs.work import perform
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed
from tests.cases.shops import ANA, BEN, Company, ask, letters_to, prove
from tests.conftest import on_both
from tests.people import hire

TRIAGE, REVIEWING = states.TRIAGE, states.REVIEWING


@pytest.fixture
async def olga(company: Company) -> str:
    return (await hire("olga@example.com", "privacy-officer")).id


async def proven(right: str = "access", address: str = ANA, **details: object) -> str:
    opened = await ask(right, address, details)
    await prove(opened, address)
    return opened.id


async def start(case_ids: Sequence[str], state: str, olga: str, once: str = "") -> str:
    return await cases.bulk.start([(each, state) for each in case_ids], officer=olga, once=once or ids.new())


async def searched(case_ids: Sequence[str], olga: str) -> None:
    await start(case_ids, TRIAGE, olga)
    await jobs.run_due()
    assert [(await cases.case(each)).state for each in case_ids] == [REVIEWING] * len(case_ids)


async def outcomes(bulk_id: str) -> dict[str, tuple[str, str]]:
    return {each.case: (each.outcome, each.sentence) for each in (await cases.bulk.look(bulk_id)).items}


async def proposals(case_id: str) -> int:
    return len(await audit.search(case=case_id, event="case.proposed"))


async def begin_answers(hours: int = 1) -> None:
    """The time to undo is over, and so is the pause after a failed try. The packages are of no concern here."""
    with clock.at(clock.now() + timedelta(hours=hours)):
        while job := await leases.claim(except_verbs=[each for each in registered if each != "cases.bulk"]):
            await perform(job, leases.LEASE)


async def test_two_requests_are_searched_and_answered_together_after_the_time_to_undo(company: Company, olga: str) -> None:
    both = [await proven(), await proven(address=BEN)]
    await searched(both, olga)
    answering = await start(both, REVIEWING, olga)
    assert (await cases.bulk.look(answering)).undo_until is not None
    with clock.at(clock.now() + timedelta(seconds=59)):
        assert (await cases.bulk.look(answering)).undo_until and await jobs.run_due() == 0
    await begin_answers()
    assert [(await cases.case(each)).state for each in both] == [states.FULFILLING] * 2
    seen = await cases.bulk.look(answering)
    assert seen.count("done") == 2 and seen.busy and seen.undo_until is None


async def test_an_undone_answer_was_never_given_and_cannot_be_undone_once_it_began(company: Company, olga: str) -> None:
    case_id = await proven()
    await searched([case_id], olga)
    undone = await start([case_id], REVIEWING, olga)
    petra = (await hire("petra@example.com", "privacy-officer")).id
    with pytest.raises(NotAllowed, match="who started"):
        await cases.bulk.undo(undone, officer=petra)
    await cases.bulk.undo(undone, officer=olga)
    await begin_answers()
    assert (await cases.case(case_id)).state == REVIEWING and await proposals(case_id) == 0
    assert await outcomes(undone) == {case_id: ("undone", "")}
    begun = await start([case_id], REVIEWING, olga)
    await begin_answers()
    with pytest.raises(Conflict, match="cannot be undone"):
        await cases.bulk.undo(begun, officer=olga)
    assert (await cases.case(case_id)).state == states.FULFILLING


@on_both
async def test_the_same_form_sent_twice_is_one_and_another_answer_finds_nothing_left_to_do(company: Company, olga: str) -> None:
    case_id = await proven()
    await searched([case_id], olga)
    first, again, other = [await start([case_id], REVIEWING, olga, once) for once in ("one", "one", "two")]
    assert first == again != other
    await begin_answers()
    assert await proposals(case_id) == 1
    assert {(await outcomes(each))[case_id][0] for each in (first, other)} == {"done", "left out"}


async def test_dying_at_every_point_in_turn_each_request_is_answered_once(
    company: Company, olga: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [await proven(), await proven(address=BEN), await proven(address=BEN)]
    await searched(every, olga)
    answering = await start(every, REVIEWING, olga)
    take, points = bulk._take, iter(range(100))
    died: list[str] = []

    async def dying(job: jobs.Job, of: dict[str, object], case_id: str) -> None:
        """Before a request; in its transaction, with all its work done; and after its commit."""
        point = next(points) % 3
        died.append(case_id)
        if point == 0:
            raise Killed
        if point == 1:
            async with db.writing():
                await take(job, of, case_id)
                raise Killed
        await take(job, of, case_id)
        raise Killed

    class Killed(BaseException):
        pass

    monkeypatch.setattr(bulk, "_take", dying)
    for death in range(9):
        await begin_answers(hours=death + 1)
    assert sorted(died) == sorted(every * 3)
    monkeypatch.setattr(bulk, "_take", take)
    await begin_answers(hours=10)
    assert [await proposals(each) for each in every] == [1, 1, 1]
    assert {each[0] for each in (await outcomes(answering)).values()} == {"done"}
    packages = await models.Task.filter(step="package").values_list("case_id", flat=True)
    assert sorted(str(each) for each in packages) == sorted(every)


WARNINGS = {
    "what the person wrote": "The person wrote something.",
    "a mark": "It is marked: third party.",
    "a hold": "A hold stands.",
    "a deletion": "A second person has to agree.",
    "another address": "It names an address that was not proven.",
    "a long text": "It has free text that may be about others.",
}


async def test_what_an_officer_must_see_is_left_out_until_this_officer_has_opened_it(company: Company, olga: str) -> None:
    company.run(
        "shop", "INSERT INTO purchase VALUES (20, 2, 'For mallory@example.com'); INSERT INTO purchase VALUES (21, 1, 'A')"
    )
    message = await proven(message="And what did Ben say about me?")
    marked, held, deletion = await proven(), await proven(), await proven("erasure")
    address = await proven(address=BEN)
    every = {
        "what the person wrote": message,
        "a mark": marked,
        "a hold": held,
        "a deletion": deletion,
        "another address": address,
    }
    await searched(list(every.values()), olga)
    await cases.triage(marked, officer=olga, flags=["third party"])
    await cases.hold(held, "identity", "Two people use it.", officer=olga)
    company.run("shop", f"UPDATE purchase SET item = '{'word ' * 50}' WHERE id = 21")
    every["a long text"] = text = await proven()
    await searched([text], olga)
    petra = (await hire("petra@example.com", "privacy-officer")).id
    for each in every.values():
        await cases.review(each, officer=petra)  # somebody else's look is not hers
    unseen = await start(list(every.values()), REVIEWING, olga)
    await begin_answers(hours=10)
    found = await outcomes(unseen)
    for name, case_id in every.items():
        outcome, sentence = found[case_id]
        assert outcome == "left out" and WARNINGS[name] in sentence, (name, sentence)
        assert await proposals(case_id) == 0
    for each in every.values():
        await cases.review(each, officer=olga)
    await start(list(every.values()), REVIEWING, olga)
    await begin_answers()
    stands = {name: (await cases.case(case_id)).state for name, case_id in every.items()}
    assert stands == dict.fromkeys(every, states.APPROVING)  # four eyes stay four eyes


async def test_a_look_before_the_systems_answered_anew_does_not_count(company: Company, olga: str) -> None:
    case_id = await proven(message="Everything, please.")
    await searched([case_id], olga)
    await cases.review(case_id, officer=olga)
    await cases.collect(case_id, officer=olga)
    await jobs.run_due()
    again = await start([case_id], REVIEWING, olga)
    await begin_answers()
    assert (await outcomes(again))[case_id][0] == "left out"


async def test_a_marked_one_is_not_even_searched_for_before_this_officer_opened_its_page(company: Company, olga: str) -> None:
    case_id = await proven()
    await cases.triage(case_id, officer=olga, flags=["third party"])
    unseen = await start([case_id], TRIAGE, olga)
    await jobs.run_due()
    assert (await outcomes(unseen))[case_id] == ("left out", "Open it first. It is marked: third party.")
    await cases.looks.opened(case_id, officer=olga)
    await searched([case_id], olga)


async def test_what_the_person_wrote_meanwhile_is_answered_first(company: Company, olga: str) -> None:
    case_id = await proven()
    await searched([case_id], olga)
    await cases.conversation.received(case_id, "Only the orders, please.")
    await cases.review(case_id, officer=olga)
    answering = await start([case_id], REVIEWING, olga)
    await begin_answers()
    assert (await outcomes(answering))[case_id] == ("left out", "The person wrote to us and waits for an answer to that.")


async def test_each_that_cannot_go_on_says_why_and_holds_up_nobody(company: Company, olga: str) -> None:
    unproven, ready, moved = await ask("access", "nobody@example.com"), await proven(), await proven(address=BEN)
    await cases.withdraw(moved, actor="system")
    started = await cases.bulk.start([(unproven.id, "verifying"), (ready, TRIAGE), (moved, TRIAGE)], officer=olga, once="1")
    await jobs.run_due()
    found = await outcomes(started)
    assert found[ready][0] == "done" and (await cases.case(ready)).state == REVIEWING
    assert found[unproven.id] == ("left out", "Waits for the person, who has to confirm who they are.")
    assert found[moved] == ("left out", "It is closed.")
    with pytest.raises(Invalid, match="at least one"):
        await cases.bulk.start([], officer=olga, once="2")


async def test_who_lost_the_role_meanwhile_answers_nobody(company: Company, olga: str) -> None:
    case_id = await proven()
    await searched([case_id], olga)
    answering = await start([case_id], REVIEWING, olga)
    await identity.remove_role(olga, "privacy-officer", by=None)
    await begin_answers()
    outcome, sentence = (await outcomes(answering))[case_id]
    assert outcome == "left out" and "role does not allow" in sentence and await proposals(case_id) == 0


async def test_nobody_answers_for_whom_nothing_is_held_but_says_so(company: Company, olga: str) -> None:
    address = "unheard-of@example.com"
    case_id = await proven(address=address)
    await searched([case_id], olga)
    await start([case_id], REVIEWING, olga)
    await begin_answers()
    assert (await cases.case(case_id)).outcome == "nothing held" and (await letters_to(address))[-1] == "mail/case-nothing"
    assert await subjects.find("email", address) is not None
