"""Load with a journal, kill -9, and the oracle: whatever was acknowledged is there, once, in order, and logged.

A customer's acts are written to the journal (fsynced) before they are sent and again when the answer came. After a
restart the journal is compared with the portal's own tables, read directly: an acknowledged act is there exactly once,
one that was under way when the process died is there once or not at all.
"""

import json
import os
import random
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pyotp

from portal.demo.company import OFFICERS, PASSWORD, totp_secret
from tests.journeys.conftest import Portal
from tests.journeys.steps import eventually

CODE = r"^(\d{6})$"


class Journal:
    """One line per act before it is sent, one more when it was acknowledged; a crash of the test itself loses nothing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self.acts: list[dict[str, Any]] = []

    def sent(self, **act: Any) -> int:
        with self._lock:
            self.acts.append(act | {"acknowledged": False})
            self._write({"number": len(self.acts) - 1, "sent": act})
            return len(self.acts) - 1

    def acknowledged(self, number: int, **reply: Any) -> None:
        with self._lock:
            self.acts[number] |= {"acknowledged": True} | reply
            self._write({"number": number, "acknowledged": reply})

    def of(self, who: str, what: str) -> list[dict[str, Any]]:
        return [act for act in self.acts if act["who"] == who and act["what"] == what]

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class Visitor(httpx2.Client):
    """A browser without scripts; its cookies outlive the server."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(
            base_url=portal.address,
            headers={"sec-fetch-site": "same-origin", "accept-language": "en"},
            follow_redirects=True,
            timeout=20,
        )

    def look(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def press(self, path: str, **fields: str) -> httpx2.Response:
        return self.post(path, data=fields)

    def code(self, address: str) -> str:
        """The code in the newest mail to an address, from the demo's mailbox."""
        for letter in re.findall(r"<article.*?</article>", self.look("/demo/mailbox"), re.DOTALL):
            found = re.search(CODE, letter, re.MULTILINE)
            if address in letter and found:
                return found[1]
        raise AssertionError(f"No code went to {address}.")

    def sign_in(self, address: str) -> None:
        self.look("/sign-in")
        page = self.press("/sign-in", email=address)
        page = self.press(page.url.path, code=self.code(address))
        assert page.url.path == "/preferences", page.text

    def sign_in_officer(self, name: str) -> None:
        self.look("/admin/sign-in")
        self.press("/admin/sign-in", email=OFFICERS[name][1], password=PASSWORD)
        page = self.press("/admin/sign-in/code", code=pyotp.TOTP(totp_secret(name)).now())
        assert page.url.path == "/admin", page.text

    def cases(self, state: str, right: str = "") -> list[str]:
        """The pages of the cases that stand there, the first due first."""
        page = self.look(f"/admin/cases?state={state}&right={right}")
        return list(dict.fromkeys(re.findall(r'href="(/admin/cases/[\w-]+)"', page)))


@dataclass
class Customer:
    """Somebody who keeps changing her mind and asking, one act after the other, until told to stop."""

    address: str
    visitor: Visitor
    journal: Journal
    chance: random.Random
    squares: list[str] = field(default_factory=list)

    def arrive(self) -> None:
        self.visitor.sign_in(self.address)
        page = self.visitor.look("/preferences")
        self.squares = sorted({unescape(each) for each in re.findall(r'action="(/preferences/[\w-]+/email\?[^"]+)"', page)})
        assert self.squares, "Nothing to choose."

    def live(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._act()
            except httpx2.TransportError:
                # The process is gone: whether the last act counts is not known to us.
                stop.wait(0.05)

    def _act(self) -> None:
        if self.chance.random() < 0.1:
            number = self.journal.sent(who=self.address, what="ask")
            reply = self.visitor.press("/requests", right="access", country="RO", message=f"act {number}")
            assert reply.status_code == 200 and reply.url.path.startswith("/requests/"), reply.text
            self.journal.acknowledged(number, page=reply.url.path)
            return
        square, answer = self.chance.choice(self.squares), self.chance.choice(["yes", "no"])
        number = self.journal.sent(who=self.address, what="decide", square=square, answer=answer)
        headers = {"hx-request": "true"} if self.chance.random() < 0.5 else {}
        reply = self.visitor.post(square, data={"answer": answer}, headers=headers)
        assert reply.status_code == 200, reply.text
        self.journal.acknowledged(number)


@contextmanager
def living(customers: list[Customer]) -> Iterator[None]:
    """All of them at once, each in a thread; what goes wrong in one is raised here."""
    stop, problems = threading.Event(), list[BaseException]()

    def live(customer: Customer) -> None:
        try:
            customer.live(stop)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=live, args=[each]) for each in customers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    if problems:
        raise problems[0]


class Oracle:
    """Compares the journal with what the portal has stored since `begun`."""

    def __init__(self, var: Path, journal: Journal) -> None:
        self.var, self.journal = var, journal
        self.begun = self.rows("SELECT max(id) FROM decision")[0][0]
        self.first_case = self.rows("SELECT max(id) FROM case_file")[0][0]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.var}/portal.db?mode=ro", uri=True)) as database:
            return database.execute(sql, values).fetchall()

    def nothing_is_lost(self, customers: list[Customer]) -> None:
        for customer in customers:
            for square in customer.squares:
                self.decisions_are_there(customer.address, square)
            self._asked(customer)

    def everything_is_logged(self) -> None:
        eventually(lambda: self.rows("SELECT count(*) FROM entry WHERE log_index IS NULL") == [(0,)], seconds=5)
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
            eventually(partial(self._is_subscribed, customer.address, int(found[1] == "true")))

    def _is_subscribed(self, address: str, active: int) -> bool:
        sql = "SELECT active FROM subscription WHERE email = ? AND list = 'newsletter'"
        with closing(sqlite3.connect(self.var / "demo" / "newsletter.db")) as letters:
            return letters.execute(sql, [address]).fetchall() == [(active,)]

    def decisions_are_there(self, address: str, square: str) -> None:
        purpose, identifier = square.split("/")[2], re.findall(r"to=([\w-]+)", square)[0]
        stored = self.rows(
            "SELECT answer FROM decision WHERE id > ? AND identifier = ? AND purpose = ? AND channel = 'email' ORDER BY id",
            *(self.begun, identifier, purpose),
        )
        acts = [act for act in self.journal.of(address, "decide") if act["square"] == square]
        # `y` stands there, `y?` may: acknowledged ones once and in order, those under way once or not at all.
        pattern = "".join(act["answer"][0] + ("" if act["acknowledged"] else "?") for act in acts)
        assert re.fullmatch(pattern, "".join(row[0][0] for row in stored)), (square, pattern, stored)

    def _asked(self, customer: Customer) -> None:
        acts = self.journal.of(customer.address, "ask")
        pages = [act["page"] for act in acts if act["acknowledged"]]
        assert len(set(pages)) == len(pages)
        mine = customer.visitor.look("/requests")
        for page in pages:
            assert f'href="{page}"' in mine, page
        known = set(re.findall(r'href="(/requests/[\w-]{20,})"', mine))
        assert len(known) <= len(acts), (len(known), len(acts))


@contextmanager
def killed_after(portal: Portal, seconds: float) -> Iterator[None]:
    """Inside the block the server dies with SIGKILL after so long; at its end it is dead."""
    timer = threading.Timer(seconds, portal.process.kill)
    timer.start()
    try:
        yield
        timer.join()
    finally:
        timer.cancel()
        portal.process.kill()
        portal.process.wait()


def leases_end(var: Path) -> None:
    """Half a minute passes: what a dead worker held is free to be taken over."""
    with closing(sqlite3.connect(var / "portal.db", timeout=10)) as database, database:
        database.execute("UPDATE job SET due_at = 0 WHERE state = 'running'")


def checkpoint(portal: Portal, to: Path) -> Path:
    """Keep what the log has promised so far; it must never take it back."""
    with suppress(httpx2.HTTPError):
        to.write_bytes(httpx2.get(f"{portal.address}/audit/checkpoint").content)
    return to


def grew_from(portal: Portal, promised: Path) -> None:
    done = portal.command("audit", "verify", "--seen", str(promised))
    assert done.returncode == 0, done.stdout + done.stderr


def patience(seconds: float) -> float:
    """Longer when others use the machine as well."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
