"""Names and data that look like SQL are only names and data (table and column names come from the live schema)."""

import asyncio
import json
import re
from pathlib import Path

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select

from portal.connectors import Cell
from tests.connectors import shop

# what a person may type into a shop, and what an owner may have called a column
texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)
# PostgreSQL cuts names at 63 bytes
names = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12).filter(str.strip)


UNSPEAKABLE = re.compile(r"%\([^)]*( |$)")


def toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@settings(max_examples=max(10, settings().max_examples // 5))  # each example is a dozen transactions
@given(table=names, column=names, value=texts)
@example(table='"; drop', column='"; drop table customer; --', value="'; drop table customer; --")
@example(table="`; drop", column="a`b", value="\\' OR 1 -- `")
@example(table="%(x)s", column=":y", value="%s ? $1 {key}")
@example(table="t %(", column="%(", value="%(")
@example(table="select", column="a.b[c](d)", value="\\'")
def test_hostile_names_and_values_are_found_written_and_erased_as_data(
    address: str, tmp_path: Path, table: str, column: str, value: str
) -> None:
    assume(not address.startswith("sqlite") or not UNSPEAKABLE.search(f"{table} {column}"))
    # MariaDB and MySQL keep no letters beyond U+FFFF in a name, and no blank at its end
    assume(not address.startswith("mysql") or (max(table + column) <= "\uffff" and (table + column)[-1] != " " != table[-1]))
    theirs = Table(
        f"t {table}", MetaData(), Column(f"c {column}", Text), Column("n", Integer, primary_key=True), Column(f"e {column}", Text)
    )
    with shop.opened(address) as connection:
        theirs.metadata.drop_all(connection)
        theirs.metadata.create_all(connection)
        connection.execute(
            insert(theirs).values(
                [{f"c {column}": value, "n": 1, f"e {column}": value}, {f"c {column}": "x" + value, "n": 2, f"e {column}": ""}]
            )
        )
    connector = shop.connected(
        address,
        f"""[tables.{toml(theirs.name)}]
        label = {toml(value)}
        category = "content"
        identifiers = {{ account = {toml(f"c {column}")} }}
        correctable = {{ name = {toml(f"e {column}")} }}
        on_erase = "delete"
        [consent]
        table = {toml(theirs.name)}
        identifiers = {{ account = {toml(f"c {column}")} }}
        insert = false
        [[consent.cell]]
        purpose = "newsletter"
        channel = "email"
        match = {{ n = 1 }}
        set = {{ {toml(f"e {column}")} = [{toml(value)}, "no"] }}
        """,
        tmp_path,
    )
    who = {"account": [value]}

    async def everything() -> None:
        found = await connector.find(who)
        assert [row.key for row in found] == ([{"n": 1}] if value.strip() else [])
        if not found:
            return
        await connector.correct(who, {"name": f"{value}'; --"})
        await connector.set_consent(who, Cell("newsletter", "email"), False, 1)
        plan = await connector.plan_erasure(who)
        await connector.erase(plan)
        assert await connector.recheck(who, plan) == []

    asyncio.run(everything())
    with shop.opened(address) as connection:
        left = [row.n for row in connection.execute(select(theirs.columns.n.label("n")).order_by("n"))]
        theirs.metadata.drop_all(connection)
    assert left == ([2] if value.strip() else [1, 2])


async def test_a_name_that_no_statement_can_hold_is_told_by_the_check(address: str, tmp_path: Path) -> None:
    theirs = Table("t", MetaData(), Column("n", Integer, primary_key=True), Column("e %(", Text), Column("email", Text))
    with shop.opened(address) as connection:
        theirs.metadata.create_all(connection)
    rules = '[tables.t]\nlabel = "T"\ncategory = "content"\nidentifiers = { email = "email" }\non_erase = "delete"'
    problems = (await shop.connected(address, rules, tmp_path).check()).problems
    assert [each.sentence for each in problems if "e %(" in each.sentence] if address.startswith("sqlite") else problems == ()
