"""A customer whom the site's own server names: the choice counts for them too, and nobody learns who is known."""

from pathlib import Path

import pytest

from portal import consent, db, sites, subjects
from portal.sites import Site
from tests.conftest import House, on_both
from tests.people import ANA, BEN
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


@on_both
async def test_what_a_customer_allowed_against_the_signal_holds_while_they_are_known(house: House, tmp_path: Path) -> None:
    shop = await found_site(house, tmp_path)
    secret = await sites.links.make_secret(shop, by="system")
    signal = {"answers": {"audiences": False, "partners": False}, "how": "signal", "device": None}

    async def counts(email: str, purpose: str) -> bool:
        customer = await subjects.find("email", email)
        assert customer is not None
        return (await consent.permission(customer.id, purpose, "ads")).allowed

    async with Visitor(shop) as visitor:
        for email, source in ((ANA, "against-signal"), (BEN, None)):
            link = token(secret, email=email)
            await visitor.answer(**signal, link=link, age=0)
            yes = {"answers": {"audiences": True}, "how": "accept", "source": source, "device": email[:1] * 22}
            await visitor.answer(**yes, link=link, age=0)
            assert await counts(email, "audiences")
            await visitor.answer(**signal, link=link, age=0)  # of their second device, which asks for the same
        assert await counts(ANA, "audiences") and not await counts(ANA, "partners")
        assert not await counts(BEN, "audiences"), "He said yes where no signal was: he has not been told of it."
        no = {"answers": {"audiences": False}, "how": "refuse", "device": None, "link": token(secret, email=ANA)}
        await visitor.answer(**no, age=0)
        assert not await counts(ANA, "audiences")
    await sites.traffic.fold()
    assert "refused" not in await sites.traffic.last("shop")
