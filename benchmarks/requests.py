"""Requests: how many come in a second, how soon a copy is ready, and what the queue costs when it is very long."""

import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.decisions import DECISION
from benchmarks.figures import Figure, figure
from benchmarks.load import press
from benchmarks.portals import Measured, environment, prepare, run, serving

ASKED = '{"identifier": {"email": "asker-NUMBER@example.com"}, "rights": ["access"], "language": "en", "country": "RO"}'
VISITS = 200


def figures(database_url: str, database: str, queued: int, records: int, seconds: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        secret = prepare(var, database_url)
        with serving(var, secret, database_url) as portal:
            decisions = press(portal, "/api/v1/decisions", DECISION, seconds=seconds, first=500_000_000).per_second
            asked = press(portal, "/api/v1/requests", ASKED, seconds=seconds).per_second
        yield figure(f"{database}: requests that come in", asked, "requests/s", baseline=decisions, at_least=10)
        for systems, rows, longest in ((10, 1_000, 10), (1, records, 30)):
            told = json.loads(run(environment(var, database_url), "benchmarks.answer", str(systems), str(rows)).splitlines()[-1])
            name = f"{database}, a copy of {systems} × {rows:,} records"
            yield figure(f"{name}: ready after", told["ready"], "s", baseline=told["bare"], at_most=longest)
            yield figure(f"{name}: printing the letter of it", told["letter"], "s", baseline=told["bare"])
            yield figure(f"{name}: memory", told["memory"], "MiB", at_most=300)
        cookie = run(environment(var, database_url), "benchmarks.long_queue", str(queued)).splitlines()[-1]
        with serving(var, secret, database_url) as portal:
            one, all_of_them = (_visits(portal, cookie, path) for path in ("/admin/cases?state=reviewing", "/admin/cases"))
        yield figure(f"{database}: queue of {queued:,} requests, p95", all_of_them, "ms", baseline=one, at_most=60)


def _visits(portal: Measured, cookie: str, path: str) -> float:
    """The 95th percentile of a page in milliseconds, after some visits that do not count."""
    took: list[float] = []
    for _each in range(VISITS + 20):
        began = time.perf_counter()
        asked = urllib.request.Request(portal.address + path, headers={"Cookie": f"officer={cookie}"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.url.endswith(path) and b"</main>" in answer.read()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took[20:])[VISITS * 95 // 100]
