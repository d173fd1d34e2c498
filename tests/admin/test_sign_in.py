"""Officers come in through the pages: password, second factor, and what they read when one of them is wrong."""

import re
from urllib.parse import unquote

import pytest

from portal import audit, identity
from tests.conftest import House
from tests.people import ANA, OLGA, PASSWORD, Browser, Officer, go_to_work, hire, sign_in


@pytest.fixture
async def olga(sqlite_house: House) -> Officer:
    return await hire(OLGA, "privacy-officer")


async def test_an_officer_signs_in_with_password_and_code_and_out_again(olga: Officer) -> None:
    async with Browser() as browser:
        page = await go_to_work(browser, olga)
        assert page.url.path == "/admin" and "Requests" in page.text
        await browser.post("/admin/sign-out")
        answer = await browser.get("/admin", follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"] == "/admin/sign-in"


async def test_a_wrong_password_and_an_unknown_address_read_the_same(olga: Officer) -> None:
    async with Browser() as browser:
        wrong = await browser.post("/admin/sign-in", data={"email": OLGA, "password": "not hers at all"})
        unknown = await browser.post("/admin/sign-in", data={"email": "zoe@example.com", "password": "not hers at all"})
        assert wrong.status_code == unknown.status_code == 403
        assert "E-mail or password is not right." in wrong.text
        assert wrong.text.replace(OLGA, "x") == unknown.text.replace("zoe@example.com", "x")
        assert "not hers at all" not in wrong.text and OLGA in wrong.text
    assert len(await audit.search(event="officer.refused")) == 1


async def test_the_password_alone_opens_nothing(olga: Officer) -> None:
    async with Browser() as browser:
        await browser.post("/admin/sign-in", data={"email": OLGA, "password": PASSWORD})
        answer = await browser.get("/admin/cases", follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"] == "/admin/sign-in"


async def test_a_wrong_code_says_so_and_a_code_works_once(olga: Officer) -> None:
    code = olga.code()
    async with Browser() as browser, Browser() as other:
        await browser.post("/admin/sign-in", data={"email": OLGA, "password": PASSWORD})
        wrong = await browser.post("/admin/sign-in/code", data={"code": f"{(int(code) + 7) % 1_000_000:06}"})
        assert wrong.status_code == 403 and "not the right code" in wrong.text
        assert (await browser.post("/admin/sign-in/code", data={"code": code})).url.path == "/admin"
        await other.post("/admin/sign-in", data={"email": OLGA, "password": PASSWORD})
        again = await other.post("/admin/sign-in/code", data={"code": code})
        assert again.status_code == 409 and "used already" in again.text


async def test_an_invited_colleague_sets_up_both_factors_and_is_in(sqlite_house: House) -> None:
    invitation = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    path = invitation.link.removeprefix(sqlite_house.settings.base_url)
    async with Browser() as browser:
        assert "Welcome, Olga" in (await browser.get(path)).text
        weak = await browser.post(path, data={"password": "olga"})
        assert weak.status_code == 422 and "Welcome, Olga" in weak.text
        page = await browser.post(path, data={"password": PASSWORD})
        picture = re.search(r'<img class="qr" src="data:image/svg\+xml,([^"]+)"', page.text)
        assert picture and unquote(picture[1]).startswith("<svg")
        secret = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
        assert secret
        assert page.url.path == "/admin/sign-in/code" and (await browser.get("/admin/sign-in/code")).text == page.text
        wrong = await browser.post("/admin/sign-in/code", data={"code": "12"})
        assert wrong.status_code == 403 and secret[1] in wrong.text and "not the right code" in wrong.text
        page = await browser.post("/admin/sign-in/code", data={"code": Officer("", OLGA, secret[1]).code()})
        assert page.url.path == "/admin"
        used = await browser.get(path)
        assert used.status_code == 409 and "used already" in used.text


async def test_after_signing_in_an_officer_is_where_they_wanted_to_go(olga: Officer) -> None:
    async with Browser() as browser:
        await browser.get("/admin/cases?state=triage")
        page = await go_to_work(browser, olga)
        assert str(page.url).endswith("/admin/cases?state=triage")


async def test_an_officer_and_a_customer_in_one_browser_do_not_mix(olga: Officer) -> None:
    async with Browser() as browser:
        await sign_in(browser, ANA)
        await go_to_work(browser, olga)
        await browser.post("/admin/sign-out")
        assert (await browser.get("/requests", follow_redirects=False)).status_code == 200
        assert (await browser.get("/admin", follow_redirects=False)).status_code == 303


async def test_who_leaves_is_out_with_the_next_click(olga: Officer) -> None:
    owner = await identity.officer((await hire("owner@example.com", "owner")).id)
    async with Browser() as browser:
        await go_to_work(browser, olga)
        await identity.let_go(olga.id, by=owner)
        assert (await browser.get("/admin", follow_redirects=False)).status_code == 303
