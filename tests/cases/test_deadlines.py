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
# Every regime's periods as collected from the laws, where the collection lies beside the checkout.
REGIMES = HOME.parent / "shared" / "vectors" / "deadlines" / "regimes.json"
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


@pytest.mark.skipif(not REGIMES.exists(), reason="the collection of regimes is not here")
def test_every_period_of_every_regime_stands_in_a_law() -> None:
    """Where a law gives no number, or points to another law, its file is asked for and no number."""
    units = {"calendar day": "day", "working day": "business day"}
    several = {"US-NE/NH/TN/IN/KY/FL": ["us-ne", "us-nh", "us-tn", "us-in", "us-ky", "us-fl"]}
    for regime in json.loads(REGIMES.read_text())["regimes"]:
        for key in several.get(regime["id"], [regime["id"].lower()]):
            ours = [(each.amount, each.unit, each.extension) for each in LAWS[key].clocks.values()]
            for clock in regime["clocks"]:
                if not isinstance(clock["amount"], int):
                    continue
                longer = clock["extension"]["amount"] if isinstance(clock.get("extension"), dict) else None
                wanted = (clock["amount"], units.get(clock["unit"], clock["unit"]))
                assert wanted in [each[:2] for each in ours], f"{key}: {clock['name']}"
                if longer and key != "us-fl":  # 15 days there, by the collection's own note
                    assert (*wanted, longer) in ours, f"{key}: {clock['name']}"


def test_an_extension_is_counted_from_receipt_and_the_first_end_is_kept() -> None:
    # Reg. 1182/71 Art. 3(2)(c): 31 January and three months are 30 April, not a month and then two.
    found = deadlines.due(LAWS["gdpr"], "answer", date(2026, 1, 31), calendar="none", extended=True)
    assert (found.first, found.day) == (date(2026, 3, 2), date(2026, 4, 30))


@given(
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.lists(st.tuples(st.integers(-20, 150), st.integers(0, 40)), max_size=4),
    st.booleans(),
)
def test_each_day_that_stands_still_counts_once_and_only_while_the_period_runs(
    received: date, spans: list[tuple[int, int]], extended: bool
) -> None:
    pauses = [(received + timedelta(days=at), received + timedelta(days=at + length)) for at, length in spans]
    bare = deadlines.due(LAWS["uk-gdpr"], "answer", received, calendar="none", extended=extended)
    found = deadlines.due(LAWS["uk-gdpr"], "answer", received, calendar="none", extended=extended, pauses=pauses)
    end = found.counted + timedelta(days=found.paused)
    still = {day for since, until in pauses for day in _days(since, until) if received < day <= end}
    assert found.counted == bare.counted and found.paused == len(still) and found.day >= bare.day
    # What runs is exactly the period, however the days that stand still lie in it.
    assert len(set(_days(received + timedelta(days=1), end)) - still) == (found.counted - received).days
    never = deadlines.due(LAWS["gdpr"], "answer", received, calendar="none", extended=extended, pauses=pauses)
    assert never.paused == 0 and never.day == bare.day


def test_counting_begins_when_what_the_law_waits_for_has_come() -> None:
    found = deadlines.due(LAWS["uk-gdpr"], "answer", date(2026, 3, 2), begun=date(2026, 3, 9))
    assert found.day == date(2026, 4, 9)
    assert "What the law waits for came on 9 March 2026; counting begins there." in deadlines.explain(found)


def test_a_law_without_a_day_is_answered_within_our_own() -> None:
    found = deadlines.due(LAWS["jp-appi"], "answer", date(2026, 1, 31))
    assert found.day == date(2026, 2, 14)
    assert "names no number of days; we set ourselves 14 days." in deadlines.explain(found)[1]


def test_what_is_kept_and_what_must_wait_say_so() -> None:
    kept = deadlines.due(LAWS["ccpa"], "records", date(2026, 1, 31))
    assert deadlines.explain(kept)[-1] == "It is kept until then at least."
    later = deadlines.due(LAWS["in-dpdp"], "warn", datetime.fromisoformat("2027-06-01T12:00:00+00:00"))
    assert deadlines.explain(later)[-1] == "It may not be done earlier than that."


@pytest.mark.parametrize("pauses", [[(date(2026, 3, 5), date(2026, 3, 4))], [(date(2026, 3, 5), date.max)]])
def test_a_pause_that_ends_before_it_begins_or_never_is_refused(pauses: list[deadlines.Pause]) -> None:
    with pytest.raises(Invalid, match="A pause ends"):
        deadlines.due(LAWS["uk-gdpr"], "answer", date(2026, 3, 2), pauses=pauses)


def _days(since: date, until: date) -> list[date]:
    return [since + timedelta(days=each) for each in range((until - since).days + 1)]


def test_a_date_is_a_date_in_the_controllers_time_zone() -> None:
    late = datetime.fromisoformat("2026-06-10T23:59:00+02:00")
    gdpr = LAWS["gdpr"]
    assert deadlines.due(gdpr, "answer", late, calendar="BE", zone="Europe/Brussels").day == date(2026, 7, 10)
    # In Bucharest it is past midnight already, and 11 July 2026 is a Saturday.
    assert deadlines.due(gdpr, "answer", late, calendar="RO", zone="Europe/Bucharest").day == date(2026, 7, 13)


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
            if clock.amount or clock.ours:
                assert len(deadlines.explain(deadlines.due(law, clock, date(2026, 2, 1), calendar="none"))) >= 2


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
        today, tomorrow = (deadlines.due(law, "answer", received + timedelta(days=days), calendar="none").safe for days in (0, 1))
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
        (LAW + "amount = 2\n", "line 3", "unit is missing"),
        (LAW + 'amount = 2\nunit = "day"\nmeans = "perhaps"\n', "line 8", "'perhaps' is none of"),
        (LAW + 'amount = 2\nunit = "day"\npauses = ["holiday"]\n', "line 8", "'holiday' is none of: clarification"),
        (LAW + 'amount = 72\nunit = "hour"\npauses = ["fee"]\n', "line 8", "only a period in days or months"),
        (LAW + 'amount = 0\nunit = "day"\n', "line 6", "between 1 and 1000"),
        (LAW + 'note = "soon"\n', "line 3", "set one of your own"),
        ('since = "soon"\n' + LAW, "line 1", "no day such as"),
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
