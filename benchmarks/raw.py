"""Child process, the baselines of long lists: only hashing each address, or only inserting each row, in plain Python.

A row of an import is a person, an address, two keys, two entries of the log, a decision and a permission: eight rows.
"""

import csv
import hmac
import sqlite3
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from benchmarks.lists import timed

TABLES = 8


def hash_each(path: Path) -> None:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            hmac.digest(b"k" * 32, row["email"].encode(), "sha256")


def insert_each(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, path.open(newline="") as file:
        database = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            database.execute(f"PRAGMA {pragma}")
        for number in range(TABLES):
            database.execute(f"CREATE TABLE t{number} (id TEXT PRIMARY KEY, email TEXT, said TEXT)")
        lines = ((row["email"], row["answer"]) for row in csv.DictReader(file))
        while part := list(islice(lines, 1000)):
            database.execute("BEGIN IMMEDIATE")
            for number in range(TABLES):
                database.executemany(f"INSERT INTO t{number} VALUES (?, ?, ?)", [(each[0], *each) for each in part])
            database.execute("COMMIT")
        database.close()


if __name__ == "__main__":
    began = time.monotonic()
    {"hash": hash_each, "insert": insert_each}[sys.argv[1]](Path(sys.argv[2]))
    print(timed(began))
