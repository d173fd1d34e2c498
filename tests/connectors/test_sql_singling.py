"""A row that is made anonymous must not name its person by what stays of it: on SQLite, PostgreSQL and MariaDB."""

from pathlib import Path

import pytest

from portal.connectors import Connector, ConnectorError, Plan
from portal.connectors.contract import SINGLED_OUT
from tests.connectors import shop

SCHEMA = """
CREATE TABLE member (id INTEGER PRIMARY KEY, email VARCHAR(40), name VARCHAR(40), region VARCHAR(20), age INTEGER,
  invited_by INTEGER REFERENCES member (id));
CREATE TABLE bill (id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES member (id), issued DATE NOT NULL)
"""
MAP = """
[tables.member]
label = "Member"
category = "contact"
identifiers = { email = "email" }
columns = { name = "Name" }
keep = ["region", "age"]
ignore = ["invited_by"]
on_erase = "anonymise"
[tables.bill]
label = "Bills"
category = "purchases"
via = "bill.member_id = member.id"
columns = { issued = "Date" }
on_erase = "delete"
hold = { law = "Accounting Act 82/1991", keep = "10 years", from = "issued" }
"""
FOLLOWED = MAP.replace('ignore = ["invited_by"]', 'via = "member.invited_by = member.id"')


def connected(address: str, folder: Path, rows: str, rules: str = FOLLOWED, schema: str = SCHEMA) -> Connector:
    shop.run(address, schema)
    shop.run(address, rows)
    return shop.connected(address, rules, folder)


def members(*regions: str | None, start: int = 2) -> str:
    """Other people's rows, all of them aged 40."""
    told = ["NULL" if each is None else f"'{each}'" for each in regions]
    rows = [f"({start + n}, 'm{n}@example.com', 'M{n}', {each}, 40, NULL)" for n, each in enumerate(told)]
    return f"INSERT INTO member VALUES {', '.join(rows)}"


def ana(region: str = "'North'", age: str = "40") -> str:
    return f"; INSERT INTO member VALUES (1, 'ana@example.com', 'Ana', {region}, {age}, NULL)"


def fates(plan: Plan) -> list[tuple[str, str, str]]:
    return [(row.table, row.action, row.why) for row in plan.rows]


async def erased(connector: Connector) -> Plan:
    plan = await connector.plan_erasure(shop.ANA)
    await connector.erase(plan)
    assert [each for each in await connector.recheck(shop.ANA, plan) if not each.expected] == []
    return plan


async def test_what_stays_may_stay_where_four_others_have_the_same(address: str, tmp_path: Path) -> None:
    connector = connected(address, tmp_path, members(*["North"] * 4) + ana())
    assert fates(await erased(connector)) == [("member", "anonymise", "")]
    assert [tuple(row) for row in shop.rows(address, "SELECT email, name, region, age FROM member WHERE id = 1")] == [
        (None, None, "North", 40)
    ]


@pytest.mark.parametrize(
    ("others", "region", "age"),
    [
        (["North"] * 3, "'North'", "40"),
        (["North"] * 9, "'South'", "40"),
        (["North"] * 9, "'North'", "41"),
        (["NORTH"] * 9, "'North'", "40"),
        (["North"] * 9, "NULL", "40"),
    ],
)
async def test_who_is_singled_out_by_it_is_deleted_instead(
    others: list[str], region: str, age: str, address: str, tmp_path: Path
) -> None:
    connector = connected(address, tmp_path, members(*others) + ana(region, age))
    assert fates(await erased(connector)) == [("member", "delete", SINGLED_OUT)]
    assert len(shop.rows(address, "SELECT id FROM member")) == len(others)


async def test_what_is_empty_for_many_singles_nobody_out(address: str, tmp_path: Path) -> None:
    connector = connected(address, tmp_path, members(*[None] * 4) + ana("NULL"))
    assert fates(await erased(connector)) == [("member", "anonymise", "")]


