"""The figures' page and file: for everybody without small numbers, for officers whole."""

import csv
import io

from portal.lib import clock
from tests.cases.shops import ask
from tests.people import Browser


async def test_figures_hide_small_numbers_unless_they_are_for_us_alone(olga: Browser) -> None:
    await ask("access")
    year = clock.now().year
    page = await olga.get("/admin/statistics")
    assert page.status_code == 200 and "<em>few</em>" in page.text and f"Requests that came in {year}" in page.text
    assert "<em>few</em>" not in (await olga.get(f"/admin/statistics?year={year}&exact=1")).text
    rows = {one: await _rows(olga, f"/admin/statistics.csv?year={year}{one}") for one in ("", "&exact=1")}
    assert rows[""][0] == rows["&exact=1"][0] and len(rows[""][0]) == 10
    assert rows[""][1][:2] == ["Copy", "few"] and rows["&exact=1"][1][:2] == ["Copy", "1"]


async def test_a_year_that_is_none_is_refused_in_words(olga: Browser) -> None:
    page = await olga.get("/admin/statistics?year=²0")
    assert page.status_code == 422 and "choose a year" in page.text


async def _rows(browser: Browser, path: str) -> list[list[str]]:
    answer = await browser.get(path)
    assert answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
