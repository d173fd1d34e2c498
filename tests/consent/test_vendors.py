"""Exports of OneTrust, HubSpot, Salesforce and Mailchimp: each value becomes what was said there, and never more."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal import audit, db, subjects
from portal.consent import Cell
from portal.consent.batches import undo_import
from portal.consent.history import evidence_of, history
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.conftest import House, on_both
from tests.consent.exports import (
    EXAMPLES,
    HEAD,
    NEW_BOOKS,
    READINGS,
    imported,
    is_known,
    may,
    onetrust_line,
    planned,
    ready,
    stops_of,
)
from tests.consent.lists import check_folds, written
from tests.consent.people import known, say

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")


async def test_onetrust_says_yes_only_with_active_and_no_with_opt_out_withdrawn_and_hard_opt_out(house: House) -> None:
    await ready()
    done = await imported("onetrust", EXAMPLES / "onetrust.csv")
    assert (done.counts["new"], done.counts["blank"], done.counts["bad"]) == (4, 5, 0)
    assert {name: await may(name) for name in ("ana", "ben", "carla", "dan", "elena", "felix", "gina")} == {
        **dict.fromkeys(("ben", "carla", "dan", "elena", "felix", "gina"), False),
        "ana": True,
    }
    assert not await may("ana", READINGS)
    assert await stops_of("elena") == {("objected", "newsletter", "hard opt-out")}
    assert not any([await is_known(name) for name in ("carla", "dan", "felix", "gina")]), "Who said nothing is not recorded."
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None
    yes = next(each for each in await history(ana.subject) if each.what == "yes")
    assert (yes.grade, yes.source, yes.edition, yes.language) == ("import", "form", "legacy:onetrust:12", "en")
    assert yes.said_at == datetime(2026, 2, 3, 9, 15, tzinfo=UTC) and yes.until == datetime(2027, 2, 3, 9, 15, tzinfo=UTC)
    await check_folds()


async def test_what_is_neither_yes_nor_no_ends_the_yes_of_an_earlier_import_and_no_stronger_one(
    house: House, tmp_path: Path
) -> None:
    await ready()
    active = "".join(onetrust_line(name, "ACTIVE") for name in ("ana", "ben", "carla"))
    await imported("onetrust", written(tmp_path, HEAD + active))
    carla = await subjects.find("email", "carla@example.com")
    assert carla is not None
    await imported("onetrust", written(tmp_path, HEAD + active.replace("ACTIVE", "EXPIRED", 1).replace("ACTIVE", "PENDING")))
    assert (await may("ana"), await may("ben"), await may("carla")) == (False, False, False)
    async with db.writing():
        await subjects.mark_verified(carla.id)
    await say(carla, "yes", "newsletter", grade="self-verified")
    await imported("onetrust", written(tmp_path, HEAD + onetrust_line("carla", "NO_CONSENT")))
    assert await may("carla")


async def test_hubspot_unsubscribed_from_all_is_no_to_all_advertising_by_mail(house: House) -> None:
    await ready()
    ben = await known("email", "ben@example.com")
    with clock.at(datetime(2026, 10, 1, tzinfo=UTC)):
        await say(ben, "informed", "similar-books", evidence={"sale": "1", "family": "books", "opt_out": "link"})
        for name in ("ana", "carla", "dan", "elena", "felix", "gina"):
            other = await known("email", f"{name}@example.com")
            for topic in ("", "new-books"):
                await say(other, "yes", "newsletter", topic=topic, grade="import", edition="legacy:old:1")
        await say(ben, "yes", "newsletter", topic="new-books", grade="import", edition="legacy:old:1")
    assert await may("ben", Cell("similar-books", "email")) and await may("ben", NEW_BOOKS)
    done = await imported("hubspot", EXAMPLES / "hubspot.csv")
    assert done.counts["bad"] == 0 and done.counts["blank"] == 1
    assert {name for name in ("ana", "ben", "carla", "dan", "elena", "felix", "gina") if await may(name)} == {"ana", "felix"}
    assert not await may("ben", NEW_BOOKS) and not await may("ben", Cell("similar-books", "email"))
    assert not await may("felix", NEW_BOOKS) and await may("ana", NEW_BOOKS)
    assert await stops_of("carla") == {("suppressed", "email", "spam complaint"), ("objected", "marketing", "spam complaint")}
    assert await stops_of("dan") == await stops_of("gina") == {("suppressed", "email", "hard bounce")}
    await check_folds()


async def test_salesforce_keeps_when_it_was_captured_confirmed_and_until_when(house: House) -> None:
    await ready()
    done = await imported("salesforce", EXAMPLES / "salesforce.csv")
    assert (done.counts["new"], done.counts["blank"], done.counts["bad"]) == (5, 4, 0)
    assert [await may(name) for name in ("ana", "ben", "carla", "dan")] == [True, False, False, False]
    assert not await may("+40722000001", Cell("offers", "sms"), "phone")
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None
    [yes] = await history(ana.subject)
    assert yes.said_at == datetime(2026, 3, 1, 10, tzinfo=UTC) and yes.until == datetime(2027, 3, 1, 10, tzinfo=UTC)
    assert await evidence_of(yes.id) == {"confirmed_at": "2026-03-01T10:04:00.000Z", "source": "Web form"}
    assert not await is_known("dan") and not await is_known("felix")


async def test_mailchimp_says_yes_only_in_the_file_of_subscribed_people(house: House, tmp_path: Path) -> None:
    await ready()
    with pytest.raises(Invalid, match="--status"):
        await planned("mailchimp", EXAMPLES / "mailchimp-subscribed.csv")
    with pytest.raises(Invalid, match="unsubscribed"):
        await planned("mailchimp", EXAMPLES / "mailchimp-unsubscribed.csv", status="subscribed")
    await imported("mailchimp", EXAMPLES / "mailchimp-subscribed.csv", status="subscribed")
    await imported("mailchimp", EXAMPLES / "mailchimp-nonsubscribed.csv", status="nonsubscribed")
    for name in ("unsubscribed", "cleaned"):
        await imported("mailchimp", EXAMPLES / f"mailchimp-{name}.csv")
    assert [await may(name) for name in ("ana", "ben", "carla", "dan", "elena")] == [True, True, False, False, False]
    assert await stops_of("dan") == {("suppressed", "email", "hard bounce")} and not await is_known("elena")
    late = "Email Address,OPTIN_TIME,UNSUB_TIME\nana@example.com,2026-02-10 09:00:00,\n"
    await imported("mailchimp", written(tmp_path, late))
    assert not await may("ana"), "A line of the unsubscribed says no, dated or not."


async def test_an_undated_refusal_was_said_on_the_day_of_the_export_at_the_latest(house: House, tmp_path: Path) -> None:
    await ready()
    ana = await known("email", "ana@example.com", proven=True)
    with clock.at(datetime(2026, 11, 21, 9, tzinfo=UTC)):
        await say(ana, "yes", "newsletter", grade="self-verified")
    path = written(tmp_path, "Email,Portal Unsubscribe\nana@example.com,TRUE\n")
    await imported("hubspot", path, exported="2026-11-20")
    assert await may("ana"), "She said yes here after the export."
    await imported("hubspot", path, exported="")
    assert not await may("ana"), "Without a day it counts as now."


@on_both
async def test_stops_of_an_import_are_recorded_once_and_taken_back_only_with_its_refusals(house: House) -> None:
    await ready()
    first = await imported("hubspot", EXAMPLES / "hubspot.csv")
    again = await imported("hubspot", EXAMPLES / "hubspot.csv", exported="2026-11-19")
    assert again.counts["new"] < first.counts["new"] and len(await db.rows("SELECT DISTINCT act FROM stop")) == 4
    await undo_import(again.id, by="officer:petra")
    assert await stops_of("dan") == {("suppressed", "email", "hard bounce")}
    with pytest.raises(Conflict):
        await undo_import(first.id, by="officer:petra", also_noes=True, why="Another company.")
    await undo_import(again.id, by="officer:petra", also_noes=True, why="Another company.")
    await undo_import(first.id, by="officer:petra", also_noes=True, why="Another company.")
    assert await stops_of("dan") == await stops_of("carla") == set()
    lifted = [each for each in await audit.search(limit=200) if each.event == "consent.lifted"]
    assert len(lifted) == 4


async def test_a_repeated_stop_counts_again_only_if_it_is_newer_than_the_persons_own_yes(house: House, tmp_path: Path) -> None:
    await ready()
    path = written(tmp_path, "Email,Portal Spam Report\nana@example.com,TRUE\n")
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        await imported("hubspot", path, exported="2026-11-19")
        ana = await subjects.find("email", "ana@example.com")
        assert ana is not None
    with clock.at(datetime(2026, 11, 21, 12, tzinfo=UTC)):
        async with db.writing():
            await subjects.mark_verified(ana.id)
        await say(ana, "yes", "newsletter", grade="self-verified")
    await imported("hubspot", path, exported="2026-11-19")
    assert await may("ana")
    await imported("hubspot", path, exported="2026-11-22")
    assert not await may("ana")
