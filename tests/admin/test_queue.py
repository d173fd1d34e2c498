"""The officers' queue by boxes and buttons: filtered, saved, as a file, several requests at once; and what a page costs."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from portal import cases, db, identity, jobs
from portal.lib import clock, ids
from portal.lib.errors import NotFound
from tests.cases.shops import ask, collected, prove
from tests.conftest import House
from tests.people import ANA, BEN, OLGA, Browser


async def test_a_page_of_the_queue_asks_as_much_with_sixty_requests_as_with_one(
    olga: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask("access")
    asked = []
    for size in (1, 60):
        await _more_like_it(size - 1)
        seen: list[str] = []
        with monkeypatch.context() as watching:
            for name in ("rows", "row"):
                _watch(watching, name, seen)
            page = await olga.get("/admin/cases?right=access&law=gdpr")
        assert page.text.count('<tr id="case-') == min(size, 50)
        asked.append(len(seen))
        lists = [sql for sql in seen if "FROM case_file" in sql and "WHERE t." not in sql]
        assert lists and all("LIMIT" in sql or "min(received_at)" in sql for sql in lists), lists
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    "wanted", [{}, {"right": "access"}, {"law": "gdpr"}, {"requester": "child"}, {"officer": "olga"}, {"state": "triage"}]
)
async def test_a_filtered_page_is_read_in_the_order_of_an_index(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, str]
) -> None:
    seen: list[str] = []
    with monkeypatch.context() as watching:
        _watch(watching, "rows", seen)
        await cases.queue(wanted)
    plan = await db.rows(f"EXPLAIN QUERY PLAN {seen[0]}", *[None] * seen[0].count("?"))
    told = " / ".join(each["detail"] for each in plan)
    assert "USING INDEX case_file_" in told and "SCAN" not in told and "TEMP B-TREE" not in told, told


async def _more_like_it(number: int) -> None:
    """As many more that differ in nothing but their id."""
    one = await db.row("SELECT * FROM case_file LIMIT 1")
    assert one is not None
    sql = f"INSERT INTO case_file ({', '.join(one)}) VALUES ({', '.join('?' * len(one))})"
    async with db.writing():
        for each in range(number):
            await db.run(sql, *(one | {"id": ids.new(), "reference_digest": each.to_bytes(32)}).values())


def _watch(patching: pytest.MonkeyPatch, name: str, seen: list[str]) -> None:
    real: Callable[..., Awaitable[Any]] = getattr(db, name)

    async def watched(sql: str, *values: Any) -> Any:
        seen.append(sql)
        return await real(sql, *values)

    patching.setattr(db, name, watched)


async def test_each_filter_leaves_what_fits_it(olga: Browser, petra: Browser) -> None:
    mine, erasure = await collected("access"), await collected("erasure", BEN)
    unproven, for_child = [(await ask("access", f"{each}@example.com")).id for each in ("x", "y")]
    me = await identity.officer_by_email(OLGA)
    async with db.writing():
        await db.run("UPDATE case_file SET officer = ? WHERE id = ?", me.id, mine)
        await db.run("UPDATE case_file SET requester = 'child' WHERE id = ?", for_child)
    every = {mine, erasure, unproven, for_child}
    due = (await cases.case(mine)).due_on.isoformat()
    for query, fitting in (
        ({}, every),
        ({"right": "erasure"}, {erasure}),
        ({"state": "verifying"}, {unproven, for_child}),
        ({"requester": "child"}, {for_child}),
        ({"officer": me.id}, {mine}),
        ({"law": "gdpr", "right": "access", "state": "reviewing"}, {mine}),
        ({"law": "pipl"}, set()),
        ({"due_before": due}, set()),
        ({"due_before": "9999-01-01"}, every),
        ({"waits_for": "me"}, {mine}),  # the other one is worked on by somebody else
        ({"open": "no"}, set()),
    ):
        page = await olga.get("/admin/cases", params=query)
        assert set(re.findall(r'<tr id="case-([\w-]+)"', page.text)) == fitting, query
    await cases.propose(erasure, officer=me.id)
    assert erasure in (await petra.get("/admin/cases?waits_for=me")).text
    assert erasure not in (await olga.get("/admin/cases?waits_for=me")).text
    assert (await olga.get("/admin/cases?due_before=soon")).status_code == 422


async def test_a_saved_filter_is_ones_own_and_its_name_lies_sealed(olga: Browser, vik: Browser) -> None:
    await ask("access")
    page = await olga.post("/admin/filters?right=access&state=verifying", data={"title": " Ana's  and others "})
    assert page.url.query.decode() == "state=verifying&right=access"
    link = re.search(r'<a href="(/admin/cases\?[^"]+)"[^>]*>Ana&#39;s and others</a>', page.text)
    assert link and "None." not in (await olga.get(link[1].replace("&amp;", "&"))).text
    assert "Ana&#39;s" not in (await vik.get("/admin/cases")).text
    [stored] = await db.rows("SELECT id, title FROM case_filter")
    assert b"Ana" not in bytes(stored["title"])
    with pytest.raises(NotFound):
        await cases.filters.take_away(stored["id"], officer="somebody else")
    assert (await olga.post("/admin/filters?right=access", data={"title": ""})).status_code == 422
    assert "Ana&#39;s" not in (await olga.post(f"/admin/filters/{stored['id']}/removal")).text


async def test_the_list_as_a_file_names_nobody(olga: Browser) -> None:
    case_id = await collected("access")
    await cases.triage(case_id, officer="olga", flags=["=cmd()"])
    answer = await olga.get("/admin/cases.csv?right=access")
    assert answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
    heads, line = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(heads) == len(line) and line[:4] == [case_id, "Copy", "The person", "To be reviewed"] and int(line[8]) > 3
    assert ANA not in answer.text and "cmd" not in answer.text


async def test_ticked_boxes_and_one_button_do_the_next_step_and_it_can_be_undone(olga: Browser) -> None:
    for address in (ANA, BEN):
        await prove(await ask("access", address), address)
    page = await _next_step(olga, "/admin/cases?right=access")
    assert page.text.count("Waits for its turn.") == 2
    await jobs.run_due()
    page = await olga.get(page.url.path)
    assert "2 of 2 done." in page.text and "Go on with the 2 that are ready" in page.text
    ready = re.search(r'class="button" href="([^"]+)"', page.text)
    assert ready
    page = await _next_step(olga, ready[1].replace("&amp;", "&"))
    assert "Nothing is sent within the next" in page.text and "that are ready" not in page.text
    part = await olga.get(page.url.path, headers={"hx-request": "true"})
    assert part.text.count("<div") == 1 and 'hx-trigger="load delay:' in part.text
    page = await olga.post(page.url.path + "/undo")
    assert "2 were undone: nothing was sent." in page.text and "load delay" not in page.text
    page = await olga.post("/admin/bulk", data={"once": "3"})
    assert page.status_code == 422 and "choose at least one" in page.text


async def _next_step(browser: Browser, path: str) -> httpx2.Response:
    page = await browser.get(path)
    boxes = re.findall(r'name="(case-[\w-]+)" value="(\w+)"', page.text)
    once = re.search(r'name="once" value="([\w-]+)"', page.text)
    assert boxes and once, page.text
    return await browser.post("/admin/bulk?" + urlencode({}), data={**dict(boxes), "once": once[1]})


async def test_who_only_reads_has_no_boxes(vik: Browser) -> None:
    await prove(await ask("access"))
    page = await vik.get("/admin/cases")
    assert "Copy" in page.text and 'type="checkbox" name="case-' not in page.text and "Next step" not in page.text
    assert (await vik.post("/admin/bulk", data={"once": "1"})).status_code == 403


async def test_the_first_page_and_the_queue_say_what_will_be_late_and_how_they_know(olga: Browser) -> None:
    await prove(await ask("access"))
    for path in ("/admin", "/admin/cases"):
        assert "too few to say what will be late" in (await olga.get(path)).text
    first = clock.micros(clock.now()) - 40 * 86_400_000_000
    for number in range(12):  # answered a week ago
        case = await cases.open("access", f"p{number}@example.com", language="en")
        async with db.writing():
            sql = "UPDATE case_file SET received_at = ?, answered_at = ?, is_open = 0, state = 'closed' WHERE id = ?"
            await db.run(sql, first, clock.micros(clock.now()) - 7 * 86_400_000_000, case.id)
    for path in ("/admin", "/admin/cases"):
        page = (await olga.get(path)).text
        assert "At today&#39;s pace none of the open requests will be late." in page, page
        assert "We answered 12 in the last 10 working days." in page
