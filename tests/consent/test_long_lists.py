"""Long lists in three character sets with conflicts and bad lines: imported, taken back, imported again, in little memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.consent.long_list import line

MOST_MIB = 300


def test_a_list_of_more_than_one_piece_is_imported_taken_back_and_imported_again(tmp_path: Path) -> None:
    _check(tmp_path, 2_600)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_two_hundred_thousand_lines_take_no_more_memory(tmp_path: Path) -> None:
    _check(tmp_path, 200_000)


def _check(folder: Path, rows: int) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.consent.long_list", str(folder), str(rows)], cwd=HOME, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    print({name: f"{rows * 1000 // max(ms, 1)}/s" for name, ms in told["seconds"].items()}, f"{told['peak_mib']} MiB")
    lines = [line(each).split(";")[:2] for each in range(rows)]
    noes = {address for address, answer in lines if answer == "no"}
    good = [(address, answer) for address, answer in lines if "@" in address]
    bad, conflicts = rows - len(good), sum(answer == "yes" and address in noes for address, answer in good)
    new = len(good) - conflicts
    assert (conflicts, bad) == (rows // 20, rows // 100)
    first, again = told["first"], told["again"]
    assert (first["rows"], first["new"], first["older-ignored"], first["bad"]) == (rows, new, conflicts, bad)
    said_no = sum(answer == "no" for _address, answer in good)
    assert (again["same"], again["new"], again["older-ignored"]) == (said_no, new - said_no, conflicts)
    may = sum(address not in noes for address, answer in good)
    assert (told["allowed"], told["allowed_undone"], told["allowed_again"]) == (may, 0, may)
    assert told["peak_mib"] <= MOST_MIB
