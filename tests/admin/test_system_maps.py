"""The owner's page about a database's map: the proposal, each fault named, one person tried by counts alone."""

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator

import pytest

from portal import audit
from portal.connectors import ConnectorError, proposals
from tests.cases.shops import SHOP_MAP, Company
from tests.people import Browser, go_to_work, hire

PAGE = "/admin/systems/shop/map"


@pytest.fixture
async def owner(company: Company) -> AsyncIterator[Browser]:
    async with Browser() as browser:
        await go_to_work(browser, await hire("owner@example.com", "owner"))
        yield browser


def written(page: str) -> str:
    """What stands in the text area."""
    return html.unescape(page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0])


async def test_an_owner_sees_what_is_missing_edits_the_proposal_and_takes_it_away(company: Company, owner: Browser) -> None:
    company.run("shop", "ALTER TABLE customer ADD COLUMN shoe TEXT; UPDATE customer SET shoe = 'size 38' WHERE id = 1")
    company.run("shop", "CREATE TABLE parcel (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id))")
    before = (company.folder / "shop.toml").read_bytes()
    assert f'href="{PAGE}"' in (await owner.get("/admin/systems/shop")).text
    page = await owner.get(PAGE)
    assert written(page.text).strip() == SHOP_MAP.strip()
    assert re.search(r"customer\.shoe</bdi>.*?50 %", page.text, re.DOTALL)
    assert "Table parcel points at customer but is not in the map." in page.text
    assert re.search(r"parcel</bdi>.*?yes", page.text, re.DOTALL)
    assert "size 38" not in page.text and "ana@example.com" not in page.text and "Ana Pop" not in page.text
    proposal = written((await owner.get(PAGE + "?from=proposal")).text)
    assert "[tables.parcel]" in proposal
    page = await owner.post(PAGE, data={"map": proposal, "do": "check"})
    assert page.status_code == 200 and "fits the database" in page.text
    taken = await owner.post(PAGE, data={"map": proposal.replace("\n", "\r\n"), "do": "download"})
    assert taken.text == proposal and 'filename="shop.toml"' in taken.headers["content-disposition"]
    assert (company.folder / "shop.toml").read_bytes() == before


async def test_each_fault_is_named_with_its_line(owner: Browser) -> None:
    wrong = SHOP_MAP.replace('category = "contact"\nidentifiers', 'categori = "contact"\nidentifiers')
    wrong = wrong.replace("purchase.customer_id = customer.id", "; DROP TABLE customer")
    page = await owner.post(PAGE, data={"map": wrong, "do": "check"})
    assert page.status_code == 422 and "cannot be used yet" in page.text
    assert "line 5" in page.text and "categori is not known here" in page.text and "is no join" in page.text
    misfit = SHOP_MAP.replace('item = "Item"', 'itme = "Item", prize = "Price"')
    page = await owner.post(PAGE, data={"map": misfit, "do": "try", "kind": "email", "address": "ana@example.com"})
    assert page.status_code == 422 and "no column itme. Did you mean item?" in html.unescape(page.text) and "prize" in page.text
    assert await audit.search(event="system.map_tried") == []
    for broken in ("[[[", "a = " + "[" * 50_000, "= 5", '[tables."\\u0000"]\nlabel = "x"'):
        page = await owner.post(PAGE, data={"map": broken, "do": "check"})
        assert page.status_code == 422 and "cannot be used yet" in page.text, broken[:10]
    for odd in ("\x00", "x" * 400_001):
        assert (await owner.post(PAGE, data={"map": odd, "do": "check"})).status_code == 422
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert (await owner.post(PAGE, content="do=check&map=%ED%A0%80", headers=kind)).status_code == 422
    page = await owner.post(PAGE, data={"map": 'schema = "elsewhere"\n' + SHOP_MAP, "do": "check"})
    assert page.status_code < 500 and "fits the database" not in page.text


async def test_one_person_is_tried_by_counts_and_that_is_recorded(company: Company, owner: Browser, olga: Browser) -> None:
    given = {"map": SHOP_MAP, "do": "try", "kind": "email", "address": " Ana@Example.com "}
    page = await owner.post(PAGE, data=given)
    rows = re.findall(r'<bdi translate="no">(\w+)</bdi></th>.*?data-label="Rows">(\d+)<', page.text)
    assert rows == [("customer", "1"), ("purchase", "2"), ("invoice", "1")]
    assert not any(value in page.text for value in ("Ana Pop", "two boxes", "712345678"))
    page = await owner.post(PAGE, data=given | {"do": "check"})  # as Enter in the address's field does
    assert "What it finds for this person" in page.text
    assert (await owner.post(PAGE, data=given | {"address": "nobody"})).status_code == 422
    assert (await owner.post(PAGE, data=given | {"kind": "<b>"})).status_code == 422
    await audit.sequence_all()
    assert [each.object for each in await audit.search(event="system.map_tried")] == ["shop", "shop"]
    assert (await olga.post(PAGE, data=given)).status_code == 403
    assert (await olga.get(PAGE)).status_code == 403
    assert f'href="{PAGE}"' not in (await olga.get("/admin/systems/shop")).text
    assert (await owner.get("/admin/systems/nobody/map")).status_code == 404


async def test_a_map_that_leads_to_everybody_is_counted_to_an_end(company: Company, owner: Browser) -> None:
    many = ", ".join(f"({number}, 1, 'Tea')" for number in range(100, 9_000))
    company.run("shop", f"INSERT INTO purchase VALUES {many}")
    given = {"map": SHOP_MAP, "do": "try", "kind": "email", "address": "ana@example.com"}
    page = await owner.post(PAGE, data=given)
    [rows] = re.findall(r'purchase</bdi></th>.*?data-label="Rows">(\d+)<', page.text)
    assert "There may be more" in page.text and 1_000 < int(rows) <= 2_000


async def test_a_slow_or_missing_database_holds_nobody_up(
    company: Company, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.connectors.sql import trying

    def slowly(*asked: object) -> None:
        time.sleep(0.8)
        raise ConnectorError("It is asleep.", permanent=False)

    with monkeypatch.context() as patched:
        patched.setattr(trying, "see", slowly)
        waiting = asyncio.create_task(owner.get(PAGE))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        async with Browser() as other:
            assert (await other.get("/")).status_code == 200
        assert time.monotonic() - begun < 0.5
        assert "It is asleep." in (await waiting).text
    (company.folder / "shop.db").unlink()
    page = await owner.get(PAGE)
    assert page.status_code == 200 and "cannot be reached" in page.text and proposals.in_force(proposals.listed("shop"))
