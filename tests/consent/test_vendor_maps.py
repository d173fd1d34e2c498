"""The map beside an export: what it leaves open is a bad line or a refusal, never a guess."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal import db, subjects
from portal.consent.history import history
from portal.lib.errors import Invalid
from tests.conftest import House
from tests.consent.exports import EXAMPLES, HEAD, imported, may, onetrust_line, planned, ready
from tests.consent.lists import written

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")


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


async def test_a_column_of_hubspot_that_nobody_mapped_is_refused_by_name(sqlite_house: House, tmp_path: Path) -> None:
    await ready()
    path = written(tmp_path, "Email,Portal Unsubscribe,Marketing Information,Event Mails\nana@example.com,,,TRUE\n")
    with pytest.raises(Invalid, match="Event Mails"):
        await planned("hubspot", path)
    assert (await planned("hubspot", path, ignore=["event mails"])).counts["blank"] == 1


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


async def test_dates_with_slashes_are_read_only_as_the_map_says(sqlite_house: House, tmp_path: Path) -> None:
    await ready()
    path = written(tmp_path, HEAD + onetrust_line("ana", "OPT_OUT", at="03/04/2026 10:00"))
    assert (await planned("onetrust", path)).counts["bad"] == 1
    await imported("onetrust", path, dates="DD/MM/YYYY", time_zone="UTC")
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None and (await history(ana.subject))[0].said_at == datetime(2026, 4, 3, 10, tzinfo=UTC)
