"""kill -9 of the whole portal under load, at random moments: nothing acknowledged is lost, nothing is done twice."""

import random
import statistics
from pathlib import Path

import pytest

from tests.faults.conftest import CompanyOn
from tests.faults.harness import (
    Customer,
    Journal,
    Visitor,
    checkpoint,
    grew_from,
    killed_after,
    living,
    patience,
    people_are_heard,
)
from tests.faults.oracle import Oracle, leases_end
from tests.journeys.conftest import free_port, serving
from tests.journeys.steps import somebody

READY_WITHIN = 3.0


LONG = [pytest.mark.deep, pytest.mark.faults]
DEEP = [pytest.mark.deep, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("database", "rounds"),
    [
        ("sqlite", 1),
        pytest.param("sqlite", 2, marks=LONG),
        pytest.param("postgresql", 1, marks=LONG),
        pytest.param("sqlite", 40, marks=DEEP),
        pytest.param("postgresql", 20, marks=DEEP),
    ],
)
def test_nothing_acknowledged_is_lost_when_the_portal_is_killed(
    database: str, rounds: int, company_on: CompanyOn, tmp_path: Path, seed: int
) -> None:
    var = company_on(database)
    chance = random.Random(seed)
    journal, port, ready = Journal(tmp_path / "journal.jsonl"), free_port(), list[float]()
    customers: list[Customer] = []
    with serving(var, port) as portal:
        oracle = Oracle(var, journal)
        for number in range(4):
            address = somebody(var, "language = 'en'", number)[1]
            customers.append(Customer(address, Visitor(portal), journal, random.Random(seed + number)))
            customers[-1].arrive()
    for number in range(rounds):
        with serving(var, port) as portal:
            with living(customers):
                people_are_heard(journal, 5)
                promised = checkpoint(portal, tmp_path / f"checkpoint-{number}")
                with killed_after(portal, chance.uniform(0, 2)):
                    pass
        leases_end(var)
        with serving(var, port) as portal:
            ready.append(portal.ready_after)
            oracle.nothing_is_lost(customers)
            oracle.everything_is_logged()
            oracle.nothing_is_done_twice()
            oracle.systems_know(customers)
            grew_from(portal, promised)
    lost = sum(not act["acknowledged"] for act in journal.acts)
    print(f"{len(journal.acts)} acts, {lost} of them under way when the portal died; ready after {ready} s")
    assert not any(each.refused for each in customers)
    if rounds > 2:  # one or two starts on a busy machine say nothing
        assert statistics.median(ready) <= patience(READY_WITHIN), ready
