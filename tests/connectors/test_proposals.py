"""A map proposed from a live schema: its own reader takes it, it fits the database, and it finds what a careful hand finds."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from portal import cli
from portal.connectors import Connector, ConnectorError, proposals
from portal.connectors.contract import Identifiers
from portal.connectors.sql import database
from portal.connectors.sql.map import Map, read
from portal.connectors.systems import System
from portal.demo import shops
from portal.settings import HOME
from tests.connectors import shop, test_chinook

PEOPLE = """CREATE TABLE {} (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, boss INTEGER REFERENCES {} (id))"""


def proposed(address: str, schema: str | None = None) -> str:
    return proposals.proposed_map(System("new", "New", "sql", address, Path("new.toml"), "here"), schema)


def rules_of(text: str, folder: Path) -> Map:
    (folder / "proposed.toml").write_text(text)
    return read(folder / "proposed.toml")


async def found(connector: Connector, identifiers: Identifiers) -> set[tuple[str, str]]:
    assert (await connector.check()).problems == ()
    return {(each.table, repr(sorted(each.key.items()))) for each in await connector.find(identifiers)}


async def test_the_proposal_finds_what_the_hand_written_map_finds(address: str, tmp_path: Path) -> None:
    by_hand = await found(shop.open_shop(address, tmp_path), shop.ANA)
    text = proposed(address)
    connector = shop.connected(address, text, tmp_path)
    assert await found(connector, shop.ANA) == by_hand
    assert {each[0] for each in by_hand} > {"visit", "comment", "subscription", "invoice_line"}
    assert await found(connector, {"email": ["nobody@example.com"]}) == set()
    plan = await connector.plan_erasure(shop.ANA)
    await connector.erase(plan)
    assert await found(connector, shop.ANA) == set()
    assert await found(connector, shop.BEN)


async def test_in_the_sample_shop_staff_are_not_given_their_customers(tmp_path: Path) -> None:
    if not test_chinook.CHINOOK.exists():
        pytest.skip("The sample database is not on this machine.")
    address = f"sqlite:///{tmp_path}/chinook.sqlite"
    (tmp_path / "chinook.sqlite").write_bytes(test_chinook.CHINOOK.read_bytes())
    by_hand = await found(shop.connected(address, test_chinook.MAP, tmp_path), test_chinook.LUIS)
    text = proposed(address)
    connector = shop.connected(address, text, tmp_path)
    assert await found(connector, test_chinook.LUIS) == by_hand
    assert len(await found(connector, {"email": ["jane@chinookcorp.com"]})) == 1  # and none of those she looks after
    assert rules_of(text, tmp_path).tables["Employee"].on_erase == "anonymise"  # customers and colleagues point at her
    assert "# Track: 9 columns" in text
    assert 'columns.Company = "Company"  # 17 % filled' in text


@pytest.mark.parametrize(("make", "name"), [(shops.SHOP, "shop"), (shops.NEWSLETTER, "newsletter")])
async def test_the_joins_of_the_demo_companys_own_maps_are_found_again(tmp_path: Path, make: str, name: str) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        theirs.executescript(make)
    by_hand = read(HOME / "portal" / "demo" / "maps" / f"{name}.toml").tables
    rules = rules_of(proposed(f"sqlite:///{tmp_path}/theirs.db"), tmp_path).tables
    joined = {table: [via.hops for via in rule.via] for table, rule in by_hand.items()}
    assert {table: [via.hops for via in rule.via] for table, rule in rules.items()} == joined
    assert {table: rule.on_erase for table, rule in rules.items()} == {table: rule.on_erase for table, rule in by_hand.items()}


async def test_no_value_stands_in_a_map_and_no_law_is_guessed(address: str, tmp_path: Path) -> None:
    shop.open_shop(address, tmp_path)
    text = proposed(address)
    for value in ("ana@", "Ana@", "712", "Main street", "Rang twice", "12.50", "2025"):
        assert value not in text
    assert all(rule.hold is None for rule in rules_of(text, tmp_path).tables.values())
    invoice = text.partition("[tables.invoice]")[2].partition("[tables")[0]
    assert "# QUESTION retention" in invoice and "# QUESTION whose: phone" in invoice


async def test_what_a_column_holds_counts_more_than_its_name(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE person (id INTEGER PRIMARY KEY, login VARCHAR(80), email VARCHAR(80), phone VARCHAR(80), cell VARCHAR(80),
           email_verified BOOLEAN, password_hash VARCHAR(80) NOT NULL, shoe VARCHAR(9), health_note VARCHAR(80),
           segment VARCHAR(9));
           INSERT INTO person VALUES (1, 'ana@example.com', 'yes', 'yes', '+40712345678', true, 'x', '38', NULL, 'A'),
             (2, 'ben@example.com', 'no', 'no', '+40712345679', false, 'y', NULL, NULL, 'B')""",
    )
    text = proposed(address)
    rule = rules_of(text, tmp_path).tables["person"]
    assert rule.identifiers == {"email": ["login"], "phone": ["cell"]}
    assert rule.ignore == ("password_hash",)
    assert rule.columns["segment"].category == "inferred"
    assert '# columns.shoe = "Shoe"  # 50 % filled; NO PURPOSE KNOWN' in text
    assert "QUESTION special: does health_note" in text
    health = await shop.connected(address, text, tmp_path).check()
    assert {each.column for each in health.unpurposed} == {"shoe", "email_verified"} - set(rule.columns)


