"""Load with a journal, and kill -9.

A customer's acts are written to the journal (fsynced) before they are sent and again when the answer came. After a
restart the oracle compares it with the portal's own tables: an acknowledged act is there exactly once, in order, and
logged; one that was under way when the process died is there once or not at all.
"""

import json
import os
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    refused: int = 0

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
            if self._counts(reply):
                assert reply.url.path.startswith("/requests/"), reply.text
                self.journal.acknowledged(number, page=reply.url.path)
            return
        square, answer = self.chance.choice(self.squares), self.chance.choice(["yes", "no"])
        number = self.journal.sent(who=self.address, what="decide", square=square, answer=answer)
        headers = {"hx-request": "true"} if self.chance.random() < 0.5 else {}
        reply = self.visitor.post(square, data={"answer": answer}, headers=headers)
        if self._counts(reply):
            self.journal.acknowledged(number)

    def _counts(self, reply: httpx2.Response) -> bool:
        """Whether it was done; with a 503 or 507 it may be sent again, with a 429 later (nobody asks this often), and
        anything else is a fault of the portal."""
        assert reply.status_code in {200, 429, 503, 507}, (reply.status_code, reply.text)
        if reply.status_code == 429:
            time.sleep(0.1)
        elif reply.status_code != 200:
            self.refused += 1
            time.sleep(0.1)
        return reply.status_code == 200


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


def people_are_heard(journal: Journal, acts: int) -> None:
    """So many acts that begin from now on are acknowledged."""
    after = len(journal.acts)
    eventually(lambda: sum(act["acknowledged"] for act in journal.acts[after:]) >= acts, seconds=30)


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


def checkpoint(portal: Portal, to: Path) -> Path:
    """Keep what the log has promised so far; it must never take it back."""
    to.write_bytes(httpx2.get(f"{portal.address}/audit/checkpoint", timeout=20).raise_for_status().content)
    return to


def grew_from(portal: Portal, promised: Path) -> None:
    done = portal.command("audit", "verify", "--seen", str(promised))
    assert done.returncode == 0, done.stdout + done.stderr


def patience(seconds: float) -> float:
    """Longer when others use the machine as well."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
