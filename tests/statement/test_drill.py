"""When restoring was last rehearsed with success stands on the public page, and a promise about it is held against that."""

from datetime import datetime, timedelta
from pathlib import Path

from portal import audit, db, statement
from portal.custody import events
from portal.lib import clock
from tests.conftest import House
from tests.documents.policy import change, copied
from tests.people import Browser
from tests.statement.test_commitments import MARCH, OLGA

PROMISE = """
[[commitments]]
key = "rehearsal"
aim = "honesty"
figure = "days_since_drill"
at_most = 7
text = "{text}"
+++
"""


async def _drilled() -> None:
    """As `portal drill` records it."""
    async with db.writing():
        await audit.record(events.DRILLED, actor="system", payload={"file": "portal-20260301.backup"})


async def _page() -> str:
    async with Browser() as visitor:
        return (await visitor.get("/promises")).text


async def test_the_public_page_says_when_restoring_was_last_rehearsed(house: House) -> None:
    with clock.at(MARCH):
        await statement.publish_all(OLGA)
        assert "We have not yet tried it with a backup." in await _page()
        await _drilled()
    with clock.at(MARCH + timedelta(days=3)):
        assert "We last tried it with a backup on 1 March 2026, and it worked." in await _page()


async def test_a_promise_to_rehearse_restoring_is_held_against_the_drills(sqlite_house: House, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for language, text in (("en", "We rehearse it every 7 days."), ("ro", "Repetăm la fiecare 7 zile.")):
        change(folder / "statement" / f"{language}.md", "\n+++\n\n#", PROMISE.format(text=text) + "\n#")
    with clock.at(MARCH - timedelta(hours=1)):
        await statement.publish_all(OLGA)
    said = [await _promise(MARCH)]
    with clock.at(MARCH):
        await _drilled()
    said += [await _promise(MARCH + timedelta(days=days, hours=1)) for days in (0, 7, 8)]
    assert said == ["Not yet tried.", "Kept: 0 days.", "Kept: 7 days.", "Missed: 8 days."]


async def _promise(at: datetime) -> str:
    with clock.at(at):
        return next(each.sentence for each in (await statement.page("en")).measured if each.commitment.key == "rehearsal")
