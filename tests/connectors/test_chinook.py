"""A public sample shop that nobody here wrote, with a map of at most 40 lines."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.connectors import Connector
from portal.lib import clock
from tests.connectors import shop

CHINOOK = Path(os.environ.get("CHINOOK", Path(__file__).parents[3] / "shared" / "data" / "chinook.sqlite"))

MAP = """
[tables.Customer]
label = "Your account"
category = "contact"
identifiers = { email = "Email", phone = ["Phone", "Fax"] }
columns = { FirstName = "First name", LastName = "Last name", Company = "Company", Email = "E-mail", Phone = "Phone" }
correctable = { email = "Email", phone = "Phone", address = "Address", city = "City", name = "LastName" }
on_erase = "delete"
anonymise = { FirstName = "Erased", LastName = "Erased", Email = "erased-{key}@example.invalid" }
ignore = ["SupportRepId"]

[tables.Invoice]
label = "Invoices"
category = "purchases"
via = "Invoice.CustomerId = Customer.CustomerId"
columns = { InvoiceDate = "Date", Total = "Total", BillingAddress = "Street", BillingCity = "City" }
on_erase = "delete"
hold = { law = "Accounting Act, art. 25", keep = "5 years", from = "InvoiceDate" }

[tables.InvoiceLine]
label = "What you bought"
category = "purchases"
via = "InvoiceLine.InvoiceId = Invoice.InvoiceId"
columns = { UnitPrice = "Price", Quantity = "Quantity", TrackId = "Number of the track" }
on_erase = "delete"
hold = "Invoice"
"""

LUIS = {"email": ["luisg@embraer.com.br"]}


@pytest.fixture
def chinook(tmp_path: Path) -> Connector:
    if not CHINOOK.exists():
        pytest.skip("The sample database is not on this machine.")
    shutil.copy(CHINOOK, tmp_path / "chinook.sqlite")
    return shop.connected(f"sqlite:///{tmp_path}/chinook.sqlite", MAP, tmp_path)


def test_the_map_is_short() -> None:
    assert len(MAP.strip().splitlines()) <= 40


async def test_a_customer_of_the_sample_shop_gets_everything_about_them(chinook: Connector, tmp_path: Path) -> None:
    assert (await chinook.check()).ok
    findings = await chinook.find(LUIS)
    address = f"sqlite:///{tmp_path}/chinook.sqlite"
    invoices = shop.rows(address, "SELECT count(*) FROM Invoice WHERE CustomerId = 1")[0][0]
    lines = "SELECT count(*) FROM InvoiceLine JOIN Invoice USING (InvoiceId) WHERE CustomerId = 1"
    tables = [finding.table for finding in findings]
    assert invoices > 0
    assert (tables.count("Customer"), tables.count("Invoice")) == (1, invoices)
    assert tables.count("InvoiceLine") == shop.rows(address, lines)[0][0]
    account = {field.column: (field.label, field.value) for field in findings[0].fields}
    assert account["FirstName"] == ("First name", "Luís")
    # a column the map forgot is the customer's all the same
    assert account["PostalCode"] == ("Postal code", "12227-000")
    assert await chinook.find({"phone": ["+551239235566"]}) == findings


async def test_erasing_in_the_sample_shop_keeps_invoices_under_the_law(chinook: Connector, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/chinook.sqlite"
    others = "SELECT * FROM Customer WHERE CustomerId <> 1 ORDER BY 1"
    before = shop.rows(address, others)
    dates = [row[0] for row in shop.rows(address, "SELECT date(InvoiceDate) FROM Invoice WHERE CustomerId = 1")]
    middle = datetime.fromisoformat(sorted(dates)[len(dates) // 2]).replace(tzinfo=UTC)
    with clock.at(middle.replace(year=middle.year + 5, hour=12)):
        plan = await chinook.plan_erasure(LUIS)
        outcome = await chinook.erase(plan)
        left = await chinook.recheck({**LUIS, "phone": ["+551239235555"]}, plan)
    done = {(count.table, count.action): count.rows for count in outcome.counts}
    assert done["Customer", "anonymise"] == 1
    assert done["Invoice", "keep"] > 0 and done["Invoice", "delete"] > 0
    assert done["Invoice", "keep"] + done["Invoice", "delete"] == len(dates)
    assert all(row.expected and row.law == "Accounting Act, art. 25" and row.until for row in left)
    assert len(left) == done["Invoice", "keep"] + done["InvoiceLine", "keep"]
    account = shop.rows(address, "SELECT FirstName, LastName, Company, Phone, Email FROM Customer WHERE CustomerId = 1")
    assert [tuple(row) for row in account] == [("Erased", "Erased", None, None, "erased-1@example.invalid")]
    assert shop.rows(address, others) == before


async def test_a_correction_in_the_sample_shop_says_old_and_new(chinook: Connector) -> None:
    outcome = await chinook.correct(LUIS, {"city": "Campinas", "email": "luis@example.com"})
    assert {(change.field, change.old, change.new) for change in outcome.changed} == {
        ("city", "São José dos Campos", "Campinas"),
        ("email", "luisg@embraer.com.br", "luis@example.com"),
    }
    assert await chinook.find(LUIS) == []
    assert await chinook.find({"email": ["luis@example.com"]})