async def test_a_row_of_two_people_and_rows_that_others_point_at_are_not_deleted(address: str, tmp_path: Path) -> None:
    shop.run(address, PEOPLE.format("member", "member"))
    shop.run(
        address,
        """CREATE TABLE mail_item (id INTEGER PRIMARY KEY, sender_id INTEGER NOT NULL REFERENCES member (id),
             recipient_id INTEGER NOT NULL REFERENCES member (id), body VARCHAR(80) NOT NULL, code VARCHAR(4) NOT NULL UNIQUE,
             sent_on DATE NOT NULL);
           CREATE TABLE warehouse (id INTEGER PRIMARY KEY, keeper INTEGER REFERENCES member (id));
           CREATE TABLE stock (id INTEGER PRIMARY KEY, warehouse_id INTEGER);
           INSERT INTO member VALUES (1, 'ana@example.com', 1), (2, 'ben@example.com', 1);
           INSERT INTO mail_item VALUES (5, 1, 2, 'Hello', 'abcd', '2025-01-01')""",
    )
    text = proposed(address)
    rules = rules_of(text, tmp_path).tables
    assert (rules["member"].on_erase, rules["mail_item"].on_erase) == ("anonymise", "anonymise")
    assert "second way" in text.partition("[tables.mail_item]")[2] and "recipient_id" in text
    assert '# stock: 2 columns\n#   QUESTION by name: via = "stock.warehouse_id = warehouse.id"' in text
    connector = shop.connected(address, text, tmp_path)
    await connector.erase(await connector.plan_erasure({"email": ["ana@example.com"]}))
    assert shop.rows(address, "SELECT email FROM member ORDER BY id") == [("erased-1@example.invalid",), ("ben@example.com",)]
    [(body, code, sent)] = shop.rows(address, "SELECT body, code, sent_on FROM mail_item")
    assert (body, code, str(sent)) == ("Erased", "5", "1900-01-01")


