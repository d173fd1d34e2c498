"""What a machine sends is read one way only or not at all; and every refusal under /api/ is a problem (RFC 9457)."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from tortoise.exceptions import OperationalError

from portal import logs
from portal.api import permissions
from portal.api.door import Described, post
from portal.app import build
from portal.identity import ApiKey
from tests.api.machines import OURS, Machine, faults, key, number, question, said
from tests.conftest import House
from tests.consent.people import publish

DECISIONS, CHECK = "/api/v1/decisions", "/api/v1/permissions/check"
GOOD = json.dumps(said())


@pytest.fixture
async def shop(house: House) -> AsyncIterator[Machine]:
    await publish()
    async with Machine(await key()) as shop:
        yield shop


async def test_json_that_could_be_read_two_ways_is_refused(shop: Machine) -> None:
    item = json.dumps(said()["decisions"][0])
    bad: list[bytes | str] = [
        "",
        "x",
        '{"identifier"',
        GOOD + GOOD,
        GOOD.replace('"source"', '"source": "order", "source"'),
        GOOD.replace("{", '{"evidence": {"a": 1, "a": 2}, ', 1),
        GOOD.replace("{", '{"evidence": {"a": NaN}, ', 1),
        GOOD.replace("{", '{"evidence": {"a": -Infinity}, ', 1),
        GOOD.replace("{", '{"evidence": {"a": ' + "9" * 5000 + "}, ", 1),
        GOOD.replace("{", '{"evidence": {"a": "\\u0000"}, ', 1),
        GOOD.replace("{", '{"evidence": {"\\ud800": 1}, ', 1),
        GOOD.replace("ana@", "\\udc00@"),
        GOOD.replace("back-in-stock", "back\\u0000in-stock"),
        "[" * 100_000,
        '{"a":' * 50_000,
        GOOD.replace("{", '{"evidence": ' + '{"a": ' * 40 + "1" + "}" * 40 + ", ", 1),
        "\ufeff" + GOOD,
        GOOD.encode("utf-16"),
        b"\xff\xfe",
        b"\x00",
        GOOD.replace("ana", "\u00e9na").encode("latin-1"),
        f'{{"decisions": [{item},]}}',
    ]
    for each in bad:
        answer = await shop.post(DECISIONS, content=each, headers={"content-type": "application/json"})
        assert answer.status_code == 400, (each[:80], answer.text)
        assert faults(answer) == [""]
    for each in ("null", "7", "[]", '"x"', "true"):
        assert faults(await shop.post(DECISIONS, content=each, headers={"content-type": "application/json"})) == [""]
    assert await number("decision") == 0


async def test_ordinary_json_is_taken_as_it_comes(shop: Machine) -> None:
    deep = '{"a": ' * 25 + "1" + "}" * 25
    for each in (
        GOOD,
        f" \n{GOOD}\t",
        GOOD.replace("ana@", "\\u0061na@"),
        GOOD.replace("{", f'{{"evidence": {deep}, ', 1),
        GOOD.replace("{", '{"evidence": {"note": "\\\\u0000 is no NUL, \\ud83d\\ude00 is one letter"}, ', 1),
    ):
        for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON"):
            answer = await shop.post(DECISIONS, content=each, headers={"content-type": kind})
            assert answer.status_code == 201, (each, answer.text)
    assert await number("identifier") == 1


async def test_another_media_type_or_a_compressed_or_huge_body_is_refused(shop: Machine) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/jsonx", ""):
        answer = await shop.post(DECISIONS, content=GOOD, headers={"content-type": kind})
        assert answer.status_code == 415 and _is_problem(answer), kind
    answer = await shop.post(DECISIONS, content=GOOD, headers={"content-type": "application/json", "content-encoding": "gzip"})
    assert answer.status_code == 415 and _is_problem(answer)
    json_type = {"content-type": "application/json"}
    answer = await shop.post(DECISIONS, content=b"x" * 1_000_001, headers=json_type)
    assert answer.status_code == 413 and _is_problem(answer)

    async def endless() -> AsyncIterator[bytes]:
        for _time in range(40):
            yield b"x" * 65536

    answer = await shop.post(DECISIONS, content=endless(), headers=json_type)
    assert answer.status_code == 413 and _is_problem(answer)


async def test_what_is_not_there_is_a_problem_too(shop: Machine) -> None:
    for path in ("/api/", "/api/v1", "/api/v2/decisions", "/api/v1/decisions/", "/api/v1/x%00y", "/api/v1/" + "x" * 5000):
        answer = await shop.get(path)
        assert answer.status_code == 404 and _is_problem(answer), path
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
        answer = await shop.request(method, DECISIONS)
        assert answer.status_code == 405 and _is_problem(answer) and answer.headers["allow"] == "POST", method
    assert (await shop.post("/api/openapi.json", json={})).status_code == 405


async def test_a_database_that_is_away_is_503_and_what_we_did_not_expect_500_without_a_word_of_it(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(request: Request, key: ApiKey) -> Response:
        raise RuntimeError("SELECT value FROM identifier -- ana@example.com")

    async def away(request: Request, key: ApiKey) -> Response:
        raise OperationalError("database is locked: ana@example.com")

    site = build()
    for number_, handler in enumerate((broken, away)):
        door = post(f"/api/{number_}", handler, scope="decisions:write", described=Described("A test", answers={}))
        site.router.routes.insert(0, door)
    transport = httpx2.ASGITransport(app=site, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {await key()}"}
    async with httpx2.AsyncClient(transport=transport, base_url=OURS, headers=headers) as shop:
        answers = [await shop.post(f"/api/{number_}") for number_ in range(2)]
    assert [each.status_code for each in answers] == [500, 503]
    assert answers[1].headers["retry-after"] == "30"
    for each in answers:
        assert _is_problem(each) and "SELECT" not in each.text and "ana@" not in each.text
        assert each.headers["cache-control"] == "no-store" and each.headers["x-content-type-options"] == "nosniff"


async def test_no_log_line_names_a_person_or_a_key(sqlite_house: House, capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    import structlog

    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    try:
        logs.configure()
        await publish()
        secret = await key()
        async with Machine(secret) as shop:
            await shop.post(DECISIONS, json=said("ana.quiet@example.com", evidence={"order": "ana-4711"}))
            await shop.post(DECISIONS, json=said("ana.quiet@example.com", edition="nothing@1/en"))
            await shop.post(CHECK, json=question("ana.quiet@example.com"))
            await shop.post(CHECK, content="ana.quiet@example.com", headers={"content-type": "application/json"})
            await shop.get("/api/v1/receipts/ana.quiet@example.com")
            await shop.get("/api/v1/ana.quiet@example.com")
        async with Machine(secret[:-1]) as mallory:
            await mallory.post(CHECK, json=question("ana.quiet@example.com"))
    finally:
        structlog.configure(**before)
        logging.basicConfig(level=level, handlers=handlers, force=True)
    written = capsys.readouterr().out
    assert written.count('"event": "request"') == 7
    assert "quiet" not in written and "4711" not in written and secret[3:20] not in written


async def test_a_route_without_a_scope_of_the_list_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="no scope"):
        post("/api/v1/x", permissions.check, scope="everything", described=Described("A test", answers={}))


def _is_problem(answer: httpx2.Response) -> bool:
    told = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and told["status"] == answer.status_code
        and bool(told["title"] and told["detail"])
    )
