"""The package reaches the person who proved the address, after a fresh proof, by a link that works once."""

from datetime import timedelta
from typing import Any

import pytest

from portal import audit, cases, db, identity, jobs, subjects
from portal.cases import events, fulfilment, models, moves, parcels
from portal.cases import snapshot as snapshots
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed, NotFound
from tests.cases.shops import ANA, MALLORY, OLGA, PETRA, Company, collected, letters_to, visit
from tests.conftest import on_both

CONTENT = b"PK\x03\x04 as if zipped" * 9000


async def delivered(address: str = ANA) -> str:
    """A case whose package was made; its bytes are of no concern here."""
    case_id = await collected("access", address)
    await cases.review(case_id, officer=OLGA)
    if await cases.propose(case_id, officer=OLGA) == "approving":  # asked for where nobody had signed in before
        waiting = await cases.proposal(case_id)
        assert waiting is not None
        await cases.approve(case_id, waiting.digest, officer=PETRA)
    async with db.writing():
        row = await moves.lock(case_id)
        task = await models.Task.get(case_id=case_id, step="package")
        await parcels.keep_package(row, "package", CONTENT, "0" * 64)
        await fulfilment.answered(row, task, {}, events.PACKAGED)
        await fulfilment.complete(row)
    return case_id


@on_both
async def test_the_link_works_once_and_closes_the_case(company: Company) -> None:
    case_id = await delivered()
    assert (await letters_to(ANA))[-1] == "mail/case-ready"
    session = await visit()
    secret = await cases.hand_over(case_id, session)
    opened = await cases.download(secret, session)
    assert b"".join([piece async for piece in opened.content]) == CONTENT
    with pytest.raises(Conflict, match="used already"):
        await cases.download(secret, session)
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert len(await audit.search(case=case_id, event="case.downloaded")) == 1
    assert (await cases.download(await cases.hand_over(case_id, session), session)).size == len(CONTENT)


async def test_the_link_needs_a_fresh_proof_of_the_same_person(company: Company) -> None:
    case_id = await delivered()
    session = await visit()
    with clock.at(clock.now() + timedelta(minutes=15)), pytest.raises(NotAllowed, match="once more"):
        await cases.hand_over(case_id, session)
    async with db.writing():
        await subjects.ensure("email", MALLORY, by="import")
    stranger = await visit(MALLORY)
    with pytest.raises(NotFound):
        await cases.hand_over(case_id, stranger)
    secret = await cases.hand_over(case_id, session)
    for other in (stranger, await visit()):
        with pytest.raises(NotFound):
            await cases.download(secret, other)


async def test_the_link_lives_a_day_and_the_package_thirty(company: Company) -> None:
    case_id = await delivered()
    session = await visit()
    secret = await cases.hand_over(case_id, session)
    with clock.at(clock.now() + timedelta(hours=25)):
        with pytest.raises(Conflict, match="too old"):
            await cases.download(secret, session)
        assert await cases.package_of(case_id) is not None
    with clock.at(clock.now() + timedelta(days=31)):
        assert await cases.package_of(case_id) is None
        await run_tidy()
    assert await db.row("SELECT count(*) AS n FROM blob WHERE size = ?", len(CONTENT)) == {"n": 0}


async def test_it_was_not_me_freezes_the_handover_alone(company: Company) -> None:
    case_id = await delivered()
    due = (await cases.case(case_id)).due_on
    hold = await cases.hold(case_id, "freeze", "She telephoned.", officer=OLGA)
    session = await visit()
    with pytest.raises(Conflict, match="checking something"):
        await cases.hand_over(case_id, session)
    assert (await cases.case(case_id)).due_on == due
    await cases.lift(hold, officer=OLGA)
    assert await cases.hand_over(case_id, session)


async def test_a_later_address_of_the_same_person_is_sent_to_the_one_that_asked(company: Company) -> None:
    case_id = await delivered()
    identifier = await subjects.find("email", ANA)
    assert identifier is not None
    async with db.writing():
        other = await subjects.ensure("email", "ex@example.com", by="import", subject=identifier.subject)
    token = await identity.open_session(subject=identifier.subject, identifier=other.id)
    session = await identity.session(token, "customer")
    assert session is not None
    with pytest.raises(NotAllowed, match="the address that this request was made with"):
        await cases.hand_over(case_id, session)


async def test_redacted_values_are_not_in_the_snapshot_that_is_signed(company: Company) -> None:
    case_id = await collected("access")
    found = {each.table: each for each in await cases.review(case_id, officer=OLGA)}
    orders = found["purchase"]
    number = next(place for place, row in enumerate(orders.rows) if "Ben" in str(row))
    await cases.redact(case_id, orders.id, number, "item", reason="third party", officer=OLGA)
    await cases.redact(case_id, found["invoice"].id, 0, "", reason="legal privilege", officer=OLGA)
    await cases.propose(case_id, answer="partly", reasons="Some of it is about others.", officer=OLGA)
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None
    said = snapshots.write(snapshot).decode()
    assert "present for Ben" not in said and '"redacted":"third party"' in said and '"redacted":"legal privilege"' in said
    assert '"Tea, two boxes"' in said and snapshots.read(said.encode()) == snapshot


async def test_changing_the_findings_after_the_proposal_takes_it_back_to_review(company: Company) -> None:
    case_id = await collected("access")
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"
    orders = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "purchase")
    await cases.redact(case_id, orders.id, 0, "item", reason="security", officer=OLGA)
    assert (await cases.case(case_id)).state == "reviewing"
    await jobs.run_due()
    assert await cases.package_of(case_id) is None
    await cases.unredact(case_id, orders.id, 0, "item", officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"


async def test_a_flagged_access_request_needs_a_second_person(company: Company) -> None:
    case_id = await collected("access")
    await cases.triage(case_id, officer=OLGA, flags=["third party"])
    with pytest.raises(Conflict, match="look at what was found"):
        await cases.propose(case_id, officer=OLGA)
    await cases.review(case_id, officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "approving"


async def test_notes_are_kept_and_do_not_void_a_proposal(company: Company) -> None:
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=OLGA)
    await cases.add_note(case_id, "Telephoned with the shop.", officer=OLGA)
    assert [each.text for each in await cases.notes(case_id)] == ["Telephoned with the shop."]
    assert (await cases.case(case_id)).state == "approving"
    stored: Any = await db.row("SELECT text FROM case_note")
    assert b"Telephoned" not in bytes(stored["text"])


async def run_tidy() -> None:
    async with db.writing():
        await jobs.later("cases.tidy", {})
    await jobs.run_due()
