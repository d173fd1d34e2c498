"""Exports of OneTrust, HubSpot, Salesforce and Mailchimp: each value becomes what was said there, and never more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import audit, db, documents, subjects
from portal.consent import Cell, legacy
from portal.consent.batches import undo_import
from portal.consent.history import evidence_of, history
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from tests.conftest import House
from tests.consent.exports import EXAMPLES, NEW_BOOKS, READINGS, imported, is_known, may, planned, ready
from tests.consent.people import known, publish, say
from tests.consent.test_imports import check_folds, written

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEAD = "Identifier,Purpose Name,Purpose Version,Purpose Status,Consent Date,Last Transaction Date,Expiry Date\n"


@pytest.fixture(autouse=True)
def on_a_fixed_day() -> Iterator[None]:
    with clock.at(NOW):
        yield


def onetrust_line(name: str, status: str, purpose: str = "Marketing Emails", at: str = "2026-03-01T10:00:00Z") -> str:
    return f"{name}@example.com,{purpose},12,{status},{at},{at},\n"


async def stops_of(name: str) -> set[tuple[str, str, str]]:
    found = await subjects.find("email", f"{name}@example.com")
    assert found is not None
    rows = await db.rows(
        "SELECT kind, scope, why FROM stop WHERE lifted_at IS NULL AND holder IN (?, ?)", found.id, found.subject
    )
    return {(row["kind"], row["scope"], row["why"]) for row in rows}


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


async def test_a_column_of_hubspot_that_nobody_mapped_is_refused_by_name(sqlite_house: House, tmp_path: Path) -> None:
    await ready()
    path = written(tmp_path, "Email,Portal Unsubscribe,Marketing Information,Event Mails\nana@example.com,,,TRUE\n")
    with pytest.raises(Invalid, match="Event Mails"):
        await planned("hubspot", path)
    assert (await planned("hubspot", path, ignore=["event mails"])).counts["blank"] == 1


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


async def test_a_value_that_a_preset_does_not_know_is_a_bad_line_until_the_map_says_what_it_means(
    sqlite_house: House, tmp_path: Path
) -> None:
    await ready()
    path = written(
        tmp_path, HEAD + onetrust_line("ana", "SNOOZED") + onetrust_line("ben", "OPT_OUT") + onetrust_line("x y", "OPT_OUT")
    )
    batch = await planned("onetrust", path)
    assert [(line, verdict) for line, verdict, _why in batch.problems] == [(2, "bad"), (4, "bad")] and batch.counts["new"] == 1
    assert "SNOOZED" in batch.problems[0][2]
    assert (await planned("onetrust", path, answers={"snoozed": "no"})).counts["new"] == 2
    told = await planned("onetrust", path, answers={"snoozed": "no", "OPT_OUT": "yes"})
    assert told.counts["new"] == 2
    await imported("onetrust", path, answers={"snoozed": "unset", "OPT_OUT": "yes"})
    assert not await may("ben"), "What a preset knows, no map turns around."
    unmapped = await planned("onetrust", written(tmp_path, HEAD + onetrust_line("ana", "OPT_OUT", "Something else")))
    assert unmapped.counts["bad"] == 1 and "Something else" in unmapped.problems[0][2]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"cell": []}, "cell"),
        ({"cell": [{"theirs": "X", "purpose": "nothing", "channel": "email"}]}, "nothing"),
        ({"cell": [{"theirs": "X", "purpose": "newsletter", "channel": "sms"}]}, "sms"),
        ({"cell": [{"theirs": "X", "purpose": "newsletter", "channel": "email", "topic": "horses"}]}, "horses"),
        ({"cell": [{"theirs": "X", "purpose": "orders", "channel": "email"}]}, "orders"),
        ({"cells": []}, "cells"),
        ({"answers": {"ACTIVE": "perhaps"}}, "perhaps"),
        ({"sources": {"Web form": "pub"}}, "pub"),
        ({"columns": {"email": "Mail"}}, "Mail"),
        ({"columns": {"colour": "Identifier"}}, "colour"),
        ({"edition": "legacy:One Trust:12"}, "legacy:One Trust:12"),
        ({"time_zone": "Mars/Olympus"}, "Mars"),
        ({"exported": "2062-01-01"}, "future"),
        ({"dates": "YYYY"}, "DD/MM/YYYY"),
    ],
)
async def test_a_map_that_cannot_be_right_is_refused_with_a_sentence(
    sqlite_house: House, more: dict[str, object], said: str
) -> None:
    await ready()
    with pytest.raises(Invalid, match=said):
        await planned("onetrust", EXAMPLES / "onetrust.csv", **more)
    assert await db.rows("SELECT id FROM batch") == []


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


async def test_dates_with_slashes_are_read_only_as_the_map_says(sqlite_house: House, tmp_path: Path) -> None:
    await ready()
    path = written(tmp_path, HEAD + onetrust_line("ana", "OPT_OUT", at="03/04/2026 10:00"))
    assert (await planned("onetrust", path)).counts["bad"] == 1
    await imported("onetrust", path, dates="DD/MM/YYYY", time_zone="UTC")
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None and (await history(ana.subject))[0].said_at == datetime(2026, 4, 3, 10, tzinfo=UTC)


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


async def test_the_text_of_an_earlier_system_is_kept_byte_for_byte_and_never_becomes_another(house: House) -> None:
    text = "<p>Da, trimiteți-mi noutăți.</p>\r\n".encode()
    added = await legacy.add("legacy:onetrust:12", {"ro": text, "en": b"<p>Yes, send me news.</p>"}, by="officer:petra")
    assert {each.language: each.source for each in added.languages}["ro"] == text
    edition = await documents.named("legacy:onetrust:12@1/ro")
    assert edition.source == text and b"trimite" in edition.html
    assert (
        await legacy.add("legacy:onetrust:12", {"ro": text, "en": b"<p>Yes, send me news.</p>"}, by="x")
    ).languages == added.languages
    with pytest.raises(Conflict):
        await legacy.add("legacy:onetrust:12", {"en": b"<p>Something else.</p>"}, by="officer:petra")
    with pytest.raises(Conflict):
        await legacy.add_unknown("legacy:onetrust:12", by="officer:petra")
    with pytest.raises(Invalid):
        await legacy.add("legacy:onetrust:13", {"en": b"\xff\xfe"}, by="officer:petra")
    assert await documents.keys() == [] and await documents.missing_translations() == []


async def test_an_import_that_names_an_undeclared_text_is_refused_and_says_what_to_type(house: House, tmp_path: Path) -> None:
    await publish()
    path = written(tmp_path, HEAD + onetrust_line("ana", "ACTIVE") + onetrust_line("ben", "OPT_OUT"))
    with pytest.raises(Invalid, match="portal legacy add legacy:onetrust:12 --text FILE"):
        await planned("onetrust", path)
    assert await db.rows("SELECT id FROM batch") == []
    await legacy.add_unknown("legacy:onetrust:12", by="officer:petra")
    assert (await imported("onetrust", path)).counts["new"] == 2
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None
    [yes] = await history(ana.subject)
    payload = await audit.open_payload(await _entry(yes.entry))
    assert payload is not None and payload["text_sha256"] == "unknown" and yes.shown == ""
    later = await legacy.add("legacy:onetrust:12", {"en": b"<p>It turned up.</p>"}, by="officer:petra")
    assert later.known and (await history(ana.subject))[0].shown == "legacy:onetrust:12@2/en"
    with pytest.raises(NotFound):
        await legacy.get("legacy:onetrust:99")


async def _entry(entry_id: str) -> audit.Entry:
    found = await audit.entry(entry_id)
    assert found is not None
    return found


# What each line of each vendor says: whether it stops for good, and its noes and yeses with their moments (None: undated).
_DAY = st.integers(1, 300).map(lambda day: (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)).isoformat())
_MAYBE_DAY = st.one_of(st.just(""), _DAY)
_ONETRUST = st.sampled_from(["ACTIVE", "PENDING", "NO_CONSENT", "OPT_OUT", "HARD_OPT_OUT", "WITHDRAWN", "EXPIRED", "", "MAYBE"])
_SALESFORCE = st.sampled_from(["OptIn", "OptOut", "Seen", "NotSeen", "", "Unsure"])
_MAILCHIMP = st.sampled_from(["subscribed", "unsubscribed", "cleaned", "nonsubscribed", "pending", ""])
_FLAG = st.sampled_from(["", "TRUE", "FALSE"])
_SHAPES: dict[str, tuple[str, st.SearchStrategy[tuple[str, ...]]]] = {
    "onetrust": (HEAD.replace(",Expiry Date", ""), st.tuples(st.just("Marketing Emails,12"), _ONETRUST, st.just(""), _MAYBE_DAY)),
    "salesforce": (
        "Email,DataUsePurpose.Name,ContactPointType,PrivacyConsentStatus,CaptureDate\n",
        st.tuples(st.just("Newsletter,Email"), _SALESFORCE, _MAYBE_DAY),
    ),
    "hubspot": (
        "Email,Portal Unsubscribe,Portal Spam Report,Portal Bounce,Marketing Information\n",
        st.tuples(_FLAG, _FLAG, _FLAG, st.sampled_from(["", "TRUE", "SUBSCRIBED"])),
    ),
    "mailchimp": ("Email Address,status,OPTIN_TIME\n", st.tuples(_MAILCHIMP, _MAYBE_DAY)),
}


_FILES = st.fixed_dictionaries(
    {
        vendor: st.dictionaries(st.sampled_from(["ana", "ben", "carla"]), strategy, min_size=1)
        for vendor, (_head, strategy) in _SHAPES.items()
    }
)


@given(order=st.permutations(sorted(_SHAPES)), files=_FILES)
@settings(max_examples=20)
async def test_no_cell_that_any_vendor_says_no_to_is_allowed_afterwards(
    sqlite_house: House, tmp_path_factory: pytest.TempPathFactory, order: list[str], files: dict[str, dict[str, tuple[str, ...]]]
) -> None:
    """In any order of the vendors' files: only a yes with a later date opens what a no closed, and nothing what was stopped."""
    await ready()
    number = (await db.rows("SELECT count(*) AS n FROM batch"))[0]["n"]
    folder = tmp_path_factory.mktemp("exports")
    noes, yeses, stopped = dict[str, list[datetime]](), dict[str, list[datetime]](), set[str]()
    for vendor in order:
        head, said = _SHAPES[vendor][0], files[vendor]
        lines = "".join(f"n{number}{who}@example.com,{','.join(values)}\n" for who, values in said.items())
        await imported(vendor, written(folder, head + lines, name=f"{vendor}.csv"), exported="")
        for who, values in said.items():
            at = datetime.fromisoformat(values[-1]) if values[-1].startswith("2026") else None
            if {"HARD_OPT_OUT", "cleaned"} & set(values) or (vendor == "hubspot" and "TRUE" in values[1:3]):
                stopped.add(who)
            if {"OPT_OUT", "WITHDRAWN", "OptOut"} & set(values):
                noes.setdefault(who, []).append(at or NOW)
            if "unsubscribed" in values or (vendor == "hubspot" and "TRUE" in (values[0], values[3])):
                noes.setdefault(who, []).append(NOW)
            if {"ACTIVE", "OptIn", "subscribed"} & set(values) and at:
                yeses.setdefault(who, []).append(at)
        closed = [who for who, moments in noes.items() if max(moments) >= max(yeses.get(who, moments))]
        for who in {*closed, *stopped}:
            assert not await may(f"n{number}{who}"), (vendor, who, said)
    await check_folds()
