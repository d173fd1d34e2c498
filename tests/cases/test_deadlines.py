"""Legal dates: every published and derived vector, the rules behind them, and files that cannot be read."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.cases import deadlines, laws
from portal.lib.errors import Invalid
from portal.settings import HOME

VECTORS = json.loads((Path(__file__).parent / "vectors" / "deadline-vectors.json").read_text())["vectors"]
FILES = {
    "GDPR": "gdpr",
    "UK-GDPR": "uk-gdpr",
    "CCPA": "ccpa",
    "US-VA": "us-va",
    "US-CO": "us-co",
    "LGPD": "lgpd",
    "TH-PDPA": "th-pdpa",
    "VN-PDPL": "vn-pdpl",
    "QC-25": "qc-25",
    "IN-DPDP": "in-dpdp",
    "US-CANSPAM": "us-canspam",
}
OTHER_CLOCKS = {
    "eu-refusal": "refusal",
    "uk-complaint-ack": "complaint",
    "ca-optout": "opt-out",
    "co-appeal": "appeal",
    "vn-withdraw": "withdraw",
}
LAWS = laws.laws(HOME / "policies" / "laws")


@pytest.mark.parametrize("vector", VECTORS, ids=[each["id"] for each in VECTORS])
def test_every_published_and_derived_date_comes_out(vector: dict[str, Any]) -> None:
    received = vector["received"]
    found = deadlines.due(
        LAWS[FILES[vector["regime"]]],
        OTHER_CLOCKS.get(vector["id"], "answer"),
        datetime.fromisoformat(received) if "T" in received else date.fromisoformat(received),
        calendar=vector["calendar"],
        zone="Europe/Brussels",
        extended="extended" in vector["event"],
        pauses=[(date.fromisoformat(since), date.fromisoformat(until)) for since, until in vector.get("pauses", [])],
    )
    assert found.day.isoformat() == vector["expected_due"]
    if "safe_due" in vector:
        assert found.safe.isoformat() == vector["safe_due"]


def test_a_date_is_a_date_in_the_controllers_time_zone() -> None:
    late = datetime.fromisoformat("2026-06-10T23:59:00+02:00")
    gdpr = LAWS["gdpr"]
    assert deadlines.due(gdpr, "answer", late, zone="Europe/Brussels").day == date(2026, 7, 10)
    # In Bucharest it is past midnight already, and 11 July 2026 is a Saturday.
    assert deadlines.due(gdpr, "answer", late, zone="Europe/Bucharest").day == date(2026, 7, 13)


def test_hours_run_through_weekends() -> None:
    friday = datetime.fromisoformat("2026-11-20T18:00:00+00:00")
    found = deadlines.due(LAWS["gdpr"], "breach", friday, zone="Europe/Bucharest")
    assert found.moment == datetime.fromisoformat("2026-11-23T18:00:00+00:00")


def test_each_clock_explains_itself() -> None:
    rolled = deadlines.due(LAWS["gdpr"], "answer", date(2026, 1, 31), calendar="none")
    assert deadlines.explain(rolled) == [
        "Received on 31 January 2026.",
        "GDPR (Art. 12(3)) gives 1 month. That is 28 February 2026.",
        "That month has no day 31, so its last day counts.",
        "28 February 2026 is a weekend or a public holiday, so the last day is 2 March 2026.",
    ]
    strict = deadlines.due(LAWS["ccpa"], "answer", date(2026, 1, 31))
    assert deadlines.explain(strict)[-1] == "The law can be read more strictly, so we work by 16 March 2026."
    for law in LAWS.values():
        for clock in law.clocks.values():
            if clock.amount is not None:
                assert len(deadlines.explain(deadlines.due(law, clock, date(2026, 2, 1)))) >= 2


def test_a_period_without_an_extension_is_not_extended() -> None:
    with pytest.raises(Invalid, match="cannot be extended"):
        deadlines.due(LAWS["gdpr"], "refusal", date(2026, 1, 31), extended=True)


def test_a_law_without_a_number_gives_no_date() -> None:
    with pytest.raises(Invalid, match="no number of days"):
        deadlines.due(LAWS["gdpr"], "recipients", date(2026, 1, 31))


def test_an_unknown_period_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match="it has: answer, refusal"):
        deadlines.due(LAWS["gdpr"], "reply", date(2026, 1, 31))


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.sampled_from(["none", "RO", "GB-ENG", "US-CA"]))
def test_a_month_is_never_thirty_days_and_never_ends_on_a_free_day(received: date, calendar: str) -> None:
    found = deadlines.due(LAWS["gdpr"], "answer", received, calendar=calendar)
    following = received.replace(day=1) + timedelta(days=32)
    assert (found.counted.year, found.counted.month) == (following.year, following.month)
    assert found.counted.day == received.day or (found.counted + timedelta(days=1)).day == 1
    assert found.day >= found.counted and deadlines.working_days(calendar)(found.day)
    assert (found.day - found.counted).days <= 5


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_received_later_is_never_due_earlier(received: date) -> None:
    for law in LAWS.values():
        today, tomorrow = (deadlines.due(law, "answer", received + timedelta(days=days)).safe for days in (0, 1))
        assert today <= tomorrow


def test_a_changed_file_is_another_edition(tmp_path: Path) -> None:
    file = tmp_path / "gdpr.toml"
    content = (HOME / "policies" / "laws" / "gdpr.toml").read_text()
    file.write_text(content)
    first = laws.laws(tmp_path)["gdpr"].edition
    file.write_text(content + "# a word more\n")
    import os

    os.utime(file, ns=(1, 1))
    assert laws.laws(tmp_path)["gdpr"].edition != first


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('title = "X"\nedition = \n', "x.toml.*line 2"),
        ('title = "X"\nedition = "1"\n', r"\[clocks.answer\]"),
        ('edition = "1"\n[clocks.answer]\ntitle = "A"\narticle = "1"\n', "'title' is missing"),
        ('title = "X"\nedition = "1"\n[clocks.answer]\ntitle = "A"\narticle = "1"\namount = 2\nunit = "moon"\n', "'moon'"),
        ('title = "X"\nedition = "1"\n[clocks.answer]\ntitle = "A"\narticle = "1"\nammount = 2\n', "ammount"),
    ],
)
def test_a_law_that_cannot_be_read_is_named_with_its_place(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "x.toml").write_text(content)
    with pytest.raises(laws.LawError, match=complaint):
        laws.laws(tmp_path)


LAW = 'title = "X"\nedition = "1"\n[clocks.answer]\ntitle = "A"\narticle = "1"\n'


@pytest.mark.parametrize(
    ("content", "place", "complaint"),
    [
        ("# caf\xe9\n" + LAW, "line 1", "not UTF-8"),
        (LAW + 'amount = "2"\nunit = "day"\n', "line 6", "amount must be a whole number"),
        (LAW + 'amount = 2\nunit = "moon"\n', "line 7", "'moon'"),
        (LAW + "amount = 2\n", "line 3", "unit None is none of"),
        (LAW + 'rights = "access"\n', "line 6", "rights must be a list"),
        (LAW + '[clocks.breach]\ntitle = "B"\n', "line 6", "'article' is missing"),
        ("for_all = true\n" + LAW, "line 1", "for_all is not known here. Known: calendar, clocks, countries,"),
        ('title = "X"\nedition = "1"\nclocks = 3\n', "line 3", "clocks must be a section"),
        ('title = "X"\nedition = "1"\n[clocks]\nanswer = 3\n', "line 4", "answer must be a section"),
    ],
)
def test_every_mistake_in_a_law_is_told_with_its_line(tmp_path: Path, content: str, place: str, complaint: str) -> None:
    (tmp_path / "x.toml").write_bytes(content.encode("latin-1"))
    with pytest.raises(laws.LawError) as refused:
        laws.laws(tmp_path)
    told = [line for line in str(refused.value).splitlines() if complaint in line]
    assert told and all(line.startswith(f"{tmp_path / 'x.toml'}, {place}: ") for line in told)
