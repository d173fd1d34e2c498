"""Purposes come from a file that is checked line by line; each change is an edition that stays."""

from pathlib import Path

import pytest

from portal import consent, db, documents
from portal.consent import purposes_file
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import in_language
from portal.settings import HOME
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

REAL = HOME / "policies" / "purposes.toml"


def _changed(tmp_path: Path, old: str, new: str) -> Path:
    text = REAL.read_text()
    assert old in text
    (tmp_path / "purposes.toml").write_text(text.replace(old, new, 1))
    return tmp_path / "purposes.toml"


def _line(path: Path, text: str, nth: int = 0) -> int:
    return [number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line][nth]


def test_the_companys_purposes_cover_every_basis_and_channel() -> None:
    read = purposes_file.read(REAL, ["en", "ro"])
    assert len(read) >= 10
    assert {each["basis"] for each in read} == set(purposes_file.BASES)
    assert {"email", "sms", "phone", "post", "push", "ads"} <= {channel for each in read for channel in each["channels"]}
    assert all(set(each[name]) == {"en", "ro"} for each in read for name in ("title", "what", "value", "retention", "data"))


@pytest.mark.parametrize(
    ("old", "new", "at", "sentence"),
    [
        ('kind = "marketing"', 'kind = "bananas"', 'kind = "bananas"', "none of"),
        ('default = "off"', 'default = "on"', 'default = "on"', "silence is not a yes"),
        ('default = "on"', 'default = "fixed"', 'default = "fixed"', "needs kind service"),
        ('channels = ["post"]', 'channels = ["post", "sms"]', 'default = "on"', "never on by itself on sms"),
        ('basis = "contract"', 'basis = "vital interest"', 'default = "fixed"', "fixed purpose"),
        ("lifetime_months = 24\ndouble", "double", "[[purpose]]", "lifetime_months"),
        ('family = { en = "Books', 'law2 = { en = "Books', "law2", "Unknown setting"),
        ("One letter a week", "One letter a week" * 9, "One letter a week", "at most 90"),
        ('channels = ["email"]', 'channels = ["pigeon"]', "pigeon", "channels is a list"),
        ('key = "similar-books"', 'key = "newsletter"', 'key = "newsletter"', "used twice"),
        ("right_to_object = true\n", "", 'basis = "legitimate interest"', "right_to_object"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, at: str, sentence: str) -> None:
    path = _changed(tmp_path, old, new)
    with pytest.raises(documents.Faulty) as refused:
        purposes_file.read(path, ["en", "ro"])
    lines = [number for number, line in enumerate(path.read_text().splitlines(), 1) if at in line]
    told = [fault for fault in refused.value.faults if sentence in fault.sentence]
    assert told and told[0].file == "purposes.toml" and told[0].line in lines


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = _changed(tmp_path, 'kind = "marketing"', "kind = marketing")
    with pytest.raises(documents.Faulty) as refused:
        purposes_file.read(path, ["en", "ro"])
    assert refused.value.faults[0].line == _line(path, "kind = marketing")


@on_both
async def test_publishing_again_changes_nothing_and_a_changed_rule_is_a_new_edition(house: House, tmp_path: Path) -> None:
    async with db.writing():
        assert len(await consent.publish_purposes("officer:petra")) == len(await documents.keys("purpose"))
    async with db.writing():
        assert await consent.publish_purposes("officer:petra") == []
    path = _changed(tmp_path, "lifetime_months = 24", "lifetime_months = 12")
    async with db.writing():
        assert await consent.publish_purposes("officer:petra", path=path) == ["newsletter@2"]
    newsletter = next(each for each in await consent.purposes() if each.key == "newsletter")
    assert (newsletter.number, newsletter.lifetime_months, newsletter.edition) == (2, 12, "newsletter@2/en")


async def test_a_faulty_file_publishes_nothing(house: House, tmp_path: Path) -> None:
    path = _changed(tmp_path, 'default = "off"', 'default = "on"')
    with pytest.raises(documents.Faulty):
        async with db.writing():
            await consent.publish_purposes("officer:petra", path=path)
    assert await consent.purposes() == []


async def test_the_text_a_person_saw_can_be_shown_byte_for_byte_after_later_editions(house: House, tmp_path: Path) -> None:
    await publish()
    shown = (await documents.named("back-in-stock@1/ro")).html
    ana = await known("email", "ana@example.com")
    await say(ana, "yes", edition="back-in-stock@1/ro", language="ro")
    async with db.writing():
        path = _changed(tmp_path, "Anunțați-mă când revine", "Spuneți-mi când revine")
        await consent.publish_purposes("officer:petra", path=path)
    answer = await consent.permission(ana.id, "back-in-stock", "email")
    assert answer.because.edition == "back-in-stock@1/ro"
    assert (await documents.named(answer.because.edition)).html == shown
    assert "revine" in shown.decode() and "Nume" not in shown.decode()


async def test_a_purpose_speaks_the_language_of_the_page(house: House) -> None:
    await publish()
    newsletter = (await consent.purposes())[0]
    with in_language("ro"):
        assert newsletter.title == "Buletin informativ" and newsletter.edition == "newsletter@1/ro"
    with in_language("en"):
        assert newsletter.title == "Newsletter" and newsletter.topics[0].title == "New books"


async def test_a_purpose_taken_out_of_the_file_is_retired_and_its_past_stays(house: House, tmp_path: Path) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "no", "surveys")
    before = clock.now()
    text = REAL.read_text()
    cut = text.index('[[purpose]]\nkey = "surveys"')
    (tmp_path / "purposes.toml").write_text(text[:cut])
    async with db.writing():
        await consent.publish_purposes("officer:petra", path=tmp_path / "purposes.toml")
    with pytest.raises(NotFound):
        await consent.permission(ana.id, "surveys", "email")
    assert (await consent.permission(ana.id, "surveys", "email", at=before)).rule == 4
    assert [each.purpose for each in await consent.history(ana.subject)] == ["surveys"]
