"""The file that lists the connected systems: what is read, and what is refused with file and line."""

from dataclasses import replace
from pathlib import Path

import pytest

from portal import connectors, settings
from portal.connectors.systems import read
from portal.lib import errors
from tests.connectors import shop

GOOD = """[[system]]
name = "shop"
title = "Shop database"
kind = "sql"
url = "sqlite:///theirs.db"
map = "shop.toml"

[[system]]
name = "news"
title = "Newsletter"
kind = "sql"
url_variable = "NEWS_DATABASE"
map = "news.toml"
"""


@pytest.fixture(autouse=True)
def news_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_DATABASE", "postgres://portal:secret@db.example.com/news")


async def test_a_listed_system_opens_with_paths_relative_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "theirs.db").touch()
    shop.open_shop(f"sqlite:///{tmp_path}/theirs.db", tmp_path)
    (tmp_path / "systems.toml").write_text(GOOD)
    before = settings.get()
    settings.use(replace(before, systems=str(tmp_path / "systems.toml")))
    try:
        assert [(system.name, system.title) for system in connectors.systems()] == [
            ("shop", "Shop database"),
            ("news", "Newsletter"),
        ]
        assert connectors.systems()[1].url == "postgres://portal:secret@db.example.com/news"
        assert await connectors.open_system("shop").find(shop.ANA)
        with pytest.raises(errors.NotFound):
            connectors.open_system("warehouse")
        with pytest.raises(connectors.Misconfigured, match="news.toml: This file cannot be read"):
            connectors.open_system("news")
    finally:
        settings.use(before)


def test_no_file_means_no_systems() -> None:
    before = settings.get()
    settings.use(replace(before, systems=""))
    try:
        assert connectors.systems() == []
    finally:
        settings.use(before)


@pytest.mark.parametrize(
    ("right", "wrong", "place", "sentence"),
    [
        ('title = "Newsletter"', 'title = "Newsletter', "line 10", "Not valid TOML"),
        ('name = "news"', 'name = "shop"', "line 9", "Two systems are called shop"),
        ('name = "news"', 'name = "News!"', "line 9", "small letters"),
        (
            'kind = "sql"\nurl_variable',
            'kind = "fax"\nurl_variable',
            "line 11",
            "fax is no kind of system. Known: sql, http, webhook, person.",
        ),
        ('map = "news.toml"', "", "line 8", "needs map"),
        ('map = "news.toml"', 'map = "news.toml"\nbackups = "a while"', "line 14", "backups must read like"),
        ('map = "news.toml"', 'map = "news.toml"\nbackups = "9999 years"', "line 14", "a hundred years at most"),
        ('map = "news.toml"', 'map = "news.toml"\nbackups = 35', "line 14", "must be a text"),
        ('map = "news.toml"', 'mapp = "news.toml"', "line 13", "mapp is not known here"),
        ('"NEWS_DATABASE"', '"NO_SUCH_VARIABLE"', "line 12", "NO_SUCH_VARIABLE is not set"),
        ('url_variable = "NEWS_DATABASE"', "", "line 8", "either url or url_variable"),
        ('url = "sqlite:///theirs.db"', "url = 5", "line 5", "must be a text"),
        ('map = "news.toml"', 'map = "news.toml"\ninbound_sources = []', "line 14", "must be a list of texts"),
    ],
)
def test_a_wrong_list_names_file_and_line(tmp_path: Path, right: str, wrong: str, place: str, sentence: str) -> None:
    assert right in GOOD
    (tmp_path / "systems.toml").write_text(GOOD.replace(right, wrong, 1))
    with pytest.raises(connectors.Misconfigured) as refused:
        read(tmp_path / "systems.toml")
    assert refused.value.place == f"systems.toml, {place}"
    assert sentence in refused.value.what


def test_a_list_that_is_no_text_or_holds_no_tables_names_its_line(tmp_path: Path) -> None:
    for content, place in ((b"# a\n# \xff\n", "line 2"), (b"\n\nsystem = [1]\n", "line 3"), (b"[system]\n", "line 1")):
        (tmp_path / "systems.toml").write_bytes(content)
        with pytest.raises(connectors.Misconfigured) as refused:
            read(tmp_path / "systems.toml")
        assert refused.value.place == f"systems.toml, {place}"


@pytest.mark.parametrize("url", ["oracle://db.example.com/shop", "not an address", "sqlite://"])
async def test_an_address_of_an_unknown_kind_is_refused_for_good(tmp_path: Path, url: str) -> None:
    with pytest.raises(connectors.ConnectorError) as refused:
        await shop.connected(url, shop.MAP, tmp_path).find(shop.ANA)
    assert refused.value.permanent
