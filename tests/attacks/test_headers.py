"""SEC-19, SEC-20, SEC-21: what every answer says to the browser, and where a page may send it on."""

import re
from dataclasses import replace

import pytest

from portal import documents, settings
from portal.pages import local_path
from tests.attacks.scene import Scene
from tests.conftest import House
from tests.people import ANA, Browser, code_for, newest_mail
from tests.rules.doors import doors

KEPT_BY_BROWSERS = {
    "/brand.css": "public, max-age=3600",  # the company's colours
    "/api/openapi.json": "no-cache",
    "/audit/checkpoint": "no-cache",  # for everybody, and asked for anew each time
    "/.well-known/gpc.json": "public, max-age=3600",
    "/w/v1/{site}/settings": "public, max-age=300",  # the same for every visitor of a website
    "/w/v1/{hash}/choice.js": "public, max-age=31536000, immutable",  # under the hash of its bytes
    "/w/v1/{hash}/choice-form.js": "public, max-age=31536000, immutable",
    "/w/v1/{hash}/choice.d.ts": "public, max-age=3600",
}
ELSEWHERE = [
    "https://evil.example/",
    "http:evil.example",
    "https:evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\n/evil.example",
    "/ok\r\nLocation: https://evil.example",
    "/ok\r\n\r\n<script>alert(1)</script>",
    "/\x00/evil.example",
    "/\x0b/evil.example",
    "/ok\x7f",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "evil.example",
    "@evil.example",
    "",
    "?next=/",
    "#x",
    "/\u2028/evil.example",
    "/\ufeff/evil.example",
    "http://127.0.0.1:8000@evil.example/",
    "/preferences\\..\\..",
    "ftp://evil.example",
]


@pytest.mark.parametrize("wanted", ELSEWHERE, ids=repr)
def test_a_way_on_never_leaves_the_site(wanted: str) -> None:
    assert local_path(wanted, "/preferences") == "/preferences"


@pytest.mark.parametrize("wanted", ["/", "/requests/abc", "/admin/cases?state=triage&after=x", "/preferences/history#last"])
def test_a_way_on_inside_the_site_is_kept(wanted: str) -> None:
    assert local_path(wanted, "/nowhere") == wanted


@pytest.mark.parametrize("wanted", [each for each in ELSEWHERE if each.isprintable() and each.isascii()], ids=repr)
async def test_no_page_sends_a_visitor_elsewhere(sqlite_house: House, wanted: str) -> None:
    async with Browser() as visitor:
        answer = await visitor.get("/language/en", params={"next": wanted}, follow_redirects=False)
        assert answer.headers["location"] == "/"


