"""Decisions and permission checks over HTTP: durable, logged, encrypted; 32 clients, one process and two."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, figure
from benchmarks.load import Load, press
from benchmarks.portals import Measured, environment, prepare, run, serving

DECISION = (
    '{"identifier":{"email":"personNUMBER@example.com"},"source":"checkout","language":"en","edition":"back-in-stock@1/en",'
    '"decisions":[{"purpose":"back-in-stock","channel":"email","answer":"yes"}]}'
)
QUESTION = '{"identifier":{"email":"personNUMBER@example.com"},"purpose":"back-in-stock","channel":"email"}'


def figures(database_url: str, database: str, stored: list[int], seconds: int) -> Iterator[Figure]:
    floor = 2_000 if database == "SQLite" else 1_500
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        secret = prepare(var, database_url)
        with serving(var, secret, database_url, module="benchmarks.baselines", argument="nothing") as portal:
            bare, bare_check = _decide(portal, seconds), press(portal, "/api/v1/permissions/check", QUESTION, seconds=seconds)
        with serving(var, secret, database_url, module="benchmarks.baselines", argument="apart") as portal:
            apart = _decide(portal, seconds, first=900_000_000)
        with serving(var, secret, database_url) as portal:
            empty = _decide(portal, seconds, first=800_000_000)
        yield figure(f"{database}: decisions, no database", bare.per_second, "requests/s")
        yield figure(f"{database}: decisions", empty.per_second, "requests/s", baseline=apart.per_second, at_least=floor)
        yield figure(f"{database}: decisions, by one transaction each", empty.per_second / apart.per_second, "times", at_least=4)
        yield figure(f"{database}: decisions, p99", empty.p99, "ms", baseline=apart.p99, at_most=100)
        for rows in stored:
            run(environment(var, database_url), "benchmarks.fill", str(rows))
            with serving(var, secret, database_url) as portal:
                full = _decide(portal, seconds, first=700_000_000)
                checks = press(portal, "/api/v1/permissions/check", QUESTION, seconds=seconds, people=rows)
                name = f"{database}, {rows:,} decisions stored"
                yield figure(
                    f"{name}: decisions",
                    full.per_second,
                    "requests/s",
                    baseline=empty.per_second,
                    at_least=0.8 * empty.per_second,
                )
                yield figure(f"{name}: checks", checks.per_second, "requests/s", baseline=bare_check.per_second, at_least=3_000)
                yield figure(f"{name}: checks, p99", checks.p99, "ms", baseline=bare_check.p99, at_most=20)
                yield figure(f"{name}: memory of the process", portal.peak_mib(), "MiB")
            with serving(var, secret, database_url, processes=2) as portal:
                name = f"{database}, {rows:,} decisions stored, two processes"
                decided = _decide(portal, seconds, first=500_000_000)
                checked = press(portal, "/api/v1/permissions/check", QUESTION, seconds=seconds, people=rows)
                yield figure(f"{name}: decisions", decided.per_second, "requests/s", baseline=full.per_second)
                yield figure(f"{name}: decisions, p99", decided.p99, "ms", baseline=full.p99)
                yield figure(f"{name}: checks", checked.per_second, "requests/s", baseline=checks.per_second)
                yield figure(f"{name}: checks, p99", checked.p99, "ms", baseline=checks.p99)


def _decide(portal: Measured, seconds: int, first: int = 0) -> Load:
    return press(portal, "/api/v1/decisions", DECISION, seconds=seconds, first=first)
