"""Copies of a person's data that a request made end with what they are copies of: the frozen answer, what was found."""

from datetime import timedelta

from portal import cases, db, jobs, vault
from portal.cases import models, moves
from portal.cases.policy import policy
from portal.cases.verification import details
from portal.lib import clock
from tests.cases.restored_shop import corrected
from tests.cases.shops import ANA, OLGA, Company, answer, collected
from tests.conftest import on_both

A_DAY = timedelta(days=1)


async def tidied() -> None:
    async with db.writing():
        await jobs.later("cases.tidy", {})
    await jobs.run_due()


async def frozen_text(case_id: str) -> str:
    """What the signed answer still says, "" once it is gone."""
    approval = await moves.latest_approval(await moves.load(case_id))
    assert approval is not None
    try:
        return "".join([piece.decode(errors="replace") async for piece in vault.read_blob(approval.snapshot_blob)])
    except vault.Shredded:
        return ""


@on_both
async def test_the_signed_answer_is_kept_no_longer_than_what_was_found(company: Company) -> None:
    case_id = await collected("access")
    await answer(case_id)
    assert "Ana Pop" in await frozen_text(case_id)
    with clock.at(clock.now() + policy().findings_kept - A_DAY):
        await tidied()
        assert "Ana Pop" in await frozen_text(case_id)
    with clock.at(clock.now() + policy().findings_kept + A_DAY):
        await tidied()
        assert await frozen_text(case_id) == "" and await cases.frozen(case_id) is None
        assert (await moves.load(case_id)).state == "closed"


@on_both
async def test_a_signed_answer_of_before_gets_its_end(company: Company) -> None:
    case_id, erasing = await collected("access"), await collected("erasure", "ben@example.com")
    await answer(case_id)
    await cases.propose(erasing, officer=OLGA)
    async with db.writing():
        await db.run("UPDATE blob SET keep_until = NULL WHERE id IN (SELECT snapshot_blob FROM case_approval)")
    with clock.at(clock.now() + policy().findings_kept + A_DAY):
        await tidied()
        assert await frozen_text(case_id) == "" and await frozen_text(erasing) != ""


@on_both
async def test_what_a_correction_replaced_is_left_in_no_copy_of_the_request(company: Company) -> None:
    changes = {"changes": {"name": "Ana Ionescu"}, "old": {"name": "Ana Pop"}}
    case_id, other = await collected("rectification", details=changes), await collected("access", "ben@example.com")
    await cases.decide_correction(case_id, "name", True, officer=OLGA)
    await answer(case_id)
    row = await moves.load(case_id)
    assert row.outcome == "fulfilled"
    with clock.at(clock.now() + policy().contact_kept - A_DAY):
        await tidied()
        assert "Ana Pop" in await frozen_text(case_id) and (await details(row))["old"] == {"name": "Ana Pop"}
    with clock.at(clock.now() + policy().contact_kept + A_DAY):
        await tidied()
        assert await frozen_text(case_id) == ""
        assert not await models.FindingRow.filter(case_id=case_id).exclude(blob_id=None).exists()
        assert await details(await moves.load(case_id)) == {"changes": {"name": "Ana Ionescu"}}
        assert await models.FindingRow.filter(case_id=other).exclude(blob_id=None).exists()


async def test_an_entry_that_was_named_by_the_value_itself_loses_that_name(company: Company) -> None:
    rules = company.folder / "news.toml"
    rules.write_text(rules.read_text() + 'correctable = { email = "email" }\n')
    case_id = await corrected("partly", email="ana.pop@example.com")
    assert company.rows("news", "SELECT email FROM subscription ORDER BY email")[0] == ("ana.pop@example.com",)
    with clock.at(clock.now() + policy().contact_kept + A_DAY):
        await tidied()
        [left] = await cases.corrections(case_id)
    assert left["new"] == "ana.pop@example.com" and [each.system for each in left["targets"] if each.chosen] == ["news", "portal"]
    assert ANA not in str(left)


async def test_what_was_replaced_stays_while_it_is_in_doubt_who_asked(company: Company) -> None:
    case_id = await corrected(name="Ana Ionescu")
    with clock.at(clock.now() + policy().contact_kept - A_DAY):
        hold = await cases.hold(case_id, "freeze", "She says that she never asked for it.", officer=OLGA)
    with clock.at(clock.now() + policy().contact_kept + A_DAY):
        await tidied()
        assert [each["old"] for each in await cases.corrections(case_id)] == ["Ana Pop"]
        await cases.lift(hold, officer=OLGA)
        await tidied()
        assert [each["old"] for each in await cases.corrections(case_id)] == [""]
