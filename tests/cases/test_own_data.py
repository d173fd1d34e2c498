"""The portal's own tables answer like every other system, and go last in an erasure."""

from datetime import timedelta

from portal import cases, consent, db, jobs, messages, subjects
from portal.lib import clock
from tests.cases.shops import ANA, BEN, OLGA, PETRA, Company, answer, collected

FAMILY, TYPO = "family@example.com", "anna@example.com"


async def known_person(address: str) -> str:
    """On file before any request: an address, a stop, a letter."""
    async with db.writing():
        identifier = await subjects.ensure("email", address, by="import")
        await consent.stops.object_to_marketing(identifier.subject, by="officer:olga")
        await messages.send_later(
            template="mail/case-extended",
            to=address,
            language="en",
            context={"what": "a copy", "remedies": [], "reason": "x", "text": "A letter.", "due": identifier.created_at},
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


async def test_an_address_of_several_people_or_of_nobody_proven_is_neither_shown_nor_deleted(company: Company) -> None:
    subject = await known_person(ANA)
    async with db.writing():
        family = await subjects.ensure("email", FAMILY, by="import", subject=subject, audience="shared")
        typo = await subjects.ensure("email", TYPO, by="import", subject=subject)
        phone = await subjects.ensure("phone", "+40712345678", by="import", subject=subject)
        context = {"what": "a copy", "remedies": [], "reason": "x", "text": "To the family.", "due": family.created_at}
        await messages.send_later(template="mail/case-extended", to=FAMILY, language="en", context=context, subject=subject)
    own = str([each.rows for each in await cases.review(await collected("access"), officer=OLGA) if each.system == "portal"])
    assert ANA in own and "+40712345678" in own
    assert FAMILY not in own and TYPO not in own and "To the family." not in own
    with clock.at(clock.now() + timedelta(days=15)):
        for copy in await cases.queue():
            await cases.withdraw(copy.id, actor="customer:ana")
        assert (await answer(await collected("erasure"))).outcome == "fulfilled"
    assert await subjects.find("email", ANA) is None
    values = {each.id: await subjects.value_of(each) for each in await subjects.identifiers_of(subject)}
    assert (values[family.id], values[typo.id], values[phone.id]) == (FAMILY, TYPO, None)
    assert ["To the family." in str(each.letter) for each in await messages.of_subject(subject)] == [True]
