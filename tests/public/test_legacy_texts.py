"""Texts of an earlier system on a person's page: those that are known can be read, of the others it says so."""

from datetime import timedelta

from portal import consent, subjects
from portal.consent import legacy
from portal.lib import clock
from portal.settings import HOME
from tests.conftest import House
from tests.consent.people import say
from tests.people import ANA, Browser, sign_in


async def test_the_history_shows_the_text_of_an_earlier_system_or_says_that_it_is_not_known(sqlite_house: House) -> None:
    with clock.at(clock.now() - timedelta(days=9)):
        await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
        await legacy.add("legacy:old:1", {"en": b"<p>Yes, write to me.</p>", "ro": b"<p>Da.</p>"}, by="officer:petra")
        await legacy.add_unknown("legacy:old:2", by="officer:petra")
    async with Browser() as ana:
        await sign_in(ana, ANA)
        mine = await subjects.find("email", ANA)
        assert mine
        await say(mine, "yes", "newsletter", grade="import", edition="legacy:old:1")
        page = (await ana.get("/preferences/history")).text
        assert "/texts/legacy:old:1@1/en" in page and "not known any more" not in page
        assert "Yes, write to me." in (await ana.get("/texts/legacy:old:1@1/en")).text
        await say(mine, "yes", "back-in-stock", grade="import", edition="legacy:old:2")
        page = (await ana.get("/preferences/history")).text
        assert "the text of our earlier system is not known any more" in page and "legacy:old:2" not in page
        shown = (await ana.get("/texts/legacy:old:2@1/ro")).text
        assert "legacy:old:2" in shown
