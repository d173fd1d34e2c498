"""The oracle itself: it must notice what is lost, doubled or out of order, and forgive only what was under way."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.harness import Journal
from tests.faults.oracle import Oracle

SQUARE = "/preferences/newsletter/email?to=ana&text=newsletter@1/en"
TABLES = """
CREATE TABLE decision (id TEXT, identifier TEXT, purpose TEXT, channel TEXT, topic TEXT, answer TEXT);
CREATE TABLE case_file (id TEXT);
INSERT INTO decision VALUES ('0', 'ana', 'newsletter', 'email', '', 'yes');
"""


@pytest.mark.parametrize(
    ("acts", "stored", "fits"),
    [
        ("Y N Y", "yes no yes", True),
        ("Y N Y", "yes yes", False),  # an acknowledged no is lost
        ("Y N Y", "yes yes no", False),  # out of order
        ("Y N", "yes no no", False),  # done twice
        ("Y n Y", "yes no yes", True),  # under way when the process died: there
        ("Y n Y", "yes yes", True),  # or not there
        ("Y n Y", "yes no no yes", False),  # but never twice
        ("Y", "yes no", False),  # nobody said that
    ],
)
def test_the_oracle_notices_every_difference(acts: str, stored: str, fits: bool, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "portal.db")) as database:
        database.executescript(TABLES)
        journal = Journal(tmp_path / "journal.jsonl")
        oracle = Oracle(tmp_path, journal)
        for act in acts.split():
            answer = "yes" if act in "Yy" else "no"
            number = journal.sent(who="ana@example.com", what="decide", square=SQUARE, answer=answer)
            if act.isupper():
                journal.acknowledged(number)
        rows = [(str(number), answer) for number, answer in enumerate(stored.split(), 1)]
        database.executemany("INSERT INTO decision VALUES (?, 'ana', 'newsletter', 'email', '', ?)", rows)
        database.commit()
    if fits:
        oracle.decisions_are_there("ana@example.com", SQUARE)
    else:
        with pytest.raises(AssertionError):
            oracle.decisions_are_there("ana@example.com", SQUARE)
