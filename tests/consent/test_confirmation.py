"""Double opt-in: asked by mail, confirmed by its link alone, over after 14 days with the address that nobody confirmed."""

import asyncio
import contextvars
import re
from datetime import timedelta

import pytest

from portal import audit, consent, db, jobs, messages, subjects
from portal.consent import Cell, Submission
from portal.consent.decisions import Decided
from portal.consent.history import evidence_of
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound, TooMany
from portal.subjects import Arrival
from tests.api.machines import Machine, key
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish, say, word
from tests.people import newest_mail

ANA = "ana@example.com"


async def _signs_up(address: str = ANA, **more: str) -> Decided:
    """In a form on the website: nobody is proven."""
    said = word(await known("email", address), "yes", "newsletter", source="form", **more)
    decided = (await consent.submit(Submission((said,)))).decided[0]
    await jobs.run_due()
    return decided


async def _token(address: str = ANA) -> str:
    found = re.search(r"/confirm/([\w-]+)", await newest_mail(address))
    assert found
    return found[1]


async def _mails(address: str = ANA) -> int:
    return sum(1 for each in await messages.mailbox() if each.to == address)


async def test_a_yes_of_somebody_unproven_counts_once_the_mailbox_says_so(house: House) -> None:
    await publish()
    await _signs_up()
    ana = await subjects.find("email", ANA)
    assert ana is not None and not await allowed(ana, "newsletter")
    token = await _token()
    for _time in range(3):
        assert [each.cell for each in (await consent.confirmation.read_confirmation(token)).items] == [
            Cell("newsletter", "email")
        ]
    assert not await allowed(ana, "newsletter")
    [firm] = await consent.confirmation.confirm(token)
    assert firm.word.grade == "self-verified" and await allowed(ana, "newsletter")
    assert await evidence_of(firm.id) == {"by": "link in a mail"}
    assert await consent.confirmation.confirm(token) == [] and (await consent.confirmation.read_confirmation(token)).items == ()


async def test_what_was_asked_at_once_comes_in_one_mail_with_a_way_to_stop_it(house: House) -> None:
    await publish()
    address = Arrival("email", ANA, "key:shop", own=True)
    words = [
        word(await known("email", "x@example.com"), "yes", "newsletter", source="form", topic=topic)
        for topic in ("", "readings", "offers")
    ]
    await consent.submit(Submission(tuple(words), address))
    await jobs.run_due()
    assert await _mails() == 1
    letter = next(each.letter for each in await messages.mailbox() if each.to == ANA)
    assert letter is not None and "Newsletter: Offers" in letter.text and "/u/" in letter.unsubscribe
    assert len(await consent.confirmation.confirm(await _token())) == 3


async def test_a_link_confirms_nothing_that_was_added_after_its_mail(house: House) -> None:
    await publish()
    await _signs_up()
    token = await _token()
    with clock.at(clock.now() + timedelta(hours=1)):
        await _signs_up(topic="offers")
        assert [each.word.topic for each in await consent.confirmation.confirm(token)] == [""]


async def test_a_no_said_meanwhile_stands(house: House) -> None:
    await publish()
    await _signs_up()
    ana = await subjects.find("email", ANA)
    assert ana is not None
    token = await _token()
    await say(ana, "no", "newsletter")
    assert await consent.awaiting.pending(ana.subject) == [] and await consent.confirmation.confirm(token) == []
    assert not await allowed(ana, "newsletter")


async def test_nobody_floods_a_mailbox_with_it(house: House) -> None:
    await publish()
    for topic in ("", "readings", "offers", "new-books", "children"):
        decided = await _signs_up(topic=topic)
    assert await _mails() == 3
    ana = await subjects.find("email", ANA)
    assert ana is not None
    with pytest.raises(TooMany):
        await consent.confirmation.ask_again(decided.id, ana.subject)
    with clock.at(clock.now() + timedelta(days=1, minutes=1)):
        await consent.confirmation.ask_again(decided.id, ana.subject)
        assert await _mails() == 4 and len(await consent.confirmation.confirm(await _token())) == 5


