"""PostgreSQL's disk is full under load and has room again: no word is taken meanwhile, pages are read, nothing is lost.

Its tables lie on a small disk of their own, and its write-ahead log where it has room: without that it stops altogether, as in
test_database_crash.py.
"""

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.faults.conftest import CompanyOn
from tests.faults.harness import Customer, Journal, Visitor, checkpoint, grew_from, living, patience, people_are_heard
from tests.faults.oracle import Oracle, leases_end, name_of, on_server
from tests.faults.test_disk_full import BACK_WITHIN, LEFT_FREE, filled
from tests.journeys.conftest import Portal, database_of, serving
from tests.journeys.steps import eventually, somebody


@pytest.fixture
def disk(tmp_path: Path, company_on: CompanyOn) -> Iterator[tuple[Path, Path]]:
    """A company and the small disk that its tables lie on."""
    var, place = company_on("postgresql"), tmp_path / "disk"
    name = name_of(database_of(var))
    server = database_of(var).replace(name, "NAME")
    place.mkdir()
    with psycopg.connect(database_of(var)) as connection:
        [(size, folder)] = connection.execute(
            "SELECT pg_database_size(current_database()), current_setting('data_directory')"
        ).fetchall()
    if not Path(folder).exists():
        pytest.skip("The server stands on another machine.")
    owner = Path(folder).stat()
    options = f"size={size + LEFT_FREE},uid={owner.st_uid},gid={owner.st_gid},mode=700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"No disk may be mounted here ({mounted.stderr.strip()}).")
    for each in place.parents:
        each.chmod(each.stat().st_mode | 0o011)  # the server runs as another user
    try:
        on_server(server, f"CREATE TABLESPACE small LOCATION '{place}'")
        on_server(server, f"ALTER DATABASE {name} SET TABLESPACE small")
        yield var, place
    finally:
        on_server(server, f"ALTER DATABASE {name} SET TABLESPACE pg_default")
        on_server(server, "DROP TABLESPACE small")
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.deep
def test_a_full_disk_of_postgresql_refuses_words_and_loses_none(disk: tuple[Path, Path], tmp_path: Path, seed: int) -> None:
    var, place = disk
    journal = Journal(tmp_path / "journal.jsonl")
    with serving(var) as portal:
        oracle = Oracle(var, journal)
        customers = [_customer(portal, number, journal, random.Random(seed + number)) for number in range(3)]
        promised = checkpoint(portal, tmp_path / "promised")
        with living(customers):
            people_are_heard(journal, 10)
            filled(place, True)
            eventually(lambda: any(each.refused for each in customers), seconds=60)
        assert shutil.disk_usage(place).free == 0
        for page in ("/", "/preferences", "/requests", "/requests/new"):
            assert customers[0].visitor.look(page)
        with living(customers):
            eventually(lambda: sum(each.refused for each in customers) >= 10, seconds=60)
            filled(place, False)
            began = time.monotonic()
            people_are_heard(journal, 1)
            back = time.monotonic() - began
            people_are_heard(journal, 20)
        assert portal.process.poll() is None and back <= patience(BACK_WITHIN), back
        assert httpx2.get(f"{portal.address}/readyz").json() == {"ready": True}
        leases_end(var)  # of jobs whose outcome could not be written
        oracle.nothing_is_lost(customers)
        oracle.everything_is_logged()
        oracle.nothing_is_done_twice()
        oracle.systems_know(customers)
        grew_from(portal, promised)
    print(f"{len(journal.acts)} acts, {sum(each.refused for each in customers)} refused; heard again after {back:.1f} s")


def _customer(portal: Portal, number: int, journal: Journal, chance: random.Random) -> Customer:
    customer = Customer(somebody(portal.var, "language = 'en'", number)[1], Visitor(portal), journal, chance)
    customer.arrive()
    return customer
