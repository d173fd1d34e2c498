"""Texts that MariaDB and MySQL take for equal although they are not: whose row is whose."""

from pathlib import Path

import pytest
from sqlalchemy import Insert, Table, insert

from portal.connectors import Cell, Connector, ConnectorError, RowName
from portal.connectors.sql import database
from tests.connectors import shop

pytestmark = pytest.mark.parametrize("address", ["mariadb"], indirect=True)
NO = (Cell("newsletter", "email"), False, 99)
PERSON = """region = "RO"
[tables.person]
label = "Person"
category = "contact"
identifiers = {{ {kind} = "who" }}
correctable = {{ {kind} = "who" }}
on_erase = "delete"
"""
SETTINGS = {
    "general": "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "unicode": "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci",
    "latin1": "CHARACTER SET latin1 COLLATE latin1_swedish_ci",
}


def _people(address: str, folder: Path, kind: str, collation: str, who: list[str]) -> Connector:
    rows = ", ".join(f"({number}, '{each}')" for number, each in enumerate(who, 1))
    table = f"CREATE TABLE person (id INTEGER PRIMARY KEY, who VARCHAR(60)) {SETTINGS[collation]}"
    shop.run(address, f"{table}; INSERT INTO person VALUES {rows}")
    return shop.connected(address, PERSON.format(kind=kind), folder)


@pytest.mark.parametrize("collation", ["general", "latin1", pytest.param("unicode", marks=pytest.mark.deep)])
@pytest.mark.parametrize(
    ("kind", "asked", "his", "hers"),
    [
        (
            "email",
            "ana@example.com",
            ["ana@example.com", "ANA@Example.com", "ana@example.com  "],
            ["aná@example.com", "änä@example.com"],
        ),
        ("email", "aná@example.com", ["aná@example.com", "ANÁ@example.com "], ["ana@example.com"]),
        ("account", "A-17", ["A-17", "A-17 "], ["a-17", "Á-17", "A-17x"]),
        ("account", "strasse", ["strasse"], ["straße", "STRASSE"]),
    ],
)
async def test_a_collation_never_makes_one_person_of_two(
    address: str, tmp_path: Path, collation: str, kind: str, asked: str, his: list[str], hers: list[str]
) -> None:
    connector = _people(address, tmp_path, kind, collation, [*his, *hers])
    assert shop.rows(address, f"SELECT count(*) FROM person WHERE who = '{asked}'")[0][0] > 1  # as their own program asks
    who = {kind: [asked]}
    assert sorted(finding.key["id"] for finding in await connector.find(who)) == list(range(1, len(his) + 1))
    plan = await connector.plan_erasure(who)
    await connector.erase(plan)
    assert await connector.recheck(who, plan) == []
    assert [row.who for row in shop.rows(address, "SELECT who FROM person ORDER BY id")] == hers


