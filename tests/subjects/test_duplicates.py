"""Who may be the same person: found without opening addresses, explained, decided by an officer, never merged by itself."""

import pytest

from portal import audit, db, subjects
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.subjects import Arrival, Identifier, duplicates
from portal.subjects.canonical import mailbox
from tests.conftest import House
from tests.people import ANA, BEN

OLGA = "officer:olga"


async def _known(value: str, kind: str = "email", subject: str | None = None) -> Identifier:
    async with db.writing():
        return await subjects.ensure(kind, value, by="import:1", subject=subject)


async def _together(*pairs: tuple[Identifier, Identifier]) -> int:
    async with db.writing():
        return await duplicates.handed_in_together([(one.id, other.id) for one, other in pairs], by="import:1")


@pytest.mark.parametrize(
    ("address", "plainest"),
    [
        ("ana+shop@example.com", "ana@example.com"),
        ("a.n.a+x+y@gmail.com", "ana@gmail.com"),
        ("ana@googlemail.com", "ana@gmail.com"),
        ("a.na@example.com", "a.na@example.com"),
        ("+shop@example.com", "+shop@example.com"),
        ("...@gmail.com", "...@gmail.com"),
    ],
)
def test_the_plainest_spelling_of_a_mailbox(address: str, plainest: str) -> None:
    assert mailbox(address) == plainest


async def test_another_spelling_of_a_mailbox_is_found_whichever_came_first(house: House) -> None:
    plain, tagged = await _known(ANA), await _known("Ana+shop@example.com")
    dotted, short = await _known("b.e.n@gmail.com"), await _known("ben@googlemail.com")
    await _known("a.na@example.com")
    found = {frozenset((each.first.id, each.second.id)): each for each in await duplicates.open_hints()}
    assert found.keys() == {frozenset((plain.id, tagged.id)), frozenset((dotted.id, short.id))}
    assert {each.why for each in found.values()} == {duplicates.MAILBOX}
    last = await _known("ben@gmail.com")
    assert {each.why for each in await duplicates.of_person(last.subject)} == {duplicates.MAILBOX}
    assert len(await duplicates.of_person(last.subject)) == 2


async def test_a_hint_merges_nothing_and_is_in_the_record_of_both(house: House) -> None:
    ana, phone = await _known(ANA), await _known("+40722123456", "phone")
    assert await _together((ana, phone), (phone, ana), (ana, ana)) == 1
    assert await _together((ana, phone)) == 0
    [hint] = await duplicates.between(phone.subject, ana.subject)
    assert (hint.why, hint.by) == (duplicates.TOGETHER, "import:1")
    assert [each.id for each in (await subjects.whole(ana.subject)).identifiers] == [ana.id]
    entries = await audit.search(event="duplicate.found")
    assert {each.subject for each in entries} == {ana.subject, phone.subject}
    for each in entries:
        other = phone.subject if each.subject == ana.subject else ana.subject
        assert await audit.open_payload(each) == {"why": "together", "with": other}


async def test_an_address_handed_in_for_one_person_and_known_as_anothers_is_a_hint(house: House) -> None:
    ana, ben = await _known(ANA), await _known(BEN)
    phone = await _known("+40722123456", "phone", ana.subject)
    assert await duplicates.open_hints() == []
    assert (await _known("+40722123456", "phone", ben.subject)).id == phone.id
    [hint] = await duplicates.open_hints()
    assert {hint.first.id, hint.second.id} == {phone.id, ben.id} and hint.why == duplicates.TOGETHER


async def test_addresses_of_one_person_are_no_duplicates_of_each_other(house: House) -> None:
    ana = await _known(ANA)
    tagged = await _known("ana+shop@example.com", subject=ana.subject)
    assert await _together((ana, tagged)) == 0
    assert await duplicates.open_hints() == [] and await duplicates.open_for([ana.subject]) == {}


