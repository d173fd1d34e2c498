"""What visitors answer on a site: recorded once, for whom, under which text, and refused from anywhere else (SEC-22, 36)."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, consent, db, jobs, settings, sites, subjects
from portal.lib import clock
from portal.sites import Site
from tests.conftest import House, on_both
from tests.sites.shops import DEVICE, ORIGIN, Visitor, found_site, policies_of_shop, problem, said

REFUSED = {"answers": {"visits": False, "audiences": False}, "how": "refuse", "device": None}


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


@on_both
async def test_a_mixed_answer_is_recorded_for_the_device_once_and_proven(house: House, tmp_path: Path) -> None:
    async with Visitor(await found_site(house, tmp_path)) as visitor:
        one = said(said_at="2026-01-01T00:00:00Z")
        with clock.at(clock.now()):
            first = await visitor.answer(**one)
            again = await visitor.answer(**one)
        told = first.json()
        assert first.status_code == again.status_code == 200 and again.json() == told
        assert told["kept"] and told["answers"] == {"visits": False, "audiences": False}  # that yes is older than six months
        told = (await visitor.answer()).json()
        assert told["answers"] == {"visits": True, "audiences": False}
        assert (await visitor.answer(**{**one, "answers": {"visits": False}, "how": "refuse"})).status_code == 409
        rows = await db.rows("SELECT purpose, answer, source, grade, edition FROM decision ORDER BY recorded_at, purpose")
        assert rows[2:] == [
            {"purpose": "audiences", "answer": "no", "source": "widget", "grade": "self", "edition": "audiences@1/en"},
            {"purpose": "visits", "answer": "yes", "source": "widget", "grade": "self", "edition": "visits@1/en"},
        ]
        assert len(rows) == 4 and await _counted() == {("visits", "yes"): 2, ("audiences", "no"): 2, ("", ""): 2}
        await audit.sequence_all()
        page = await visitor.get(told["proof"])
        assert page.status_code == 200 and "Yes to: Measuring our website" in page.text and DEVICE not in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        receipt = await visitor.get(told["proof"] + "/1")
        assert audit.verify_receipt(receipt.text, [await audit.log_key()]).ok
        assert (await visitor.get(told["proof"] + "/3")).status_code == 404
        assert (await visitor.get(told["proof"][:-3] + "AAA")).status_code == 404


async def test_a_plain_refusal_is_counted_once_and_nobody_is_stored(house: House, tmp_path: Path) -> None:
    async with Visitor(await found_site(house, tmp_path)) as visitor:
        one = said(**REFUSED)
        for _time in range(2):
            answer = await visitor.answer(**one)
            assert answer.json() == {
                "kept": False,
                "answers": {"visits": False, "audiences": False},
                "proof": None,
                "linked": False,
            }
        assert await _people() == 0
        assert await _counted() == {("visits", "no"): 1, ("audiences", "no"): 1, ("", ""): 1}
        assert (await visitor.answer(**{**one, "answers": {"visits": False}})).status_code == 409


async def test_an_answer_that_is_brought_again_weeks_later_counts_once(shop: Site) -> None:
    """As a browser does that was closed before it heard the reply."""
    words = [said(), said(**REFUSED)]
    for days in (0, 20):
        with clock.at(clock.now() + timedelta(days=days)):
            async with db.writing():
                await jobs.later("worker.tidy", {})
            await jobs.run_due()
            async with Visitor(shop) as visitor:
                for one in words:
                    assert (await visitor.answer(**one)).status_code == 200
    assert len(await db.rows("SELECT id FROM decision")) == 2
    assert await _counted() == {("visits", "yes"): 1, ("audiences", "no"): 2, ("visits", "no"): 1, ("", ""): 2}


@on_both
async def test_an_id_that_another_process_takes_at_this_moment_harms_nobody_elses_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballot = replace(sites.counts.ballot("shop", {"visits": False}, "refuse"), key="w/shop/one", reply="{}")
    assert await sites.counts.count(ballot) == "{}"
    usual, looks = db.kept_replies, [True] * 20 + [False]

    async def late(keys: Collection[str]) -> dict[str, tuple[bytes, str]]:
        return await usual(keys) if looks.pop() else {}  # at the first look the other process had not written it yet

    monkeypatch.setattr(db, "kept_replies", late)
    others = [replace(ballot, key=f"w/shop/{number}") for number in range(3)]
    assert await asyncio.gather(*(sites.counts.count(each) for each in (ballot, *others))) == ["{}"] * 4
    assert (await _counted())["visits", "no"] == 4


async def test_a_device_takes_its_yes_back_and_a_signal_overrides_it(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        await visitor.answer(answers={"visits": True, "audiences": True}, how="accept")
        signal = await visitor.answer(answers={"audiences": False, "partners": False}, how="signal")
        assert signal.json()["answers"] == {"audiences": False, "partners": False}
        assert (await visitor.answer(answers={"visits": False}, how="refuse")).json()["answers"] == {"visits": False}
        mine = await subjects.find("device", DEVICE)
        assert mine is not None
        for cell in (("visits", "web"), ("audiences", "ads"), ("partners", "ads")):
            assert not (await consent.permission(mine.id, *cell)).allowed
        [row] = await db.rows("SELECT source, grade FROM decision WHERE purpose = 'partners'")
        assert row == {"source": "gpc-signal", "grade": "signal"}


async def test_a_yes_that_comes_late_does_not_undo_a_no_said_meanwhile(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        yesterday = clock.rfc3339(clock.now() - timedelta(days=1))
        await visitor.answer(answers={"visits": False}, how="refuse")
        assert (await visitor.answer(answers={"visits": True}, how="accept", said_at=yesterday)).json()["answers"] == {
            "visits": False
        }
        # A no has the time of the server: a browser whose clock is years behind can take back what it gave.
        with clock.at(clock.now() + timedelta(minutes=1)):
            assert (await visitor.answer(answers={"visits": True}, how="accept")).json()["answers"] == {"visits": True}
        with clock.at(clock.now() + timedelta(minutes=2)):
            late = await visitor.answer(answers={"visits": False}, how="refuse", said_at="2001-01-01T00:00:00Z")
            assert late.json()["answers"] == {"visits": False}


async def test_an_earlier_tools_noes_are_taken_over_and_its_yeses_are_not(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        taken = await visitor.answer(how="earlier", source="klaro")
        assert taken.json()["answers"] == {"visits": False, "audiences": False}
        assert await db.rows("SELECT purpose, answer, grade FROM decision") == [
            {"purpose": "audiences", "answer": "no", "grade": "signal"}
        ]
        assert problem(await visitor.answer(how="earlier", source="orejime"))["errors"][0]["pointer"] == "/source"


async def test_a_yes_to_an_old_text_is_asked_again_and_its_noes_are_kept(shop: Site, tmp_path: Path) -> None:
    async with Visitor(shop) as visitor:
        await visitor.answer(answers={"audiences": True}, how="accept")
        await _change(tmp_path, "any of this.", "any of it.")
        open_then = said(answers={"visits": True}, how="accept")
        was_open = await visitor.answer(**open_then)
        assert was_open.status_code == 200
        with clock.at(clock.now() + timedelta(hours=3)):
            old = await visitor.answer(answers={"visits": True, "audiences": False})
            assert old.status_code == 409 and problem(old)["edition"] == "site-shop@2/en"
            assert old.headers["access-control-allow-origin"] == ORIGIN
            assert (await visitor.answer(**open_then)).json() == was_open.json()  # only its reply was lost
            mine = await subjects.find("device", DEVICE)
            assert mine is not None and not (await consent.permission(mine.id, "audiences", "ads")).allowed
            assert (await visitor.answer(answers={"visits": False}, how="refuse")).status_code == 200
            assert (await visitor.answer(edition="site-shop@2/ro")).status_code == 200
        unknown = await visitor.answer(edition="site-shop@9/en", answers={"partners": False}, how="refuse")
        assert problem(unknown)["edition"] == "site-shop@2/en"
        assert (await db.row("SELECT answer FROM decision WHERE purpose = 'partners'")) == {"answer": "no"}  # kept all the same
        await _change(tmp_path, "any of it.", "any of that.", material=True)
        assert (await visitor.answer(edition="site-shop@2/en")).status_code == 409  # at once: it mattered


ORIGINS = [
    *("null", "", "https://evil.example", "http://shop.example.com", "https://shop.example.com.evil.example"),
    *("https://evilshop.example.com", "https://shop.example.com:8443", "https://SHOP.example.com", "https://shop.example.com/"),
    *("https://www.shop.example.com", "file://", "https://shop.example.com https://evil.example"),
]


@pytest.mark.parametrize("origin", ORIGINS, ids=repr)
async def test_no_other_origin_reads_or_answers(shop: Site, origin: str) -> None:
    async with Visitor(shop, origin) as visitor:
        refused, looked = await visitor.answer(), await visitor.get(visitor.at + "/settings")
        assert refused.status_code == 403 and looked.status_code == 200
        for answer in (refused, looked):
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert "Origin" in answer.headers["vary"]
    assert await _people() == 0 and await _counted() == {}


async def test_the_sites_own_origin_reads_and_answers_without_credentials(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        for answer in (await visitor.answer(), await visitor.get(visitor.at + "/settings")):
            assert answer.headers["access-control-allow-origin"] == ORIGIN and "set-cookie" not in answer.headers
            assert "access-control-allow-credentials" not in answer.headers
        other = Visitor(shop)
        other.at = "/w/v1/s_aaaaaaaaaaaaaaaaaaaa"
        assert (await other.answer()).status_code == 404
    await sites.traffic.fold()
    assert set(await sites.traffic.last("shop")) == {sites.traffic.CHOICE, sites.traffic.SETTINGS}


BAD: list[dict[str, Any]] = [
    {"id": "1"},
    {"id": None},
    {"answers": {"visits": "yes"}},
    {"answers": {}},
    {"answers": []},
    {"answers": {"newsletter": True}},
    {"answers": {"security": False}},
    {"how": "agreed"},
    {"how": "refuse"},
    {"device": None},
    {"device": "x" * 23},
    {"device": "\x00" * 22},
    {"said_at": "yesterday"},
    {"said_at": "2026-01-01T00:00:00"},
    {"source": "<script>"},
    {"edition": 1},
    {"grade": "self-verified"},
]


async def test_what_was_not_asked_cannot_be_answered(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        for each in BAD:
            answer = await visitor.answer(**each)
            assert answer.status_code == 422, each
            assert problem(answer)["errors"], each
        for content, status in ((b"[]", 400), (b"[" * 3000, 400), (b"\xff", 400), (b"{" + b" " * 4000 + b"}", 413)):
            answer = await visitor.post(visitor.at + "/choices", content=content, headers={"content-type": "text/plain"})
            assert answer.status_code == status and problem(answer)
        assert (await visitor.post(visitor.at + "/choices", data={"a": "b"})).status_code == 415
    assert await _people() == 0


async def test_one_network_sends_so_many_a_minute_also_after_a_restart(shop: Site) -> None:
    settings.use(replace(settings.get(), choices_per_minute=3))
    async with Visitor(shop) as visitor:
        answers = [await visitor.answer(**REFUSED) for _each in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429] and int(answers[3].headers["retry-after"]) > 0
        await sites.traffic.fold()
        sites.traffic._books.clear()
        assert (await visitor.answer(**REFUSED)).status_code == 429
        with clock.at(clock.now() + timedelta(minutes=1, seconds=1)):
            assert (await visitor.answer(**REFUSED)).status_code == 200


async def test_the_preview_changes_nothing(shop: Site) -> None:
    async with Visitor(shop, settings.get().base_url) as officer:
        told = (await officer.answer()).json()
        assert told == {"kept": False, "answers": {"visits": True, "audiences": False}, "proof": None, "linked": False}
    assert await _people() == 0 and await _counted() == {}


async def _change(folder: Path, before: str, after: str, *, material: bool = False) -> None:
    """The shop's English text says something else from now on."""
    text = (folder / "policies" / "sites.toml").read_text()
    assert before in text
    policies_of_shop(folder, text=text.replace(before, after))
    settings.use(replace(settings.get()))
    await sites.texts.publish("system", material=material, why="It says something else.")


async def _people() -> int:
    found = await db.row("SELECT (SELECT count(*) FROM identifier) + (SELECT count(*) FROM decision) AS n")
    assert found is not None
    return int(found["n"])


async def _counted() -> Counter[tuple[str, str]]:
    await sites.counts.fold()
    found: Counter[tuple[str, str]] = Counter()
    for each in await sites.counts.days("shop", sites.counts.today()):
        found[each.purpose, each.answer] += each.number
    return found
