"""Ids sort in the order in which they were made, also by several processes of one machine."""

import time

import pytest

from portal.lib import ids


def test_what_another_process_makes_later_sorts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for _each in range(200):
        monkeypatch.setattr(ids, "_last", 0)  # another process knows nothing of what was made here
        made.append(ids.new())
    assert made == sorted(made) and len(set(made)) == 200


def test_a_clock_that_stands_still_or_steps_back_gives_no_id_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids.new()
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    made = [first, *(ids.new() for _each in range(5000))]
    assert made == sorted(made) and len({each[:18] for each in made}) == 5001
