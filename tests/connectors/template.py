"""The service of docs/connector-template, imported from where engineers find it, and made to misbehave where a test wants it.

`serving` runs it as it stands; `FaultyService` answers with its code behind a `Receiver`, and spoils what it says.
"""

import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from portal import connectors, settings
from portal.connectors import Connector
from portal.settings import HOME
from tests.connectors.receiver import Message, Receiver, listed, write_list

FOLDER = HOME / "docs" / "connector-template"
TABLES = 'tables = ["customer", "orders"]'
# a finding and a field as short as they may be
ROW = {"table": "customer", "key": {"id": 1}, "category": "contact", "label": "Account", "fields": []}
FIELD = {"column": "email", "label": "E-mail", "value": "ana@example.com"}
VERBS = ("find", "plan", "erase", "recheck", "correct", "consent", "check")
ANA = {"email": ["ana@example.com"], "phone": ["+40712345678"]}
BEN = {"email": ["ben@example.com"]}


def entry(url: str, *more: str) -> str:
    return listed("till", url, TABLES, *more, kind="http")


def _modules() -> tuple[ModuleType, ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        return import_module("door"), import_module("server")
    finally:
        sys.path.remove(str(FOLDER))


DOOR, SERVER = _modules()
FUNCTIONS = [getattr(SERVER, verb) for verb in VERBS]


def new_shop(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    path = str(folder / "shop.db")
    with closing(sqlite3.connect(path)) as database:
        database.executescript((FOLDER / "shop.sql").read_text())
    return path


def ask_shop(path: str, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement).fetchall()


@contextmanager
def serving() -> Iterator[Any]:
    """As an engineer runs it; its database is set by each test."""
    server = DOOR.opened("", 0, FUNCTIONS)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class FaultyService:
    """`spoil` gets the verb and what was going to be said, and answers what is said instead: JSON, or bytes as they are."""

    receiver: Receiver
    database: str
    spoil: Callable[[str, Any], Any] = lambda verb, told: told
    _said: bytes = b""

    def __post_init__(self) -> None:
        self.receiver.answer, self.receiver.content = self._answer, lambda message: self._said

    def _answer(self, message: Message) -> int:
        verbs = {f"portal.{verb}": each for verb, each in zip(VERBS, FUNCTIONS, strict=True)}
        with closing(sqlite3.connect(self.database, isolation_level=None)) as database:
            status, told = DOOR.answer(database, verbs, message.content)
        told = self.spoil(message.content["type"].removeprefix("portal."), told) if status == 200 else told
        self._said = told if isinstance(told, bytes) else json.dumps(told).encode()
        return int(status)

    def always(self, status: int, told: Any = b"{}") -> None:
        """Say this whatever is asked, without looking at it; the results of a function, one after the other."""

        def content(_message: Message) -> bytes:
            said = told() if callable(told) else told
            return said if isinstance(said, bytes) else json.dumps(said).encode()

        self.receiver.answer, self.receiver.content = (lambda message: status), content

    def changed(self, verb: str, **what: Any) -> None:
        """Say these members of the answer to this verb instead."""
        self.spoil = lambda asked, told: {**told, **what} if asked == verb else told


def open_till(service: FaultyService, *more: str) -> Connector:
    folder = Path(service.database).parent
    settings.use(replace(settings.get(), systems=write_list(folder, entry(service.receiver.url, *more))))
    return connectors.open_system("till")
