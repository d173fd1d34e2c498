"""Collection points: the built-in list stays, operators add to it, and a point's pinned text proves what was read there."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portal import consent, db, documents, settings
from portal.api.commands import add_commands
from portal.app import build
from portal.consent import collection_points, collection_points_file
from portal.lib import clock
from portal.paper import in_language
from portal.settings import HOME
from tests.api.machines import Machine, faults, key
from tests.conftest import House
from tests.consent.people import publish

DOOR = "/api/v1/decisions"
REAL = HOME / "policies"
FAIR = '[fair]\nlabel = { en = "at the fair" }\n'


@pytest.fixture
def policies(tmp_path: Path) -> Callable[[str], Path]:
    """The company's policies folder with a list of collection points of its own, in use from now on."""

    def put(text: str) -> Path:
        folder = tmp_path / "policies"
        folder.mkdir(exist_ok=True)
        for each in REAL.iterdir():
            if each.name != collection_points.FILE and not (folder / each.name).exists():
                (folder / each.name).symlink_to(each)
        (folder / collection_points.FILE).write_text(text)
        settings.use(replace(settings.get(), policies=folder))
        return folder

    return put


def _said(source: str, answer: str = "yes", purpose: str = "back-in-stock", **more: Any) -> dict[str, Any]:
    item = {"purpose": purpose, "channel": "email", "answer": answer}
    return {"identifier": {"email": "ana@example.com"}, "source": source, "decisions": [item], **more}


async def _editions() -> list[tuple[str, str]]:
    rows = await db.rows("SELECT edition, language FROM decision ORDER BY id")
    return [(row["edition"], row["language"]) for row in rows]


async def test_a_yes_without_a_text_takes_the_one_pinned_at_its_point(house: House, policies: Callable[[str], Path]) -> None:
    policies(
        FAIR + 'texts = ["back-in-stock/en", "back-in-stock/ro", "newsletter@1/ro"]\n[checkout]\ntexts = ["back-in-stock@1/en"]\n'
    )
    await publish()
    async with Machine(await key(sources=("checkout", "fair"))) as shop:
        for sent in (
            _said("fair", language="ro"),
            _said("fair", purpose="newsletter"),
            _said("checkout"),
            _said("fair", edition="back-in-stock@1/en"),
            _said("fair", "no", language="en"),
        ):
            answer = await shop.post(DOOR, json=sent)
            assert answer.status_code == 201, answer.text
    assert await _editions() == [
        ("back-in-stock@1/ro", "ro"),
        ("newsletter@1/ro", "ro"),
        ("back-in-stock@1/en", "en"),
        ("back-in-stock@1/en", "en"),
        ("back-in-stock@1/en", "en"),
    ]


async def test_where_nobody_knows_which_text_was_read_a_yes_is_refused_and_a_no_is_kept(
    house: House, policies: Callable[[str], Path]
) -> None:
    policies(FAIR + 'texts = ["back-in-stock/en", "back-in-stock/ro", "newsletter@99/en"]\n')
    await publish()
    async with Machine(await key(sources=("checkout", "fair"))) as shop:
        for sent in (
            _said("fair"),  # two languages, none named
            _said("fair", language="de"),
            _said("fair", purpose="newsletter"),  # an edition never published
            _said("fair", purpose="newsletter", language="ro"),
            _said("checkout", language="en"),
        ):
            assert faults(await shop.post(DOOR, json=sent)) == ["/decisions/0/edition"]
            sent["decisions"][0]["answer"] = "no"
            assert (await shop.post(DOOR, json=sent)).status_code == 201
    assert [edition for edition, _language in await _editions()] == [""] * 5


async def test_a_pin_without_a_number_is_the_text_in_force_on_the_day_it_was_said(
    sqlite_house: House, policies: Callable[[str], Path]
) -> None:
    folder = policies(FAIR + 'texts = ["back-in-stock/en"]\n')
    with clock.at(datetime(2027, 3, 1, tzinfo=UTC)):
        await publish()
    changed = folder / "purposes.toml"
    text = changed.read_text()
    changed.unlink()
    changed.write_text(text.replace("brand =", 'brand = "Red Bird"\nformer =', 1))
    with clock.at(datetime(2027, 3, 5, tzinfo=UTC)):
        await publish()
        assert {each.key: each.number for each in await consent.purposes()}["back-in-stock"] == 2
        async with Machine(await key(sources=("fair",))) as shop:
            for day in ("2027-03-02", "2027-02-02", None):
                said_at = {"said_at": f"{day}T12:00:00Z"} if day else {}
                answer = await shop.post(DOOR, json=_said("fair", **said_at))
                assert answer.status_code == (422 if day == "2027-02-02" else 201), answer.text
    assert [edition for edition, _language in await _editions()] == ["back-in-stock@1/en", "back-in-stock@2/en"]


