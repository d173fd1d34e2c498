"""What an erasure does in a SQL database: holds, order, circles, and stopping before harm."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.connectors import ConnectorError
from portal.lib import clock
from tests.connectors import shop

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_invoices_under_a_hold_stay_and_say_which_law_and_until_when(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with clock.at(NOW):
        plan = await connector.plan_erasure(shop.ANA)
        await connector.erase(plan)
        left = await connector.recheck(shop.ANA, plan)
    kept = {(row.table, tuple(row.key.values()), row.law, row.until) for row in left}
    law = "Accounting Act 82/1991"
    assert kept == {
        ("invoice", (10,), law, "2035-03-01"),
        ("invoice_line", (10, 1), law, "2035-03-01"),
        ("invoice_line", (10, 2), law, "2035-03-01"),
    }
    # what the law does not ask for is gone from the kept row; the old invoice is gone altogether
    assert shop.rows(address, "SELECT id, customer_id, phone FROM invoice WHERE customer_id = 1") == [(10, 1, None)]
    assert shop.rows(address, "SELECT no FROM invoice_line WHERE invoice_id = 11") == []


async def test_a_customer_with_kept_invoices_is_emptied_and_one_without_is_deleted(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with clock.at(NOW):
        await connector.erase(await connector.plan_erasure(shop.ANA))
    emptied = "SELECT email, phone, full_name, born, vip FROM customer WHERE id = 1"
    assert [tuple(row) for row in shop.rows(address, emptied)] == [("erased-1@example.invalid", None, None, None, False)]
    with clock.at(datetime(2036, 1, 1, tzinfo=UTC)):
        await connector.erase(await connector.plan_erasure(shop.BEN))
    assert shop.rows(address, "SELECT id FROM customer WHERE id = 2") == []
    assert shop.rows(address, "SELECT id FROM invoice WHERE id = 20") == []


async def test_the_plan_covers_two_hops_composite_keys_and_answers_to_answers(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with clock.at(NOW):
        plan = await connector.plan_erasure(shop.ANA)
    assert Counter((count.table, count.action) for count in plan.counts for _ in range(count.rows)) == {
        ("customer", "anonymise"): 1,
        ("invoice", "keep"): 1,
        ("invoice_line", "keep"): 2,
        ("address", "delete"): 2,
        ("visit", "delete"): 2,
        ("invoice", "delete"): 1,
        ("invoice_line", "delete"): 1,
        ("comment", "delete"): 3,
        ("thread", "delete"): 1,
        ("subscription", "delete"): 1,
    }
    order = [(row.table, *row.key.values()) for row in plan.rows if row.action == "delete"]
    for child, parent in [
        (("comment", 9), ("comment", 8)),
        (("comment", 8), ("comment", 7)),
        (("comment", 7), ("thread", 5)),
        (("visit", 1, "home", 1), ("address", 1, "home")),
        (("invoice_line", 11, 1), ("invoice", 11)),
    ]:
        assert order.index(child) < order.index(parent)


async def test_rows_that_point_at_each_other_in_a_circle_go_together(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE account (id INTEGER PRIMARY KEY, email VARCHAR(40), main_card INTEGER);
        CREATE TABLE card (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id));
        INSERT INTO account VALUES (1, 'ana@example.com', NULL), (2, 'ben@example.com', NULL);
        INSERT INTO card VALUES (5, 1), (6, 1), (7, 2)""",
    )
    if address.startswith("sqlite"):
        shop.run(
            address,
            """ALTER TABLE account RENAME TO old;
            CREATE TABLE account (id INTEGER PRIMARY KEY, email VARCHAR(40), main_card INTEGER REFERENCES card (id));
            INSERT INTO account SELECT * FROM old; DROP TABLE card; DROP TABLE old;
            CREATE TABLE card (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id));
            INSERT INTO card VALUES (5, 1), (6, 1), (7, 2)""",
        )
    else:
        shop.run(address, "ALTER TABLE account ADD FOREIGN KEY (main_card) REFERENCES card (id)")
    shop.run(address, "UPDATE account SET main_card = 5 WHERE id = 1; UPDATE account SET main_card = 7 WHERE id = 2")
    connector = shop.connected(
        address,
        """[tables.account]
        label = "Account"
        category = "contact"
        identifiers = { email = "email" }
        on_erase = "delete"
        [tables.card]
        label = "Cards"
        category = "payment"
        via = "card.account_id = account.id"
        on_erase = "delete"
        """,
        tmp_path,
    )
    plan = await connector.plan_erasure(shop.ANA)
    await connector.erase(plan)
    assert await connector.recheck(shop.ANA, plan) == []
    assert [tuple(row) for row in shop.rows(address, "SELECT id, main_card FROM account")] == [(2, 7)]