async def test_rows_that_hang_on_a_text_belong_to_who_is_written_the_same(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE reader (id INTEGER PRIMARY KEY, email VARCHAR(40));
        CREATE TABLE visit (id INTEGER PRIMARY KEY, reader VARCHAR(40));
        CREATE TABLE click (id INTEGER PRIMARY KEY, visit INTEGER, token VARCHAR(40), reader VARCHAR(40));
        INSERT INTO reader VALUES (1, 'ana@example.com'), (2, 'aná@example.com');
        INSERT INTO visit VALUES (11, 'ana@example.com'), (12, 'aná@example.com'), (13, 'ana@example.com ');
        INSERT INTO click VALUES (21, 11, 'T', 'ana@example.com'), (22, 12, 't', 'aná@example.com')""",
    )
    connector = shop.connected(address, READERS, tmp_path)
    for asked, expected in (("ana@example.com", [1, 11, 21]), ("aná@example.com", [2, 12, 22])):
        found = await connector.find({"email": [asked]})
        assert [finding.key["id"] for finding in found] == expected
    await connector.erase(await connector.plan_erasure({"email": ["ana@example.com"]}))
    assert [row[0] for row in shop.rows(address, "SELECT id FROM visit ORDER BY id")] == [12, 13]


READERS = """[tables.reader]
label = "Reader"
category = "contact"
identifiers = { email = "email" }
on_erase = "delete"
[tables.visit]
label = "Visits"
category = "behaviour"
via = "visit.reader = reader.email"
on_erase = "delete"
[tables.click]
label = "Clicks"
category = "behaviour"
via = "click.reader = visit.reader, visit.reader = reader.email"
on_erase = "delete"
"""


@pytest.mark.parametrize("action", ["RESTRICT", "CASCADE"])
async def test_where_a_foreign_key_vouches_for_it_another_spelling_hangs_on_the_same_row(
    address: str, tmp_path: Path, action: str
) -> None:
    shop.run(
        address,
        f"""CREATE TABLE reader (email VARCHAR(40) PRIMARY KEY, name VARCHAR(20));
        CREATE TABLE bill (no VARCHAR(10) PRIMARY KEY, reader VARCHAR(40), FOREIGN KEY (reader) REFERENCES reader (email)
          ON DELETE {action});
        CREATE TABLE line (no VARCHAR(10) PRIMARY KEY, bill VARCHAR(10), FOREIGN KEY (bill) REFERENCES bill (no));
        INSERT INTO reader VALUES ('ana@example.com', 'Ana'), ('ben@example.com', 'Ben');
        INSERT INTO bill VALUES ('a-1', 'ANÁ@example.com '), ('b-1', 'ben@example.com');
        INSERT INTO line VALUES ('l-1', 'A-1'), ('l-2', 'b-1')""",
    )
    connector = shop.connected(address, BILLS, tmp_path)
    plan = await connector.plan_erasure(shop.ANA)
    assert [(row.table, row.action) for row in plan.rows] == [("reader", "anonymise"), ("bill", "keep"), ("line", "keep")]
    await connector.erase(plan)
    assert [tuple(row) for row in shop.rows(address, "SELECT no FROM bill ORDER BY no")] == [("a-1",), ("b-1",)]
    assert shop.rows(address, "SELECT name FROM reader WHERE email = 'ana@example.com'") == [(None,)]


BILLS = """[tables.reader]
label = "Reader"
category = "contact"
identifiers = { email = "email" }
on_erase = "delete"
[tables.bill]
label = "Bills"
category = "purchases"
via = "bill.reader = reader.email"
on_erase = "delete"
hold = { law = "Accounting Act" }
[tables.line]
label = "Lines"
category = "purchases"
via = "line.bill = bill.no"
on_erase = "delete"
hold = "bill"
"""


async def test_a_key_that_the_map_names_is_compared_to_the_letter(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE listed (email VARCHAR(40), note VARCHAR(40));
        INSERT INTO listed VALUES ('ana@example.com', 'x'), ('aná@example.com', 'y'), ('ana@example.org', 'z')""",
    )
    text = """[tables.listed]
    label = "List"
    category = "contact"
    key = "email"
    identifiers = { email = "email" }
    correctable = { name = "note" }
    on_erase = "delete"
    """
    connector = shop.connected(address, text, tmp_path)
    outcome = await connector.correct(shop.ANA, {"name": "w"}, {"name": [RowName("listed", {"email": "ana@example.com"})]})
    assert len(outcome.changed) == 1
    await connector.erase(await connector.plan_erasure(shop.ANA))
    assert [tuple(row) for row in shop.rows(address, "SELECT email, note FROM listed ORDER BY note")] == [
        ("aná@example.com", "y"),
        ("ana@example.org", "z"),
    ]


async def test_the_servers_own_ways_of_reading_statements_do_not_matter(address: str, tmp_path: Path) -> None:
    """Backslashes and double quotes in a value would mean something else there."""
    shop.run(address, "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; SET GLOBAL autocommit = 1")
    database._engine.cache_clear()
    try:
        who = 'O\\\' OR "1" -- '
        connector = _people(address, tmp_path, "account", "general", ["somebody"])
        assert await connector.find({"account": [who]}) == []
        await connector.correct({"account": ["somebody"]}, {"account": who})
        assert [row.who for row in shop.rows(address, "SELECT who FROM person")] == [who]
        assert len(await connector.find({"account": [who]})) == 1
    finally:
        shop.run(address, "SET GLOBAL sql_mode = ''")
        database._engine.cache_clear()


async def test_a_word_on_an_address_that_their_list_takes_for_another_one_changes_nothing(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with pytest.raises(ConnectorError, match="has another entry with a value that must be there only once [(]1062[)]") as refused:
        await connector.set_consent({"email": ["bén@example.com"]}, *NO)
    assert refused.value.permanent
    status = "SELECT status, log_index FROM subscription WHERE email = 'ben@example.com'"
    assert shop.rows(address, status) == [("subscribed", 4)]


async def test_an_address_that_signs_up_in_the_same_moment_is_told_at_the_next_try(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = shop.open_shop(address, tmp_path)

    def after_them(table: Table) -> Insert:
        shop.run(address, "INSERT IGNORE INTO subscription VALUES ('NEW@example.com', 'weekly', 'subscribed', NULL, NULL)")
        return insert(table)

    monkeypatch.setattr("portal.connectors.sql.consent.insert", after_them)
    who = {"email": ["new@example.com"]}
    with pytest.raises(ConnectorError, match="We try again") as refused:
        await connector.set_consent(who, *NO)
    assert not refused.value.permanent
    await connector.set_consent(who, *NO)
    status = "SELECT status, log_index FROM subscription WHERE email = 'new@example.com'"
    assert shop.rows(address, status) == [("unsubscribed", 99)]
