"""The portal's own tables answer like every other system, and go last in an erasure."""

from portal import cases, consent, db, jobs, messages, subjects
from tests.cases.shops import ANA, BEN, OLGA, PETRA, Company, collected


async def known_person(address: str) -> str:
    """On file before any request: an address, a stop, a letter."""
    async with db.writing():
        identifier = await subjects.ensure("email", address, by="import")
        await consent.object_to_marketing(identifier.subject, by="officer:olga")
        await messages.send_later(
            template="mail/case-extended",
            to=address,
            language="en",
            context={"right": "access", "reason": "x", "text": "A letter.", "due": identifier.created_at},
            subject=identifier.subject,
        )
    return identifier.subject


async def test_addresses_choices_and_messages_are_part_of_a_copy(company: Company) -> None:
    await known_person(BEN)
    await known_person(ANA)
    case_id = await collected("access")
    own = {each.table: each for each in await cases.review(case_id, officer=OLGA) if each.system == "portal"}
    assert {table: each.row_count for table, each in own.items()} == {"identifier": 1, "decision": 1, "message": 1}
    assert ANA in str(own["identifier"].rows) and "A letter." in str(own["message"].rows)
    assert BEN not in str(own)


async def test_an_erasure_ends_them_and_keeps_the_choices_without_an_address(company: Company) -> None:
    subject = await known_person(ANA)
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None
    own = {each.table: each.action for each in snapshot.removals if each.system == "portal"}
    assert own == {"identifier": "delete", "message": "delete", "decision": "keep"}
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert all(each.letter is None for each in await messages.of_subject(subject))
    assert [await subjects.value_of(each) for each in await subjects.identifiers_of(subject)] == [None]
    assert {each.what for each in await consent.history(subject)} == {"objected", "erased"}
