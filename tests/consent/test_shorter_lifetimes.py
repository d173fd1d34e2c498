"""A later edition of a purpose lets a yes live shorter: whoever's yes has run out by that is noticed and told, once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import audit, consent, db, jobs, settings
from portal.consent import lapses
from portal.consent.purposes import lifetimes
from portal.consent.rules import expiry
from portal.lib import clock
from tests.conftest import House, on_both
from tests.connectors.receiver import Receiver
from tests.consent.hooks import heard, tell_hooks
from tests.consent.people import allowed, known, say

BEGIN = datetime(2026, 1, 10, 12, tzinfo=UTC)
# The lifetime of a yes to back-in-stock as the policies of this checkout have it.
MONTHS = 12


@pytest.fixture
def begun() -> Iterator[None]:
    with clock.at(BEGIN):
        yield


async def _publish(folder: Path, months: int, **more: object) -> list[str]:
    whole = (settings.get().policies / "purposes.toml").read_text()
    head, key, rest = whole.partition('key = "back-in-stock"')
    assert f"lifetime_months = {MONTHS}" in rest
    path = folder / "purposes.toml"
    path.write_text(head + key + rest.replace(f"lifetime_months = {MONTHS}", f"lifetime_months = {months}", 1))
    async with db.writing():
        return await consent.publish_purposes("officer:petra", path=path, **more)  # type: ignore[arg-type]  # a date


async def _subjects() -> list[str | None]:
    return [each.subject for each in reversed(await audit.search(event="consent.lapsed", limit=100))]


async def test_whoevers_yes_has_run_out_is_told_once_and_later_ones_when_they_do(
    begun: None, hooks: Receiver, tmp_path: Path
) -> None:
    ana, ben, carla, dan = [await known("email", f"{each}@example.com") for each in ("ana", "ben", "carla", "dan")]
    await say(ana, "yes")
    await say(carla, "yes", until=BEGIN + timedelta(days=40))
    await say(dan, "yes")
    with clock.at(BEGIN + timedelta(days=59)):
        await say(ben, "yes")
        await say(dan, "no")
        await lapses.note_lapses()  # Carla's own end
        await tell_hooks()
    hooks.taken.clear()
    with clock.at(BEGIN + timedelta(days=60)):  # 11 March
        assert await _publish(tmp_path, 2) == ["back-in-stock@2"]
        assert not await allowed(ana) and await allowed(ben)
        assert await lapses.note_lapses() == 1 and await lapses.note_lapses() == 0
        await tell_hooks()
        assert heard(hooks) == [("ana@example.com", "back-in-stock", False)]
    with clock.at(datetime(2026, 5, 11, 12, tzinfo=UTC)):
        assert not await allowed(ben)
        await jobs.recur("consent.lapse", every=timedelta(minutes=1))
        await jobs.run_due()
        await tell_hooks()
        assert heard(hooks)[-1] == ("ben@example.com", "back-in-stock", False)
    with clock.at(datetime(2027, 5, 11, 12, tzinfo=UTC)):  # their own ends are past as well
        assert await lapses.note_lapses() == 0
    assert await _subjects() == [carla.home, ana.home, ben.home]


async def test_an_edition_for_a_later_day_ends_nothing_before_it(begun: None, hooks: Receiver, tmp_path: Path) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    with clock.at(BEGIN + timedelta(days=60)):
        await _publish(tmp_path, 1, in_force_from=(BEGIN + timedelta(days=70)).date())
        assert len((await lifetimes())["back-in-stock"]) == 1 and await lapses.note_lapses() == 0
    with clock.at(BEGIN + timedelta(days=71)):
        assert not await allowed(ana) and await lapses.note_lapses() == 1 and await lapses.note_lapses() == 0


@on_both
async def test_it_goes_in_portions_and_through_several_editions_each_is_noted_once(
    begun: None, hooks: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lapses, "AT_ONCE", 2)
    people = []
    for number in range(7):
        people.append(await known("email", f"p{number}@example.com"))
        with clock.at(BEGIN + timedelta(days=number, minutes=1)):
            await say(people[-1], "yes")
    with clock.at(datetime(2026, 5, 12, 13, tzinfo=UTC)):  # four months and two days later
        await _publish(tmp_path, 5)
        assert await lapses.note_lapses() == 0
        await _publish(tmp_path, 4)
        assert await lapses.note_lapses(ends=0.0) == 0, "No time was left."
        assert await lapses.note_lapses() == 3
        await _publish(tmp_path, 3)
        assert await lapses.note_lapses() == 4
        await _publish(tmp_path, 5)
        assert await lapses.note_lapses() == 0
    with clock.at(datetime(2026, 6, 12, 13, tzinfo=UTC)):  # they stood again and run out once more
        assert not await allowed(people[0]) and await allowed(people[6])
        assert await lapses.note_lapses() == 3
    with clock.at(datetime(2026, 12, 12, tzinfo=UTC)):
        assert await lapses.note_lapses() == 4 and await lapses.note_lapses() == 0


async def test_a_later_yes_is_not_ended_with_an_earlier_one(begun: None, hooks: Receiver, tmp_path: Path) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    with clock.at(BEGIN + timedelta(days=50)):
        await say(ana, "yes")
    with clock.at(BEGIN + timedelta(days=60)):
        await _publish(tmp_path, 1)
        assert await allowed(ana) and await lapses.note_lapses() == 0


@given(
    said=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
    months=st.integers(1, 30),
)
def test_nothing_is_called_over_before_its_end_and_all_of_it_by_the_first_of_the_next_month(
    said: datetime, now: datetime, months: int
) -> None:
    ends = expiry(said, None, months)
    assert ends is not None
    looked = lapses._months_before(now, months)
    if said <= looked:
        assert ends <= now
    following = (ends.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert said <= lapses._months_before(following, months)


async def test_what_runs_out_before_it_was_looked_at_is_not_overlooked(begun: None, house: House, tmp_path: Path) -> None:
    async with db.writing():
        await consent.publish_purposes("officer:petra")
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes")
    with clock.at(BEGIN + timedelta(days=1)):
        await say(ben, "yes", until=BEGIN + timedelta(days=20))
    with clock.at(BEGIN + timedelta(days=30)):
        await _publish(tmp_path, 2)
        await lapses.note_lapses()
    with clock.at(BEGIN + timedelta(days=80)):  # nobody looked when Ana's yes ran out
        await _publish(tmp_path, 1)
        await lapses.note_lapses()
    assert sorted(map(str, await _subjects())) == sorted([ana.home, ben.home])


async def test_a_look_reads_what_is_new_and_not_everybody(sqlite_house: House) -> None:
    sql = f"EXPLAIN QUERY PLAN {lapses._SHORTER}"
    plan = " / ".join(row["detail"] for row in await db.rows(sql, *[None] * sql.count("?")))
    assert "decision_opening" in plan and "SCAN" not in plan, plan
