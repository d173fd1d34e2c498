"""Erasing contents leaves a provable log that no longer tells whose they were; and entries are found by all ids."""

import asyncio

import pytest

from portal import audit, db, vault
from tests.audit.acts import SAID, count, require_whole, say
from tests.conftest import House


async def test_after_shredding_the_log_is_whole_and_names_nobody(house: House) -> None:
    await say("ben", times=4, address="b…@example.com")
    await say("ben", case="c-1")
    await say("ana")
    await audit.sequence_all()
    before = await audit.checkpoint()
    await say("ben")  # one that has no place yet
    async with db.writing():
        assert await audit.shred_payloads(subject="ben", actor="officer:olga") == 5
        await vault.shred("evidence", "ben")
    await require_whole()
    await audit.sequence_all()
    assert (await audit.verify_log(seen=before)).ok
    assert [each.case for each in await audit.search(subject="ben")] == ["c-1"]
    async with db.writing():
        assert await audit.shred_payloads(case="c-1") == 1
        assert await audit.shred_payloads(case="c-1") == 0
    await audit.sequence_all()
    report = await require_whole()
    assert any("6 entries were erased" in sentence for sentence in report.sentences)
    for each in await db.rows("SELECT * FROM entry"):
        assert "ben" not in str({name: value for name, value in each.items() if isinstance(value, str)})
    assert [each.count for each in await audit.search(event="payload.shredded")] == [1, 5]


async def test_two_shreddings_at_once_count_each_entry_once(house: House) -> None:
    await say("ben", times=20)

    async def shred() -> int:
        async with db.writing():
            return await audit.shred_payloads(subject="ben")

    counts = await asyncio.gather(shred(), shred(), audit.sequence_all())
    assert counts[0] + counts[1] == 20
    await audit.sequence_all()
    await require_whole()


async def test_shredding_takes_a_subject_or_a_case(house: House) -> None:
    async with db.writing():
        with pytest.raises(ValueError, match="either"):
            await audit.shred_payloads()


async def test_a_key_shredded_without_a_word_in_the_log_is_reported(house: House) -> None:
    await say("ben")
    await audit.sequence_all()
    async with db.writing():
        await vault.shred("evidence", "ben")
    report = await audit.verify_log()
    assert report.first_bad == 0 and "no erasure was recorded" in report.problems[0]


async def test_entries_are_found_by_who_whom_what_and_case(house: House) -> None:
    first = await say("ana", times=3, answer="no")
    async with db.writing():
        other = await audit.record(SAID, actor="officer:olga", subject="ben", case="c-1", object="case/c-1", payload={"step": 2})
    assert [each.id for each in await audit.search(actor="officer:olga")] == [other]
    assert [each.id for each in await audit.search(case="c-1", subject="ben", object="case/c-1")] == [other]
    assert [each.id for each in await audit.search(event="test.said", limit=2)] == [other, first[2]]
    assert [each.id for each in await audit.search(before=first[2])] == [first[1], first[0]]
    assert await audit.search(actor="nobody") == [] and await audit.entry("none") is None
    entry = await audit.entry(other)
    assert entry is not None and await audit.open_payload(entry) == {"step": 2}
    mine = (await audit.search(subject="ana"))[0]
    async with db.writing():
        await audit.shred_payloads(subject="ana")
        await vault.shred("evidence", "ana")
    assert await audit.open_payload(mine) is None and await count("entry", "sealed IS NULL") == 3


async def test_a_payload_has_no_floats(house: House) -> None:
    async with db.writing():
        with pytest.raises(ValueError, match="whole number"):
            await audit.record(SAID, actor="system", payload={"share": [0.5]})
