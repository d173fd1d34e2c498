"""Long lists in three character sets with conflicts and bad lines: imported, taken back, imported again, in little memory.

A million lines, with what each step took and the most memory that was ever held (docs/integrate.md):

    python -m pytest -m deep -s tests/consent/test_long_lists.py
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.consent.long_list import line, verdict

MOST_MIB = 300


def test_a_list_of_more_than_one_piece_is_imported_taken_back_and_imported_again(tmp_path: Path) -> None:
    _check(tmp_path, 2_600)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_million_lines_take_no_more_memory(tmp_path: Path) -> None:
    _check(tmp_path, 1_000_000)


def _check(folder: Path, rows: int) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.consent.long_list", str(folder), str(rows)], cwd=HOME, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    for name, (seconds, busy) in told["took"].items():
        print(f"{name:<25} {seconds:7.1f} s, of the processor {busy:7.1f} s")
    print(f"most memory               {told['peak_mib']:7} MiB")
    verdicts = Counter(map(verdict, range(rows)))
    conflicts = sum(each % 20 == 18 for each in range(rows))  # a yes before a no of the same person in the same list
    assert (conflicts, verdicts["bad"]) == (rows // 20, rows // 100)
    first, again = told["first"], told["again"]
    assert first["rows"] == rows and _counted(first) == _counted(verdicts)
    # The noes of the first time stayed, so they are there already; all other lines come to the same.
    new_yeses = sum(verdict(each) == "new" and line(each).split(";")[1] == "yes" for each in range(rows))
    weaker_noes = sum(verdict(each) == "older-ignored" and line(each).split(";")[1] == "no" for each in range(rows))
    same = verdicts["new"] - new_yeses + weaker_noes
    older = verdicts["older-ignored"] - weaker_noes
    assert _counted(again) == _counted(verdicts) | {"new": new_yeses, "same": same, "older-ignored": older}
    assert told["same_again"] and told["as_before"] and told["log_ok"]
    assert told["peak_mib"] <= MOST_MIB


def _counted(counts: dict[str, int]) -> dict[str, int]:
    return {each: counts.get(each, 0) for each in ("new", "same", "older-ignored", "held-conflict", "bad")}
