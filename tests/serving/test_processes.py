"""PORTAL_PROCESSES: whichever process answers, it is one portal, and one of them dying costs nobody what was acknowledged."""

import http.client
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import pytest

from portal import identity
from portal.public.sign_in import ASKS_PER_HOUR
from portal.settings import Settings
from tests.api.machines import key, question, said
from tests.conftest import apart, opened, settings_in
from tests.consent.people import publish
from tests.faults.oracle import portal_rows
from tests.journeys.conftest import Portal, database_of, serving
from tests.journeys.steps import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux deals connections out to processes.")


@dataclass
class Caller:
    """One connection, so always the same process."""

    portal: Portal
    secret: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        address = urlsplit(self.portal.address)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        self._connection.connect()

    def process(self) -> int:
        """Which one answers, by its id."""
        return int(eventually(lambda: _who_answers(self.portal, self._connection.sock.getsockname()[1])))

    def post(self, path: str, body: str, **headers: str) -> tuple[int, str]:
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def ask(self, path: str, said: dict[str, Any], **more: str) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {self.secret}", "content-type": "application/json"}
        status, answer = self.post(path, json.dumps(said), **headers, **more)
        return status, json.loads(answer)

    def sign_in(self, **fields: str) -> int:
        headers = {"origin": self.portal.address, "content-type": "application/x-www-form-urlencoded"}
        return self.post("/sign-in", urlencode(fields), **headers)[0]


@dataclass
class Office:
    portal: Portal
    secret: str

    def callers(self) -> list[Caller]:
        """One for each process that answers."""
        found: dict[int, Caller] = {}
        while len(found) < 2:
            caller = Caller(self.portal, self.secret)
            found.setdefault(caller.process(), caller)
        return list(found.values())


class Crowd:
    """Four programs that hand in one decision after the other, each about somebody new, and come back when they are cut off."""

    def __init__(self, office: Office) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[tuple[int, Any]] = []
        self._office, self._stop, self._numbers = office, threading.Event(), count()
        self._threads = [threading.Thread(target=self._live) for _each in range(4)]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def is_heard(self) -> None:
        least = len(self.acknowledged) + 20
        eventually(lambda: len(self.acknowledged) >= least, seconds=60)

    def _live(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError, http.client.HTTPException):  # its process is gone: whether the last one counts is not known
                self._hand_in(Caller(self._office.portal, self._office.secret))

    def _hand_in(self, caller: Caller) -> None:
        while not self._stop.is_set():
            status, answer = caller.ask("/api/v1/decisions", said(f"somebody{next(self._numbers)}@example.com"))
            if status == 201:
                self.acknowledged.append(answer["decisions"][0]["id"])
            else:
                self.refused.append((status, answer))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.deep)])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    var, address = tmp_path_factory.mktemp("office"), ""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), var / "portal.db")
    else:
        address = request.getfixturevalue("postgresql_databases").take()
        (var / "database-url").write_text(address)
    secret = apart(_founded(var))
    with serving(var, PORTAL_PROCESSES="2", PORTAL_SYSTEMS="") as portal:
        yield Office(portal, secret)
    if address:
        request.getfixturevalue("postgresql_databases").give_back(address)


def test_what_one_process_records_the_other_one_answers_at_once(office: Office) -> None:
    for writer, reader in (callers := office.callers(), callers[::-1]):
        for answer in ("yes", "no") * 5:
            assert writer.ask("/api/v1/decisions", said(answer=answer))[0] == 201
            assert reader.ask("/api/v1/permissions/check", question())[1]["allowed"] == (answer == "yes")


def test_the_same_request_to_each_process_is_recorded_once(office: Office) -> None:
    once = {"idempotency-key": "one"}
    answers = [each.ask("/api/v1/decisions", said("ben@example.com"), **once) for each in office.callers()]
    assert answers[0] == answers[1] and answers[0][0] == 201


def test_processes_count_together_what_a_network_may_try(office: Office) -> None:
    tried = [caller.sign_in(email="") for caller, _each in zip(cycle(office.callers()), range(ASKS_PER_HOUR + 2), strict=False)]
    assert tried == [422] * ASKS_PER_HOUR + [429] * 2


def test_a_key_that_was_revoked_ends_in_every_process(office: Office) -> None:
    callers, secret = office.callers(), apart(_another_key(office.portal.var))
    for each in callers:
        each.secret = secret
    assert [each.ask("/api/v1/permissions/check", question())[0] for each in callers] == [200, 200]
    apart(_revoke_newest(office.portal.var))
    eventually(lambda: [each.ask("/api/v1/permissions/check", question())[0] for each in callers] == [401, 401], seconds=3)


def test_each_process_may_die_and_nothing_acknowledged_is_lost(office: Office) -> None:
    portal, before = office.portal, _children(office.portal)
    with Crowd(office) as crowd:
        for child in before:
            crowd.is_heard()
            os.kill(child, signal.SIGKILL)
            eventually(partial(_was_replaced, portal, child))
        crowd.is_heard()
    assert not crowd.refused and len(before) == 3
    stored = [each for (each,) in portal_rows(portal.var, "SELECT id FROM decision")]
    assert set(crowd.acknowledged) <= set(stored) and len(crowd.acknowledged) == len(set(crowd.acknowledged))
    assert portal_rows(portal.var, "SELECT count(*) FROM decision WHERE entry NOT IN (SELECT id FROM entry)") == [(0,)]
    eventually(lambda: portal_rows(portal.var, "SELECT count(*) FROM entry WHERE log_index IS NULL") == [(0,)], seconds=30)
    portal.verify_log()


def test_told_to_stop_all_processes_end(office: Office) -> None:
    portal, children, began = office.portal, _children(office.portal), time.monotonic()
    portal.process.send_signal(signal.SIGTERM)
    assert portal.process.wait(20) == 0
    assert time.monotonic() - began < 15 and len(children) == 3
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert not (portal.var / "portal.db-wal").exists()  # the last one that closes SQLite's file empties it


def _children(portal: Portal) -> list[int]:
    task = portal.process.pid
    return [int(each) for each in Path(f"/proc/{task}/task/{task}/children").read_text().split()]


def _was_replaced(portal: Portal, child: int) -> bool:
    now = _children(portal)
    return child not in now and len(now) == 3


def _who_answers(portal: Portal, port: int) -> int | None:
    """The process that took the connection from this port of ours."""
    connection = rf"(?m)^ *\d+: \w+:{urlsplit(portal.address).port:04X} \w+:{port:04X} 01 (?:\S+ +){{5}}(\d+)"
    found = re.search(connection, Path("/proc/net/tcp").read_text())
    if found is None:
        return None
    for child in _children(portal):
        if f"socket:[{found[1]}]" in [str(each.readlink()) for each in Path(f"/proc/{child}/fd").iterdir() if each.is_symlink()]:
            return child
    return None


def _settings(var: Path) -> Settings:
    return replace(settings_in(var), database_url=database_of(var))


async def _founded(var: Path) -> str:
    async with opened(_settings(var)):
        await publish()
        return await key()


async def _another_key(var: Path) -> str:
    async with opened(_settings(var)):
        return await key()


async def _revoke_newest(var: Path) -> None:
    async with opened(_settings(var)):
        await identity.revoke_key((await identity.keys())[-1].id, by=None)
