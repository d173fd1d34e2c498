"""Whatever is wrong in a map is said with its file and line, before anything is asked of the database."""

import re
from pathlib import Path

import pytest

from portal.connectors import Misconfigured
from portal.connectors.sql.joins import Hop, NotAJoin, parse
from portal.connectors.sql.map import read
from tests.connectors import shop

GOOD = """region = "RO"
[tables.customer]
label = "Your account"
category = "contact"
identifiers = { email = "email" }
on_erase = "delete"

[tables.invoice]
label = "Invoices"
category = "purchases"
via = "invoice.customer_id = customer.id"
on_erase = "delete"
hold = { law = "Accounting Act", keep = "10 years", from = "issued" }

[consent]
table = "subscription"
identifiers = { email = "email" }
[[consent.cell]]
purpose = "newsletter"
channel = "email"
match = { list = "weekly" }
set = { status = ["on", "off"] }
"""


@pytest.mark.parametrize(
    ("line", "instead", "place", "sentence"),
    [
        ('region = "RO"', 'region = "RO', "line 1", "Not valid TOML"),
        ('region = "RO"', 'color = "red"', "line 1", "color is not known here"),
        ('on_erase = "delete"\n\n', 'on_erase = "burn"\n\n', "line 6", "must be one of delete, anonymise, null, keep, not burn"),
        ('on_erase = "delete"\n\n', 'on_erase = "keep"\n\n', "line 6", "needs a hold with the law"),
        ('on_erase = "delete"\n\n', 'onerase = "delete"\n\n', "line 6", "onerase is not known here"),
        ('label = "Your account"\n', "", "line 2", "label is missing"),
        ('label = "Your account"', "label = 3", "line 3", "must be a text"),
        ('identifiers = { email = "email" }\non', "on", "line 2", "Nothing says whose rows these are"),
        ('identifiers = { email = "email" }\non', "identifiers = { email = 3 }\non", "line 5", "must name columns"),
        ("= customer.id", "= client.id", "line 11", "ends at client, which is not in this map"),
        ("= customer.id", "; DROP TABLE", "line 11", "is no join"),
        ('keep = "10 years"', 'keep = "a while"', "line 13", '"10 years"'),
        ('keep = "10 years", ', "", "line 13", "both keep and from"),
        (
            'hold = { law = "Accounting Act", keep = "10 years", from = "issued" }',
            'hold = "customer"',
            "line 13",
            "no hold of its own",
        ),
        (
            'hold = { law = "Accounting Act", keep = "10 years", from = "issued" }',
            'hold = "order"',
            "line 13",
            "No join of this table",
        ),
        ('["on", "off"]', '["on"]', "line 22", "for yes and for no"),
        ('purpose = "newsletter"\n', "", "line 18", "purpose is missing"),
    ],
)
def test_a_wrong_map_names_file_and_line(tmp_path: Path, line: str, instead: str, place: str, sentence: str) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    read(tmp_path / "good.toml")
    assert line in GOOD
    (tmp_path / "shop.toml").write_text(GOOD.replace(line, instead, 1))
    with pytest.raises(Misconfigured) as wrong:
        read(tmp_path / "shop.toml")
    assert wrong.value.permanent
    assert wrong.value.place == f"shop.toml, {place}"
    assert sentence in wrong.value.what
    assert wrong.value.sentence.startswith(f"shop.toml, {place}: ")


def test_two_cells_in_one_row_may_not_share_the_remembered_index(tmp_path: Path) -> None:
    second = '[[consent.cell]]\npurpose = "offers"\nchannel = "email"\nmatch = { list = "weekly" }\nset = { offers = [1, 0] }\n'
    shared = GOOD.replace("[[consent.cell]]", 'index = "log_index"\n[[consent.cell]]') + second
    (tmp_path / "shop.toml").write_text(shared)
    with pytest.raises(Misconfigured, match="index column each"):
        read(tmp_path / "shop.toml")
    (tmp_path / "shop.toml").write_text(shared + 'index = "offers_index"\n')
    assert len(getattr(read(tmp_path / "shop.toml").consent, "cells", ())) == 2


