"""PostgreSQL cuts every connection under load and lets nobody in for a while: 503, then all goes on by itself."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.faults.conftest import CompanyOn
from tests.faults.harness import Customer, Journal, Visitor, checkpoint, grew_from, living, people_are_heard
from tests.faults.oracle import Oracle, leases_end, name_of, on_server
from tests.journeys.conftest import Portal, database_of, serving
from tests.journeys.steps import eventually, somebody

AWAY = 2.0

# The connection is lost when PostgreSQL is about to commit a decision.
CUT_AT_COMMIT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON decision DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut();
"""


@pytest.mark.deep
@pytest.mark.faults
def test_the_portal_answers_503_while_postgresql_is_away_and_goes_on_by_itself(
    company_on: CompanyOn, tmp_path: Path, seed: int
) -> None:
    var, journal = company_on("postgresql"), Journal(tmp_path / "journal.jsonl")
    with serving(var) as portal:
        oracle = Oracle(var, journal)
        customers = [_customer(portal, number, journal, random.Random(seed + number)) for number in range(4)]
        promised = checkpoint(portal, tmp_path / "checkpoint")
        with living(customers):
            for _time in range(2):
                people_are_heard(journal, 10)
                with _away(database_of(var)):
                    before = len(journal.acts)
                    eventually(lambda: _status(portal, "/readyz") == 503)
                    assert _status(portal, "/healthz") == 200
                    time.sleep(AWAY)
                    assert not any(act["acknowledged"] for act in journal.acts[before:])
                eventually(lambda: _status(portal, "/readyz") == 200)
            people_are_heard(journal, 10)
        assert portal.process.poll() is None
        leases_end(var)  # of jobs whose outcome could not be written
        oracle.nothing_is_lost(customers)
        oracle.everything_is_logged()
        oracle.nothing_is_done_twice()
        oracle.systems_know(customers)
        grew_from(portal, promised)
    heard = sum(act["acknowledged"] for act in journal.acts)
    print(f"{len(journal.acts)} acts, {heard} acknowledged, {sum(each.refused for each in customers)} answered with 503")
    assert any(each.refused for each in customers)


@pytest.mark.deep
@pytest.mark.faults
def test_nobody_is_told_that_nothing_was_changed_when_the_connection_was_lost_during_the_commit(
    company_on: CompanyOn, tmp_path: Path, seed: int
) -> None:
    var = company_on("postgresql")
    with serving(var) as portal:
        customer = _customer(portal, 0, Journal(tmp_path / "journal.jsonl"), random.Random(seed))
        with psycopg.connect(database_of(var), autocommit=True) as server:
            server.execute(CUT_AT_COMMIT.encode())
        answer = customer.visitor.press(customer.squares[0], answer="yes")
        assert answer.status_code == 503 and "may not have been saved" in answer.text, answer.text
        assert "Nothing was changed" not in answer.text
        with psycopg.connect(database_of(var), autocommit=True) as server:
            server.execute("DROP TRIGGER cut ON decision")
        assert customer.visitor.press(customer.squares[0], answer="yes").status_code == 200


def _customer(portal: Portal, number: int, journal: Journal, chance: random.Random) -> Customer:
    customer = Customer(somebody(portal.var, "language = 'en'", number)[1], Visitor(portal), journal, chance)
    customer.arrive()
    return customer


@contextmanager
def _away(address: str) -> Iterator[None]:
    """Every connection of the portal is cut, wherever its transactions are, and no new one is let in."""
    name = name_of(address)
    server = address.replace(name, "NAME")
    on_server(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        eventually(lambda: on_server(server, cut) == 0)
        yield
    finally:
        on_server(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def _status(portal: Portal, path: str) -> int:
    return httpx2.get(portal.address + path, timeout=20).status_code
