"""The rest of the preference centre, without scripts: a break, wishes, addresses, what waits, history, the file."""

import json
import re
from datetime import timedelta

import pytest

from portal import consent, db, jobs, subjects
from portal.consent.wishes import Wishes
from portal.lib import clock
from portal.settings import HOME
from tests.conftest import House
from tests.consent.people import allowed, known, say
from tests.people import ANA, Browser, newest_mail, sign_in

WORK = "work@example.com"


@pytest.fixture
async def shop(sqlite_house: House) -> House:
    with clock.at(clock.now() - timedelta(days=9)):
        await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
    return sqlite_house


async def _ana(ana: Browser) -> subjects.Identifier:
    await sign_in(ana, ANA)
    found = await subjects.find("email", ANA)
    assert found
    return found


async def test_a_break_lasts_until_the_morning_of_the_chosen_day(shop: House) -> None:
    async with Browser() as ana:
        mine = await _ana(ana)
        await say(mine, "yes", "newsletter", grade="self-verified")
        day = (clock.now() + timedelta(days=20)).date()
        page = await ana.post("/preferences/pause", data={"until": day.isoformat()})
        assert "Start again now" in page.text and not await allowed(mine, "newsletter")
        found = await db.row("SELECT until FROM pause")
        assert found and clock.rfc3339(clock.from_micros(found["until"])).startswith(f"{day - timedelta(days=1)}T2")
        for wrong in ("yesterday", "2020-01-01", "9999-12-31", "2026-13-01"):
            assert (await ana.post("/preferences/pause", data={"until": wrong})).status_code == 422


async def test_wishes_are_saved_in_place_and_shown_again(shop: House) -> None:
    async with Browser() as ana:
        mine = await _ana(ana)
        fields = {"channel": "post", "frequency": "monthly", "hours": "evening", "language": "ro"}
        part = await ana.post("/preferences/wishes", data=fields, headers={"hx-request": "true"})
        assert part.text.lstrip().startswith("<section") and "Saved." in part.text
        page = await ana.get("/preferences")
        assert re.search(r'<option value="monthly" selected>', page.text)
        assert await consent.wishes(mine.subject) == Wishes("post", "monthly", "evening", "ro")
        assert (await ana.post("/preferences/wishes", data={"hours": "noon"})).status_code == 422


async def test_a_yes_for_an_unconfirmed_address_waits_there_and_can_be_asked_for_again(shop: House) -> None:
    async with Browser() as ana:
        mine = await _ana(ana)
        work = await known("email", WORK, mine.subject)
        action = re.search(
            rf'action="(/preferences/newsletter/email\?[^"]*{work.id}[^"]*)"', (await ana.get("/preferences")).text
        )
        assert action
        page = await ana.post(action[1].replace("&amp;", "&"), data={"answer": "yes"})
        assert "on once you confirm there" in page.text and not await allowed(work, "newsletter")
        await jobs.run_due()
        page = await ana.get("/preferences")
        waiting = re.search(r'name="waiting" value="([^"]+)"', page.text)
        assert waiting and "Waiting for your confirmation" in page.text
        await ana.post("/preferences/confirmations", data={"waiting": waiting[1]})
        link = re.search(r"(/confirm/[\w-]+)", await newest_mail(WORK))
        assert link
        async with Browser() as at_work:  # any browser: the mailbox is what is confirmed
            page = await at_work.get(link[1])
            assert "Newsletter" in page.text and not await allowed(work, "newsletter")
            page = await at_work.post(link[1])
            assert "It is on" in page.text and await allowed(work, "newsletter")
            assert "nothing to confirm" in (await at_work.post(link[1])).text
            assert (await at_work.get(link[1][:-3])).status_code == 404
        assert "Waiting for" not in (await ana.get("/preferences")).text
        assert (await ana.post("/preferences/confirmations", data={"waiting": waiting[1]})).status_code == 404


