"""A backlog as a list: what it would open, what it opens, and nothing twice."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from portal import cases, messages
from portal.cases.backlog import BEFORE, OPENS, RUNNING, WRONG, Content, Outcome
from portal.cases.intake import open_case
from portal.lib import clock
from portal.lib.errors import Invalid
from tests.cases.shops import ANA, Company
from tests.conftest import House

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEAD = "address;right;received;language;country;message;field;value\n"
LINES = [
    f"{ANA};copy;2026-11-02;ro;RO;Vă rog, țineți cont de întârziere;;\n",
    "ben@example.com;deletion;2026-10-30;;;;;\n",
    "+40 722 123 456;access;2026-11-19;;;;;\n",
    "Strada Lungă 5, 500035 Brașov;rectification;2026-11-19;ro;;;name;=Ana Pop\n",
    "nobody;access;2026-11-19;;;;;\n",
    "ben@example.com;access;2026-12-24;;;;;\n",
    "ben@example.com;burn;2026-11-01;;;;;\n",
    "ben@example.com;access\n",
    f"{ANA.upper()};access;2026-11-02;;;;;\n",
]


def _list(charset: str = "utf-8") -> Content:
    return Content("backlog.csv", "".join([HEAD, *LINES]).encode(charset))


def _verdicts(outcomes: list[Outcome]) -> dict[int, str]:
    return {each.line: each.verdict for each in outcomes}


EXPECTED = {2: OPENS, 3: OPENS, 4: OPENS, 5: OPENS, 6: WRONG, 7: WRONG, 8: WRONG, 9: WRONG, 10: BEFORE}


async def test_each_line_says_what_it_would_open_and_the_same_list_opens_nothing_twice(company: Company) -> None:
    with clock.at(NOON):
        planned = await cases.backlog.plan(_list())
        assert _verdicts(planned) == EXPECTED and await cases.queue({}) == []
        assert (planned[0].law, planned[0].due_on) == ("gdpr", date(2026, 12, 2))  # a month from receipt, not from today
        assert "line 2" in planned[8].sentence and "future" in planned[5].sentence
        done = await cases.backlog.commit(_list(), by="officer:olga")
        assert _verdicts(done) == EXPECTED
        again = await cases.backlog.commit(_list(), by="officer:olga")
    assert Counter(each.verdict for each in again) == {BEFORE: 5, WRONG: 4}
    ana = await cases.case(done[0].case)
    assert (ana.due_on, ana.received_at.date(), ana.source) == (planned[0].due_on, date(2026, 11, 2), "list")
    assert ana.details["message"].startswith("Vă rog") and ana.state == "verifying" and ana.language == "ro"
    mailed = [each.to for each in await messages.mailbox(20) if each.template == "mail/case-entered"]
    assert sorted(filter(None, mailed)) == [ANA, "ben@example.com"]


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "cp1250"])
async def test_lists_of_older_programs_are_read_as_they_were_written(charset: str, sqlite_house: House) -> None:
    lines = [each.replace("ț", "ţ").replace("ș", "ş") for each in LINES]
    with clock.at(NOON):
        done = await cases.backlog.commit(Content("old.csv", "".join([HEAD, *lines]).encode(charset)), by="system")
    assert "întârziere" in (await cases.case(done[0].case)).details["message"]


async def test_what_is_asked_for_already_is_not_opened_again(sqlite_house: House) -> None:
    first = await cases.open("access", ANA, language="en")
    [outcome, *_rest] = await cases.backlog.commit(_list(), by="system")
    assert (outcome.verdict, outcome.case) == (RUNNING, first.id)


async def test_a_report_holds_nothing_personal_and_no_formula(sqlite_house: House) -> None:
    bad = Content("bad.csv", f"address,right,received\n{ANA},=cmd|' /C calc'!A0,2026-11-02\n".encode())
    text = cases.backlog.report(await cases.backlog.plan(bad)).decode()
    assert ANA not in text and ",=" not in text.replace('"', "")


async def test_a_list_without_its_columns_is_refused_before_anything_opens(sqlite_house: House) -> None:
    with pytest.raises(Invalid, match="received"):
        await cases.backlog.plan(Content("x.csv", b"address,right\nana@example.com,access\n"))


async def test_a_killed_commit_goes_on_where_it_was(sqlite_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies_at_the_third(right: str, address: str, **more: object) -> cases.Opened:
        if address.startswith("+40"):
            raise KeyboardInterrupt
        return await open_case(right, address, **more)  # type: ignore[arg-type]  # passed on as they came

    with clock.at(NOON):
        monkeypatch.setattr("portal.cases.backlog.open_case", dies_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            await cases.backlog.commit(_list(), by="system")
        monkeypatch.undo()
        assert len(await cases.queue({})) == 2
        await cases.backlog.commit(_list(), by="system")
        assert len(await cases.queue({})) == 4
