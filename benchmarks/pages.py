"""The preference page of one customer: quiet, and while other programs write a thousand decisions a second."""

import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.decisions import DECISION
from benchmarks.figures import Figure, figure
from benchmarks.load import CLIENTS, press
from benchmarks.portals import Measured, environment, prepare, run, serving

WRITTEN = 1_000
VISITS = 200


def figures(database_url: str, database: str) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        secret = prepare(var, database_url)
        cookie = run(environment(var, database_url), "benchmarks.visitor").strip().splitlines()[-1]
        with serving(var, secret, database_url) as portal:
            _visit(portal, cookie, 20)
            quiet = _visit(portal, cookie, VISITS)
            written: list[float] = []
            writing = threading.Thread(target=lambda: written.append(_write(portal)))
            writing.start()
            time.sleep(1)
            busy = _visit(portal, cookie, VISITS)
            writing.join()
        yield figure(f"{database}: decisions written meanwhile (of {WRITTEN} wanted)", written[0], "requests/s")
        yield figure(f"{database}: preference page meanwhile, p99", busy, "ms", baseline=quiet, at_most=50)


def _write(portal: Measured) -> float:
    pause = 1000 * CLIENTS // WRITTEN
    return press(portal, "/api/v1/decisions", DECISION, seconds=10, first=600_000_000, pause=pause).per_second


def _visit(portal: Measured, cookie: str, times: int) -> float:
    """The 99th percentile in milliseconds of a visit, one after the other, a short rest in between."""
    took: list[float] = []
    for _each in range(times):
        began = time.perf_counter()
        asked = urllib.request.Request(f"{portal.address}/preferences", headers={"Cookie": f"customer={cookie}"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert b"back-in-stock" in answer.read()
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    return sorted(took)[int(len(took) * 0.99)]
