"""The demo company as a person finds it after a first `make run`, also when the one before was killed half way."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portal.demo import company, people
from portal.demo.story import Act
from portal.settings import HOME
from tests.journeys.conftest import environment, portal_command, the_demo

pytestmark = pytest.mark.timeout(300)  # the first test waits until the company is made


@contextmanager
def making(var: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "portal.cli", "demo"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=HOME, env=environment(var), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def rows(var: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{var}/portal.db?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def count(var: Path, what: str) -> int:
    return int(rows(var, f"SELECT count(*) FROM {what}")[0][0])


@pytest.fixture(scope="module", params=["made at once", pytest.param("left half made", marks=pytest.mark.deep)])
def var(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("company")
    if request.param == "made at once":
        shutil.copytree(the_demo(tmp_path_factory.getbasetemp()), var, dirs_exist_ok=True)
    else:
        _make_anew_what_was_killed(var)
    return var


def _make_anew_what_was_killed(var: Path) -> None:
    """Killed while it was made, then started twice at the same time."""
    with making(var) as process:
        while process.poll() is None:
            with suppress(sqlite3.Error):
                if count(var, "subject") > 50:
                    process.send_signal(signal.SIGKILL)
                    break
            time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL
    assert 50 < count(var, "subject") < 200
    with making(var) as one, making(var) as other:
        said = [one.communicate(), other.communicate()]
    assert [one.returncode, other.returncode] == [0, 0], said


def test_the_company_is_made_once_and_whole(var: Path) -> None:
    assert (count(var, "subject"), count(var, "officer"), count(var, "case_file")) == (200, 3, 13)
    with closing(sqlite3.connect(var / "demo" / "shop.db")) as shop:
        assert shop.execute("SELECT count(*) FROM customer").fetchone() == (200,)
    assert count(var, "job WHERE state <> 'done'") == 0
    assert count(var, "data_key WHERE kind = 'lasting'") == 3  # under which its people are found again
    verified = portal_command(var, "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_company_that_is_whole_is_left_alone(var: Path) -> None:
    before = rows(var, "SELECT max(id), count(*) FROM entry")
    done = portal_command(var, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "As a customer" in done.stdout
    assert rows(var, "SELECT max(id), count(*) FROM entry") == before


def test_requests_stand_in_many_states_with_dates_of_their_own(var: Path) -> None:
    states = {state for (state,) in rows(var, "SELECT DISTINCT state FROM case_file")}
    assert states == {"verifying", "triage", "reviewing", "approving", "delivering", "closed"}
    dates = [due for (due,) in rows(var, "SELECT DISTINCT due_on FROM case_file WHERE is_open = 1")]
    assert len(dates) >= 7


def test_every_word_is_in_the_log_and_every_system_was_told(var: Path) -> None:
    assert count(var, "entry WHERE log_index IS NULL") == 0
    assert count(var, "decision WHERE entry NOT IN (SELECT id FROM entry)") == 0
    assert count(var, "delivery WHERE state <> 'sent'") == 0
    [(end,)] = rows(var, "SELECT max(log_index) FROM entry WHERE event LIKE 'consent.%'")
    assert [index for (index,) in rows(var, "SELECT log_index FROM cursor") if index < end] == []


def test_what_was_said_is_dated_over_the_years_and_not_on_the_day_it_was_made(var: Path) -> None:
    months = "SELECT DISTINCT strftime('%Y-%m', recorded_at / 1000000, 'unixepoch') FROM decision"
    assert len(rows(var, months)) > 40
    assert rows(var, "SELECT id FROM decision WHERE abs(recorded_at - said_at) > 60000000") == []


def test_the_same_seed_and_day_tell_the_same_story() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    first, again = (_acts(now), _acts(now))
    assert first == again
    assert len(first) > 350
    assert all(moment < now for moment, *_rest in first)
    assert _acts(now + timedelta(days=1)) != first


def _acts(now: datetime) -> list[tuple[Any, ...]]:
    acts = company.tell(people.customers(company.SEED, now.date()), now).acts
    return [(act.moment, act.alone, act.work, *_done(act)) for act in acts]


def _done(act: Act) -> tuple[Any, ...]:
    if not isinstance(act.do, partial):
        return (act.do.__qualname__,)
    told = [each for each in act.do.args if not callable(each)]  # the officers' steps are made anew each time
    return act.do.func.__qualname__, told, act.do.keywords
