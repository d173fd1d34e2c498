"""The file of the precedence: read as it says, and each mistake in it named with its line."""

from pathlib import Path

import pytest

from portal import consent, documents
from portal.consent import precedence
from portal.consent.precedence_file import parse
from portal.consent.rules import Tuning
from portal.settings import HOME


def test_the_file_that_ships_changes_nothing_and_neither_does_one_that_is_missing(tmp_path: Path) -> None:
    assert precedence.read(HOME / "policies" / "precedence.toml").tuning.changes_nothing
    assert precedence.read(tmp_path / "precedence.toml").tuning == precedence.NEUTRAL


def test_the_files_comment_names_every_collection_point() -> None:
    text = (HOME / "policies" / "precedence.toml").read_text()
    comment = text[text.index("# Collection points:") : text.index("[priority]")].replace("\n# ", " ")
    assert comment.split("\n")[0] == f"# Collection points: {', '.join(sorted(consent.SOURCES))}."


def test_a_file_is_read_as_it_says() -> None:
    text = (
        '[priority]\norder = [\n  "letter", # paper first\n  "form",\n]\nwithin_days = 30\n'
        '[[recency]]\nsource = "competition"\nyes_counts_for_days = 180\n'
    )
    assert parse(text.encode(), "precedence.toml") == Tuning(("letter", "form"), 30, (("competition", 180),))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[priority\n", 1, "not valid TOML"),
        ("\n[prority]\n", 2, "Unknown part 'prority'"),
        ("priority = 3\n", 1, "[priority] is a part"),
        ('[priority]\norder = "letter"\nwithin_days = 1\n', 2, "order is a list"),
        ("[priority]\nwithin_days = 1\norder = [3]\n", 3, "order is a list"),
        ('[priority]\nwithin_days = 1\norder = [\n "letter",\n "leter"]\n', 5, "'leter' is no collection point"),
        ('[priority]\nwithin_days = 1\norder = [\n "letter",\n "form",\n "letter"]\n', 6, "'letter' stands twice"),
        ('[priority]\norder = ["letter", "form"]\n', 1, "within_days"),
        ('[priority]\norder = ["letter"]\nwithin_days = -1\n', 3, "from 0 to 3650"),
        ('[priority]\norder = ["letter"]\nwithin_days = true\n', 3, "from 0 to 3650"),
        ('[priority]\norder = ["letter"]\nwithin_days = "30"\n', 3, "from 0 to 3650"),
        ("[priority]\norder = []\nwithin_days = 1\nwithin_dayz = 2\n", 4, "Unknown setting 'within_dayz'"),
        ('[recency]\nsource = "letter"\n', 1, "Write each as [[recency]]"),
        ('[[recency]]\nsource = "letter"\n', 1, "has no 'yes_counts_for_days'"),
        ('[[recency]]\nsource = "leter"\nyes_counts_for_days = 1\n', 2, "'leter' is no collection point"),
        ('[[recency]]\nsource = "letter"\nyes_counts_for_days = 0\n', 3, "from 1 to 3650"),
        ('[[recency]]\nsource = "letter"\nyes_counts_for_days = 1.5\n', 3, "from 1 to 3650"),
        ('[[recency]]\nsource = "letter"\nyes_counts_for_days = 9\nno_counts_for_days = 9\n', 4, "Unknown setting"),
        (
            '[[recency]]\nsource = "form"\nyes_counts_for_days = 9\n[[recency]]\nsource = "form"\nyes_counts_for_days = 8\n',
            5,
            "has a [[recency]] already",
        ),
    ],
)
def test_a_mistake_is_said_with_file_and_line(text: str, line: int, what: str) -> None:
    with pytest.raises(documents.Faulty) as refused:
        parse(text.encode(), "precedence.toml")
    [fault] = refused.value.faults
    assert (fault.file, fault.line) == ("precedence.toml", line)
    assert what in fault.sentence


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "precedence.toml"
    path.write_bytes("# one\n# ș\n".encode("utf-16-le"))
    with pytest.raises(documents.Faulty, match=r"precedence.toml:1: "):
        precedence.read(path)
