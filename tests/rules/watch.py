"""Presses buttons, hands in what other programs send, and notes which routes wrote into the record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from portal import db
from tests.api.machines import Machine
from tests.people import Browser
from tests.rules.doors import pattern_of


@dataclass
class Watch:
    recorded: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    async def press(self, browser: Browser, path: str, **fields: str) -> httpx2.Response:
        async with self.noting(pattern_of("POST", path.partition("?")[0])):
            answer = await browser.post(path, data=fields, follow_redirects=False)
            assert answer.status_code in (200, 303), f"{path}: {answer.status_code} {_main(answer.text)}"
        return answer

    async def send(self, machine: Machine, path: str, sent: dict[str, object]) -> httpx2.Response:
        """What another program sends."""
        async with self.noting(path):
            answer = await machine.post(path, json=sent)
            assert answer.status_code in (200, 201, 202), f"{path}: {answer.status_code} {answer.text}"
        return answer

    async def send_list(self, machine: Machine, path: str, lines: str) -> httpx2.Response:
        async with self.noting(pattern_of("POST", path.partition("?")[0])):
            answer = await machine.post(path, content=lines, headers={"content-type": "text/csv"})
            assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer

    @asynccontextmanager
    async def noting(self, pattern: str) -> AsyncIterator[None]:
        """A route is used inside; it wrote into the record when that has more entries afterwards."""
        before = await _entries()
        yield
        self.used.add(pattern)
        if await _entries() > before:
            self.recorded.add(pattern)


def _main(page: str) -> str:
    return page.partition("<main")[2].partition("</main")[0]


async def _entries() -> int:
    found = await db.row("SELECT count(*) AS n FROM entry")
    assert found is not None
    return int(found["n"])
