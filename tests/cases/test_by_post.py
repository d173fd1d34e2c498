"""A copy for somebody with a mailbox goes by post when they ask for it: to an address on file before, and never another."""

import pytest

from portal import audit, cases
from portal.cases import caution, models
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import ANA, BEN, OLGA, Company, ask, prove
from tests.cases.test_handover import CONTENT, delivered
from tests.cases.test_proving import HOME, moved_in
from tests.conftest import on_both
from tests.people import Browser, sign_in

NUMBER, ELSEWHERE = "RR 123 456 789 RO", "Aleea Nouă 3\n400002 Cluj"


@on_both
async def test_it_goes_to_the_address_on_file_with_its_number_and_the_person_reads_it(company: Company) -> None:
    moved_in(company)
    case_id = await delivered()
    assert await cases.by_post.stage(case_id) == "choose"
    with pytest.raises(Conflict, match="in the portal"):
        await cases.by_post.package(case_id, officer=OLGA)  # nobody chose the post
    await cases.by_post.choose_post(case_id, HOME, "shop", officer=OLGA)
    [cover] = await cases.letters.of_case(case_id)
    assert (cover.kind, cover.place, cover.printable) == ("copy", HOME, True)
    assert [each.kind for each in await cases.letters.unposted()] == ["copy"]
    file = await cases.by_post.package(case_id, officer=OLGA)
    assert b"".join([piece async for piece in file.content]) == CONTENT
    for wrong in ("", "<b>", "1"):
        with pytest.raises(Invalid):
            await cases.by_post.given(case_id, "tracked post", wrong, officer=OLGA)
    await cases.by_post.given(case_id, "tracked post", NUMBER.lower(), officer=OLGA)
    assert (await cases.case(case_id)).outcome == "fulfilled" and await cases.letters.unposted() == []
    assert len(await audit.search(case=case_id, event="case.copy_given")) == 1
    async with Browser() as anybody:
        page = f"/requests/{await cases.reference_of(case_id)}"
        assert NUMBER not in (await anybody.get(page)).text
        await sign_in(anybody, ANA)
        assert f"Its number there is {NUMBER}" in (await anybody.get(page)).text


async def test_it_goes_nowhere_that_was_not_on_file(company: Company) -> None:
    moved_in(company)
    case_id = await delivered()
    with pytest.raises(Invalid, match="does not stand"):
        await cases.by_post.choose_post(case_id, ELSEWHERE, "shop", officer=OLGA)
    assert await cases.by_post.stage(case_id) == "choose" and await cases.letters.of_case(case_id) == []


async def test_it_goes_nowhere_that_the_person_named_with_the_request(company: Company) -> None:
    """Corrected meanwhile, it stands on file; that shows nothing."""
    moved_in(company)
    case_id = await delivered()
    moving = await ask("rectification", details={"country": "RO", "changes": {"street": ELSEWHERE.partition("\n")[0]}})
    await prove(moving)
    company.run("shop", f"UPDATE customer SET street = '{ELSEWHERE.replace(chr(10), ', ')}' WHERE id = 1")
    with pytest.raises(Conflict, match="only with this request"):
        await cases.by_post.choose_post(case_id, ELSEWHERE, "shop", officer=OLGA)


async def test_nothing_goes_by_post_that_is_kept_back_or_is_no_copy(company: Company) -> None:
    moved_in(company)
    case_id = await delivered()
    await cases.by_post.choose_post(case_id, HOME, "shop", officer=OLGA)
    await cases.hold(case_id, "freeze", "She said it was not her.", officer=OLGA)
    with pytest.raises(Conflict, match="did not ask for this"):
        await cases.by_post.given(case_id, "tracked post", NUMBER, officer=OLGA)
    other = await ask("erasure", BEN)
    with pytest.raises(Conflict, match="not ready"):
        await cases.by_post.choose_post(other.id, HOME, "shop", officer=OLGA)


async def test_whoever_asked_for_paper_is_not_answered_by_the_portal_alone(company: Company) -> None:
    async with Browser() as ana:
        page = await ana.post("/requests", data={"right": "access", "email": ANA, "country": "RO", "delivery": "fax"})
        assert page.status_code == 422
        sent = {"right": "access", "email": ANA, "country": "RO", "delivery": "read aloud"}
        await ana.post("/requests", data=sent, follow_redirects=False)
    row = await models.CaseRow.all().order_by("-id").first()
    assert row is not None and (await cases.case(row.id)).details["delivery"] == "read aloud"
    assert any("another way" in each for each in await caution.about_the_request(row))
