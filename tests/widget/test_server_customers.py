"""A customer whom the site's own server names: the choice counts for them too, and nobody learns who is known."""

from pathlib import Path

import pytest

from portal import consent, db, sites, subjects
from portal.sites import Site
from tests.conftest import House
from tests.people import ANA
from tests.sites.shops import DEVICE, Visitor, found_site, token

REFUSED = {"answers": {"visits": False, "audiences": False}, "how": "refuse", "device": None}


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


async def test_who_is_signed_in_on_the_site_has_the_same_choice(shop: Site) -> None:
    secret = await sites.links.make_secret(shop, by="officer:olga")
    async with Visitor(shop) as visitor:
        known = await visitor.answer(link=token(secret, email=ANA))
        other = await visitor.answer(link=token("ss_wrong", email="other@example.com"))
        late = await visitor.answer(link=token(secret, -1, email="late@example.com"))
        assert known.status_code == 200 and {*known.json()} == {*other.json()} == {*late.json()}
        ana, device = await subjects.find("email", ANA), await subjects.find("device", DEVICE)
        assert ana is not None and device is not None and ana.subject != device.subject
        assert not (await consent.permission(ana.id, "audiences", "ads")).allowed
        assert (await consent.permission(ana.id, "visits", "web")).allowed
        assert await subjects.find("email", "other@example.com") is await subjects.find("email", "late@example.com") is None
        refused = await visitor.answer(**{**REFUSED, "link": token(secret, email=ANA)})
        assert refused.json()["kept"] is False
        assert not (await consent.permission(ana.id, "visits", "web")).allowed


async def test_a_customer_who_left_an_address_is_not_told_apart(shop: Site) -> None:
    secret = await sites.links.make_secret(shop, by="system")
    async with db.writing():
        gone = await subjects.ensure("email", ANA, by="import")
        await subjects.disown(gone.id, by=f"customer:{gone.subject}")
    async with Visitor(shop) as visitor:
        left, unknown = (
            await visitor.answer(link=token(secret, email=ANA)),
            await visitor.answer(link=token(secret, email="b@c.de")),
        )
        assert left.status_code == unknown.status_code == 200 and {*left.json()} == {*unknown.json()}


async def test_the_owner_hears_of_tokens_that_count_for_nothing(shop: Site) -> None:
    secret = await sites.links.make_secret(shop, by="system")
    async with Visitor(shop) as visitor:
        assert (await visitor.answer(answers={"visits": True}, how="accept", link=token(secret, phone="+40722000111"))).is_success
    await sites.traffic.fold()
    assert (await sites.traffic.last("shop"))["refused"].note.startswith("a token named a customer by phone")