async def test_linking_closes_the_hint_and_taking_the_link_back_opens_it_again(house: House) -> None:
    ana, tagged = await _known(ANA), await _known("ana+shop@example.com")
    before = (await subjects.whole(ana.subject), await subjects.whole(tagged.subject))
    with pytest.raises(Invalid) as refused:
        async with db.writing():
            await duplicates.link(tagged.subject, ana.subject, by=OLGA, why="")
    assert "why" in refused.value.fields
    async with db.writing():
        assert await duplicates.link(tagged.subject, ana.subject, by=OLGA, why="told us") == ana.subject
    assert (await subjects.get(tagged.id)).subject == ana.subject
    assert await duplicates.open_hints() == [] and await duplicates.of_person(ana.subject) == []
    [entry] = await audit.search(event="duplicate.linked")
    assert entry.actor == OLGA and await audit.open_payload(entry) == {"why": "told us", "hints": ["mailbox"]}
    with pytest.raises(Conflict):
        async with db.writing():
            await duplicates.link(tagged.subject, ana.subject, by=OLGA, why="told us")
    async with db.writing():
        await subjects.split(tagged.id, by=OLGA, why="another person")
    assert len(await duplicates.between(ana.subject, tagged.subject)) == 1
    after = (await subjects.whole(ana.subject), await subjects.whole(tagged.subject))
    assert [(each.subjects, [one.id for one in each.identifiers]) for each in after] == [
        (each.subjects, [one.id for one in each.identifiers]) for each in before
    ]


async def test_two_people_once_told_apart_are_never_shown_again(house: House) -> None:
    ana, ben = await _known(ANA), await _known(BEN)
    phone = await _known("+40722123456", "phone", ben.subject)
    await _together((ana, phone))
    async with db.writing():
        await duplicates.dismiss(ben.subject, ana.subject, by=OLGA)
    assert await duplicates.open_hints() == [] and await duplicates.open_for([ana.subject, ben.subject]) == {}
    assert await _together((ana, phone), (ana, ben)) == 0
    assert {each.subject for each in await audit.search(event="duplicate.dismissed")} == {ana.subject, ben.subject}
    with pytest.raises(Conflict):
        async with db.writing():
            await duplicates.dismiss(ben.subject, ana.subject, by=OLGA)


async def test_whose_words_have_to_be_looked_at_too_now_and_as_of_a_moment(house: House) -> None:
    ana, ben, tagged = await _known(ANA), await _known(BEN), await _known("ben+2@example.com")
    phone = await _known("+40722123456", "phone", ben.subject)
    early = clock.now()
    await _together((ana, ben), (ana, phone))
    found = await duplicates.open_for([ana.subject, ben.subject, tagged.subject])
    assert {each.id for each in found[ana.subject]} == {ben.id, phone.id}
    assert {each.id for each in found[ben.subject]} == {ana.id, tagged.id}
    assert {each.id for each in found[tagged.subject]} == {ben.id, phone.id}
    open_then = clock.now()
    async with db.writing():
        await duplicates.dismiss(ana.subject, ben.subject, by=OLGA)
    assert ana.subject not in await duplicates.open_for([ana.subject])
    assert await duplicates.open_for_at(ana.subject, early) == ()
    assert {each.id for each in await duplicates.open_for_at(ana.subject, open_then)} == {ben.id, phone.id}
    assert await duplicates.open_for_at(ana.subject, clock.now()) == ()


async def test_an_erased_address_leaves_no_trace_of_its_mailbox_and_no_hint(house: House) -> None:
    ana, tagged = await _known(ANA), await _known("ana+shop@example.com")
    async with db.writing():
        await subjects.forget(tagged.subject, by="system")
    assert await db.rows("SELECT * FROM spelling") == [] and await duplicates.open_hints() == []
    assert await duplicates.open_for([ana.subject]) == {}
    assert (await _known("ana+other@example.com")).subject != tagged.subject
    assert len(await duplicates.open_hints()) == 1


async def test_hints_about_many_pairs_take_few_statements_and_are_listed_page_by_page(house: House) -> None:
    async with db.writing():
        found = await subjects.ensure_many(
            [Arrival("email", f"p{number}@example.com", "import:1") for number in range(600)]
            + [Arrival("phone", f"+407221{number:05}", "import:1") for number in range(600)]
        )
        known = [each for each in found if each]
        pairs = list(zip(known[:600], known[600:], strict=True))
        assert await duplicates.handed_in_together(pairs, by="import:1") == 600
        assert await duplicates.handed_in_together(pairs, by="import:1") == 0
    first = await duplicates.open_hints(limit=400)
    second = await duplicates.open_hints(before=first[-1].id, limit=400)
    assert (len(first), len(second)) == (400, 200)
    assert len({each.id for each in (*first, *second)}) == 600
