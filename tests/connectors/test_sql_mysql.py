"""What only MariaDB and MySQL do: texts that are equal without being the same, dates that are none, half changes."""

import re
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, Insert, Table, insert

from portal.connectors import Cell, Connector, ConnectorError, RowName
from portal.connectors.contract import Key
from portal.connectors.sql import consent, database, mysql, rows
from portal.connectors.sql.map import read
from portal.connectors.sql.schema import Bound, bind
from portal.connectors.systems import System
from portal.settings import HOME
from tests.connectors import shop

PAGE = (HOME / "docs" / "integrate.md").read_text()

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


@pytest.fixture
def address(theirs_on_mariadb: str) -> str:
    return theirs_on_mariadb


def _people(address: str, folder: Path, kind: str, collation: str, who: list[str]) -> Connector:
    shop.run(address, f"CREATE TABLE person (id INTEGER PRIMARY KEY, who VARCHAR(60)) {SETTINGS[collation]}")
    for number, each in enumerate(who, 1):
        shop.run(address, f"INSERT INTO person VALUES ({number}, '{each}')")
    return shop.connected(address, PERSON.format(kind=kind), folder)


@pytest.mark.parametrize("collation", SETTINGS)
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
# keep stays keep: what follows it is kept with it
BILLS = BILLS.replace(
    'on_erase = "keep"\nhold = { law = "Accounting Act" }', 'on_erase = "delete"\nhold = { law = "Accounting Act" }'
)


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


EVERYTHING = """CREATE TABLE thing (email VARCHAR(40) NOT NULL, day DATE NOT NULL, flag BIT(1), mask BIT(12), price DECIMAL(20,4),
  seen DATETIME, stamp TIMESTAMP NULL, took TIME, year YEAR, doc JSON, picture BLOB, kinds SET('a','b'), one ENUM('x','y'),
  tiny TINYINT UNSIGNED, medium MEDIUMINT, ratio DOUBLE, due DATE, told VARBINARY(20), PRIMARY KEY (email, day))"""
THING = """[tables.thing]
label = "Things"
category = "content"
identifiers = { email = "email" }
on_erase = "null"
anonymise = { tiny = 0 }
hold = { law = "Accounting Act", keep = "10 years", from = "due" }
[tables.thing.correctable]
price = "price"
seen = "seen"
flag = "flag"
took = "took"
tiny = "tiny"
medium = "medium"
one = "one"
due = "due"
"""


async def test_each_type_is_shown_corrected_and_emptied(address: str, tmp_path: Path) -> None:
    shop.run(address, EVERYTHING)
    shop.run(address, "INSERT INTO thing (email, day, due) VALUES ('ben@example.com', '2026-01-02', '2001-01-01')")
    with shop.opened(address) as connection:
        connection.exec_driver_sql("SET time_zone = '+02:00'")
        connection.exec_driver_sql(
            "INSERT INTO thing VALUES ('ana@example.com', '0000-00-00', b'1', b'101', 12.5, '0000-00-00 00:00:00',"
            " '2026-01-02T03:04:05', '-26:01:02', 1999, '{\"a\": 1}', x'00ff', 'a,b', 'x', 255, -5, 0.1, '2001-01-01', x'41ff')"
        )
    connector = shop.connected(address, THING, tmp_path)
    [finding] = await connector.find(shop.ANA)
    shown = {field.column: field.value for field in finding.fields}
    assert finding.key == {"email": "ana@example.com", "day": "0000-00-00"}
    assert shown == {
        "flag": 1,
        "mask": 5,
        "price": "12.5000",
        "seen": "0000-00-00 00:00:00",
        "stamp": "2026-01-02T01:04:05",
        "took": "-26:01:02",
        "year": 1999,
        "doc": '{"a": 1}',
        "picture": "AP8=",
        "kinds": "a,b",
        "one": "x",
        "tiny": 255,
        "medium": -5,
        "ratio": 0.1,
        "due": "2001-01-01",
        "told": "Qf8=",
    }
    wanted = {"price": "1.25", "seen": "2026-02-03 04:05:06", "flag": "0", "took": "30:00:00", "tiny": "7"}
    done = await connector.correct(shop.ANA, wanted)
    assert {(change.field, change.new) for change in done.changed} == {
        ("price", "1.2500"),
        ("seen", "2026-02-03T04:05:06"),
        ("flag", 0),
        ("took", "30:00:00"),
        ("tiny", 7),
    }
    plan = await connector.plan_erasure(shop.ANA)
    await connector.erase(plan)
    [finding] = await connector.find(shop.ANA)
    assert {field.column: field.value for field in finding.fields if field.value is not None} == {"tiny": 0}
    assert shop.rows(address, "SELECT count(due) FROM thing") == [(1,)]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("tiny", "256"),
        ("medium", "8388608"),
        ("due", "yesterday"),
        ("due", "2026-02-30"),
        ("seen", "noon"),
        ("price", "1,5"),
        ("flag", "yes"),
        ("one", "longer"),
        ("one", "z"),
        ("took", "late"),
    ],
)
async def test_a_server_without_strict_mode_does_not_bend_a_value(address: str, tmp_path: Path, field: str, wrong: str) -> None:
    assert shop.rows(address, "SELECT @@sql_mode") == [("",)]
    shop.run(address, EVERYTHING)
    shop.run(address, "INSERT INTO thing (email, day) VALUES ('ana@example.com', '2026-01-02')")
    connector = shop.connected(address, THING, tmp_path)
    with pytest.raises(ConnectorError, match="cannot hold this value|did not accept what we asked") as refused:
        await connector.correct(shop.ANA, {field: wrong})
    assert refused.value.permanent
    assert wrong not in refused.value.sentence
    assert shop.rows(address, f"SELECT {field} FROM thing") == [(None,)]


