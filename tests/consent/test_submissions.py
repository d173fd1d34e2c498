"""What doors hand in at the same moment: one commit for all, each by itself all or nothing, and once."""

import asyncio

import pytest

from portal import consent, db, subjects
from portal.consent import Cell, Once, Recorded, Submission, Word
from portal.lib.errors import Conflict, Invalid
from portal.subjects import Arrival
from tests.conftest import House, on_both
from tests.consent.people import publish


def _said(address: str, answer: str = "yes", *, once: Once | None = None, own: bool = True, **more: str) -> Submission:
    given = {"edition": "back-in-stock@1/en" if answer == "yes" else "", "channel": "email", "purpose": "back-in-stock"} | more
    word = Word(
        "", given["purpose"], given["channel"], "", answer, None, "checkout", "self", "key:shop", given["edition"], "en"
    )  # fmt: skip
    return Submission((word,), Arrival("email", address, "key:shop", own=own), once)


def _counted(recorded: Recorded) -> str:
    return recorded.decided[0].id


async def _number(table: str) -> int:
    found = await db.row(f"SELECT count(*) AS n FROM {table}")
    assert found is not None
    return int(found["n"])


@on_both
async def test_requests_of_the_same_moment_share_a_commit_and_each_is_answered_for_itself(house: House) -> None:
    await publish()
    commits = 0

    def count() -> None:
        nonlocal commits
        commits += 1

    from portal.audit.entries import wake_on_record

    forget = wake_on_record(count)
    answers = await asyncio.gather(*(consent.submit(_said(f"ana{number}@example.com")) for number in range(30)))
    forget()
    assert [each.answers[0].allowed for each in answers if each.answers[0]] == [True] * 30
    assert len({each.decided[0].word.identifier for each in answers}) == 30
    assert commits <= 2 * 2  # the first alone, the others together; what a round records may be told twice
    for number in range(30):
        assert (await consent.ask("email", f"ana{number}@example.com", Cell("back-in-stock", "email"))).allowed


@on_both
async def test_a_bad_request_is_refused_alone_and_leaves_nothing_behind(house: House) -> None:
    await publish()
    good, bad, strange = await asyncio.gather(
        consent.submit(_said("ana@example.com")),
        consent.submit(_said("ben@example.com", edition="")),
        consent.submit(_said("mallory@example.com", purpose="nothing-like-it")),
        return_exceptions=True,
    )
    assert isinstance(good, Recorded)
    assert isinstance(bad, Invalid) and list(bad.fields) == ["decisions.0.edition"]
    assert isinstance(strange, Invalid) and list(strange.fields) == ["decisions.0.purpose"]
    assert await subjects.find("email", "ben@example.com") is None
    assert await _number("decision") == await _number("identifier") == 1


async def test_the_same_request_twice_is_recorded_once_and_answered_the_same(house: House) -> None:
    await publish()
    once = Once("key:shop/order-7", b"hash", _counted)
    first, second = await asyncio.gather(*(consent.submit(_said("ana@example.com", once=once)) for _time in range(2)))
    third = await consent.submit(_said("ana@example.com", once=once))
    assert first.reply == second.reply == third.reply != ""
    assert await _number("decision") == 1
    with pytest.raises(Conflict):
        await consent.submit(_said("ana@example.com", "no", once=Once(once.key, b"another", _counted)))
    assert await _number("decision") == 1


async def test_a_request_that_fails_can_be_sent_again_with_its_key(house: House) -> None:
    await publish()
    with pytest.raises(Invalid):
        await consent.submit(_said("ana@example.com", edition="", once=Once("k", b"1", _counted)))
    assert (await consent.submit(_said("ana@example.com", once=Once("k", b"2", _counted)))).reply


@on_both
async def test_the_last_word_of_one_moment_counts_as_if_they_had_come_one_by_one(house: House) -> None:
    await publish()
    await asyncio.gather(*(consent.submit(_said("ana@example.com", answer)) for answer in ("yes", "no", "yes", "no")))
    assert not (await consent.ask("email", "ana@example.com", Cell("back-in-stock", "email"))).allowed
    assert await _number("decision") == 4 and await _number("identifier") == 1


async def test_an_address_that_asked_not_to_be_added_again_comes_back_only_by_its_owner(house: House) -> None:
    await publish()
    async with db.writing():
        await subjects.suppress("email", "ana@example.com", basis="asked", by="system")
    with pytest.raises(Conflict):
        await consent.submit(_said("ana@example.com", own=False))
    assert await subjects.find("email", "ana@example.com") is None
    answer = await consent.ask("email", "ana@example.com", Cell("back-in-stock", "email"))
    assert not answer.allowed and answer.rule == 1
    await consent.submit(_said("ana@example.com", own=True))
    assert not (await consent.ask("email", "ana@example.com", Cell("back-in-stock", "email"))).allowed  # not proven yet


@on_both
async def test_whoever_hangs_up_does_not_take_the_others_words_along(house: House) -> None:
    await publish()
    calls = [asyncio.ensure_future(consent.submit(_said(f"ana{number}@example.com"))) for number in range(10)]
    await asyncio.sleep(0)
    calls[0].cancel()
    calls[7].cancel()
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, Recorded) for each in done) == 8


async def test_an_unknown_address_is_answered_by_the_purposes_default(house: House) -> None:
    await publish()
    answer = await consent.ask("email", "nobody@example.com", Cell("back-in-stock", "email"))
    assert (answer.allowed, answer.rule, answer.because.what) == (False, 3, "default")
