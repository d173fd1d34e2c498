"""A new e-mail address over HTTP: shown in the browser that asked, and in no other."""

import re

from portal.cases import models
from tests.conftest import House
from tests.people import ANA, BEN, Browser, code_for, link_for, newest_mail, sign_in

NEW = "ana@new.example"


async def _asked(ana: Browser, new: str) -> str:
    """Answers the path of the page where the code is typed."""
    await sign_in(ana, ANA)
    page = await ana.post("/requests", data={"right": "rectification", "new-email": new})
    assert "Enter the code" in page.text, page.text
    return page.url.path


async def _proven() -> str | None:
    [correction] = await models.CorrectionRow.filter(field="email")
    return correction.proven


async def test_one_field_and_one_code_confirm_the_new_address(published_house: House) -> None:
    async with Browser() as ana:
        place = await _asked(ana, NEW)
        assert "use this address from now on" in await newest_mail(NEW)
        page = await ana.post(place, data={"code": await code_for(NEW)})
    assert "You confirmed your new e-mail address." in page.text and await _proven() is not None


async def test_the_code_of_a_strangers_request_is_worth_nothing_in_another_browser(published_house: House) -> None:
    """Mallory names Ben's address and talks him into typing the code that he got."""
    async with Browser() as mallory, Browser() as ben:
        await sign_in(ben, BEN)
        place = await _asked(mallory, BEN)
        page = await ben.post(place, data={"code": await code_for(BEN)}, headers=[(b"cookie", b"request=\xe9")])
        assert page.status_code == 403 and "belongs to the browser where the new address was given" in page.text
        assert await _proven() is None


async def test_the_link_of_the_mail_asks_for_the_code_where_nothing_was_asked(published_house: House) -> None:
    async with Browser() as mallory, Browser() as ben:
        await _asked(mallory, BEN)
        page = await ben.get(await link_for(BEN))
        assert "Enter the code" in page.text and await _proven() is None


async def test_a_wrong_address_is_told_in_its_field(published_house: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        page = await ana.post("/requests", data={"right": "rectification", "new-email": "ana at home"})
    assert page.status_code == 422 and re.search('id="new-email-error"', page.text)
