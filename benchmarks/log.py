"""The audit log: how fast all of it is checked, and how soon after an act its proof is there while 500 acts come in a second."""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.decisions import DECISION
from benchmarks.figures import Figure, figure
from benchmarks.in_browser import check_times
from benchmarks.load import CLIENTS, Load, press
from benchmarks.portals import Measured, environment, prepare, run, serving

A_SECOND = 500
ANSWERED_IN = 5  # milliseconds, about; each of wrk's clients rests for what is left of its share


def figures(database_url: str, database: str, people: int, seconds: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        secret = prepare(var, database_url)
        run(environment(var, database_url), "benchmarks.fill", str(people))
        told = json.loads(run(environment(var, database_url), "benchmarks.check_log").splitlines()[-1])
        name = f"{database}, a log of {told['entries']:,}"
        yield figure(f"{name}: tree checked", told["tree"], "entries/s", baseline=told["hashing"], at_least=500_000)
        yield figure(f"{name}: contents checked", told["contents"], "entries/s", baseline=told["hashing"], at_least=60_000)
        yield figure(f"{name}: processor time to check 10,000 entries", 1000 * told["busy"], "ms")
        with serving(var, secret, database_url) as portal:
            took, load = _proofs_beside(portal, seconds)
            checked = check_times(portal, _proof(portal))
        yield figure(f"{name}: decisions while proofs are asked for", load.per_second, "requests/s", at_least=0.9 * A_SECOND)
        yield figure(f"{name}: from the act to its proof, p99", _p99(took), "ms", baseline=min(took), at_most=500)
        p99 = {name: _p99(times) for name, times in checked.items()}
        yield figure(f"{name}: proof checked in a browser, p99", p99["whole"], "ms", baseline=p99["bare"], at_most=5)
        yield figure(f"{name}: size of a proof", told["proof_bytes"], "bytes", at_most=2048)


def _proofs_beside(portal: Measured, seconds: int) -> tuple[list[float], Load]:
    """Milliseconds from the answer to an act until its proof is there, one act after the other beside that load."""
    loads: list[Load] = []
    pause = CLIENTS * 1000 // A_SECOND - ANSWERED_IN
    beside = threading.Thread(
        target=lambda: loads.append(press(portal, "/api/v1/decisions", DECISION, seconds=seconds, first=600_000_000, pause=pause))
    )
    beside.start()
    took: list[float] = []
    address = urlsplit(portal.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    while beside.is_alive():
        said = _asked(portal, connection, "POST", "/api/v1/decisions", DECISION.replace("NUMBER", str(len(took))))
        began = time.monotonic()
        _asked(portal, connection, "GET", "/api/v1" + json.loads(said)["decisions"][0]["receipt"])
        took.append((time.monotonic() - began) * 1000)
    return took, loads[0]


def _proof(portal: Measured) -> str:
    address = urlsplit(portal.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    said = json.loads(_asked(portal, connection, "POST", "/api/v1/decisions", DECISION.replace("NUMBER", "1")))
    return _asked(portal, connection, "GET", "/api/v1" + said["decisions"][0]["receipt"])


def _asked(portal: Measured, connection: http.client.HTTPConnection, method: str, path: str, body: str = "") -> str:
    headers = {"authorization": f"Bearer {portal.secret}", "content-type": "application/json"}
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    told = answer.read().decode()
    if answer.status not in (200, 201):
        raise AssertionError(f"{method} {path}: {answer.status} {told}")
    return told


def _p99(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]
