"""Exports of several vendors one after the other: nobody is opened whom one of them closed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import db
from tests.conftest import House
from tests.consent.exports import (
    HEAD,
    NOW,
    imported,
    may,
    ready,
)
from tests.consent.lists import check_folds, written

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")

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
