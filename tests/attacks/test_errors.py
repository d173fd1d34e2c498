"""SEC-42: whatever is thrown at a door, nobody sees a trace, SQL, a path or a version; and nothing ends in a 500."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response

from portal.app import build
from portal.pages import anyone, get
from tests.attacks.scene import Scene, open_scene
from tests.conftest import House
from tests.people import Browser
from tests.rules.doors import Door, doors

# What every door gets; of the rest each door gets a part, the next door the next one, and all of it in `make deep`.
WORST = ["%00", "9" * 25, "%ED%A0%80"]
PARTS = [6, pytest.param(1, marks=pytest.mark.deep)]
GARBAGE = [
    "x%00y",
    "%27",
    "%27%20OR%201=1--",
    "%FF%FE",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    quote("ă€ชื่อ💥"),
    "%0D%0ASet-Cookie:%20a=b",
    "%7B%7B7*7%7D%7D%25s%25n",
    "<script>alert(1)<script>",
    "-1",
    "None",
    "n" * 60,
    "n" * 3000,
    "%C2%85%E2%80%A8",
]
TELLING = (
    r"Traceback|\bSELECT\b.*\bFROM\b|site-packages|\.py\b|/usr/lib|sqlite|asyncpg|tortoise|starlette|uvicorn|jinja"
    r"|OperationalError|KeyError|ValueError|python/?\d"
)
FIELDS = [
    *("email", "password", "code", "right", "country", "message", "new-name", "new-phone", "suppress", "answer", "once"),
    *("months", "next", "address", "digest", "why", "reasons", "outcome", "text", "kind", "lift", "finding", "row", "field"),
    *("reason", "do", "to"),
]
QUERIES = {
    "/admin/audit": ("event", "actor", "subject", "case", "object", "before"),
    "/admin/cases": ("state", "right", "open", "after"),
    "/language/{code}": ("next",),
    "/preferences/{purpose}/{channel}": ("to", "text"),
}


@pytest.mark.parametrize("parts", PARTS)
async def test_no_door_breaks_whatever_its_address_says(scene: Scene, parts: int) -> None:
    broken = await _broken_by_addresses(scene, parts)
    assert broken == [], "\n".join(broken)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_nor_on_the_stricter_database(house: House, tmp_path: Path, parts: int) -> None:
    broken = await _broken_by_addresses(await open_scene(house, tmp_path / "company"), parts)
    assert broken == [], "\n".join(broken)


@pytest.mark.parametrize("parts", PARTS)
async def test_no_door_breaks_whatever_its_form_says(scene: Scene, parts: int) -> None:
    broken, (worst, *rest) = [], _forms()
    for number, door in enumerate(each for each in doors() if each.unsafe and "sign-out" not in each.pattern):
        for kind, body in (worst, *rest[number % parts :: parts]):
            browser, headers = _browser(door, scene), {"content-type": kind}
            answer = await browser.post(scene.path(door.pattern), content=body, headers=headers, follow_redirects=False)
            broken += _faults(door, f"{kind} {body[:60]!r}", answer)
    assert broken == [], "\n".join(broken)


async def test_no_page_breaks_whatever_the_headers_say(scene: Scene) -> None:
    odd = ["", ",;q=,,x;q=nan,ro;q=1e400", "\xff\xfe", "ro" * 5000, "*;q=-1"]
    for name in ("accept-language", "user-agent", "cookie", "x-forwarded-for", "hx-request", "referer", "range"):
        for value in odd:
            raw = (name.encode(), value.encode("latin-1"))
            async with Browser() as anybody:
                answer = await anybody.get("/sign-in", headers=[raw])
                assert answer.status_code == 200, (name, value, answer.status_code)


async def test_an_unexpected_error_shows_a_number_and_nothing_else(scene: Scene) -> None:
    async def boom(request: Request) -> Response:
        raise RuntimeError("SELECT address FROM identifier WHERE value = 'ana@example.com'")

    app = build()
    app.router.routes.insert(0, get("/boom", boom, guard=anyone))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as browser:
        answer = await browser.get("/boom", headers={"accept-language": "ro"})
    assert answer.status_code == 500
    assert not re.search(TELLING, answer.text) and "ana@" not in answer.text
    assert re.search(r"[0-9a-f]{12}", answer.text)
    assert '<html lang="ro"' in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def _broken_by_addresses(scene: Scene, parts: int) -> list[str]:
    broken, nobody = [], Browser()
    for number, door in enumerate(doors()):
        for path in _addresses(door, scene, WORST + GARBAGE[number % parts :: parts]):
            for browser in (_browser(door, scene), nobody):
                broken += _faults(door, path, await browser.request(door.method, path, follow_redirects=False))
    return broken


def _addresses(door: Door, scene: Scene, garbage: list[str]) -> Iterator[str]:
    """Each object replaced by garbage, one at a time, and each question after the `?`."""
    hole = r"\{(\w+)(?::int)?\}"
    for place in re.finditer(hole, door.pattern):
        before, after = door.pattern[: place.start()], door.pattern[place.end() :]
        yield from (re.sub(hole, "1", before) + each + re.sub(hole, "1", after) for each in garbage)
    for name in QUERIES.get(door.pattern, ()):
        good = scene.path(door.pattern).partition("?")[0]
        yield from (f"{good}?{name}={each}" for each in garbage)


def _forms() -> Iterator[tuple[str, bytes]]:
    plain, many = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
    for each in ("%00", "%27%20OR%201=1--", quote("ă€ชื่อ💥"), "9" * 25, "n" * 60, "n" * 3000):
        yield plain, "&".join(f"{name}={each}" for name in FIELDS).encode()
    yield plain, b"\xff\xfe=\xff&=&&&==&%%%=%"
    yield many, b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n\xff\xfe\x00\r\n--b--\r\n'
    yield many, b'--b\r\nContent-Disposition: form-data; name="email"; filename="../../x.py"\r\n\r\nimport os\r\n--b--\r\n'
    yield many, b"--b\r\nno header at all"
    yield "multipart/form-data", b"x"
    yield "application/json", b'{"email": ' + b"[" * 5000
    yield "text/plain; charset=utf-99", b"email=x"


def _browser(door: Door, scene: Scene) -> httpx2.AsyncClient:
    if door.for_machines:
        return scene.machine()
    if not door.pattern.startswith("/admin"):
        return scene.ana
    return scene.officers["approver"] if door.guard == "officer(cases.approve)" else scene.officer(door.pattern)


def _faults(door: Door, what: str, answer: httpx2.Response) -> list[str]:
    told = re.search(TELLING, answer.text, re.IGNORECASE) if answer.status_code >= 400 else None
    said = f"tells {told[0]!r}" if told else ""
    return [f"{door.name} {what[:80]}: {answer.status_code} {said}"] if answer.status_code >= 500 or told else []
