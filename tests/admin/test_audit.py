"""The button that checks the whole record: one check at a time, and each is on the record itself."""

import asyncio

from portal import audit, db
from portal.audit.notes import sign_checkpoint
from tests.audit.acts import say, without_triggers
from tests.people import Browser


async def test_whoever_presses_while_a_check_runs_is_told_so(olga: Browser) -> None:
    await audit.sequence_all()
    pages = await asyncio.gather(*(olga.post("/admin/audit/check") for _number in range(2)))
    whole, busy = sorted(pages, key=lambda page: page.status_code)
    assert whole.status_code == 200 and "The record is whole" in whole.text
    assert busy.status_code == 409 and "The record is being checked already." in busy.text
    assert len(await audit.search(event="log.checked")) == 1


async def test_the_record_is_compared_with_a_signature_that_an_officer_kept(olga: Browser) -> None:
    await audit.sequence_all()
    old = await audit.checkpoint()
    assert old
    await say(times=5)
    await audit.sequence_all()
    page = await olga.post("/admin/audit/check", data={"kept": old.note.replace("\n", "\r\n")})
    assert "The record is whole" in page.text and "It has grown from the signature that you kept." in page.text
    other = sign_checkpoint(old.origin, 3, b"r" * 32, b"l" * 32)  # what we signed once and then rewrote
    page = await olga.post("/admin/audit/check", data={"kept": other.note})
    assert "The record is not whole" in page.text and "The first 3 entries are not the ones that were signed." in page.text
    for strange in (old.note.replace(f"\n{old.size}\n", f"\n{old.size + 1}\n"), "x"):
        page = await olga.post("/admin/audit/check", data={"kept": strange})
        assert page.status_code == 422 and "This is no signature of our record" in page.text


async def test_the_check_names_the_first_entry_that_is_wrong(olga: Browser) -> None:
    await say(times=30)
    await audit.sequence_all()
    (bad,) = [each for each in await audit.search(object="cell/20") if each.event == "test.said"]
    await without_triggers()
    async with db.writing():
        await db.run("UPDATE entry SET actor = ? WHERE id = ?", "customer:ben", bad.id)
    page = await olga.post("/admin/audit/check")
    assert "The record is not whole" in page.text
    assert f"The first entry that is wrong: {bad.log_index}" in page.text
