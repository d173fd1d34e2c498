"""Whom a site's own server names: genuine, living tokens alone, under the newest secret and for a day the one before."""

from datetime import timedelta
from pathlib import Path

from portal import sites
from portal.lib import clock
from portal.sites.links import Known
from tests.conftest import House
from tests.people import ANA
from tests.sites.shops import found_site, token


async def test_only_a_genuine_living_token_names_somebody(sqlite_house: House, tmp_path: Path) -> None:
    site = await found_site(sqlite_house, tmp_path)
    secret = await sites.links.make_secret(site, by="system")
    good = token(secret, email=ANA)
    assert await sites.links.read(site, good) == Known("email", ANA)
    body, _dot, mac = good.partition(".")
    wrong = [
        *("", ".", good[:-1], f"{body}.", f".{mac}", f"{body}x.{mac}", f"{body}.{mac[::-1]}", body, good + "=", "ă." + mac),
        token("ss_another", email=ANA),
        token(secret, 0, email=ANA),
        token(secret, 901, email=ANA),
        token(secret, email=ANA, account="1"),
        token(secret),
        token(secret, email=[ANA]),
        token(secret, device="d" * 22),
    ]
    for each in wrong:
        assert await sites.links.read(site, each) is None, each


async def test_the_secret_before_counts_for_a_day(house: House, tmp_path: Path) -> None:
    site = await found_site(house, tmp_path)
    first = await sites.links.make_secret(site, by="system")
    second = await sites.links.make_secret(site, by="system")
    assert await sites.links.read(site, token(first, account="7")) == Known("account", "7")
    with clock.at(clock.now() + timedelta(days=1, minutes=1)):
        assert await sites.links.read(site, token(first, account="7")) is None
        assert await sites.links.read(site, token(second, account="7")) == Known("account", "7")
