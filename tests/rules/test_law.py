"""docs/law.md says of each duty which test shows it: those tests are there, and no duty of the public list is left out."""

import json
import re

import pytest

from portal.settings import HOME

LAW = (HOME / "docs" / "law.md").read_text()
CHECKLIST = HOME.parent / "shared" / "vectors" / "checklist.json"
_ROW = re.compile(r"(?m)^\| ([A-Z]+(?:-[A-Z]+)?-\d\d) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$")
_TEST = re.compile(r"\b([a-z]+)/(test_\w+\.py)::(\w+)")


def test_each_duty_is_shown_by_tests_that_exist_or_said_not_to_be_built() -> None:
    rows = _ROW.findall(LAW)
    assert len(rows) == len({number for number, *_rest in rows}) == len(re.findall(r"(?m)^\| [A-Z]", LAW))
    without = [number for number, _duty, _where, shown in rows if not _TEST.search(shown) and not re.search("[.]$", shown)]
    assert without == []
    missing = [found[0] for found in _TEST.finditer(LAW) if not _exists(*found.groups())]
    assert missing == []


@pytest.mark.skipif(not CHECKLIST.exists(), reason="the public list of duties is not here")
def test_no_duty_of_the_public_list_is_left_out() -> None:
    listed = {each["id"] for each in json.loads(CHECKLIST.read_text())["items"]}
    assert {number for number, *_rest in _ROW.findall(LAW)} == listed


def _exists(folder: str, file: str, name: str) -> bool:
    path = HOME / "tests" / folder / file
    return path.exists() and f"def test_{name}(" in path.read_text()