async def test_nobody_has_it_sent_again_for_somebody_else(house: House) -> None:
    await publish()
    decided, ben = await _signs_up(), await known("email", "ben@example.com", proven=True)
    with pytest.raises(NotFound):
        await consent.confirmation.ask_again(decided.id, ben.subject)
    assert await _mails() == 1


@on_both
async def test_after_fourteen_days_it_is_over_and_the_unused_address_is_gone(house: House) -> None:
    await publish()
    decided = await _signs_up()
    ana, token = await subjects.find("email", ANA), await _token()
    assert ana is not None
    with clock.at(clock.now() + timedelta(days=14, minutes=1)):
        assert await consent.awaiting.pending(ana.subject) == []
        await _end()
        assert await subjects.find("email", ANA) is None and await consent.confirmation.confirm(token) == []
        assert await _mails() == 0  # our own copies of the mail cannot be read any more
    entries = {each.event: each.object for each in await audit.search(limit=20)}
    assert entries["consent.unconfirmed"] == decided.id and "subject.erased" in entries


async def test_an_address_with_anything_else_to_it_stays(house: House) -> None:
    await publish()
    for address in ("a@example.com", "b@example.com", "c@example.com", "d@example.com"):
        await _signs_up(address)
    spoke, proven, linked, again = [await known("email", f"{name}@example.com") for name in "abcd"]
    await say(spoke, "no", "back-in-stock")
    async with db.writing():
        await subjects.mark_verified(proven.id)
        await subjects.link(linked.id, spoke.subject, by="officer:olga", why="asked")
    with clock.at(clock.now() + timedelta(days=10)):
        await _signs_up("d@example.com", topic="offers")
    with clock.at(clock.now() + timedelta(days=14, minutes=1)):
        await _end()
        for each in (spoke, proven, linked, again):
            assert (await subjects.get(each.id)).erased_at is None


async def test_an_address_for_which_a_link_was_made_stays_so_that_the_link_stops_what_it_says(house: House) -> None:
    await publish()
    surveys, links = Cell("surveys", "email"), {}
    async with Machine(await key("unsubscribe:write")) as sender:
        await _signs_up("b@example.com")
        for address in ("a@example.com", "b@example.com"):
            asked = {"identifier": {"email": address}, "purpose": surveys.purpose, "channel": surveys.channel}
            made = await sender.post("/api/v1/unsubscribe-tokens", json=asked)
            links[address] = made.json()["url"].rpartition("/u/")[2]
    await _signs_up("a@example.com")
    with clock.at(clock.now() + timedelta(days=15)):
        await _end()
        for address, token in links.items():
            assert (await consent.ask("email", address, surveys)).allowed
            await consent.unsubscribing.unsubscribe(token)
            assert not (await consent.ask("email", address, surveys)).allowed


async def test_nobody_confirms_for_the_person_who_left_the_address(house: House) -> None:
    await publish()
    decided = await _signs_up()
    ana, token = await known("email", ANA), await _token()
    await consent.addresses.not_theirs(ana.id, subject=ana.subject, by=f"customer:{ana.subject}")
    assert (await consent.confirmation.read_confirmation(token)).items == ()
    assert await consent.confirmation.confirm(token) == [] and await consent.awaiting.pending(ana.subject) == []
    async with db.writing():
        await subjects.mark_verified(ana.id)
        with pytest.raises(Conflict):
            await consent.confirmation.confirm_double_opt_in(decided.id, "system")
    assert await db.rows("SELECT state FROM decision WHERE identifier = ?", ana.id) == [{"state": "pending"}]


@on_both
async def test_a_no_that_is_being_recorded_at_this_moment_keeps_its_address(house: House) -> None:
    await publish()
    await _signs_up()
    ana = await known("email", ANA)
    with clock.at(clock.now() + timedelta(days=15)):
        async with asyncio.TaskGroup() as both:
            async with db.writing():
                await subjects.hold([ana.id])  # as every submission does
                # An empty context: else it would take this transaction for its own.
                both.create_task(_end(), context=contextvars.Context())
                await asyncio.sleep(0.3)
                await consent.decide_many([word(ana, "no")])
        assert (await subjects.get(ana.id)).erased_at is None


async def _end() -> None:
    """What the worker does each hour."""
    async with db.writing():
        await jobs.later("consent.end_unconfirmed", {})
    await jobs.run_due()
