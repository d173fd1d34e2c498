"""Editions are immutable, numbered, dated, and the same source gives the same bytes."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest

from portal import audit, db, documents
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from tests.conftest import House, on_both

EN = "# Newsletter\n\nNew books, *once a month*.\n"
RO = "# Scrisoare lunară\n\nCărți noi, *o dată pe lună*.\n"
OLGA = "officer:olga"


async def _publish(en: str = EN, ro: str | None = RO, in_force: date | None = None) -> documents.Edition:
    texts = {"en": en} | ({"ro": ro} if ro else {})
    return await documents.publish("newsletter", texts, kind="notice", by=OLGA, in_force=in_force)


async def test_a_published_text_is_found_by_name_and_by_date_with_its_exact_bytes(house: House) -> None:
    published = await _publish()
    assert (published.name, published.title, published.number) == ("newsletter@1/en", "Newsletter", 1)
    assert published.html == b"<h1>Newsletter</h1>\n<p>New books, <em>once a month</em>.</p>\n"
    assert published.sha256 == hashlib.sha256(published.html).digest()
    assert await documents.in_force("newsletter", "en") == published
    romanian = await documents.in_force("newsletter", "ro")
    assert romanian == await documents.named("newsletter@1/ro")
    assert romanian.source.decode() == RO and romanian.title == "Scrisoare lunară"


async def test_the_same_texts_again_publish_nothing(house: House) -> None:
    first = await _publish()
    assert await _publish() == first
    assert len(await documents.editions("newsletter")) == 2


async def test_a_changed_text_in_one_language_makes_the_next_edition_of_all(house: House) -> None:
    await _publish()
    second = await _publish(ro=RO + "\nȘi atât.\n")
    assert second.number == 2
    assert [each.name for each in await documents.editions("newsletter")] == [
        "newsletter@2/en",
        "newsletter@2/ro",
        "newsletter@1/en",
        "newsletter@1/ro",
    ]


async def test_an_edition_comes_into_force_on_its_day_in_the_controllers_time_zone(house: House) -> None:
    with clock.at(datetime(2026, 11, 1, 12, tzinfo=UTC)):
        await _publish()
        later = await _publish(en=EN + "\nMore.\n", in_force=date(2026, 11, 10))
        assert later.in_force_from == datetime(2026, 11, 9, 22, tzinfo=UTC)  # midnight in Bucharest
        assert (await documents.in_force("newsletter", "en")).number == 1
    with clock.at(datetime(2026, 11, 9, 22, 0, 1, tzinfo=UTC)):
        assert (await documents.in_force("newsletter", "en")).number == 2
        before = datetime(2026, 11, 9, 21, tzinfo=UTC)
        assert (await documents.in_force("newsletter", "en", at=before)).number == 1


async def test_a_later_edition_waits_while_a_correction_is_in_force_at_once(house: House) -> None:
    await _publish()
    tomorrow = clock.now() + timedelta(days=1)
    await _publish(en=EN + "\nFrom tomorrow.\n", in_force=tomorrow)
    await _publish(en=EN + "\nCorrected.\n")
    assert (await documents.in_force("newsletter", "en")).number == 3
    assert (await documents.in_force("newsletter", "en", at=tomorrow)).number == 2


async def test_nothing_is_in_force_before_it_was_published(house: House) -> None:
    with pytest.raises(Invalid, match="before it is published"):
        await _publish(in_force=date(2026, 1, 1))
    assert await documents.editions("newsletter") == []


async def test_today_means_from_now(house: House) -> None:
    with clock.at(datetime(2026, 11, 21, 17, tzinfo=UTC)):
        published = await _publish(in_force=date(2026, 11, 21))
    assert published.in_force_from == published.published_at


async def test_a_missing_translation_falls_back_visibly_and_is_listed(house: House) -> None:
    await _publish(ro=None)
    shown = await documents.in_force("newsletter", "ro")
    assert (shown.language, shown.name) == ("en", "newsletter@1/en")
    assert await documents.missing_translations() == [("newsletter", "ro")]


async def test_a_regional_language_gets_its_main_language(house: House) -> None:
    await _publish()
    assert (await documents.in_force("newsletter", "ro-MD")).language == "ro"


async def test_what_was_never_published_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await documents.in_force("newsletter", "en")
    with pytest.raises(NotFound):
        await documents.named("newsletter@1/en")
    await _publish()
    with pytest.raises(NotFound):
        await documents.numbered("newsletter", 2, "en")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE edition SET html = ? WHERE number = 1", "DELETE FROM edition WHERE html <> ?"],
)
@on_both
async def test_the_database_refuses_to_change_or_delete_an_edition(house: House, statement: str) -> None:
    published = await _publish()
    with pytest.raises(Exception, match="an edition is never"):
        async with db.writing():
            await db.run(statement, b"forged")
    assert await documents.named("newsletter@1/en") == published


@on_both
async def test_publishing_joins_the_open_transaction_and_falls_with_it(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            await _publish()
            raise ZeroDivisionError
    assert await documents.editions("newsletter") == []


async def test_every_language_of_a_publication_is_in_the_audit_log_with_its_digest(house: House) -> None:
    published = await _publish()
    entries = await audit.search(event="document.published")
    assert [(entry.object, entry.actor) for entry in entries] == [("newsletter@1/ro", OLGA), ("newsletter@1/en", OLGA)]
    assert entries[1].digest == published.sha256.hex()
    await audit.sequence_all()
    assert (await audit.verify_log()).ok
