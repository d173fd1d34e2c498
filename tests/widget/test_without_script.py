"""Where the script is blocked: a plain link says what is asked, and the proof's page takes a yes back by a plain form."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal import audit, consent, settings, sites, subjects
from portal.sites import Site
from tests.conftest import House
from tests.journeys.steps import eventually
from tests.sites.shops import DEVICE, SHOP, Visitor, found_site
from tests.widget.conftest import Visit, Way
from tests.widget.site import TEXT, Shop, script

TAKE_BACK = "Take it back: no to all"
YES = {"answers": {"visits": True, "audiences": True, "partners": False}, "how": "mixed"}


@pytest.fixture
async def asked(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(
        sqlite_house, tmp_path, text=SHOP + SHOP.replace("[shop", "[other").replace("{origins}", '["https://o.example"]')
    )


async def _counts(purpose: str, channel: str) -> bool:
    browser = await subjects.find("device", DEVICE)
    assert browser
    return (await consent.permission(browser.id, purpose, channel)).allowed


async def test_whoever_has_the_proof_takes_it_back_and_gets_a_proof_of_that(asked: Site) -> None:
    async with Visitor(asked) as visitor, Visitor(asked, "") as anybody:
        given = (await visitor.answer(**YES)).json()["proof"]
        assert await _counts("visits", "web") and await _counts("audiences", "ads")
        await audit.sequence_all()
        path = "/w/" + given.partition("/w/")[2]
        assert f'action="{path}/no"' in (await anybody.get(path)).text
        done = await anybody.post(path + "/no", headers={"sec-fetch-site": "same-origin", "origin": "null"})
        assert done.status_code == 303 and done.headers["location"].startswith(anybody.at + "/proof/")
        assert not await _counts("visits", "web") and not await _counts("audiences", "ads")
        assert await visitor.standing() == {"audiences": False, "partners": False, "visits": False}
        await audit.sequence_all()
        page = (await anybody.get(done.headers["location"])).text
        assert page.count("No to: ") == 3 and "No to: Measuring our website" in page and TAKE_BACK not in page
        again = await visitor.answer(answers={"visits": True}, how="accept", age=0)
        assert again.json()["answers"] == {"visits": True}, "A later yes of the browser counts again."


async def test_a_wrong_proof_and_another_sites_end_nothing(asked: Site) -> None:
    async with Visitor(asked) as visitor, Visitor(sites.named("other"), "") as other:
        path = "/w/" + (await visitor.answer(**YES)).json()["proof"].partition("/w/")[2]
        token = path.rpartition("/")[2]
        for wrong in (f"{other.at}/proof/{token}", f"{visitor.at}/proof/{token[:-3]}AAA", f"{visitor.at}/proof/x"):
            assert (await visitor.post(wrong + "/no")).status_code == 404
        assert (await visitor.get(path + "/no")).status_code == 405
        assert await _counts("visits", "web")


async def test_presses_from_one_network_are_limited_as_answers_are(asked: Site) -> None:
    async with Visitor(asked) as visitor:
        path = "/w/" + (await visitor.answer(**YES)).json()["proof"].partition("/w/")[2]
        settings.use(replace(settings.get(), choices_per_minute=2))
        assert [(await visitor.post(path + "/no")).status_code for _press in range(3)][-1] == 429


def test_where_the_script_is_blocked_the_link_and_the_form_work_by_themselves(way: Way, shop: Shop, visit: Visit) -> None:
    printed = (way.portal.var / "snippet").read_text().replace("http://127.0.0.1:8000", way.portal.address)
    link = printed[printed.index("<a data-choices") : printed.index("</a>") + 4]
    body = TEXT + script("localStorage.ran = 1", 'data-purpose="visits"') + link
    page = visit()
    page.goto(shop.page(body))
    page.get_by_role("button", name="Yes to all").click()
    eventually(lambda: page.evaluate("privacyChoices.get().proof"))
    proof = page.evaluate("privacyChoices.get().proof")
    page.get_by_role("link", name="Your choices on this site").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("delete localStorage.ran")

    page.route("**/choice.js", lambda route: route.abort())
    page.reload()
    assert page.evaluate("[localStorage.ran ?? null, 'privacyChoices' in window]") == [None, False]
    page.get_by_role("link", name="Your choices on this site").click()
    expect(page.get_by_role("main")).to_contain_text("takes it back, also without JavaScript")

    bare = visit(java_script_enabled=False)
    bare.goto(proof)
    bare.get_by_role("button", name=TAKE_BACK).click()
    expect(bare.get_by_role("main")).to_contain_text("No to: Measuring our website")

    page.unroute("**/choice.js")
    page.goto(shop.address)
    eventually(lambda: page.evaluate("privacyChoices.get().answers.visits === false"))
