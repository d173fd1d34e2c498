"""Finding, linking, splitting and forgetting people."""

from datetime import timedelta

import pytest

from portal import db, subjects, vault
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.subjects import Identifier
from tests.conftest import House


async def _ensure(kind: str, value: str, subject: str | None = None) -> Identifier:
    async with db.writing():
        return await subjects.ensure(kind, value, by="system", subject=subject)


async def test_two_spellings_are_one_identifier_and_the_given_spelling_is_kept(house: House) -> None:
    first = await _ensure("email", "Ana@Example.com")
    again = await _ensure("email", "ana@example.COM ")
    assert again.id == first.id
    assert await subjects.value_of(again) == "Ana@Example.com"
    found = await subjects.find("email", "ANA@example.com")
    assert found is not None and found.id == first.id
    assert await subjects.find("email", "ben@example.com") is None


async def test_the_database_never_holds_an_address_in_clear(house: House) -> None:
    await _ensure("email", "canary-ana@example.com")
    for table in ("subject", "identifier", "link", "suppression", "entry"):
        assert "canary-ana" not in repr(await db.rows(f"SELECT * FROM {table}"))


async def test_a_known_address_stays_with_its_person_when_another_names_it(house: House) -> None:
    ana, ben = await _ensure("email", "ana@example.com"), await _ensure("email", "ben@example.com")
    phone = await _ensure("phone", "+40722123456", ana.subject)
    assert (await _ensure("phone", "+40722123456", ben.subject)).subject == ana.subject
    assert [each.id for each in await subjects.identifiers_of(ana.subject)] == [ana.id, phone.id]


async def test_a_split_gives_back_exactly_what_was_merged(house: House) -> None:
    ana, other = await _ensure("email", "ana@example.com"), await _ensure("email", "ana.work@example.com")
    phone = await _ensure("phone", "+40722123456", other.subject)
    before = await subjects.whole(ana.subject), await subjects.whole(other.subject)
    merged_at = clock.now()
    async with db.writing():
        await subjects.merge(other.subject, into=ana.subject, by="officer:petra", why="same customer number")
    whole = await subjects.whole(other.subject)
    assert set(whole.subjects) == {ana.subject, other.subject}
    assert {each.id for each in whole.identifiers} == {ana.id, other.id, phone.id}
    assert [each.id for each in (await subjects.whole(ana.subject, at=merged_at)).identifiers] == [ana.id]
    linked_at = clock.now()
    async with db.writing():
        await subjects.split(phone.id, by="officer:petra", why="not the same")
    after = await subjects.whole(ana.subject), await subjects.whole(other.subject)
    assert [(each.subjects, [one.id for one in each.identifiers]) for each in after] == [
        (each.subjects, [one.id for one in each.identifiers]) for each in before
    ]
    assert {each.id for each in (await subjects.whole(other.subject, at=linked_at)).identifiers} == {ana.id, other.id, phone.id}


async def test_what_was_recorded_together_moves_together_so_two_people_never_share_a_key(house: House) -> None:
    ana, other = await _ensure("email", "ana@example.com"), await _ensure("email", "other@example.com")
    phone = await _ensure("phone", "+40722123456", other.subject)
    async with db.writing():
        await subjects.link(phone.id, ana.subject, by="officer:petra", why="same person")
    assert (await subjects.get(other.id)).subject == ana.subject
    with pytest.raises(Conflict):
        async with db.writing():
            await subjects.split(ana.id, by="officer:petra", why="was never linked")


async def test_an_old_record_of_a_merged_person_still_leads_to_them(house: House) -> None:
    ana, other = await _ensure("email", "ana@example.com"), await _ensure("email", "other@example.com")
    async with db.writing():
        await subjects.link(other.id, ana.subject, by="officer:petra", why="same person")
    phone = await _ensure("phone", "+40722123456", other.home)
    assert (phone.subject, phone.home) == (ana.subject, ana.subject)