@pytest.mark.parametrize(
    ("right", "wrong", "line", "sentence"),
    [
        ('full_name = "Name"', 'fullname = "Name"', 7, "Table customer has no column fullname. Did you mean full_name?"),
        ('phone = "phone" }\ncol', 'phone = "telefon" }\ncol', 6, "Table customer has no column telefon. It has: id, email,"),
        (r"\bthread\b", "threads", 40, "The database has no table threads. Did you mean thread?"),
        ("visit.kind = address.kind", "visit.kind = address.sort", 20, "Table address has no column sort."),
        ('match = { list = "weekly" }', 'match = { liste = "weekly" }', 63, "Table subscription has no column liste."),
        ('from = "issued"', 'from = "issue_date"', 29, "Table invoice has no column issue_date."),
    ],
)
async def test_a_map_naming_what_is_not_there_says_so(
    address: str, tmp_path: Path, right: str, wrong: str, line: int, sentence: str
) -> None:
    shop.open_shop(address, tmp_path)
    text = re.sub(right, wrong, shop.MAP)
    assert text != shop.MAP
    connector = shop.connected(address, text, tmp_path)
    with pytest.raises(Misconfigured) as misfit:
        await connector.find(shop.ANA)
    assert misfit.value.permanent
    assert misfit.value.what.startswith(sentence)
    assert misfit.value.place == f"shop.toml, line {line}"
    health = await connector.check()
    assert not health.ok
    assert (misfit.value.place, misfit.value.what) in {(problem.place, problem.sentence) for problem in health.problems}


async def test_a_column_that_may_not_be_empty_needs_a_value(address: str, tmp_path: Path) -> None:
    shop.open_shop(address, tmp_path)
    text = shop.MAP.replace('anonymise = { email = "erased-{key}@example.invalid", vip = false }\n', "")
    connector = shop.connected(address, text, tmp_path)
    (problem,) = (await connector.check()).problems
    assert problem.sentence == "Held rows of invoice point at customer: give anonymise values for email."
    with pytest.raises(Misconfigured, match="may not be empty: email"):
        await connector.plan_erasure(shop.ANA)


async def test_columns_without_a_purpose_are_listed_with_how_full_they_are(address: str, tmp_path: Path) -> None:
    shop.open_shop(address, tmp_path)
    text = shop.MAP.replace('full_name = "Name", born = "Date of birth"', 'full_name = "Name"')
    text = text.replace(", vip = false", "").replace(', born = "born"', "")
    health = await shop.connected(address, text, tmp_path).check()
    assert [(each.table, each.column, each.filled, each.rows) for each in health.unpurposed] == [
        ("customer", "born", 1, 2),
        ("customer", "vip", 2, 2),
    ]
    assert health.ok


def test_joins_read_composite_keys_several_hops_and_odd_names() -> None:
    assert parse("a", "a.x = b.y and a.z = b.w").hops == (Hop("a", "b", (("x", "y"), ("z", "w"))),)
    assert parse("a", "b.y = a.x, b.u = c.v").hops == (Hop("a", "b", (("x", "y"),)), Hop("b", "c", (("u", "v"),)))
    assert parse("a", "a.up = a.id").hops == (Hop("a", "a", (("up", "id"),)),)
    assert parse('Odd "x', '"Odd ""x"."; drop" = b.id').hops == (Hop('Odd "x', "b", (("; drop", "id"),)),)


@pytest.mark.parametrize(
    "text", ["", "a.x", "a.x = b", "b.x = c.y", "a.x = b.y or a.z = b.w", "a.x = b.y, d.z = e.w", "a.x = b.y;"]
)
def test_what_is_no_join_is_refused(text: str) -> None:
    with pytest.raises(NotAJoin):
        parse("a", text)