async def test_a_cascade_of_theirs_never_takes_a_kept_row_along(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(40));
        CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id) ON DELETE CASCADE);
        INSERT INTO customer VALUES (1, 'ana@example.com'); INSERT INTO invoice VALUES (10, 1)""",
    )
    connector = shop.connected(
        address,
        """[tables.customer]
        label = "Account"
        category = "contact"
        identifiers = { email = "email" }
        on_erase = "delete"
        [tables.invoice]
        label = "Invoices"
        category = "purchases"
        via = "invoice.customer_id = customer.id"
        on_erase = "keep"
        hold = { law = "Accounting Act" }
        """,
        tmp_path,
    )
    plan = await connector.plan_erasure(shop.ANA)
    await connector.erase(plan)
    assert [tuple(row) for row in shop.rows(address, "SELECT id, customer_id FROM invoice")] == [(10, 1)]
    assert [tuple(row) for row in shop.rows(address, "SELECT id, email FROM customer")] == [(1, None)]
    (left,) = await connector.recheck(shop.ANA, plan)
    assert (left.table, left.expected, left.law, left.until) == ("invoice", True, "Accounting Act", None)


async def test_a_table_nobody_mapped_stops_the_erasure_and_nothing_is_gone(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    shop.run(
        address,
        """CREATE TABLE loyalty (id INTEGER PRIMARY KEY, thread_id INTEGER REFERENCES thread (id));
        INSERT INTO loyalty VALUES (1, 5)""",
    )
    (problem,) = (await connector.check()).problems
    assert problem.sentence == "Table loyalty points at thread but is not in the map."
    before = await connector.find(shop.ANA)
    plan = await connector.plan_erasure(shop.ANA)
    with pytest.raises(ConnectorError, match="other rows depend on it") as refused:
        await connector.erase(plan)
    assert refused.value.permanent
    assert await connector.find(shop.ANA) == before


async def test_a_database_that_quietly_ignores_a_delete_is_noticed(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    rule = "CREATE RULE keep AS ON DELETE TO subscription DO INSTEAD NOTHING"
    if address.startswith("sqlite"):
        rule = "CREATE TRIGGER keep BEFORE DELETE ON subscription BEGIN SELECT RAISE(IGNORE); END"
    if address.startswith("mysql"):  # which has no such rules: what is gone already comes back
        rule = "CREATE TRIGGER keep AFTER DELETE ON subscription FOR EACH ROW INSERT INTO address VALUES (1, 'home', 'Here')"
    with shop.opened(address) as connection:
        connection.exec_driver_sql(rule)
    before = await connector.find(shop.ANA)
    plan = await connector.plan_erasure(shop.ANA)
    with pytest.raises(ConnectorError, match="differ from the dry run in .*(Newsletters|Your addresses)"):
        await connector.erase(plan)
    assert await connector.find(shop.ANA) == before


async def test_an_address_that_joins_tables_does_not_survive_its_own_anonymisation(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE reader (email VARCHAR(40) PRIMARY KEY);
        CREATE TABLE click (id INTEGER PRIMARY KEY, address VARCHAR(40), page VARCHAR(40));
        INSERT INTO reader VALUES ('ana@example.com'); INSERT INTO click VALUES (1, 'ana@example.com', '/tea')""",
    )
    connector = shop.connected(
        address,
        """[tables.reader]
        label = "Reader"
        category = "contact"
        identifiers = { email = "email" }
        on_erase = "delete"
        [tables.click]
        label = "Clicks"
        category = "behaviour"
        via = "click.address = reader.email"
        keep = ["page"]
        on_erase = "null"
        """,
        tmp_path,
    )
    await connector.erase(await connector.plan_erasure(shop.ANA))
    assert [tuple(row) for row in shop.rows(address, "SELECT id, address, page FROM click")] == [(1, None, "/tea")]


async def test_a_busy_database_is_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.connectors.sql.database._WAIT_SECONDS", 0.05)
    path = tmp_path / "theirs.db"
    path.touch()
    connector = shop.open_shop(f"sqlite:///{path}", tmp_path)
    plan = await connector.plan_erasure(shop.ANA)
    with shop.opened(f"sqlite:///{path}") as owner:
        owner.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(ConnectorError) as busy:
            await connector.erase(plan)
        owner.exec_driver_sql("ROLLBACK")
    assert not busy.value.permanent
    assert (await connector.erase(plan)).done


async def test_a_missing_sqlite_file_is_not_created(tmp_path: Path) -> None:
    connector = shop.connected(f"sqlite:///{tmp_path}/moved away.db", shop.MAP, tmp_path)
    with pytest.raises(ConnectorError) as down:
        await connector.find(shop.ANA)
    assert not down.value.permanent
    assert not (tmp_path / "moved away.db").exists()
