"""Fifty requests before lunch: an officer answers them by keys alone, the server dies midway, nobody is written to twice."""

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from portal import cases, identity, messages
from portal.lib import clock
from portal.settings import Settings
from tests.conftest import LOG_KEY, MASTER_KEY, apart, opened
from tests.faults.oracle import leases_end, portal_rows
from tests.journeys.conftest import Portal, free_port, running, serving, wait_until_ready
from tests.journeys.steps import eventually, officer_signs_in

MANY, SECONDS, KEYS = 50, 600, 120
DEEP = [pytest.mark.deep, pytest.mark.timeout(1500)]
MINE = "/admin/cases?waits_for=me&state=triage&right=access"


@dataclass
class Keyboard:
    """Every key counts, those that wait for nothing as well."""

    page: Page
    pressed: list[str] = field(default_factory=list)

    def press(self, key: str) -> None:
        self.pressed.append(key)
        self.page.keyboard.press(key)

    def go(self, key: str) -> None:
        with self.page.expect_navigation():
            self.press(key)

    def next_step(self) -> None:
        self.press("a")
        self.go("r")

    def settled(self) -> None:
        self.page.locator("#bulk:not([hx-get])").wait_for(timeout=SECONDS * 1000)


@pytest.mark.parametrize(("number", "undo"), [(6, 2), pytest.param(MANY, 60, marks=DEEP)])
def test_requests_are_answered_by_keys_and_once_though_the_server_dies(
    number: int, undo: int, demo: Path, tmp_path: Path, chromium: Browser
) -> None:
    var, port = tmp_path / "var", free_port()
    shutil.copytree(demo, var)
    asked = apart(_confirmed_requests(var, number))
    context = chromium.new_context(base_url=f"http://127.0.0.1:{port}", locale="en-GB", viewport={"width": 1280, "height": 900})
    keys = Keyboard(context.new_page())
    with serving(var, port, PORTAL_UNDO_SECONDS=str(undo)) as portal:
        officer_signs_in(keys.page, "olga")
        begun = time.monotonic()
        keys.page.goto(MINE)
        keys.next_step()
        keys.settled()
        keys.go("n")
        keys.next_step()
        assert _answered(var) == 0, "It was not waited for an undo."
        eventually(lambda: _answered(var) > 0, seconds=undo + 60)
        portal.process.kill()
        portal.process.wait()
    assert _delivered(var, asked) < number, "It died too late to show anything."
    leases_end(var)
    with running(var, "serve", PORTAL_PORT=str(port), PORTAL_BASE_URL=f"http://127.0.0.1:{port}") as process:
        portal = Portal(f"http://127.0.0.1:{port}", var, process)
        print(f"Ready again after {wait_until_ready(portal, 120):.1f} s, with all that work in hand")
        keys.pressed.append("F5")
        keys.page.reload()
        keys.settled()
        eventually(lambda: _delivered(var, asked) == number, seconds=SECONDS)
        took = time.monotonic() - begun
        print(f"{number} requests: {len(keys.pressed)} keys, {took:.0f} s")
        assert len(keys.pressed) <= KEYS and took <= SECONDS
        _everybody_is_written_to_once(var, asked)
        portal.verify_log()
    context.close()


async def _confirmed_requests(var: Path, number: int) -> list[str]:
    """Of so many customers with orders and without another request: asked for three weeks ago, confirmed by the link."""
    made = []
    wanted = Settings(var=var, systems=str(var / "systems.toml"), demo=True, master_key=MASTER_KEY, log_key=LOG_KEY)
    async with opened(wanted):
        for address, language in _customers(var, number):
            case = await cases.open(
                "access",
                address,
                language=language,
                details={"country": "RO"},
                received_at=clock.now() - timedelta(days=21),
                browser=address,
            )
            letter = next(each.letter for each in await messages.mailbox(5) if each.to == address and each.letter)
            link = re.search(r"/l/([\w-]+)", letter.text)
            assert link
            await cases.verified(case.id, await identity.prove_link(link[1], address))
            made.append(case.id)
    return made


def _customers(var: Path, number: int) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(var / "demo" / "shop.db")) as shop:
        yield from shop.execute(
            "SELECT email, language FROM customer c WHERE id NOT IN (3, 8, 12, 17, 21, 30, 41, 52, 66, 77, 90, 104, 120)"
            " AND EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id) ORDER BY id LIMIT ?",
            [number],
        ).fetchall()


def _answered(var: Path) -> int:
    """How many requests of the bulk were taken so far."""
    return int(portal_rows(var, "SELECT count(*) FROM case_bulk_item WHERE step = 'answer' AND state = 'done'")[0][0])


def _delivered(var: Path, asked: list[str]) -> int:
    marks = ", ".join("?" * len(asked))
    return int(portal_rows(var, f"SELECT count(*) FROM case_file WHERE state = 'delivering' AND id IN ({marks})", *asked)[0][0])


def _everybody_is_written_to_once(var: Path, asked: list[str]) -> None:
    for table, condition in (
        ("message", "template = 'mail/case-ready'"),
        ("case_package", "kind = 'package'"),
        ("entry", "event = 'case.proposed'"),
        ("entry", "event = 'case.delivering'"),
    ):
        found = dict(portal_rows(var, f"SELECT case_id, count(*) FROM {table} WHERE {condition} GROUP BY case_id"))
        assert {case: found.get(case) for case in asked} == dict.fromkeys(asked, 1), (table, condition)
