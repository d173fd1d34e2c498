"""The link in a message, as mail programs, scanners and people use it: no sign-in, no scripts, no cookies."""

import re
import time

import httpx2
import pytest

from portal import consent, db, subjects
from portal.app import build
from portal.consent import Cell
from portal.settings import HOME
from tests.conftest import House
from tests.consent.people import allowed, known, say
from tests.people import ANA, Browser
from tests.rules.doors import doors

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def shop(sqlite_house: House) -> House:
    await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
    return sqlite_house


@pytest.fixture
async def ana(shop: House) -> subjects.Identifier:
    mine = await known("email", ANA, proven=True)
    await say(mine, "yes", "newsletter", grade="self-verified")
    assert await allowed(mine, "newsletter")
    return mine


async def _link(identifier: subjects.Identifier) -> str:
    return "/u/" + await consent.unsubscribing.unsubscribe_token(identifier.id, Cell("newsletter", "email"))


def _mail_program() -> httpx2.AsyncClient:
    """Sends what RFC 8058 says and nothing a browser would: no cookies, no Origin, no Sec-Fetch-Site."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=build()), base_url="http://127.0.0.1:8000")


async def _rows() -> int:
    tables = ("decision", "entry", "stop", "message", "job")
    counted = [await db.row(f"SELECT count(*) AS n FROM {table}") for table in tables]
    return sum(int(each["n"]) for each in counted if each)


async def test_one_click_of_a_mail_program_stops_it_at_once(ana: subjects.Identifier) -> None:
    async with _mail_program() as program:
        for send in ({"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}, {"content": b"\xff\x00"}):
            await say(ana, "yes", "newsletter", grade="self-verified")
            answer = await program.post(await _link(ana), **send)
            assert answer.status_code == 200 and "set-cookie" not in answer.headers
            assert not await allowed(ana, "newsletter")


async def test_looking_at_the_link_has_no_effect_however_often(ana: subjects.Identifier) -> None:
    link, before = await _link(ana), await _rows()
    async with _mail_program() as scanner:
        for _time in range(50):
            assert (await scanner.get(link)).status_code == 200
        assert (await scanner.head(link)).status_code == 200
        assert (await scanner.get(link + "/undo")).status_code in (404, 405)
    assert await allowed(ana, "newsletter") and await _rows() == before


async def test_two_taps_stop_it_and_a_third_takes_it_back(ana: subjects.Identifier) -> None:
    async with Browser() as nobody:
        page = await nobody.get(await _link(ana))
        assert "Newsletter" in page.text and "ana" not in page.text.replace("anaged", "") and "Stop these e-mails" in page.text
        form = re.search(r'<form class="actions" method="post" action="([^"]+)"', page.text)
        assert form
        page = await nobody.post(form[1], data=ONE_CLICK)
        assert "You are off this list" in page.text and not await allowed(ana, "newsletter")
        again = re.search(r'action="([^"]+/undo)">\s*<input type="hidden" name="once" value="([^"]+)"', page.text)
        assert again
        page = await nobody.post(again[1], data={"once": again[2]})
        assert "Taken back" in page.text and await allowed(ana, "newsletter")
        assert page.headers["referrer-policy"] == "no-referrer"


async def test_nobody_takes_it_back_without_the_value_of_the_answer(ana: subjects.Identifier) -> None:
    link = await _link(ana)
    async with _mail_program() as mallory:
        await mallory.post(link, data=ONE_CLICK)
        newest = await db.row("SELECT id FROM decision ORDER BY id DESC LIMIT 1")
        assert newest is not None
        for once in ("", newest["id"], link.removeprefix("/u/")):
            assert (await mallory.post(link + "/undo", data={"once": once})).status_code == 404
    assert not await allowed(ana, "newsletter")


async def test_an_erased_address_gets_the_same_words_and_nothing_is_written(ana: subjects.Identifier) -> None:
    link = await _link(ana)
    async with db.writing():
        await subjects.forget(ana.subject, by="system")
    before = await _rows()
    async with _mail_program() as program:
        answer = await program.post(link, data=ONE_CLICK)
    assert answer.status_code == 200 and "You are off this list" in answer.text and "Undo" not in answer.text
    assert await _rows() == before


async def test_a_link_that_is_not_ours_or_not_whole_never_claims_to_have_stopped_anything(ana: subjects.Identifier) -> None:
    link, before = await _link(ana), await _rows()
    async with _mail_program() as program:
        for wrong in (link[:-1], link[:-20], "/u/abc", link[:-6] + "AAAAAA"):
            for answer in (await program.get(wrong), await program.post(wrong, data=ONE_CLICK)):
                assert answer.status_code == 404 and "not complete" in answer.text
    assert await allowed(ana, "newsletter") and await _rows() == before


async def test_the_answer_comes_quickly(ana: subjects.Identifier) -> None:
    link = await _link(ana)
    async with _mail_program() as program:
        await program.get(link)
        started = time.perf_counter()
        await program.post(link, data=ONE_CLICK)
        assert time.perf_counter() - started < 0.5


def test_only_the_two_taps_and_their_undoing_need_no_origin() -> None:
    assert {each.name for each in doors() if each.pattern.startswith("/u/")} == {
        "GET /u/{token}",
        "POST /u/{token}",
        "POST /u/{token}/undo",
    }