async def test_a_planted_cookie_sends_nobody_elsewhere(sqlite_house: House) -> None:
    async with Browser() as ana:
        await ana.get("/sign-in")
        page = await ana.post("/sign-in", data={"email": ANA})
        ana.cookies.set("next", '"//evil.example"', domain="127.0.0.1")
        answer = await ana.post(page.url.path, data={"code": await code_for(ANA)}, follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"] == "/preferences"


async def test_after_signing_in_one_is_where_one_wanted_to_go(sqlite_house: House) -> None:
    async with Browser() as ana:
        await ana.get("/requests?from=mail&name=ă")
        await ana.get("/sign-in")
        page = await ana.post("/sign-in", data={"email": ANA})
        answer = await ana.post(page.url.path, data={"code": await code_for(ANA)}, follow_redirects=False)
        assert answer.headers["location"] == "/requests?from=mail&name=%C4%83"


async def test_links_in_mails_are_made_of_the_configured_address_alone(sqlite_house: House) -> None:
    async with Browser() as mallory:
        headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
        await mallory.post("/sign-in", data={"email": ANA}, headers=headers)
    mail = await newest_mail(ANA)
    assert "evil.example" not in mail and settings.get().base_url in mail


async def test_every_answer_keeps_out_frames_foreign_scripts_and_caches(scene: Scene) -> None:
    for door in doors():
        for browser in (scene.ana, scene.officers["privacy-officer"], Browser(), scene.machine()):
            answer = await browser.request(door.method, scene.path(door.pattern), follow_redirects=False)
            policy, name = answer.headers["content-security-policy"], f"{door.name} {answer.status_code}"
            assert "frame-ancestors 'none'" in policy and "unsafe" not in policy, name
            assert re.search(r"default-src '(self|none)'", policy), name
            assert answer.headers["x-content-type-options"] == "nosniff", name
            for_websites = door.pattern.startswith("/w/") or door.pattern == "/.well-known/gpc.json"
            assert answer.headers["cross-origin-resource-policy"] == ("cross-origin" if for_websites else "same-origin"), name
            assert answer.headers["referrer-policy"] in ("same-origin", "no-referrer"), name
            assert answer.headers["cache-control"] == KEPT_BY_BROWSERS.get(door.pattern, "no-store"), name
            for each in answer.headers.get_list("set-cookie"):
                assert "httponly" in each.lower() and "samesite=lax" in each.lower() and "path=/" in each.lower(), name


async def test_behind_https_every_cookie_is_bound_to_this_host_when_it_comes_and_when_it_goes(sqlite_house: House) -> None:
    settings.use(replace(sqlite_house.settings, base_url="https://privacy.example.com"))
    async with Browser() as ana:
        came = (await ana.get("/sign-in", follow_redirects=False)).headers.get_list("set-cookie")
        ours = {"origin": "https://privacy.example.com"}
        went = (await ana.post("/sign-out", headers=ours, follow_redirects=False)).headers.get_list("set-cookie")
    assert len(came) == 1 and len(went) == 1
    for each in came + went:
        assert (
            each.startswith("__Host-")
            and "; secure" in each.lower()
            and "path=/" in each.lower()
            and "domain" not in each.lower()
        )


async def test_a_page_with_a_secret_in_its_address_tells_it_to_nobody(scene: Scene) -> None:
    for pattern in ("/l/{secret}", "/u/{token}", "/confirm/{token}", "/admin/invitation/{secret}"):
        answer = await scene.ana.get(scene.path(pattern))
        assert answer.status_code == 200 and answer.headers["referrer-policy"] == "no-referrer"
        own = documents.company().authority_url  # a link that the visitor may follow, not one that the page loads
        loaded = re.findall(r'(?:src|href|action)="(https?://[^"]+)"', answer.text)
        assert set(loaded) <= {own}


async def test_our_own_files_are_kept_for_ever_and_are_nothing_else(scene: Scene) -> None:
    page = await scene.ana.get("/")
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) > 3
    for each in files:
        answer = await scene.ana.get(each)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"], each
        assert answer.headers["x-content-type-options"] == "nosniff"
    for outside in (
        "/static/x/../../settings.py",
        "/static/x/..%2f..%2fsettings.py",
        "/static/x//etc/passwd",
        "/static/x/%2e%2e/app.py",
    ):
        assert (await scene.ana.get(outside)).status_code == 404


async def test_looking_ahead_at_a_download_uses_nothing_up(scene: Scene) -> None:
    path = scene.path("/downloads/{secret}")
    assert (await scene.ana.head(path)).status_code == 200
    answer = await scene.ana.get(path)
    assert answer.status_code == 200 and answer.headers["content-disposition"].startswith("attachment")
    assert (await scene.ana.get(path)).status_code == 409


async def test_a_part_and_its_page_are_never_mistaken_for_each_other(scene: Scene) -> None:
    path = scene.path("/preferences/{purpose}/{channel}")
    part = await scene.ana.post(path, data={"answer": "no"}, headers={"hx-request": "true"}, follow_redirects=False)
    assert part.status_code == 200 and "HX-Request" in part.headers["vary"]
    assert (await scene.ana.post(path, data={"answer": "no"}, follow_redirects=False)).status_code == 303
