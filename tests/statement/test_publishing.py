"""The statement says what is so, or it is not published: each disagreement is named with file and line."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from portal import consent, documents, settings, statement
from portal.documents import Faulty
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.settings import HOME
from tests.conftest import House, on_both
from tests.documents.policy import change, copied

OLGA = "officer:olga"


@pytest.fixture
async def folder(sqlite_house: House, tmp_path: Path) -> Path:
    """A policies folder to spoil, with its purposes published."""
    copy = copied(tmp_path / "mine")
    await consent.publish_purposes(OLGA)
    return copy


async def _refused() -> list[tuple[str, int, str]]:
    with pytest.raises(Faulty) as problem:
        await statement.publish_all(OLGA)
    assert all(not key.startswith("statement") for key in await documents.keys())
    return [(fault.file, fault.line, fault.sentence) for fault in problem.value.faults]


async def test_the_shipped_texts_agree_with_the_shipped_configuration(house: House, tmp_path: Path) -> None:
    copied(tmp_path / "mine")
    published = await statement.publish_all(OLGA)
    names = {each.edition.name for each in published}
    assert {"statement@1/en", "statement@1/ro", "privacy@1/ro", "letters@1/en", "requests@1/ro", "newsletter@1/en"} <= names
    assert await statement.publish_all(OLGA) == []
    assert await documents.missing_translations() == []


async def test_the_tables_are_part_of_the_published_bytes(sqlite_house: House) -> None:
    await consent.publish_purposes(OLGA)
    edition = await statement.publish(OLGA)
    html = edition.html.decode()
    for purpose in await consent.purposes():
        assert purpose.title in html and purpose.value in html
    assert "Cocor Curier SA" in html and documents.company().mission in html
    assert "{{" not in html and "retention:" not in html and '<th scope="row">Newsletter</th>' in html


async def test_publishing_twice_gives_the_same_bytes_and_no_new_edition(house: House) -> None:
    await consent.publish_purposes(OLGA)
    first = await statement.publish(OLGA)
    assert await statement.publish("officer:petra") == first


async def test_a_rehearsal_says_what_would_change_and_changes_nothing(house: House, tmp_path: Path) -> None:
    folder = copied(tmp_path / "mine")
    assert len(await statement.rehearse(OLGA)) > 30
    assert await documents.keys() == []
    await statement.publish_all(OLGA)
    change(folder / "notices" / "letters" / "en.md", "at most once a week", "at most twice a month")
    planned = await statement.rehearse(OLGA)
    assert [(each.edition.name, each.before and each.before.name) for each in planned] == [
        ("letters@2/en", "letters@1/en"),
        ("letters@2/ro", "letters@1/ro"),
    ]
    assert (await documents.in_force("letters", "en")).number == 1


async def test_the_statement_cannot_tell_of_purposes_that_nobody_published(sqlite_house: House) -> None:
    with pytest.raises(Invalid, match="Publish the purposes first"):
        await statement.publish(OLGA)


async def test_a_recipient_whom_the_text_omits_keeps_it_back(folder: Path) -> None:
    line = change(
        folder / "statement" / "ro.md", "- [Sonor Contact SRL](recipient:) vă sună, dacă ați fost de acord să fiți sunat.\n", ""
    )
    ((file, number, sentence),) = await _refused()
    assert (file, number) == ("policies/statement/ro.md", line - 2)  # where the recipients are named
    assert sentence.startswith("Sonor Contact SRL receives data (policies/purposes.toml:")


async def test_a_new_recipient_in_the_register_keeps_every_language_back(folder: Path) -> None:
    change(folder / "purposes.toml", '["Tipografia Someș SRL (prints and posts)"]', '["Tipografia Someș SRL", "Vila Post SRL"]')
    assert {file for file, _line, sentence in await _refused() if "Vila Post SRL" in sentence} == {
        "policies/statement/en.md",
        "policies/statement/ro.md",
    }


async def test_a_recipient_whom_no_purpose_has_keeps_it_back(folder: Path) -> None:
    line = change(
        folder / "statement" / "en.md",
        "## How long we keep it\n",
        "[Somebody Ltd](recipient:) helps.\n\n## How long we keep it\n",
    )
    ((file, number, sentence),) = await _refused()
    assert (file, number) == ("policies/statement/en.md", line) and "Somebody Ltd" in sentence


async def test_a_period_unlike_the_retention_rule_keeps_it_back(folder: Path) -> None:
    line = change(folder / "statement" / "ro.md", "[5 ani](retention:invoices)", "[10 ani](retention:invoices)")
    ((file, number, sentence),) = await _refused()
    assert (file, number) == ("policies/statement/ro.md", line)
    assert "10 ani" in sentence and "retention.toml:" in sentence


async def test_a_changed_retention_rule_keeps_texts_and_purposes_back(folder: Path) -> None:
    change(folder / "retention.toml", '"5 years"', '"7 years"')
    assert {file for file, _line, _sentence in await _refused()} == {
        "policies/purposes.toml",
        "policies/statement/en.md",
        "policies/statement/ro.md",
        "policies/notices/privacy/en.md",
        "policies/notices/privacy/ro.md",
        "policies/notices/requests/en.md",
        "policies/notices/requests/ro.md",
    }


async def test_a_period_that_nothing_vouches_for_keeps_it_back(folder: Path) -> None:
    line = change(folder / "notices" / "letters" / "en.md", "[24 months](lifetime:newsletter)", "24 months")
    ((file, number, sentence),) = await _refused()
    assert (file, number) == ("policies/notices/letters/en.md", line) and "24 months" in sentence


@pytest.mark.parametrize(("language", "period", "wrong"), [("th", "24 เดือน", "18 เดือน"), ("vi", "24 tháng", "18 tháng")])
async def test_periods_are_read_in_every_language_that_is_shipped(folder: Path, language: str, period: str, wrong: str) -> None:
    """Where words of the company are missing in it, English stands there and is read as English."""
    settings.use(replace(settings.get(), languages=f"en,ro,{language}"))
    text = (folder / "notices" / "letters" / "en.md").read_text()
    assert "[24 months](lifetime:newsletter)" in text
    mine = folder / "notices" / "letters" / f"{language}.md"
    mine.write_text(text.replace("[24 months]", f"[{wrong}]"))
    ((file, _line, sentence),) = await _refused()
    assert file == f"policies/notices/letters/{language}.md" and wrong in sentence
    mine.write_text(text.replace("[24 months](lifetime:newsletter)", f"{period}ข"[: len(period) + (language == "th")]))
    ((file, _line, sentence),) = await _refused()
    assert file == f"policies/notices/letters/{language}.md" and period in sentence
    mine.write_text(text.replace("[24 months]", f"[{period}]"))
    assert f"letters@1/{language}" in {each.edition.name for each in await statement.publish_all(OLGA)}


async def test_a_lifetime_unlike_the_purpose_keeps_it_back(folder: Path) -> None:
    text = (folder / "purposes.toml").read_text()
    (folder / "purposes.toml").write_text(text.replace("lifetime_months = 24", "lifetime_months = 18", 1))
    assert {(file, sentence[:40]) for file, _line, sentence in await _refused()} == {
        ("policies/notices/letters/en.md", "The text says “24 months” for newsletter"),
        ("policies/notices/letters/ro.md", "The text says “24 de luni” for newslette"),
        ("policies/statement/en.md", "The text says “24 months” for newsletter"),
        ("policies/statement/ro.md", "The text says “24 de luni” for newslette"),
    }


async def test_a_purpose_without_a_retention_rule_keeps_it_back(folder: Path) -> None:
    change(folder / "retention.toml", 'purposes = ["surveys"]', "purposes = []")
    refused = await _refused()
    lines = (folder / "purposes.toml").read_text().splitlines()
    assert {file for file, _line, _sentence in refused} == {"policies/purposes.toml"}
    assert all(lines[number - 1].startswith("retention") and "surveys" in sentence for _file, number, sentence in refused)


async def test_a_purpose_that_gives_the_customer_nothing_is_not_published(folder: Path) -> None:
    line = change(folder / "purposes.toml", 'value = { en = "You know where your parcel is."', 'value = { en = ""')
    ((file, number, _sentence),) = await _refused()
    assert file.endswith("purposes.toml") and number == line


async def test_a_statement_that_hides_what_the_company_is_for_is_not_published(folder: Path) -> None:
    change(folder / "statement" / "en.md", "> {{ company: vision }}", "> Something else.")
    ((file, _number, sentence),) = await _refused()
    assert file == "policies/statement/en.md" and "{{ company: vision }}" in sentence


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{{ table: purpozes }}", "no table purpozes"),
        ("{{ company: fax }}", "no fax"),
        ("{{ data: fishing }}", "no purpose fishing"),
        ("{{ time: now }}", "nothing called time"),
        ("[2 years](retention:fishing)", "no rule fishing"),
        ("[2 days](commitment:fishing)", "no commitment fishing"),
        ("[36 days](commitment:fresh)", "another number"),
    ],
)
async def test_a_misspelt_mark_is_told_with_its_line(folder: Path, wrong: str, said: str) -> None:
    line = change(folder / "statement" / "en.md", "## Where it lies\n", f"{wrong}\n\n## Where it lies\n")
    ((file, number, sentence),) = await _refused()
    assert (file, number) == ("policies/statement/en.md", line) and said in sentence


async def test_malformed_toml_in_the_statement_is_told_with_file_and_line(folder: Path) -> None:
    line = change(folder / "statement" / "en.md", "at_most = 365", "at_most = often")
    ((file, number, sentence),) = await _refused()
    assert (file, number) == ("policies/statement/en.md", line) and "TOML" in sentence


@on_both
async def test_two_editions_and_what_changed_between_them(house: House) -> None:
    with clock.at(datetime(2026, 3, 1, 8, tzinfo=UTC)):
        await consent.publish_purposes(OLGA)
        await statement.publish(OLGA, folder=HOME / "policies" / "demo" / "statement")
    with clock.at(datetime(2026, 9, 1, 8, tzinfo=UTC)):
        first = await documents.in_force("statement", "ro")
        second = await statement.publish(OLGA, in_force=date(2026, 9, 15), why="How to check us.")
        assert (await documents.in_force("statement", "ro")).number == 1 and second.number == 2
    with clock.at(datetime(2026, 11, 21, 8, tzinfo=UTC)):
        page = await statement.page("ro")
        assert (page.edition.name, page.fallback, [each.name for each in page.earlier]) == ("statement@2/ro", False, [first.name])
        added = [change.after for change in documents.changes_between(first, page.edition) if not change.before]
        assert "Cum ne puteți verifica" in added
        assert page.edition.title == "Cum avem grijă de datele dumneavoastră"