async def test_the_persons_own_rows_hide_them_among_nobody(address: str, tmp_path: Path) -> None:
    mine = "; INSERT INTO member VALUES " + ", ".join(f"({n}, 'ana@example.com', 'Ana', 'East', 40, NULL)" for n in range(60, 67))
    connector = connected(address, tmp_path, members(*["North"] * 9) + mine)
    assert set(fates(await erased(connector))) == {("member", "delete", SINGLED_OUT)}
    assert len(shop.rows(address, "SELECT id FROM member")) == 9


async def test_a_row_that_a_held_one_points_at_loses_what_singles_it_out(address: str, tmp_path: Path) -> None:
    held = "; INSERT INTO bill VALUES (7, 1, '2026-01-01')"
    connector = connected(address, tmp_path, members(*["North"] * 9) + ana("'South'") + held)
    assert set(fates(await erased(connector))) == {("member", "anonymise", SINGLED_OUT), ("bill", "keep", "")}
    assert [tuple(row) for row in shop.rows(address, "SELECT name, region, age FROM member WHERE id = 1")] == [(None, None, None)]


@pytest.mark.parametrize("rules", [MAP, FOLLOWED], ids=["key not followed", "key followed"])
async def test_nothing_is_deleted_that_somebody_elses_row_points_at(rules: str, address: str, tmp_path: Path) -> None:
    """Ana invited Ben, who stays. Where the map follows the key, Ben's row hangs on hers, and goes by what the map says."""
    invited = "; INSERT INTO member VALUES (99, 'ben@example.com', 'Ben', 'North', 40, 1)"
    connector = connected(address, tmp_path, members(*["North"] * 9) + ana("'South'") + invited, rules)
    await erased(connector)
    first = [tuple(row) for row in shop.rows(address, "SELECT name, region, age FROM member WHERE id = 1")]
    assert first == [(None, None, None)] and len(shop.rows(address, "SELECT id FROM member WHERE id = 99")) == 1


async def test_a_table_outside_the_map_keeps_a_row_from_being_deleted(address: str, tmp_path: Path) -> None:
    more = "; CREATE TABLE badge (id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES member (id))"
    rows = members(*["North"] * 9) + ana("'South'") + "; INSERT INTO badge VALUES (1, 1)"
    connector = connected(address, tmp_path, rows, schema=SCHEMA + more)
    assert fates(await erased(connector)) == [("member", "anonymise", SINGLED_OUT)]


async def test_what_may_not_be_empty_is_refused_with_what_to_do(address: str, tmp_path: Path) -> None:
    strict = SCHEMA.replace("region VARCHAR(20)", "region VARCHAR(20) NOT NULL")
    rows = members(*["North"] * 9) + ana("'South'") + "; INSERT INTO bill VALUES (7, 1, '2026-01-01')"
    connector = connected(address, tmp_path, rows, schema=strict)
    with pytest.raises(ConnectorError, match="Member cannot be made anonymous.*not be empty: region") as refused:
        await connector.plan_erasure(shop.ANA)
    assert refused.value.permanent
    (tmp_path / "shop.toml").unlink()
    told = FOLLOWED.replace('keep = ["region", "age"]', 'keep = ["region", "age"]\nanonymise = { region = "–" }')
    await erased(shop.connected(address, told, tmp_path))
    assert [tuple(row) for row in shop.rows(address, "SELECT region, age FROM member WHERE id = 1")] == [("–", 40)]


async def test_the_check_names_a_map_by_which_most_rows_would_be_deleted_instead(address: str, tmp_path: Path) -> None:
    connector = connected(address, tmp_path, members(*(f"Village {n // 2}" for n in range(120))))
    [problem] = [each for each in (await connector.check()).problems if "keep less" in each.sentence]
    assert "shop.toml, line 7" in problem.place and "region, age" in problem.sentence
    shop.run(address, "UPDATE member SET region = 'North'")
    assert [each for each in (await connector.check()).problems if "keep less" in each.sentence] == []
