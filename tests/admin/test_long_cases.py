"""A case with hundreds of notes and thousands of findings costs no more than a short one, and nothing of it is out of reach."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from portal import cases
from tests.cases.shops import OLGA, Company, collected
from tests.people import Browser


@contextmanager
def counted(caplog: pytest.LogCaptureFixture) -> Iterator[list[int]]:
    """How many statements went to the database."""
    caplog.clear()
    total = [0]
    with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
        yield total
    total[0] = sum(each.name == "tortoise.db_client" for each in caplog.records)


async def test_a_page_with_500_notes_asks_the_database_no_more_than_one_with_five(
    company: Company, olga: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    case_id = await collected("access")
    asked = list[int]()
    for until in (5, 100, 500):
        for number in range(0 if not asked else (5, 100)[len(asked) - 1], until):
            await cases.add_note(case_id, f"Note {number}.", officer=OLGA)
        await olga.get("/admin")
        with counted(caplog) as total:
            page = await olga.get(f"/admin/cases/{case_id}")
        asked.append(total[0])
        assert page.status_code == 200 and len(re.findall(r"Note \d+\.", page.text)) == min(until, 20)
    assert asked[0] >= asked[1] == asked[2] > 0, asked
    assert len(page.text) < 40_000


async def test_the_notes_and_the_steps_go_on_page_by_page_to_the_first(company: Company, olga: Browser) -> None:
    case_id = await collected("access")
    for number in range(45):
        await cases.add_note(case_id, f"Note {number}.", officer=OLGA)
    desk = f"/admin/cases/{case_id}"
    read, page = list[str](), await olga.get(desk)
    while True:
        read += re.findall(r"Note \d+\.", page.text)
        older = re.search(r'href="(\?[^"]+)">Older notes', page.text)
        if older is None:
            break
        page = await olga.get(desk + older[1].replace("&amp;", "&"))
    assert read == [f"Note {number}." for number in reversed(range(45))]
    assert f'href="{desk}">The newest' in page.text
    before = re.search(r'href="(\?[^"]+)">What happened before', page.text)
    assert before and "A request came in." not in page.text
    page = await olga.get(desk + before[1].replace("&amp;", "&"))
    assert "A request came in." in page.text and "Older notes" not in page.text


async def test_thousands_of_rows_are_read_a_hundred_at_a_time(company: Company, olga: Browser) -> None:
    company.run("shop", _orders(3000))
    case_id = await collected("access")
    findings = f"/admin/cases/{case_id}/findings"
    page = await olga.get(findings)
    assert "Orders: rows 1 to 20 of 3000" in page.text and "Thing 1019<" not in page.text
    assert len(page.content) < 200_000
    all_of_them = re.search(r'href="(\?table=[^"]+)">Look at all of them', page.text)
    assert all_of_them
    page = await olga.get(findings + all_of_them[1])
    assert "Orders: rows 1 to 100 of 3000" in page.text and "Your account" not in page.text
    last = await olga.get(f"{findings}{all_of_them[1]}&from=2900")
    assert "Orders: rows 2901 to 3000 of 3000" in last.text and "Further rows" not in last.text
    assert (await olga.get(f"{findings}?table=nothing")).status_code == 404
    assert (await olga.get(f"{findings}{all_of_them[1]}&from=-1")).status_code == 422


async def test_what_is_taken_out_far_down_is_that_row_and_leads_back_there(company: Company, olga: Browser) -> None:
    company.run("shop", _orders(300))
    case_id = await collected("access")
    table = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "purchase")
    place = f"/admin/cases/{case_id}/findings?table={table.id}&from=200"
    form = re.search(r'<bdi>([^<]+)</bdi>.+?name="row" value="(\d+)"', (await olga.get(place)).text, re.DOTALL)
    assert form and form[2] == "200"
    where = {"finding": table.id, "row": form[2], "field": "item", "table": table.id, "from": "200"}
    page = await olga.post(f"/admin/cases/{case_id}/redactions", data=where | {"reason": "third party"})
    assert str(page.url).endswith(place) and page.text.count("Taken out: third party") == 1
    found = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "purchase")
    assert found.redacted == {(200, "item"): "third party"} and found.rows[200].fields[0].value == form[1]


def _orders(count: int) -> str:
    """So that Ana has that many."""
    values = ", ".join(f"({number}, 1, 'Thing {number}')" for number in range(1000, 998 + count))
    return f"INSERT INTO purchase VALUES {values}"
