"""The policies folder: every mistake is told with file and line."""

from pathlib import Path

import pytest

from portal import documents
from portal.documents import Faulty
from portal.paper import in_language
from tests.conftest import House
from tests.documents.policy import change, copied


@pytest.fixture
async def folder(sqlite_house: House, tmp_path: Path) -> Path:
    return copied(tmp_path / "mine")


async def test_the_shipped_company_reads_in_both_languages(folder: Path) -> None:
    assert documents.company().name == "Blue Bird Books"
    with in_language("ro"):
        assert documents.company().name == "Pasărea Albastră"
        assert documents.channels("RO").hours.startswith("luni")
    assert documents.channels("VN") == documents.channels()


async def test_a_changed_company_file_is_read_again(folder: Path) -> None:
    documents.company()
    change(folder / "company.toml", "+40 264 555 019", "+40 264 555 020")
    assert documents.company().phone == "+40 264 555 020"


def _fault(problem: pytest.ExceptionInfo[Faulty]) -> tuple[str, int]:
    assert len(problem.value.faults) == 1, problem.value.sentence
    return problem.value.faults[0].file, problem.value.faults[0].line


async def test_malformed_toml_is_told_with_file_and_line(folder: Path) -> None:
    line = change(folder / "company.toml", 'country = "RO"', "country = RO")
    with pytest.raises(Faulty) as problem:
        documents.company()
    assert _fault(problem) == ("policies/company.toml", line)


async def test_a_missing_a_misspelt_and_an_unreadable_value_are_all_told_at_once(folder: Path) -> None:
    file = folder / "company.toml"
    misspelt = change(file, 'officer = "Olga Munteanu"', 'oficer = "Olga Munteanu"')
    pale = change(file, 'on_accent = "#ffffff"', 'on_accent = "#8899aa"')
    with pytest.raises(Faulty) as problem:
        documents.company()
    assert {(fault.line, fault.sentence.split()[0]) for fault in problem.value.faults} >= {
        (misspelt, "'oficer'"[1:-1]),
        (pale, "Text"),
        (1, "officer"),
    }


async def test_a_period_without_a_unit_is_told_with_its_line(folder: Path) -> None:
    line = change(folder / "retention.toml", '"5 years"', '"5"')
    with pytest.raises(Faulty) as problem:
        documents.retention()
    assert _fault(problem) == ("policies/retention.toml", line)


async def test_periods_are_said_with_number_and_unit(folder: Path) -> None:
    rules = documents.retention()
    assert (rules["invoices"].number, rules["invoices"].unit, rules["invoices"].period) == (5, "year", "5 years")


async def test_a_cedilla_in_romanian_is_told_with_its_line(folder: Path) -> None:
    file = folder / "notices" / "privacy" / "ro.md"
    lines = file.read_text().count("\n")
    file.write_text(file.read_text() + "Aceasta este o propoziţie.\n")
    with pytest.raises(Faulty, match="ț with a comma below") as problem:
        documents.read_notices()
    assert _fault(problem) == ("policies/notices/privacy/ro.md", lines + 1)


async def test_bytes_that_are_not_utf8_are_told_with_their_line(folder: Path) -> None:
    file = folder / "notices" / "privacy" / "en.md"
    file.write_bytes(b"# Notice\n\ncaf\xe9\n")
    with pytest.raises(Faulty, match="UTF-8") as problem:
        documents.read_notices()
    assert _fault(problem) == ("policies/notices/privacy/en.md", 3)


async def test_a_misspelt_name_in_front_matter_is_told_with_its_line(folder: Path) -> None:
    (folder / "notices" / "privacy" / "en.md").write_text("+++\ntitle = 'A'\ntittle = 'B'\n+++\ntext\n")
    with pytest.raises(Faulty, match="'?tittle'?") as problem:
        documents.read_notices()
    assert _fault(problem) == ("policies/notices/privacy/en.md", 3)
