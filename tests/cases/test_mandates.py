"""Somebody asks for another person: nothing is searched before an officer saw what entitles them, and then for that one alone."""

import pytest

from portal import audit, cases, db, jobs, subjects
from portal.cases import concerned, models, moves, verification
from portal.lib.errors import Conflict, Invalid, NotFound
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, letters_to, newest_to, prove, visit

MOTHER = "mother@example.com"
SEEN = ("birth certificate", "2019-05-04")


async def asked(who: str = "child", right: str = "access", **concerned: str) -> str:
    about = {"concerned": concerned or {"email": ANA}, "concerned_name": "Ana Pop", "permission": True}
    opened = await cases.open(right, MOTHER, language="en", who=who, details=about)
    await prove(opened, MOTHER)
    return opened.id


async def test_the_package_has_the_childs_data_and_reaches_the_parent(company: Company) -> None:
    async with db.writing():
        child = await subjects.ensure("email", ANA, by="import")
        await subjects.mark_verified(child.id)
    case_id = await asked()
    assert (await models.CaseRow.get(id=case_id)).subject is None
    await cases.mandates.note(case_id, *SEEN, officer=OLGA)
    known = await verification.covered(await moves.load(case_id))
    assert known.identifiers == {"email": [ANA]}
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    found = {(each.system, each.table): each.row_count for each in await cases.review(case_id, officer=OLGA)}
    assert found["shop", "customer"] == 1 and found["shop", "purchase"] == 2
    await _deliver(case_id)
    assert await cases.hand_over(case_id, await visit(MOTHER))
    with pytest.raises(Exception, match="address that this request was made with"):
        await cases.hand_over(case_id, await visit(ANA))
    assert "mail/case-ready" in await letters_to(MOTHER) and "mail/case-ready" not in await letters_to(ANA)


async def _deliver(case_id: str) -> None:
    """The package's bytes are of no concern here."""
    from portal.cases import events, fulfilment, parcels

    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting
    await cases.approve(case_id, waiting.digest, officer="petra")
    async with db.writing():
        row = await moves.lock(case_id)
        task = await models.Task.get(case_id=case_id, step="package")
        await parcels.keep_package(row, "package", b"PK\x03\x04", "0" * 64)
        await fulfilment.answered(row, task, {}, events.PACKAGED)
        await fulfilment.complete(row)


async def test_nothing_is_searched_or_known_before_the_mandate_was_seen(company: Company) -> None:
    case_id = await asked()
    with pytest.raises(Conflict, match="mandate"):
        await cases.collect(case_id, officer=OLGA)
    assert await concerned.identifiers(await moves.load(case_id)) == []
    assert "collect" not in (await cases.case(case_id)).can
    assert not await models.FindingRow.all().exists() and not await letters_to(ANA)


async def test_a_note_needs_a_kind_that_fits_and_a_day_that_has_been(company: Company) -> None:
    case_id = await asked()
    for kind, day, field in (
        ("power of attorney", "2026-01-01", "mandate"),
        (SEEN[0], "2999-01-01", "dated"),
        (SEEN[0], "", "dated"),
    ):
        with pytest.raises(Invalid) as problem:
            await cases.mandates.note(case_id, kind, day, officer=OLGA)
        assert set(problem.value.fields) == {field}
    await cases.mandates.note(case_id, *SEEN, officer=OLGA)
    with pytest.raises(Conflict, match="already"):
        await cases.mandates.note(case_id, *SEEN, officer=OLGA)
    seen = await audit.search(case=case_id, event="case.mandate_seen")
    assert len(seen) == 1 and await audit.open_payload(seen[0]) == {"how": "birth certificate", "dated": "2019-05-04"}


async def test_who_gave_somebody_a_mandate_is_told_that_something_was_asked_for(company: Company) -> None:
    async with db.writing():
        theirs = await subjects.ensure("email", ANA, by="import")
        await subjects.mark_verified(theirs.id)
    case_id = await asked("agent")
    await cases.mandates.note(case_id, "power of attorney", "2026-01-01", officer=OLGA)
    await jobs.run_due()
    assert "/requests/notices/" in await newest_to(ANA, "mail/case-notice")
    assert await letters_to(MOTHER) == ["mail/code", "mail/case-started"]


async def test_a_deletion_for_somebody_else_leaves_the_asker_alone(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    case_id = await asked("deceased", "erasure")
    await cases.mandates.note(case_id, "death and will", "2026-01-01", officer=OLGA)
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    assert (await answer(case_id)).outcome == "fulfilled"
    mother = await subjects.find("email", MOTHER)
    assert (
        mother
        and mother.erased_at is None
        and company.rows("shop", "SELECT id FROM customer WHERE email = 'ana@example.com'") == []
    )
    assert "mail/case-erased" in await letters_to(MOTHER)


async def test_a_child_without_an_address_is_looked_for_under_the_parents(company: Company) -> None:
    opened = await cases.open("access", BEN, language="en", who="child", details={"concerned_name": "Mia"})
    await prove(opened, BEN)
    await cases.mandates.note(opened.id, *SEEN, officer=OLGA)
    assert (await verification.covered(await moves.load(opened.id))).identifiers == {"email": [BEN]}


async def test_one_note_counts_for_all_that_was_sent_together(company: Company) -> None:
    about = {"concerned": {"email": ANA}, "concerned_name": "Ana"}
    opened = await cases.open("access", MOTHER, language="en", who="child", also=["erasure"], details=about)
    await prove(opened, MOTHER)
    await cases.mandates.note(opened.id, *SEEN, officer=OLGA)
    for row in await models.CaseRow.all():
        assert "collect" in (await cases.case(row.id)).can and row.subject is not None
    with pytest.raises(NotFound):
        await cases.mandates.note("nobody's", *SEEN, officer=OLGA)
