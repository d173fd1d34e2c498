"""Stops, pauses, the preference page and the history, on real rows."""

from datetime import timedelta

import pytest

from portal import consent, db, subjects
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish, say


async def test_an_objection_counts_for_every_address_also_one_that_comes_later(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    phone = await known("phone", "+40722123456", ana.subject)
    await say(ana, "yes", "newsletter", "email", grade="self-verified")
    await say(phone, "yes", "offers", "sms")
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    later = await known("post", "Strada Lungă 1, 400000 Cluj", ana.subject)
    assert not await allowed(ana, "newsletter")
    assert not await allowed(phone, "offers", "sms")
    assert not await allowed(later, "catalogue", "post")
    assert await allowed(ana, "orders") and await allowed(ana, "recalls")


async def test_an_objection_survives_a_split_and_spreads_with_a_merge(house: House) -> None:
    await publish()
    ana, other = await known("email", "ana@example.com"), await known("email", "other@example.com")
    post = await known("post", "Strada Lungă 1, 400000 Cluj", ana.subject)
    theirs = await known("post", "Strada Scurtă 2, 400000 Cluj", other.subject)
    async with db.writing():
        await subjects.merge(other.subject, into=ana.subject, by="officer:petra", why="same person")
        await consent.stops.object_to_marketing(ana.subject, by="officer:petra")
    async with db.writing():
        await subjects.split(other.id, by="officer:petra", why="not the same")
    assert not await allowed(post, "catalogue", "post") and not await allowed(theirs, "catalogue", "post")
    ben = await known("post", "Strada Nouă 3, 400000 Cluj")
    assert await allowed(ben, "catalogue", "post")
    async with db.writing():
        await subjects.merge(ben.subject, into=other.subject, by="officer:petra", why="same person")
    assert not await allowed(ben, "catalogue", "post")


async def test_only_a_later_yes_of_the_proven_person_lifts_an_objection_and_only_there(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    post = await known("post", "Strada Lungă 1, 400000 Cluj", ana.subject)
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await say(ana, "yes", "newsletter", "email", grade="self")
    await say(ana, "yes", "newsletter", "email", grade="staff", source="call-centre")
    assert not await allowed(ana, "newsletter")
    await say(ana, "yes", "newsletter", "email", grade="self-verified")
    assert await allowed(ana, "newsletter") and not await allowed(post, "catalogue", "post")


async def test_an_objection_to_one_purpose_leaves_the_others(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    assert await allowed(ana, "surveys")
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}", purpose="surveys")
    assert not await allowed(ana, "surveys")
    post = await known("post", "Strada Lungă 1, 400000 Cluj", ana.subject)
    assert await allowed(post, "catalogue", "post")


async def test_a_spam_complaint_is_an_objection_and_a_bounce_closes_the_address_alone(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    work = await known("email", "ana.work@example.com", ana.subject)
    for each in (ana, work):
        await say(each, "yes", "newsletter", "email", grade="import", source="import")
    await consent.stops.suppress_address(ana.id, "email", by="system", why="hard bounce")
    assert not await allowed(ana, "newsletter") and await allowed(work, "newsletter")
    assert not await allowed(ana, "surveys") and await allowed(ana, "orders")
    await consent.stops.suppress_address(work.id, "email", by="system", why="spam complaint")
    post = await known("post", "Strada Lungă 1, 400000 Cluj", ana.subject)
    assert not await allowed(post, "catalogue", "post")


async def test_an_officer_lifts_a_restriction_only_after_telling_the_person(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    with pytest.raises(Invalid):
        await consent.stops.restrict(ana.subject, by="officer:petra", why="just because")
    await consent.stops.restrict(ana.subject, by="officer:petra", why="accuracy contested")
    assert not await allowed(ana, "orders") and await allowed(ana, "security")
    restricted_at = clock.now()
    with pytest.raises(NotAllowed):
        await consent.stops.lift_restriction(ana.subject, by=f"customer:{ana.subject}", why="checked", person_told=True)
    with pytest.raises(Conflict):
        await consent.stops.lift_restriction(ana.subject, by="officer:petra", why="checked", person_told=False)
    assert await consent.stops.lift_restriction(ana.subject, by="officer:petra", why="checked", person_told=True) == 1
    assert await allowed(ana, "orders")
    assert not await allowed(ana, "orders", at=restricted_at)


async def test_a_pause_ends_by_itself_or_early_and_leaves_the_words_alone(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    await say(ana, "yes", "newsletter", "email", grade="self-verified")
    by = f"customer:{ana.subject}"
    with pytest.raises(Invalid):
        await consent.pause(ana.subject, until=clock.now(), by=by)
    await consent.pause(ana.subject, until=clock.now() + timedelta(days=7), by=by)
    assert not await allowed(ana, "newsletter") and await allowed(ana, "orders")
    with clock.at(clock.now() + timedelta(days=8)):
        assert await allowed(ana, "newsletter")
    assert await consent.resume(ana.subject, by=by) == 1
    assert await allowed(ana, "newsletter")


async def test_the_preference_page_has_every_square_with_its_reason(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    no = await say(ana, "no", "newsletter", "email", grade="self-verified")
    squares = {
        (each.purpose.key, each.channel, each.topic.key if each.topic else ""): each
        for each in await consent.choices(ana.subject)
    }
    assert {key for key, _channel, _topic in squares} == {each.key for each in await consent.purposes()}
    newsletter = squares["newsletter", "email", ""]
    assert not newsletter.allowed and newsletter.no_decision == no.id and newsletter.edition == "newsletter@1/en"
    assert not squares["orders", "email", ""].changeable and squares["orders", "email", ""].allowed
    assert squares["offers", "sms", ""].identifier is None and squares["offers", "sms", ""].answer is None
    for each in squares.values():
        if each.answer is not None and each.identifier is not None:
            topic = each.topic.key if each.topic else ""
            assert each.answer == await consent.permission(each.identifier.id, each.purpose.key, each.channel, topic)


async def test_the_history_tells_words_stops_and_pauses_newest_first(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    by = f"customer:{ana.subject}"
    await say(ana, "yes")
    await consent.stops.object_to_marketing(ana.subject, by=by)
    await consent.pause(ana.subject, until=clock.now() + timedelta(days=7), by=by)
    await consent.resume(ana.subject, by=by)
    assert [each.what for each in await consent.history(ana.subject)] == ["resumed", "pause", "objected", "yes"]


async def test_rule_5_an_unproven_address_waits_for_its_unproven_siblings(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    other = await known("email", "ana2@example.com", ana.subject)
    await say(ana, "yes")
    await say(other, "no")
    answer = await consent.permission(ana.id, "back-in-stock", "email")
    assert (answer.allowed, answer.rule) == (False, 5)
    await known("email", "ana@example.com", proven=True)
    assert await allowed(ana)


@on_both
async def test_an_answer_as_of_a_day_uses_the_links_of_that_day(house: House) -> None:
    await publish()
    ana, other = await known("email", "ana@example.com"), await known("email", "other@example.com")
    post = await known("post", "Strada Lungă 1, 400000 Cluj", ana.subject)
    await consent.stops.object_to_marketing(other.subject, by="officer:petra")
    apart = clock.now()
    async with db.writing():
        await subjects.merge(other.subject, into=ana.subject, by="officer:petra", why="same person")
    together = clock.now()
    assert not await allowed(post, "catalogue", "post")
    async with db.writing():
        await subjects.split(other.id, by="officer:petra", why="not the same")
    assert await allowed(post, "catalogue", "post")
    assert await allowed(post, "catalogue", "post", at=apart)
    assert not await allowed(post, "catalogue", "post", at=together)


async def test_a_pause_stays_with_every_record_of_a_person_after_a_split(house: House) -> None:
    await publish()
    ana = await known("post", "Strada Lungă 1, 400000 Cluj")
    other = await known("post", "Strada Scurtă 2, 400000 Cluj")
    async with db.writing():
        await subjects.merge(other.subject, into=ana.subject, by="officer:petra", why="same person")
        await consent.pause(ana.subject, until=clock.now() + timedelta(days=3), by="officer:petra")
    async with db.writing():
        await subjects.split(other.id, by="officer:petra", why="not the same")
    assert not await allowed(ana, "catalogue", "post") and not await allowed(other, "catalogue", "post")
