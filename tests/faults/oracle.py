"""The oracle: compares what customers did, as their journal says, with what the portal has stored, read behind its back."""

import re
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from portal.cases.mine import SHOWN
from portal.lib import ids
from tests.faults.harness import Customer, Journal
from tests.journeys.conftest import database_of
from tests.journeys.steps import eventually


class Oracle:
    """Compares the journal with what the portal has stored since `begun`."""

    def __init__(self, var: Path, journal: Journal) -> None:
        self.var, self.journal = var, journal
        self.begun = self.rows("SELECT max(id) FROM decision")[0][0]
        self.first_case = self.rows("SELECT max(id) FROM case_file")[0][0]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return portal_rows(self.var, sql, *values)

    def nothing_is_lost(self, customers: list[Customer]) -> None:
        for customer in customers:
            for square in customer.squares:
                self.decisions_are_there(customer.address, square)
            self._asked(customer)

    def everything_is_logged(self) -> None:
        eventually(lambda: self.rows("SELECT count(*) FROM entry WHERE log_index IS NULL") == [(0,)], seconds=30)
        assert self.rows("SELECT count(*) FROM decision WHERE entry NOT IN (SELECT id FROM entry)") == [(0,)]
        assert self.rows("SELECT object FROM entry WHERE event LIKE 'consent.%' GROUP BY event, object HAVING count(*) > 1") == []

    def nothing_is_done_twice(self) -> None:
        twice = "SELECT case_id, template FROM message WHERE case_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
        assert self.rows(twice) == []
        answered = (
            "SELECT case_id, object FROM entry WHERE event IN ('case.system_answered', 'case.erased', 'case.closed')"
            " AND case_id > ? GROUP BY case_id, event, object HAVING count(*) > 1"
        )
        assert self.rows(answered, "") == []

    def systems_know(self, customers: list[Customer]) -> None:
        """What the newsletter database was told in the end is what the page shows."""
        for customer in customers:
            page = customer.visitor.look("/preferences")
            found = re.search(r'id="newsletter-email-[^"]*" role="switch" aria-checked="(\w+)"', page)
            assert found, "The newsletter has no switch."
            eventually(partial(self._is_subscribed, customer.address, int(found[1] == "true")), seconds=30)

    def _is_subscribed(self, address: str, active: int) -> bool:
        sql = "SELECT active FROM subscription WHERE email = ? AND list = 'newsletter'"
        with closing(sqlite3.connect(self.var / "demo" / "newsletter.db")) as letters:
            return letters.execute(sql, [address]).fetchall() == [(active,)]

    def decisions_are_there(self, address: str, square: str) -> None:
        asked = parse_qs(urlsplit(square).query)
        stored = self.rows(
            "SELECT answer FROM decision WHERE id > ? AND identifier = ? AND purpose = ? AND channel = 'email' AND topic = ?"
            " ORDER BY id",
            *(self.begun, asked["to"][0], square.split("/")[2], asked.get("topic", [""])[0]),
        )
        acts = [act for act in self.journal.of(address, "decide") if act["square"] == square]
        # `y` stands there, `y?` may: acknowledged ones once and in order, those under way once or not at all.
        pattern = "".join(act["answer"][0] + ("" if act["acknowledged"] else "?") for act in acts)
        assert re.fullmatch(pattern, "".join(row[0][0] for row in stored)), (square, pattern, stored)

    def _asked(self, customer: Customer) -> None:
        acts = self.journal.of(customer.address, "ask")
        pages = [act["page"] for act in acts if act["acknowledged"]]
        assert len(set(pages)) == len(pages)
        stored = {bytes(digest) for (digest,) in self.rows("SELECT reference_digest FROM case_file")}
        for page in pages:
            assert ids.digest(page.rsplit("/", 1)[1]) in stored, page
        mine = customer.visitor.look("/requests")  # the newest, among them perhaps some that were never acknowledged
        for page in pages[-max(1, SHOWN - len(acts) + len(pages)) :]:
            assert f'href="{page}"' in mine, page
        known = set(re.findall(r'href="(/requests/[\w-]{20,})"', mine))
        assert len(known) <= len(acts), (len(known), len(acts))


def portal_rows(var: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Of the portal's own database, behind its back; `?` marks a value on both."""
    if address := database_of(var):
        with psycopg.connect(address) as server:
            return server.execute(_psycopg(sql), values).fetchall()
    with closing(sqlite3.connect(f"file:{var}/portal.db?mode=ro", uri=True)) as file:
        return file.execute(sql, values).fetchall()


def leases_end(var: Path) -> None:
    """Half a minute passes: what a dead worker held is free to be taken over."""
    sql = "UPDATE job SET due_at = 0 WHERE state = 'running'"
    if address := database_of(var):
        with psycopg.connect(address) as server:
            server.execute(_psycopg(sql))
        return
    with closing(sqlite3.connect(var / "portal.db", timeout=10)) as file, file:
        file.execute(sql)


def on_server(address: str, statement: str) -> int:
    """Run one statement about whole databases on the server at an address like `postgres://…/NAME`; says of how many rows."""
    with psycopg.connect(address.replace("NAME", "postgres"), autocommit=True) as server:
        return server.execute(statement.encode()).rowcount


def name_of(address: str) -> str:
    """The name of the database at an address."""
    return address.split("?")[0].rpartition("/")[2]


def _psycopg(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()
