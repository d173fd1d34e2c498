"""However often records are linked, merged, split and added to: taking the links back leaves every person as if there had
never been any, what stood at any moment can still be told, and nobody's records are shared or lost."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from portal import db, subjects
from portal.lib import clock
from portal.lib.errors import Conflict
from tests.conftest import House, opened, settings_in

START = datetime(2026, 3, 1, tzinfo=UTC)
OLGA = "officer:olga"
Run = Callable[[Coroutine[Any, Any, Any]], Any]
Wholes = dict[str, tuple[frozenset[str], frozenset[str]]]
_numbers = count()


class Links(RuleBasedStateMachine):
    """A model beside the portal: per identifier its home, and per home whom it points to now."""

    run: Run

    def __init__(self) -> None:
        super().__init__()
        self.homes: dict[str, str] = {}
        self.points: dict[str, str] = {}
        self.then: list[tuple[datetime, Wholes]] = []
        self.steps = 0

    @rule(addresses=st.integers(1, 2))
    def a_new_person(self, addresses: int) -> None:
        first = self._ensure(None)
        for _number in range(addresses - 1):
            self._ensure(first.home)

    @rule(data=st.data())
    def another_address(self, data: st.DataObject) -> None:
        """Of a person, named by any of their records: it goes to whom that record belongs to now."""
        if self.points:
            self._ensure(data.draw(st.sampled_from(sorted(self.points))))

    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        if self.homes:
            identifier = data.draw(st.sampled_from(sorted(self.homes)))
            record = data.draw(st.sampled_from(sorted(self.points)))
            self._write(subjects.link(identifier, record, by=OLGA, why="told us"))
            home, into = self.homes[identifier], self.points[record]
            along = [each for each, person in self.points.items() if person == home] if self.points[home] == home else []
            self.points |= dict.fromkeys([home, *along], into)

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        if self.points:
            one, other = (data.draw(st.sampled_from(sorted(self.points))) for _number in range(2))
            self._write(subjects.merge(one, into=other, by=OLGA, why="told us"))
            into, moving = self.points[other], self.points[one]
            self.points |= {home: into for home, person in self.points.items() if person == moving}

    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        if self.homes:
            identifier = data.draw(st.sampled_from(sorted(self.homes)))
            home = self.homes[identifier]
            if self.points[home] == home:
                with pytest.raises(Conflict):
                    self._write(subjects.split(identifier, by=OLGA, why="not the same"))
            else:
                self._write(subjects.split(identifier, by=OLGA, why="not the same"))
                self.points[home] = home

    @rule()
    def remember(self) -> None:
        self.then.append((self._now() + timedelta(seconds=30), self._expected()))
        self.steps += 1

    @invariant()
    def everybody_is_whole_and_no_record_is_two_peoples(self) -> None:
        found = self._found(None)
        assert found == self._expected()
        people = set(found.values())
        records = [record for records, _addresses in people for record in records]
        assert len(records) == len(set(records))

    def teardown(self) -> None:
        for moment, expected in self.then:
            assert self._found(moment) == expected
        for identifier, home in sorted(self.homes.items()):
            if self.points[home] != home:
                self._write(subjects.split(identifier, by=OLGA, why="not the same"))
                self.points[home] = home
        alone = {home: frozenset(each for each, its in self.homes.items() if its == home) for home in self.points}
        assert self._found(None) == {home: (frozenset([home]), addresses) for home, addresses in alone.items()}

    def _expected(self) -> Wholes:
        found = {}
        for home, person in self.points.items():
            together = {each for each, its in self.points.items() if its == person}
            addresses = frozenset(each for each, its in self.homes.items() if its in together)
            found[home] = (frozenset({person, *together}), addresses)
        return found

    def _found(self, at: datetime | None) -> Wholes:
        """Of every record that was there then."""

        async def ask() -> Wholes:
            found = {}
            for home in self.points:
                person = await subjects.whole(home, at)
                if person.identifiers:
                    found[home] = (frozenset(person.subjects), frozenset(each.id for each in person.identifiers))
            return found

        answer: Wholes = self.run(ask())
        return answer

    def _ensure(self, record: str | None) -> subjects.Identifier:
        value = f"person{next(_numbers)}@example.com"  # new in every run: all share one database
        added: subjects.Identifier = self._write(subjects.ensure("email", value, by="import:1", subject=record))
        self.homes[added.id] = added.home
        self.points.setdefault(added.home, added.home)
        assert record is None or added.home == self.points[record]
        return added

    def _write(self, act: Coroutine[Any, Any, Any]) -> Any:
        async def write() -> Any:
            with clock.at(self._now()):
                async with db.writing():
                    return await act

        self.steps += 1
        return self.run(write())

    def _now(self) -> datetime:
        return START + timedelta(minutes=self.steps)


def test_links_leave_nothing_behind_once_they_are_taken_back(migrated_sqlite: Path, tmp_path: Path) -> None:
    _run(migrated_sqlite, tmp_path, examples=25)


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_links_leave_nothing_behind_a_thousand_times(migrated_sqlite: Path, tmp_path: Path) -> None:
    _run(migrated_sqlite, tmp_path, examples=1000)


def _run(migrated: Path, folder: Path, examples: int) -> None:
    (folder / "portal.db").write_bytes(migrated.read_bytes())
    with asyncio.Runner() as runner:
        house = opened(settings_in(folder))
        runner.run(house.__aenter__())
        try:
            machine = type("Links", (Links,), {"run": staticmethod(runner.run)})
            quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
            run_state_machine_as_test(
                machine,
                settings=settings(max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=quiet),
            )
        finally:
            runner.run(house.__aexit__(None, None, None))


async def test_what_was_linked_to_a_record_comes_along_when_that_record_is_linked(sqlite_house: House) -> None:
    async with db.writing():
        one, other, third = [await subjects.ensure("email", f"{name}@example.com", by="import:1") for name in "abc"]
        await subjects.link(one.id, other.subject, by=OLGA, why="told us")
        await subjects.link(other.id, third.subject, by=OLGA, why="told us")
    assert set((await subjects.whole(third.subject)).subjects) == {one.home, other.home, third.home}
    async with db.writing():
        await subjects.split(other.id, by=OLGA, why="not the same")
        await subjects.split(one.id, by=OLGA, why="not the same")
    assert [(await subjects.whole(each.home)).subjects for each in (one, other, third)] == [
        [one.home],
        [other.home],
        [third.home],
    ]