async def test_forgetting_a_person_takes_every_record_and_nobody_elses(house: House) -> None:
    ana, other, ben = [await _ensure("email", f"{name}@example.com") for name in ("ana", "ana2", "ben")]
    async with db.writing():
        await subjects.link(other.id, ana.subject, by="officer:petra", why="same person")
        done = await subjects.forget(other.home, by="officer:petra")
        assert (done.identifiers, done.keys, done.notes) == (2, 2, 0)
        assert (await subjects.forget(ana.subject, by="officer:petra")).keys == 0
    for each in (ana, other):
        erased = await subjects.get(each.id)
        assert await subjects.value_of(erased) is None and erased.erased_at is not None
        assert await vault.find_key("life", each.home) is None
    assert await subjects.value_of(await subjects.get(ben.id)) == "ben@example.com"
    with pytest.raises(Conflict):
        async with db.writing():
            await subjects.split(other.id, by="officer:petra", why="too late")


async def test_who_comes_back_after_an_erasure_is_somebody_new(house: House) -> None:
    ana = await _ensure("email", "ana@example.com")
    async with db.writing():
        await subjects.forget(ana.subject, by="officer:petra")
    assert await subjects.find("email", "ana@example.com") is None
    with pytest.raises(Conflict):
        await _ensure("phone", "+40722123456", ana.subject)
    again = await _ensure("email", "ana@example.com")
    assert again.id != ana.id and again.subject != ana.subject


async def test_a_coded_note_outlives_the_erasure_and_ends_when_it_should(house: House) -> None:
    ana = await _ensure("email", "ana@example.com")
    async with db.writing():
        assert (await subjects.forget(ana.subject, by="officer:petra", keep_note=True)).notes == 1
    assert await subjects.is_suppressed("email", "ANA@example.com")
    again = await _ensure("email", "ana@example.com")
    assert (await subjects.people([again.id]))[again.id].identifiers[0].suppressed_since is not None
    async with db.writing():
        await subjects.suppress(
            "email", "ben@example.com", basis="complaint", by="system", ends_at=clock.now() + timedelta(days=1)
        )
    assert await subjects.is_suppressed("email", "ben@example.com")
    with clock.at(clock.now() + timedelta(days=2)):
        assert not await subjects.is_suppressed("email", "ben@example.com")
    async with db.writing():  # one without an end takes its place, and none with an end takes the place of that
        assert await subjects.suppress("email", "ben@example.com", basis="asked", by="system")
        ends = clock.now() + timedelta(days=1)
        assert not await subjects.suppress("email", "ben@example.com", basis="complaint", by="system", ends_at=ends)
    with clock.at(clock.now() + timedelta(days=2)):
        assert await subjects.is_suppressed("email", "ben@example.com")


async def test_the_history_of_links_cannot_be_changed(house: House) -> None:
    await _ensure("email", "ana@example.com")
    for statement in ("UPDATE link SET why = 'x'", "DELETE FROM link", "UPDATE identifier SET home = 'x'"):
        with pytest.raises(Exception, match="never"):
            async with db.writing():
                await db.run(statement)


async def test_many_people_are_looked_up_at_once(house: House) -> None:
    known = [await _ensure("email", f"p{number}@example.com") for number in range(5)]
    phone = await _ensure("phone", "+40722123456", known[0].subject)
    found = await subjects.people([each.id for each in known] + ["unknown"])
    assert found.keys() == {each.id for each in known}
    assert {each.id for each in found[known[0].id].identifiers} == {known[0].id, phone.id}


async def test_who_asked_not_to_be_added_again_comes_back_only_by_their_own_act(house: House) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", "ana@example.com", by="import")
        await subjects.forget(ana.subject, by="system", keep_note=True)
    for other in ("import", "key:shop", "officer:olga"):
        with pytest.raises(Conflict, match="closed"):
            async with db.writing():
                await subjects.ensure("email", "Ana@example.com", by=other)
    assert await subjects.find("email", "ana@example.com") is None
    async with db.writing():
        back = await subjects.ensure("email", "ana@example.com", by="system")
        assert (await subjects.ensure("email", "ana@example.com", by="key:shop")).id == back.id != ana.id
