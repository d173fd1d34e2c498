"""policies/sites.toml: what it may say, each mistake told with its line, and what becomes of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from portal import audit, documents, settings, sites, statement
from portal.handwritten import Faulty
from portal.settings import HOME
from portal.sites import sites_file
from tests.conftest import House
from tests.sites.shops import SHOP, found_site, policies_of_shop

OURS = SHOP.replace("{origins}", '["https://shop.example.com", "http://127.0.0.1:8010"]')

WRONG = [
    ('"https://shop.example.com"', '"https://shop.example.com/"', 4, "is no origin"),
    ('"https://shop.example.com"', '"http://shop.example.com"', 4, "is no origin"),
    ('"https://shop.example.com"', '"http://127.0.0.1.evil.example"', 4, "is no origin"),
    ('"https://shop.example.com"', '"null"', 4, "is no origin"),
    ('"https://shop.example.com"', '"https://*.example.com"', 4, "is no origin"),
    ('asks = ["visits",', 'asks = ["visits", "visits",', 5, "stands twice"),
    ("sells = true", "sels = true", 7, "not known here"),
    ("sells = true", 'sells = "yes"', 7, "true or false"),
    ("sells = true", "months = 0", 7, "1 to 24"),
    ('earlier = ["klaro"]', 'earlier = ["clara"]', 9, "none of"),
    ('title = "May we?"', "", 11, "'title' is missing"),
    ('body = "The shop works without any of this."', f'body = "{"x" * 161}"', 13, "161 characters"),
    ("[shop.text.ro]", "[shop.text.xx]", 15, "none of the languages"),
    ("[shop.text.en]", "[shop.text.fr]", 11, "first language"),
    ('US-CA = "opt-out"', 'California = "opt-out"', 20, "no region"),
    ('US-CA = "opt-out"', 'US-CA = "no law"', 20, "none of"),
    ('cells = ["analytics_storage"]', 'cells = ["everything"]', 23, "none of"),
    ('names = ["_ga*"]', 'names = ["*"]', 24, "no name"),
    ("[shop.load.visits]", "[shop.load.newsletter]", 22, "does not ask"),
    ('statistics = "visits"', 'statistics = "newsletter"', 28, "does not ask"),
    ('statistics = "visits"', 'statistics = "visits"\n[shop.theme]\naccent = "#ffff00"', 30, "contrast"),
    ('statistics = "visits"', 'statistics = "visits"\n[shop.theme]\nink = "red"', 30, "colour"),
    ('statistics = "visits"', 'statistics = "visits"\n[Other]\ntitle = "x"', 29, "small letters"),
]


@pytest.mark.parametrize(("before", "after", "line", "sentence"), WRONG)
def test_each_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, sentence: str) -> None:
    assert before in OURS
    (tmp_path / "sites.toml").write_text(OURS.replace(before, after, 1))
    with pytest.raises(Faulty) as refused:
        sites_file.read(tmp_path / "sites.toml", ["en", "ro"])
    assert any(each.line == line and sentence in each.sentence for each in refused.value.faults), str(refused.value)


def test_two_sites_never_share_an_origin(tmp_path: Path) -> None:
    (tmp_path / "sites.toml").write_text(OURS + OURS.replace("[shop", "[other"))
    with pytest.raises(Faulty, match="another site's"):
        sites_file.read(tmp_path / "sites.toml", ["en", "ro"])


def test_no_file_is_no_site_and_ours_is_right(tmp_path: Path) -> None:
    assert sites_file.read(tmp_path / "sites.toml", ["en"]) == ({}, None)
    assert list(sites_file.read(HOME / "policies" / "sites.toml", ["en", "ro"])[0]) == ["shop"]


CANNOT = [("newsletter", "not about a website"), ("surveys", "does not rest on a yes"), ("nothing", "There is no purpose")]


@pytest.mark.parametrize(("purpose", "sentence"), CANNOT)
async def test_a_site_asks_only_for_what_a_visitor_can_answer(
    sqlite_house: House, tmp_path: Path, purpose: str, sentence: str
) -> None:
    text = SHOP.replace('"partners"', f'"{purpose}"')
    with pytest.raises(Faulty, match=f"sites.toml:5: .*{sentence}"):
        await found_site(sqlite_house, tmp_path, text=text)
    assert await documents.editions("site-shop") == [] == await documents.keys("purpose")  # published together or not at all


async def test_a_site_is_published_with_its_purposes_and_anew_when_one_changes(house: House, tmp_path: Path) -> None:
    site = await found_site(house, tmp_path)
    assert await statement.publish_all("system") == []
    file = tmp_path / "policies" / "purposes.toml"
    file.write_text(file.read_text().replace("We count which pages are read", "We count which pages of the shop are read"))
    new = await statement.publish_all("system", material=True, why="The shop alone.")
    assert {each.edition.name for each in new} >= {"visits@2/en", "site-shop@2/en", "site-shop@2/ro"}
    texts = await sites.texts.texts_of(site)
    assert texts.every["site-shop@2/en"].asks["visits"].edition == "visits@2/en"
    assert texts.every["site-shop@1/en"].asks["visits"].edition == "visits@1/en" and texts.every["site-shop@1/en"].outdated
    assert texts.material == 2 and texts.changed == "The shop alone."


async def test_a_sites_key_stays_and_is_its_own(sqlite_house: House, tmp_path: Path) -> None:
    site = await found_site(sqlite_house, tmp_path)
    key = sites.key_of(site)
    text = SHOP + SHOP.replace("[shop", "[other").replace("{origins}", '["https://other.example.com"]')
    policies_of_shop(tmp_path, "https://new.example.com", text=text)
    settings.use(replace(settings.get()))
    assert sites.key_of(sites.named("shop")) == key != sites.key_of(sites.named("other"))
    assert sites.by_key(key).origins == ("https://new.example.com",) and len(key) == 22


async def test_a_new_secret_is_kept_sealed_and_leaves_an_entry(house: House, tmp_path: Path) -> None:
    site = await found_site(house, tmp_path)
    secret = await sites.links.make_secret(site, by="officer:olga")
    assert await sites.links.has_secret(site)
    [entry] = await audit.search(event="sites.secret_made")
    assert entry.object == "site:shop" and entry.actor == "officer:olga"
    if house.settings.is_sqlite:
        assert secret.encode() not in b"".join(each.read_bytes() for each in house.settings.var.glob("portal.db*"))