async def test_an_address_that_was_left_gets_nothing_and_opens_nothing_of_the_earlier_person(shop: House) -> None:
    async with Browser() as ana, Browser() as next_owner, Browser() as also_ana:
        mine = await _ana(ana)
        work = await known("email", WORK, mine.subject, proven=True)
        await sign_in(also_ana, WORK)
        await say(work, "yes", "newsletter", grade="self-verified")
        page = await ana.post(f"/preferences/addresses/{work.id}", data={"is": "left"})
        assert "No longer yours" in page.text and not await allowed(work, "newsletter")
        answer = await also_ana.get("/preferences", follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"].endswith("/sign-in")
        await sign_in(next_owner, WORK)
        new = await subjects.find("email", WORK)
        assert new and new.subject != mine.subject and new.id != work.id
        page = await next_owner.get("/preferences")
        assert subjects.mask("email", ANA) not in page.text and not await consent.history(new.subject)
        assert (await next_owner.post(f"/preferences/addresses/{mine.id}", data={"is": "left"})).status_code == 404


async def test_leaving_the_address_of_this_visit_ends_it(shop: House) -> None:
    async with Browser() as ana:
        mine = await _ana(ana)
        await ana.post(f"/preferences/addresses/{mine.id}", data={"is": "left"})
        assert (await ana.get("/preferences", follow_redirects=False)).status_code == 303


async def test_a_shared_address_stops_and_switches_nothing_on_and_does_not_speak_for_others(shop: House) -> None:
    async with Browser() as ana, Browser() as family:
        mine = await _ana(ana)
        shared = await known("email", "family@example.com", mine.subject, proven=True)
        await ana.post(f"/preferences/addresses/{shared.id}", data={"is": "shared"})
        assert (await subjects.get(shared.id)).audience == "shared"
        await sign_in(family, "family@example.com")
        assert "No longer mine" not in (await family.get("/preferences")).text
        stopped = await family.post(f"/preferences/newsletter/email?to={shared.id}", data={"answer": "no"})
        assert "Done. A message" in stopped.text and "Undo" not in stopped.text  # which it could not
        for each in (mine, shared):
            for said in ("left", "mine"):
                assert (await family.post(f"/preferences/addresses/{each.id}", data={"is": said})).status_code == 403
        assert (await ana.post(f"/preferences/addresses/{shared.id}", data={"is": "mine"})).status_code == 403


async def test_a_shared_address_pauses_for_everybody_and_ends_no_pause_and_changes_no_wishes(shop: House) -> None:
    async with Browser() as ana, Browser() as family:
        mine = await _ana(ana)
        await say(mine, "yes", "newsletter", grade="self-verified")
        await known("email", "family@example.com", mine.subject, audience="shared", proven=True)
        await sign_in(family, "family@example.com")
        await family.post("/preferences/pause", data={"months": "1"})
        assert not await allowed(mine, "newsletter")
        page = (await family.get("/preferences")).text
        assert page.count("so this cannot be changed from here") == 2
        assert "Start again now" not in page and "/preferences/wishes" not in page
        own = (await ana.get("/preferences")).text
        assert "Start again now" in own and "/preferences/wishes" in own and "cannot be changed from here" not in own
        assert (await family.post("/preferences/resume")).status_code == 403 and not await allowed(mine, "newsletter")
        assert (await family.post("/preferences/wishes", data={"frequency": "weekly"})).status_code == 403
        assert await consent.wishes(mine.subject) == Wishes()
        await ana.post("/preferences/resume")
        assert await allowed(mine, "newsletter")


async def test_the_history_has_a_picture_a_filter_and_pages(shop: House) -> None:
    async with Browser() as ana:
        mine = await _ana(ana)
        start = clock.now() - timedelta(days=2)
        for number in range(30):  # with the 61st below one moment more than the picture takes
            with clock.at(start + timedelta(hours=number)):
                await say(mine, "yes", "newsletter", grade="self-verified")
            with clock.at(start + timedelta(hours=number, minutes=30)):
                await say(mine, "no", "newsletter", grade="self-verified")
        await say(mine, "yes", "back-in-stock", grade="self-verified")
        page = await ana.get("/preferences/history")
        lane = page.text.partition("Newsletter (E-mail)")[2].partition("</tr>")[0]
        assert lane.count("<rect") == 1 + 29 and "Page 1 of 2" in page.text
        rest = await ana.get("/preferences/history?page=2")
        assert page.text.count("/receipts/") + rest.text.count("/receipts/") == 61 and "<svg" not in rest.text
        books = await ana.get("/preferences/history?purpose=back-in-stock&page=999")
        assert books.text.count("/receipts/") == 1 and "on since" in books.text
        for strange in ("0", "-1", "x", "²", "9" * 30):
            assert (await ana.get("/preferences/history", params={"page": strange})).status_code == 200


async def test_everything_chosen_can_be_taken_along_as_a_file(shop: House) -> None:
    async with Browser() as ana:
        mine = await _ana(ana)
        await say(mine, "yes", "newsletter", grade="self-verified")
        await consent.wish(mine.subject, {"hours": "evening"}, by="system")
        answer = await ana.get("/preferences/download")
        assert answer.headers["content-disposition"].startswith("attachment")
        content = json.loads(answer.text)
        on = [each for each in content["choices"] if each["purpose"] == "newsletter" and each["on"]]
        assert on[0]["address"] == subjects.mask("email", ANA) and on[0]["because"]["answer"] == "yes"
        assert content["wishes"] == {"hours": "evening"} and content["history"][0]["receipt"].startswith("/receipts/")
        assert ANA not in answer.text


async def test_where_not_all_answers_fit_the_page_and_the_file_say_so(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.public.history.MOST", 3)
    async with Browser() as ana:
        mine = await _ana(ana)
        await say(mine, "yes", "newsletter", grade="self-verified")
        assert "There are more" not in (await ana.get("/preferences/history")).text
        for answer in ("no", "yes", "no"):
            await say(mine, answer, "newsletter", grade="self-verified")
        assert "the newest 3 of your answers" in (await ana.get("/preferences/history")).text
        assert json.loads((await ana.get("/preferences/download")).text)["history_is_cut"] is True
