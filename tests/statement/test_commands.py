"""`portal publish` shows what would change, publishes with --yes, and names what keeps it back."""

import argparse
from pathlib import Path

import pytest

from portal import documents, statement
from tests.conftest import House
from tests.documents.policy import change, copied


async def _publish(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    statement.add_commands(parser.add_subparsers())
    wanted = parser.parse_args(["publish", *arguments])
    code: int = await wanted.run(wanted)
    return code


async def test_publish_shows_what_would_change_and_waits_for_a_yes(
    sqlite_house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path / "mine")
    assert await _publish() == 2
    assert "New: statement@1/en, “How we look after your data”" in capsys.readouterr().out
    assert await documents.keys() == []
    assert await _publish("--yes", "--by", "officer:olga") == 0
    edition = await documents.in_force("privacy", "en")
    assert edition.by == "officer:olga"
    assert f"Published privacy@1/en  sha256 {edition.sha256.hex()}" in capsys.readouterr().out
    assert await _publish() == 0
    assert "Nothing has changed" in capsys.readouterr().out
    change(folder / "notices" / "letters" / "en.md", "at most once a week", "at most once a month")
    assert await _publish("--yes", "--why", "Fewer letters.") == 0
    shown = capsys.readouterr().out
    assert "Changed: letters@1/en → letters@2/en" in shown and "Was: If you say yes" in shown
    assert (await documents.in_force("letters", "en")).why == "Fewer letters."


async def test_publish_names_every_place_that_keeps_it_back(
    sqlite_house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path / "mine")
    period = change(folder / "statement" / "en.md", "[5 years](retention:invoices)", "[6 years](retention:invoices)")
    mark = change(folder / "notices" / "privacy" / "ro.md", "{{ company: legal_name }}", "{{ company: legal }}")
    assert await _publish("--yes") == 1
    shown = capsys.readouterr().out
    assert f"policies/statement/en.md:{period}: " in shown and f"policies/notices/privacy/ro.md:{mark}: " in shown
    assert await documents.keys() == []