async def test_tables_without_transactions_are_read_and_never_written(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    plan = await connector.plan_erasure(shop.ANA)
    shop.run(address, "ALTER TABLE subscription ENGINE=MyISAM")
    [problem] = (await connector.check()).problems
    assert "Table subscription is kept by MyISAM, which cannot take back half a change" in problem.sentence
    assert await connector.plan_erasure(shop.ANA) == plan
    before = await connector.find(shop.ANA)
    for change in (connector.erase(plan), connector.correct(shop.ANA, {"name": "Ana B"}), connector.set_consent(*NO)):
        with pytest.raises(ConnectorError, match="MyISAM") as refused:
            await change
        assert refused.value.permanent
    assert await connector.find(shop.ANA) == before


NO = (shop.ANA, Cell("newsletter", "email"), False, 99)


async def test_a_check_says_that_a_server_is_too_old(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = shop.open_shop(address, tmp_path)
    monkeypatch.setitem(mysql.OLDEST, "mariadb", (99, 0))
    problems = (await connector.check()).problems
    assert [problem.sentence for problem in problems] == ["This server is too old: MariaDB 10.5 or MySQL 8.0 is needed."]


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


async def test_a_reading_verb_cannot_write_whatever_it_does(address: str, tmp_path: Path) -> None:
    shop.open_shop(address, tmp_path)
    system = System("shop", "The shop", "sql", address, tmp_path / "shop.toml", "")
    for statement in (
        "DELETE FROM visit",
        "TRUNCATE visit",
        "SET autocommit = 1; DELETE FROM visit",
        "COMMIT; DELETE FROM visit",
    ):
        with pytest.raises(ConnectorError), database.transaction(system, write=False) as connection:
            for each in statement.split("; "):
                connection.exec_driver_sql(each)
    assert shop.rows(address, "SELECT count(*) FROM visit") == [(3,)]
    with pytest.raises(ConnectorError), database.transaction(system, write=True) as connection:
        connection.exec_driver_sql("DELETE FROM visit")
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert shop.rows(address, "SELECT count(*) FROM visit") == [(3,)]


async def test_what_somebody_changes_in_the_same_moment_is_not_lost(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = shop.open_shop(address, tmp_path)
    plan = await connector.plan_erasure(shop.ANA)
    claimed = rows.claim

    def after_them(connection: Connection, bound: Bound, keys: Sequence[Key]) -> None:
        shop.run(address, "UPDATE customer SET full_name = 'Ana C', email = 'other@example.com' WHERE id = 1")
        claimed(connection, bound, keys)

    monkeypatch.setattr(rows, "claim", after_them)
    for change in (connector.erase(plan), connector.correct(shop.ANA, {"name": "Ana B"})):
        with pytest.raises(ConnectorError, match="in the same moment") as refused:
            await change
        assert not refused.value.permanent
        assert shop.rows(address, "SELECT full_name FROM customer WHERE id = 1") == [("Ana C",)]
        shop.run(address, "UPDATE customer SET full_name = 'Ana', email = 'ana@example.com' WHERE id = 1")


async def test_telling_a_word_holds_up_nobody_elses_row(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that looked for the row by its address would lock the whole table."""
    shop.open_shop(address, tmp_path)
    system = System("shop", "The shop", "sql", address, tmp_path / "shop.toml", "")
    with database.transaction(system, write=True) as connection:
        consent.set_consent(connection, bind(connection, read(system.map)), *NO)
        with shop.opened(address) as theirs:
            theirs.exec_driver_sql("SET innodb_lock_wait_timeout = 1")
            theirs.exec_driver_sql("UPDATE subscription SET log_index = 5 WHERE email = 'ben@example.com'")
    assert shop.rows(address, "SELECT log_index FROM subscription ORDER BY email") == [(99,), (5,)]


async def test_a_word_on_an_address_that_their_list_takes_for_another_one_changes_nothing(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with pytest.raises(ConnectorError, match="a rule forbids it [(]1062[)]") as refused:
        await connector.set_consent({"email": ["bén@example.com"]}, NO[1], False, 99)
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
        await connector.set_consent(who, NO[1], False, 99)
    assert not refused.value.permanent
    await connector.set_consent(who, NO[1], False, 99)
    status = "SELECT status, log_index FROM subscription WHERE email = 'new@example.com'"
    assert shop.rows(address, status) == [("unsubscribed", 99)]


async def test_a_locked_row_a_killed_connection_and_a_slow_statement_are_tried_again(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_WAIT_SECONDS", 1)
    monkeypatch.setattr(database, "_STATEMENT_MILLISECONDS", 2000)
    database._engine.cache_clear()
    connector = shop.open_shop(address, tmp_path)
    plan = await connector.plan_erasure(shop.ANA)
    with shop.opened(address) as owner:
        owner.exec_driver_sql("SELECT * FROM customer WHERE id = 1 FOR UPDATE")
        await _tried_again_later(connector.erase(plan), "1205")
    system = System("shop", "The shop", "sql", address, tmp_path / "shop.toml", "")
    for statement, code in (("SELECT SLEEP(5)", "1969"), ("KILL CONNECTION_ID()", "1927|1317|2013")):
        with pytest.raises(ConnectorError, match=f"busy [(]({code})[)]") as refused:
            with database.transaction(system, write=True) as connection:
                connection.exec_driver_sql("DELETE FROM visit")
                connection.exec_driver_sql(statement)
                connection.exec_driver_sql("SELECT 1")
        assert not refused.value.permanent
    database._engine.cache_clear()
    assert shop.rows(address, "SELECT count(*) FROM visit") == [(3,)]
    assert (await connector.erase(plan)).done


async def _tried_again_later(change: Awaitable[object], code: str) -> None:
    with pytest.raises(ConnectorError, match=f"busy [(]{code}[)]") as refused:
        await change
    assert not refused.value.permanent


async def test_every_connection_is_closed_in_good_order(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    lost = "SHOW GLOBAL STATUS LIKE 'Aborted_clients'"
    before = shop.rows(address, lost)
    await connector.check()
    await connector.find(shop.ANA)
    with pytest.raises(ConnectorError):
        await connector.correct(shop.ANA, {"email": "ben@example.com"})
    await connector.erase(await connector.plan_erasure(shop.ANA))
    assert shop.rows(address, lost) == before
    ours = "SELECT count(*) FROM information_schema.processlist WHERE db = 'theirs'"
    assert shop.rows(address, ours) == [(1,)]


async def test_a_user_with_the_grants_of_the_page_can_do_what_the_map_says_and_no_more(address: str, tmp_path: Path) -> None:
    shop.open_shop(address, tmp_path)
    granted = re.findall(r"^(?:CREATE USER|GRANT) [^;]*", PAGE.partition("MariaDB and MySQL\n")[2], re.MULTILINE)
    assert len(granted) > 3
    shop.run(address, "DROP USER IF EXISTS portal@localhost")
    granted += [f"GRANT DELETE ON shop.{table} TO portal@localhost" for table in ("visit", "invoice_line", "thread")]
    granted += [f"GRANT UPDATE, DELETE ON shop.{table} TO portal@localhost" for table in ("invoice", "comment")]
    for each in granted:
        shop.run(address, each.replace("'portal'@'10.0.0.5'", "portal@localhost").replace("shop.", "theirs."))
    connector = shop.connected(address.replace("root@", "portal:secret@"), shop.MAP, tmp_path)
    assert (await connector.check()).ok
    await connector.set_consent(*NO)
    plan = await connector.plan_erasure(shop.ANA)
    await connector.erase(plan)
    assert all(row.expected for row in await connector.recheck(shop.ANA, plan))
    shop.run(address, "REVOKE UPDATE ON theirs.customer FROM portal@localhost")
    with pytest.raises(ConnectorError, match="did not accept what we asked [(]1142[)]") as refused:
        await connector.correct(shop.BEN, {"name": "Ben B"})
    assert refused.value.permanent
