"""Keys of other programs at an officer's desk: made, shown once, listed and ended; by owners alone, after a second factor."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from portal import audit, identity
from portal.admin.keys import scope_names
from portal.identity import api_keys
from portal.lib import clock
from tests.api.machines import Machine, question, said
from tests.cases.shops import Company
from tests.people import Browser, Officer, go_to_work, hire
from tests.rules.doors import doors

NEW = {
    "label": "Web shop",
    "scopes": ["decisions:write", "permissions:read"],
    "sources": ["checkout"],
    "grade": "self",
}


@pytest.fixture
async def boss(company: Company) -> Officer:
    return await hire("boss@example.com", "owner")


@pytest.fixture
async def desk(boss: Officer) -> AsyncIterator[Browser]:
    """The owner's, who came in a moment ago."""
    async with Browser() as browser:
        await go_to_work(browser, boss)
        yield browser


async def test_an_owner_makes_a_key_that_is_shown_once_and_works(desk: Browser, boss: Officer) -> None:
    assert "Make a key" in (await desk.get("/admin/keys")).text
    form = (await desk.get("/admin/keys/new")).text
    assert "Hand in what people say" in form and "at the checkout" in form and 'name="code"' not in form
    page = await desk.post("/admin/keys", data=NEW)
    secret = _secret(page)
    assert page.headers["cache-control"] == "no-store" and "never be shown again" in page.text
    async with Machine(secret) as shop:
        assert (await shop.post("/api/v1/decisions", json=said())).status_code == 201
        assert (await shop.post("/api/v1/permissions/check", json=question())).json()["allowed"] is True
        assert (await shop.get("/api/v1/receipts/x")).status_code == 403
    [made] = await identity.keys()
    assert (made.label, made.grade) == ("Web shop", "self") and made.sources == {"checkout"}
    assert made.scopes == {"decisions:write", "permissions:read"} and made.made_by == f"officer:{boss.id}"
    listed = (await desk.get("/admin/keys")).text
    assert "Web shop" in listed and "by Boss" in listed and "permissions:read" in listed and "never" in listed
    assert secret not in listed and secret[3:20] not in listed
    [entry] = await audit.search(event="key.made")
    assert entry.actor == f"officer:{boss.id}" and entry.object == f"key:{made.id}"


async def test_a_key_is_revoked_after_a_page_that_says_what_ends(desk: Browser, boss: Officer) -> None:
    secret = _secret(await desk.post("/admin/keys", data=NEW))
    [made] = await identity.keys()
    page = (await desk.get(f"/admin/keys/{made.id}/revocation")).text
    assert "can no longer hand in what people say" in page and "checkout" in page and "never used" in page
    assert "check lists" not in page
    assert await api_keys.key_of(secret) is not None
    listed = await desk.post(f"/admin/keys/{made.id}/revocation")
    assert listed.url.path == "/admin/keys" and "Revoked" in listed.text
    assert await api_keys.key_of(secret) is None
    for again in (await desk.get(f"/admin/keys/{made.id}/revocation"), await desk.post(f"/admin/keys/{made.id}/revocation")):
        assert again.status_code == 404
    [entry] = await audit.search(event="key.revoked")
    assert entry.actor == f"officer:{boss.id}"


async def test_ten_minutes_after_the_last_code_both_take_another(desk: Browser, boss: Officer) -> None:
    with clock.at(clock.now() + timedelta(minutes=11)):
        assert 'name="code"' in (await desk.get("/admin/keys/new")).text
        for code in ("", "000000"):
            page = await desk.post("/admin/keys", data=NEW | {"code": code})
            assert page.status_code == 403 and 'id="code-error"' in page.text and 'value="Web shop"' in page.text
        assert await identity.keys() == []
        page = await desk.post("/admin/keys", data=NEW | {"label": " ", "code": boss.code()})
        assert page.status_code == 422 and 'id="label-error"' in page.text and 'name="code"' not in page.text
        _secret(await desk.post("/admin/keys", data=NEW))
        [made] = await identity.keys()
    with clock.at(clock.now() + timedelta(minutes=22)):
        path = f"/admin/keys/{made.id}/revocation"
        refused = await desk.post(path, data={"code": ""})
        assert refused.status_code == 403 and 'id="code-error"' in refused.text
        assert [each.revoked_at for each in await identity.keys()] == [None]
        assert "Revoked" in (await desk.post(path, data={"code": boss.code()})).text
    assert len(await audit.search(event="officer.stepped_up")) == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": "x" * 61}, "label"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"sources": []}, "sources"),
        ({"sources": ["moon"]}, "sources"),
        ({"grade": ""}, "grade"),
        ({"grade": "king"}, "grade"),
        ({"grade": "self-verified"}, "grade"),
    ],
)
async def test_each_bad_answer_is_named_and_what_was_chosen_stays(desk: Browser, wrong: dict[str, object], field: str) -> None:
    page = await desk.post("/admin/keys", data=NEW | wrong)
    assert page.status_code == 422 and f'id="{field}-error"' in page.text
    assert ('value="permissions:read" type="checkbox" checked' in page.text) == ("scopes" not in wrong)
    assert await identity.keys() == []


async def test_speaking_as_proven_takes_the_owners_statement(desk: Browser, boss: Officer) -> None:
    _secret(await desk.post("/admin/keys", data=NEW | {"grade": "self-verified", "proves": "yes"}))
    [made] = await identity.keys()
    assert made.grade == "self-verified" and made.made_by == f"officer:{boss.id}"


async def test_privacy_officers_and_auditors_look_and_nobody_else_comes_in(
    desk: Browser, olga: Browser, petra: Browser, vik: Browser
) -> None:
    _secret(await desk.post("/admin/keys", data=NEW))
    [made] = await identity.keys()
    for reader in (olga, vik):
        page = (await reader.get("/admin/keys")).text
        assert "Web shop" in page and "Make a key" not in page and "/revocation" not in page
    assert (await petra.get("/admin/keys")).status_code == 403
    for who in (olga, petra, vik):
        assert (await who.get("/admin/keys/new")).status_code == 403
        assert (await who.post("/admin/keys", data=NEW)).status_code == 403
        assert (await who.get(f"/admin/keys/{made.id}/revocation")).status_code == 403
        assert (await who.post(f"/admin/keys/{made.id}/revocation")).status_code == 403
    assert [each.revoked_at for each in await identity.keys()] == [None]


def test_the_form_offers_what_doors_take_and_nothing_else() -> None:
    taken = {found[1] for each in doors() if (found := re.fullmatch(r"key\((.+)\)", each.guard))}
    assert set(scope_names()) == taken <= set(identity.SCOPES)


def _secret(page: httpx2.Response) -> str:
    found = re.search(r'value="(pk_[\w-]+)"', page.text)
    assert page.status_code == 200 and found, page.text
    return found[1]
