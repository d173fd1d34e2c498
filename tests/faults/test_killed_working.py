"""kill -9 while cases are worked on: the next process takes over, every system has acted once, the case is closed."""

import random
import re
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import CompanyOn
from tests.faults.harness import Journal, Visitor, killed_after
from tests.faults.oracle import Oracle, leases_end
from tests.journeys.conftest import serving
from tests.journeys.steps import eventually, rows

# What the shop itself notices: a line per account made anonymous and per order deleted.
WATCH = """
CREATE TABLE noticed (what TEXT NOT NULL, number INTEGER NOT NULL);
CREATE TRIGGER made_anonymous AFTER UPDATE OF email ON customer BEGIN INSERT INTO noticed VALUES ('customer', OLD.id); END;
CREATE TRIGGER order_deleted AFTER DELETE ON orders BEGIN INSERT INTO noticed VALUES ('order', OLD.id); END;
"""


LONG = [pytest.mark.deep, pytest.mark.faults]
DEEP = [pytest.mark.deep, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("database", "rounds"),
    [
        ("sqlite", 1),
        pytest.param("postgresql", 1, marks=LONG),
        pytest.param("sqlite", 25, marks=DEEP),
        pytest.param("postgresql", 10, marks=DEEP),
    ],
)
def test_deletion_and_searches_survive_the_death_of_the_worker(
    database: str, rounds: int, company_on: CompanyOn, seed: int
) -> None:
    chance = random.Random(seed)
    for _round in range(rounds):
        var = company_on(database)
        with closing(sqlite3.connect(var / "demo" / "shop.db")) as shop:
            shop.executescript(WATCH)
        _die_and_come_back(var, chance.uniform(0, 0.6))


def _die_and_come_back(var: Path, after: float) -> None:
    with serving(var) as portal:
        oracle = Oracle(var, Journal(var / "journal.jsonl"))
        olga, petra = Visitor(portal), Visitor(portal)
        olga.sign_in_officer("olga")
        petra.sign_in_officer("petra")
        [erasure] = petra.cases("approving", "erasure")
        searches = olga.cases("triage")
        digest = re.findall(r'name="digest" value="([^"]+)"', petra.look(erasure))[0]
        assert petra.press(f"{erasure}/approval", digest=digest).status_code == 200
        for search in searches:
            assert olga.press(f"{search}/start").status_code == 200
        with killed_after(portal, after):
            pass
    died_with = oracle.rows("SELECT verb FROM job WHERE state = 'running' AND verb LIKE 'cases.%'")
    print(f"Killed after {after:.2f} s with {len(died_with)} jobs of cases in hand")
    leases_end(var)
    with serving(var) as portal:
        _everything_ends(oracle, [each.rpartition("/")[2] for each in searches], erasure.rpartition("/")[2])
        oracle.everything_is_logged()
        oracle.nothing_is_done_twice()
        portal.verify_log()
    noticed = rows(var / "demo" / "shop.db", "SELECT what, number FROM noticed")
    assert len(noticed) == len(set(noticed)) > 1, noticed
    [(customer,)] = rows(var / "demo" / "shop.db", "SELECT number FROM noticed WHERE what = 'customer'")
    assert rows(var / "demo" / "shop.db", "SELECT count(*) FROM orders WHERE customer_id = ?", customer) == [(0,)]


def _everything_ends(oracle: Oracle, searches: list[str], erasure: str) -> None:
    def stands(case: str, state: str) -> bool:
        return oracle.rows("SELECT state FROM case_file WHERE id = ?", case) == [(state,)]

    eventually(partial(stands, erasure, "closed"), seconds=60)
    assert oracle.rows("SELECT outcome FROM case_file WHERE id = ?", erasure) == [("fulfilled",)]
    for search in searches:
        eventually(partial(stands, search, "reviewing"), seconds=60)
        twice = "SELECT system, table_name FROM case_finding WHERE case_id = ? GROUP BY 1, 2 HAVING count(*) > 1"
        assert oracle.rows(twice, search) == []
