"""A MariaDB server at work: what may be read and written there, by whom, and who else is at it."""

import re
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from portal.connectors import Cell, ConnectorError
from portal.connectors.contract import Key
from portal.connectors.sql import consent, database, mysql, rows
from portal.connectors.sql.map import read
from portal.connectors.sql.schema import Bound, bind
from portal.connectors.systems import System
from portal.settings import HOME
from tests.connectors import shop

pytestmark = pytest.mark.parametrize("address", ["mariadb"], indirect=True)
PAGE = (HOME / "docs" / "integrate.md").read_text()
NO = (shop.ANA, Cell("newsletter", "email"), False, 99)


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


async def test_a_check_says_that_a_server_is_too_old(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = shop.open_shop(address, tmp_path)
    monkeypatch.setitem(mysql.OLDEST, "mariadb", (99, 0))
    problems = (await connector.check()).problems
    assert [problem.sentence for problem in problems] == ["This server is too old: MariaDB 10.5 or MySQL 8.0 is needed."]


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
        consent.set_consent(connection, bind(connection, read(system.map)), *NO, enter=True)
        with shop.opened(address) as theirs:
            theirs.exec_driver_sql("SET innodb_lock_wait_timeout = 1")
            theirs.exec_driver_sql("UPDATE subscription SET log_index = 5 WHERE email = 'ben@example.com'")
    assert shop.rows(address, "SELECT log_index FROM subscription ORDER BY email") == [(99,), (5,)]


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
    tables = ("address", "comment", "customer", "invoice", "invoice_line", "subscription", "thread", "visit")
    shop.run(address, "REVOKE SELECT ON theirs.* FROM portal@localhost")
    shop.run(address, ";".join(f"GRANT SELECT ON theirs.{table} TO portal@localhost" for table in tables))
    assert (await connector.check()).ok
    assert (await connector.correct(shop.BEN, {"name": "Ben A"})).done
    shop.run(address, "REVOKE UPDATE ON theirs.customer FROM portal@localhost")
    with pytest.raises(ConnectorError, match="did not accept what we asked [(]1142[)]") as refused:
        await connector.correct(shop.BEN, {"name": "Ben B"})
    assert refused.value.permanent
