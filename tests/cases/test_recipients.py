"""Others who got the data are named when it was corrected or deleted; an officer tells them, and the person reads it."""

import io
import json
from datetime import timedelta
from typing import Any

import pikepdf
import pytest

from portal import audit, cases, consent, db, jobs
from portal.cases import findings, moves
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from tests.cases.shops import ANA, OLGA, Company, answer, collected
from tests.conftest import on_both
from tests.people import Browser, go_to_work, hire, sign_in

NEVER = "They never got anything of hers."


async def corrected() -> str:
    case_id = await collected("rectification", details={"changes": {"name": "Ana Ionescu"}})
    await cases.decide_correction(case_id, "name", True, officer=OLGA)
    await answer(case_id)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    return case_id


@on_both
async def test_after_a_deletion_everybody_whom_a_purpose_names_has_to_hear_of_it(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    case_id = await collected("erasure", details={"delete": "now"})
    assert await cases.recipients.of(case_id) == []
    await answer(case_id)
    await jobs.run_due()
    named = [each.name for each in await cases.recipients.of(case_id)]
    assert "Cocor Curier SA" in named and all("(" not in each for each in named)
    assert await cases.recipients.waiting() == [case_id]
    for each in await cases.recipients.of(case_id):
        await cases.recipients.say(case_id, each.id, "told", "", officer=OLGA)
    assert await cases.recipients.waiting() == []
    assert {each.state for each in await cases.recipients.of(case_id)} == {"told"}
    assert len(await audit.search(event="case.recipient_told", case=case_id)) == len(named)


async def test_after_a_correction_only_those_who_get_that_kind_of_data(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    rules = company.folder / "shop.toml"
    rules.write_text(rules.read_text().replace('category = "contact"', 'category = "orders"', 1))
    case_id = await corrected()
    ours = next(each for each in await consent.purposes() if each.key == "orders")
    assert [each.name for each in await cases.recipients.of(case_id)] == [each.partition(" (")[0] for each in ours.recipients]


async def test_where_nobody_knows_who_got_it_all_are_named(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    case_id = await corrected()  # a name, among the details that no purpose alone is for
    named = {each.name for each in await cases.recipients.of(case_id)}
    assert named == {each.partition(" (")[0] for purpose in await consent.purposes() for each in purpose.recipients}
    assert "Cocor Curier SA" in named


async def test_a_refusal_tells_nobody(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    case_id = await collected("erasure")
    await answer(case_id, "refused", "The invoices are needed for a claim.")
    assert await cases.recipients.of(case_id) == []


async def test_an_officer_says_so_on_the_requests_page_and_its_person_reads_it(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    rules = company.folder / "shop.toml"
    rules.write_text(rules.read_text().replace('category = "contact"', 'category = "orders"', 1))
    case_id = await corrected()
    desk, page = f"/admin/cases/{case_id}", f"/requests/{await cases.reference_of(case_id)}"
    first, *_others = await cases.recipients.of(case_id)
    async with Browser() as olga, Browser() as ana, Browser() as nobody:
        await go_to_work(olga, await hire("olga@example.com", "privacy-officer"))
        await sign_in(ana, ANA)
        assert f"{desk}#recipients" in (await olga.get("/admin")).text
        assert f"{first.name}: we are telling them" in (await ana.get(page)).text
        short = await olga.post(
            desk + "/recipients", data={"recipient": first.id, "state": "impossible", f"why-{first.id}": "no"}
        )
        assert short.status_code == 422 and "Please give the reason." in short.text
        said = {"recipient": first.id, "state": "impossible", f"why-{first.id}": NEVER}
        assert NEVER in (await olga.post(desk + "/recipients", data=said)).text
        assert NEVER in (await ana.get(page)).text
        bare = (await nobody.get(page)).text
        assert NEVER not in bare and f"{first.name}: not told" in bare
        await olga.post(desk + "/recipients", data={"recipient": first.id, "state": "told"})
        assert f"{first.name}: told on" in (await ana.get(page)).text


async def test_only_what_belongs_to_the_request_can_be_said(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    case_id, other = await collected("erasure", details={"delete": "now"}), await collected("access", "ben@example.com")
    await answer(case_id)
    await jobs.run_due()
    first = (await cases.recipients.of(case_id))[0]
    with pytest.raises(NotFound):
        await cases.recipients.say(other, first.id, "told", "", officer=OLGA)
    with pytest.raises(Invalid):
        await cases.recipients.say(case_id, first.id, "open", "", officer=OLGA)


async def test_the_evidence_says_who_was_told_and_a_second_press_changes_nothing(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    case_id = await collected("erasure", details={"delete": "now"})
    await answer(case_id)
    await jobs.run_due()
    assert "case.closed" in {each["event"] for each in (await evidence(case_id))["steps"]}
    first, *others = await cases.recipients.of(case_id)
    await cases.recipients.say(case_id, first.id, "told", "", officer=OLGA)
    with clock.at(clock.now() + timedelta(days=40)):  # the words of the request are gone by now
        await cases.recipients.say(case_id, first.id, "told", "", officer=OLGA)
        again = (await cases.recipients.of(case_id))[0]
        assert again.at is not None and again.at < clock.now() - timedelta(days=39)
        for each in others:
            await cases.recipients.say(case_id, each.id, "told", "", officer=OLGA)
        told = [each["note"] for each in (await evidence(case_id))["steps"] if each["event"] == "case.recipient_told"]
    assert len(told) == 1 + len(others) and any("Cocor Curier SA" in note for note in told)
    assert await jobs.given_up([f"cases.proof {case_id}"]) == {}


async def test_a_recipient_told_after_what_was_found_is_gone_breaks_no_job(company: Company) -> None:
    await consent.publish_purposes("officer:olga")
    rules = company.folder / "shop.toml"
    rules.write_text(rules.read_text().replace('category = "contact"', 'category = "orders"', 1))
    case_id = await corrected()
    async with db.writing():
        await findings.drop(await moves.load(case_id))
    for each in await cases.recipients.of(case_id):
        await cases.recipients.say(case_id, each.id, "told", "", officer=OLGA)
    await jobs.run_due()
    assert await jobs.given_up([f"cases.proof {case_id}"]) == {}


async def evidence(case_id: str) -> dict[str, Any]:
    """It waits for its steps to be signed, and is tried again then."""
    await jobs.run_due()
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(seconds=2)):
        await jobs.run_due()
    opened = await cases.paper_of(case_id, "proof")
    with pikepdf.open(io.BytesIO(b"".join([piece async for piece in opened.content]))) as paper:
        facts: dict[str, Any] = json.loads(paper.attachments["record.json"].get_file().read_bytes())
    return facts
