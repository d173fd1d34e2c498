"""What counts as proof and how long things are kept: whatever is wrong in verification.toml is told with its line."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import settings
from portal.cases import states
from portal.cases.laws import LawError
from portal.cases.policy import policy
from portal.settings import HOME

TEXT = (HOME / "policies" / "verification.toml").read_text()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    before = settings.get()
    settings.use(replace(before, policies=tmp_path))
    yield tmp_path / "verification.toml"
    settings.use(before)


def test_the_file_that_ships_is_in_order(file: Path) -> None:
    file.write_text(TEXT)
    assert policy().proofs.keys() == states.COLLECTED | states.IN_WORDS
    assert (policy().warning_months, policy().package_kept) == (24, timedelta(days=30))


@pytest.mark.parametrize(
    ("right", "wrong", "at", "complaint"),
    [
        ("months = 24", "months = ", "months =", "not valid TOML"),
        ("months = 24", "# caf\xe9", "# caf", "not UTF-8"),
        ("months = 24\n", "", "[warning]", "'months' is missing"),
        ("months = 24", 'months = "24"', "months =", "months must be a whole number"),
        ("package_days", "packages_days", "packages_days", "packages_days is not known here"),
        ("package_days", "packages_days", "[keep]", "'package_days' is missing"),
        ('ways = ["code", "signed in", "letter", "in person", "facts"]', 'ways = "code"', "ways =", "ways must be a list"),
        ('ways = ["code",', 'ways = ["a guess",', "ways =", "'a guess' is none of"),
        ('ways = ["code", "signed in", "letter"', 'ways = ["code", "signed in"', "stronger =", "'letter' is none of"),
        ('asks = "second person"', 'asks = "nobody"', "asks =", "asks is one of"),
        ("[four_eyes]", "[six_eyes]", "[six_eyes]", "six_eyes is not known here"),
        ("[proof.access]", "[proof]\naccess = 3\n[proof.copy]", "access = 3", "access must be a section"),
    ],
)
def test_every_mistake_is_told_with_its_line(file: Path, right: str, wrong: str, at: str, complaint: str) -> None:
    assert right in TEXT
    content = TEXT.replace(right, wrong, 1)
    file.write_bytes(content.encode("latin-1"))
    line = next(number for number, each in enumerate(content.splitlines(), 1) if each.startswith(at))
    with pytest.raises(LawError) as refused:
        policy()
    told = [each for each in str(refused.value).splitlines() if complaint in each]
    assert told and told[0].startswith(f"verification.toml, line {line}: ")
