"""Each type of MariaDB and MySQL: how its values are shown, corrected, emptied and refused."""

from pathlib import Path

import pytest

from portal.connectors import ConnectorError
from tests.connectors import shop

pytestmark = pytest.mark.parametrize("address", ["mariadb"], indirect=True)
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