async def test_every_kind_of_column_that_may_not_be_empty_gets_a_value_or_a_question(theirs: str, tmp_path: Path) -> None:
    shop.run(theirs, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TYPE mood AS ENUM ('fine', 'sad')")
    kinds = "INT;NUMERIC(5,2);BOOLEAN;DATE;TIMESTAMPTZ;TIME;VARCHAR(3);TEXT;JSONB;UUID;BYTEA;mood;INTEGER[];INTERVAL;INET;INT"
    columns = ", ".join(f"c{number} {kind} NOT NULL" for number, kind in enumerate(kinds.split(";")))
    shop.run(theirs, f"CREATE TABLE client (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email TEXT NOT NULL, {columns})")
    shop.run(theirs, "CREATE TABLE club (id INTEGER PRIMARY KEY, head BIGINT REFERENCES client (id), other BIGINT)")
    shop.run(theirs, "CREATE TABLE visit (id INTEGER, client BIGINT REFERENCES client (id)) PARTITION BY RANGE (id)")
    shop.run(theirs, "CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (10)")
    shop.run(theirs, "ALTER TABLE club ADD UNIQUE (other); CREATE TABLE apart (id INTEGER, club BIGINT REFERENCES club (other))")
    shop.run(
        theirs,
        """INSERT INTO client VALUES (DEFAULT, 'ana@example.com', 1, 2, true, now(), now(), now()::time, 'abc', 'x', '{}',
             gen_random_uuid(), 'x', 'sad', '{}', '1 day', '10.0.0.1', 1)""",
    )
    text = proposed(theirs)
    assert "visit_1" not in text and "# visit: 2 columns; nothing tells its rows apart" in text
    connector = shop.connected(theirs, text, tmp_path)
    assert "keep less" in " ".join(each.sentence for each in (await connector.check()).problems)
    rules = rules_of(text, tmp_path).tables["client"]
    assert set(rules.keep) == {f"c{number}" for number in range(8, 15)}
    assert (rules.anonymise["email"], rules.anonymise["c0"], rules.anonymise["c6"]) == ("erased-{key}@example.invalid", 0, "")
    with pytest.raises(ConnectorError, match="singles the person out"):
        await connector.plan_erasure({"email": ["ana@example.com"]})


async def test_another_schema_is_named_in_the_map(theirs: str, tmp_path: Path) -> None:
    shop.run(theirs, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS side CASCADE; CREATE SCHEMA side")
    shop.run(theirs, PEOPLE.format("side.member", "side.member"))
    shop.run(theirs, "INSERT INTO side.member VALUES (1, 'ana@example.com', NULL)")
    connector = shop.connected(theirs, proposed(theirs, "side"), tmp_path)
    assert await found(connector, {"email": ["ana@example.com"]}) == {("member", "[('id', 1)]")}
    assert "# QUESTION people" in proposed(theirs)


@contextmanager
def opened(address: str) -> Iterator[Connection]:
    """With names in double quotes, which MariaDB takes for texts unless it is told."""
    with shop.opened(address) as connection:
        if connection.dialect.name == "mysql":
            connection.exec_driver_sql("SET SESSION sql_mode = 'ANSI_QUOTES'")
        yield connection


UNREAD_ON_MARIADB = ("a.b[c](d)", "%(x)s :y")
HOSTILE = ['"; drop', "a.b[c](d)", "#\u202e]", "'\\x27", "%(x)s :y", "= true", "ș ț"]


@pytest.mark.parametrize("name", [*HOSTILE, "\x07\x1b[31m"])
async def test_hostile_names_stay_names(address: str, tmp_path: Path, name: str) -> None:
    table, column = (f'"{each.replace(chr(34), chr(34) * 2)}"' for each in (f"client {name}", f"c {name}"))
    with opened(address) as connection:
        for statement in (
            f'CREATE TABLE {table} (id INTEGER PRIMARY KEY, email VARCHAR(80), {column} VARCHAR(80) NOT NULL, "p {name}" INTEGER)'
            if '"' not in name
            else f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, email VARCHAR(80), {column} VARCHAR(80) NOT NULL)",
            f"CREATE TABLE hanging (id INTEGER PRIMARY KEY, {column} INTEGER REFERENCES {table} (id))",
            f"INSERT INTO {table} (id, email, {column}) VALUES (1, 'ana@example.com', 'x')",
            "INSERT INTO hanging VALUES (2, 1)",
            f'CREATE TABLE {table[:-1]} aside" (id INTEGER)',
        ):
            connection.exec_driver_sql(statement if connection.dialect.name == "sqlite" else statement.replace("%", "%%"))
    text = proposed(address)
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    connector = shop.connected(address, text, tmp_path)
    # what SHOW CREATE TABLE says of such names cannot be told apart: the table is then named as one that nothing joins
    unread = address.startswith("mysql") and name in UNREAD_ON_MARIADB
    expected = {f"client {name}"} | (set() if unread else {"hanging"})
    assert {each for each, _key in await found(connector, {"email": ["ana@example.com"]})} == expected


@pytest.mark.parametrize("name", ["line\nbreak", "line\u2028separator"])
async def test_names_with_line_breaks_are_written_or_refused_in_a_sentence(address: str, tmp_path: Path, name: str) -> None:
    with opened(address) as connection:
        connection.exec_driver_sql(f'CREATE TABLE "client {name}" ("a {name}" INTEGER PRIMARY KEY, "e {name}" VARCHAR(80))')
        connection.exec_driver_sql(f"INSERT INTO \"client {name}\" VALUES (1, 'ana@example.com')")
    text = proposed(address)
    if address.startswith("mysql") and "\n" in name:  # its columns cannot be read there
        assert rules_of(text, tmp_path).tables == {}
        return
    assert rules_of(text, tmp_path).tables[f"client {name}"].identifiers == {"email": [f"e {name}"]}
    with opened(address) as connection:
        points = f'REFERENCES "client {name}" ("a {name}")'
        connection.exec_driver_sql(f"CREATE TABLE hanging (id INTEGER PRIMARY KEY, c INTEGER {points})")
    try:
        assert "hanging" in rules_of(proposed(address), tmp_path).tables
    except ConnectorError as refused:
        assert "line breaks" in refused.sentence and address.startswith("postgres")


async def test_a_very_wide_database_gives_a_map_of_bounded_length(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/wide.db"
    (tmp_path / "wide.db").touch()
    with shop.opened(address) as connection:
        for number in range(6):
            columns = ", ".join(f"c{each} TEXT NOT NULL" for each in range(1700))
            connection.exec_driver_sql(f"CREATE TABLE customer{number} (id INTEGER PRIMARY KEY, email TEXT, {columns})")
        values = ", ".join(["'x'"] * 1700)
        connection.exec_driver_sql(f"INSERT INTO customer0 VALUES (1, 'ana@example.com', {values})")
    text = proposed(address)
    assert "more columns are not listed here" in text
    assert len(text) < 1_000_000 and len(text.splitlines()) < 5_200
    assert len(rules_of(text, tmp_path).tables) == 6


async def test_a_table_that_answers_too_late_is_told_and_holds_nothing_up(
    theirs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.connectors.sql.survey._STATEMENT_SECONDS", 0.2)
    shop.run(theirs, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    shop.open_shop(theirs, tmp_path)
    with shop.opened(theirs) as somebody:
        somebody.exec_driver_sql("LOCK TABLE invoice IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        text = proposed(theirs)
        assert time.monotonic() - begun < 4
    invoice, lines = (text.partition(f"[tables.{name}]")[2].partition("[tables")[0] for name in ("invoice", "invoice_line"))
    assert "could not be read in time" in invoice and "100 % filled" in lines
    assert rules_of(text, tmp_path).tables["invoice"].via


async def test_on_sqlite_a_statement_ends_in_time_as_well(tmp_path: Path) -> None:
    system = System("new", "New", "sql", f"sqlite:///{tmp_path}/theirs.db", Path("new.toml"), "here")
    (tmp_path / "theirs.db").touch()
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(ConnectorError, match="busy"), database.transaction(system, write=False) as connection:
        database.limit_statements(connection, 0.2)
        connection.exec_driver_sql(endless)


def test_the_command_prints_a_map_and_refuses_a_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"sqlite:///{tmp_path}/theirs.db"
    (tmp_path / "theirs.db").touch()
    shop.run(address, shop.SCHEMA)
    shop.run(address, shop.ROWS)
    before = (tmp_path / "theirs.db").read_bytes()
    monkeypatch.setenv("THEIRS", address)
    outs = []
    for arguments in ([address], ["--variable", "THEIRS"]):
        assert cli.main(["systems", "propose", *arguments]) == 0
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1] and rules_of(outs[0], tmp_path).tables.keys() >= {"customer", "invoice"}
    assert (tmp_path / "theirs.db").read_bytes() == before
    for wrong in (
        ["postgresql://me:secret@db/shop"],
        ["--variable", "NO_SUCH"],
        [],
        [address, "--variable", "THEIRS"],
        ["nobody"],
    ):
        assert cli.main(["systems", "propose", *wrong]) == 1
        told = capsys.readouterr()
        assert told.out == "" and told.err and "secret" not in told.err
