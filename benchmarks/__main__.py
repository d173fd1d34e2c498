"""`python -m benchmarks [--quick]`: all figures, or in about three minutes those that need few stored rows."""

import argparse
import sys
from collections.abc import Iterator

from benchmarks import decisions, lists, log, pages, requests
from benchmarks.figures import Figure, show
from tests import postgresql
from tests.faults.oracle import on_server


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    found: list[Figure] = []
    for each in _all(quick):
        print(f"{each.name}: {each.value} {each.unit}" + ("" if each.ok else f"  (floor {each.floor})"), flush=True)
        found.append(each)
    show(found)
    return 0 if all(each.ok for each in found) else 1


def _all(quick: bool) -> Iterator[Figure]:
    stored, seconds, rows = ([5_000], 3, 5_000) if quick else ([100_000, 1_000_000], 10, 1_000_000)
    queued = 1_000 if quick else 100_000
    yield from decisions.figures("", "SQLite", stored, seconds)
    yield from log.figures("", "SQLite", stored[0], seconds)
    yield from pages.figures("", "SQLite")
    yield from requests.figures("", "SQLite", queued, queued, seconds)
    yield from lists.figures("", "SQLite", rows)
    with postgresql.server() as address:
        for name in ("decisions", "log", "pages", "requests", "lists"):
            on_server(address, f"CREATE DATABASE {name}")
        yield from decisions.figures(address.replace("NAME", "decisions"), "PostgreSQL", stored, seconds)
        yield from log.figures(address.replace("NAME", "log"), "PostgreSQL", stored[0], seconds)
        yield from pages.figures(address.replace("NAME", "pages"), "PostgreSQL")
        if not quick:
            yield from requests.figures(address.replace("NAME", "requests"), "PostgreSQL", queued, queued, seconds)
        yield from lists.figures(address.replace("NAME", "lists"), "PostgreSQL", rows)


if __name__ == "__main__":
    sys.exit(main())