async def test_points_can_be_added_and_none_that_is_built_in_goes(house: House, policies: Callable[[str], Path]) -> None:
    policies('[fair]\nlabel = { en = "at the fair", ro = "la târg" }\n')
    assert set(collection_points.names()) == consent.SOURCES | {"fair"}
    assert collection_points.called("fair") == "at the fair" and collection_points.called("checkout") == "at the checkout"
    with in_language("ro"):
        assert collection_points.called("fair") == "la târg"
    policies("")
    assert set(collection_points.names()) == consent.SOURCES and not collection_points.exists("fair")
    assert collection_points.called("fair") == "fair"  # as it stands in decisions of earlier days
    await publish()
    async with Machine(await key(sources=("fair",))) as shop:
        assert faults(await shop.post(DOOR, json=_said("fair"))) == ["/source"]


async def test_the_command_line_knows_added_points(sqlite_house: House, policies: Callable[[str], Path]) -> None:
    policies(FAIR)
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    words = ["key", "add", "Till", "--scope", "decisions:write", "--grade", "self", "--source"]
    assert parser.parse_args([*words, "fair"]).source == ["fair"]
    with pytest.raises(SystemExit):
        parser.parse_args([*words, "moon"])


def test_without_a_file_there_are_the_built_in_points(tmp_path: Path) -> None:
    assert collection_points_file.read(tmp_path / collection_points.FILE, ["en"]) == {}


def test_the_companys_own_list_is_in_order() -> None:
    found = collection_points_file.read(REAL / collection_points.FILE, ["en", "ro"])
    assert found["book-fair"].labels.keys() == {"en", "ro"} and found["book-fair"].pins


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("[fair\n", 1, "not valid TOML"),
        (f"{FAIR}\ntexts = [", 4, "not valid TOML"),
        ("\ntop = 1\n", 2, "outside any"),
        ('[Fair]\nlabel = { en = "x" }\n', 1, "small letters"),
        ("\n[fair]\n", 2, "label per language"),
        ('[fair]\nlabel = { ro = "x" }\n', 2, "missing in 'en'"),
        ('[fair]\nlabel = "x"\n', 2, "label per language"),
        (f'[fair]\nlabel = {{ en = "{"x" * 61}" }}\n', 2, "at most 60"),
        ('[checkout]\nlabel = { en = "x" }\n', 2, "built in"),
        (FAIR + "pin = 1\n", 3, "Unknown setting 'pin'"),
        (FAIR + 'texts = "back-in-stock/en"\n', 3, "list of texts"),
        (FAIR + 'texts = ["back-in-stock"]\n', 3, "names no text"),
        (FAIR + 'texts = ["back-in-stock@0/en"]\n', 3, "names no text"),
        (FAIR + 'texts = ["moon/en"]\n', 3, "no purpose 'moon'"),
        (FAIR + 'texts = ["back-in-stock/de"]\n', 3, "none of the languages"),
        (FAIR + '[order]\ntexts = ["back-in-stock/en", "back-in-stock@1/en"]\n', 4, "two texts"),
    ],
)
async def test_what_is_wrong_is_told_with_file_and_line_before_the_site_starts(
    sqlite_house: House, policies: Callable[[str], Path], text: str, line: int, sentence: str
) -> None:
    policies(text)
    with pytest.raises(documents.Faulty) as refused:
        build()
    told = [fault for fault in refused.value.faults if sentence in fault.sentence]
    assert told and (told[0].file, told[0].line) == ("collection-points.toml", line)


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / collection_points.FILE).write_bytes(b"# a\n# \xff\n")
    with pytest.raises(documents.Faulty) as refused:
        collection_points_file.read(tmp_path / collection_points.FILE, ["en"])
    assert refused.value.faults[0].line == 2 and "UTF-8" in refused.value.faults[0].sentence
