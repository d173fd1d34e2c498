"""A replay that was stopped, that cannot be carried out, or that a colleague answers for: nothing is left out in silence."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, cases, connectors, db, jobs, settings, subjects
from portal.cases import contact, fulfilment, legal_holds, repeating
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from tests.cases.restored_shop import BOUGHT, Shop, corrected, entries_about, erased, replayed
from tests.cases.shops import ANA, BEN, SYSTEMS, answer, collected, found_company, newest_to
from tests.conftest import House
from tests.connectors.colleague import ADDRESS, ENTRY, newest_link


async def test_one_that_was_killed_half_way_is_gone_on_with(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    since = shop.back_up()
    ana, ben = await erased(ANA), await erased(BEN)
    shop.restore()
    recheck = type(connectors.open_system("shop")).recheck

    async def fall(*_anything: object, **_else: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(type(connectors.open_system("shop")), "recheck", fall)
        with pytest.raises(MemoryError):
            await replayed("shop", since, "--commit")
    assert shop.rows(BOUGHT) == [("Jam",)]  # Ana is gone again, and nothing says so yet
    assert await entries_about(ana) == ["case.replay_begun"] and await entries_about(ben) == []
    assert type(connectors.open_system("shop")).recheck is recheck
    assert await replayed("shop", since, "--commit") == 0
    assert shop.rows(BOUGHT) == []
    assert await entries_about(ana) == ["case.replay_begun", "case.replayed"] == await entries_about(ben)


async def test_rows_that_are_left_are_no_success(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    since = shop.back_up()
    case_id = await erased()
    shop.restore()

    async def nothing(*_anything: object) -> connectors.Outcome:
        return connectors.Outcome(True)

    with monkeypatch.context() as broken:
        broken.setattr(type(connectors.open_system("shop")), "erase", nothing)
        assert await replayed("shop", since, "--commit") == 1
    assert f"{case_id} deletion, by hand: Rows are still there" in capsys.readouterr().out
    assert await entries_about(case_id) == ["case.replay_begun", "case.replay_failed"]


async def test_whom_nobody_knows_any_more_is_named(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    since = shop.back_up()
    case_id = await erased()
    shop.restore()
    with clock.at(clock.now() + timedelta(days=31)):
        async with db.writing():
            assert await contact.fall_of_expired() == 1
        for more in ([], ["--commit"]):
            assert await replayed("shop", since, *more) == 1
            told = capsys.readouterr().out
            assert f"{case_id} deletion, by hand: Who it was is known no more" in told and ANA not in told
            assert "1 have to be done by hand" in told
    assert len(shop.rows(BOUGHT)) == 3


async def test_a_deletion_from_before_this_was_kept_is_named(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    since = shop.back_up()
    case_id = await erased()
    shop.restore()
    async with db.writing():
        await db.run("UPDATE case_task SET again = NULL")
    assert await replayed("shop", since, "--commit") == 1
    assert f"{case_id} deletion, by hand: It was deleted by a version" in capsys.readouterr().out


async def test_what_is_kept_opens_with_the_requests_key_alone(shop: Shop) -> None:
    await erased()
    kept = [bytes(each["again"]) for each in await db.rows("SELECT again FROM case_task WHERE again IS NOT NULL")]
    assert len(kept) == 2 and not any(b"ana" in each for each in kept)
    [task] = await repeating.done_since("shop", clock.now() - timedelta(hours=1))
    assert await repeating.recall(task) == {"email": [ANA]}


async def test_somebody_who_came_back_since_is_left_to_a_person(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    since = shop.back_up()
    case_id = await erased()
    with clock.at(clock.now() + timedelta(days=1)):
        async with db.writing():
            await subjects.ensure("email", ANA, by="system")
        shop.restore()
        assert await replayed("shop", since, "--commit") == 1
    assert f"{case_id} deletion, by hand: Somebody used this person's address anew" in capsys.readouterr().out
    assert len(shop.rows(BOUGHT)) == 3


async def test_a_legal_hold_on_the_system_stands(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    since = shop.back_up()
    case_id = await erased()
    shop.restore()
    hold = await legal_holds.set_on_system("shop", "A court asked for the books of this year.", officer="counsel")
    assert await replayed("shop", since, "--commit") == 1
    assert f"{case_id} deletion, by hand: A legal hold stands" in capsys.readouterr().out
    assert len(shop.rows(BOUGHT)) == 3
    await legal_holds.lift(hold, officer="counsel")
    assert await replayed("shop", since, "--commit") == 0
    assert shop.rows(BOUGHT) == [("Jam",)]


async def test_a_correction_of_somebody_who_was_deleted_since_is_not_made_again(shop: Shop) -> None:
    since = shop.back_up()
    await corrected(name="Ana Popescu")
    await erased()
    shop.restore()
    assert await replayed("shop", since, "--commit") == 0
    assert shop.rows(BOUGHT) == [("Jam",)]


async def test_a_colleague_is_asked_once_more_and_told_why(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = found_company(house, tmp_path / "company")
    (company.folder / "systems.toml").write_text(SYSTEMS + ENTRY)
    since = clock.now().date().isoformat()
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    case_id = await collected("erasure")
    lines = {"how": "here", "what-1": "Letters", "rows-1": "2", "action-1": "delete"}
    await cases.colleagues.answer(await newest_link(), lines, None)
    await jobs.run_due()
    await answer(case_id)
    first = await newest_link()
    await cases.colleagues.answer(first, {"how": "done", "count-1": "2"}, None)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"

    assert await replayed("archive", since) == 0
    assert await newest_link() == first
    for _twice in range(2):
        assert await replayed("archive", since, "--commit") == 0
        assert f"{case_id} deletion, a colleague was asked again: 2 (then 2)" in capsys.readouterr().out
        await jobs.run_due()
    link = await newest_link()
    assert link != first and "was restored in: Paper archive" in await newest_to(ADDRESS, "mail/system-question")
    asked = await cases.colleagues.asked(link)
    assert asked.wanted and asked.question.restored is not None and asked.question.asked["identifiers"] == {"email": [ANA]}
    await cases.colleagues.answer(link, {"how": "done", "count-1": "2"}, None)
    await jobs.run_due()
    assert len(await audit.search(case=case_id, event="case.replayed", object="archive")) == 1
    assert await replayed("archive", since, "--commit") == 0
    assert "They did it again on" in capsys.readouterr().out
    assert (await cases.case(case_id)).outcome == "fulfilled"


async def test_what_cannot_be_meant_is_refused(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotFound, match="No connected system"):
        await replayed("till", "2026-01-01")
    for wrong in ("soon", "2999-01-01"):
        with pytest.raises(SystemExit):
            await replayed("shop", wrong)
    shop.company.take_down("shop")
    with pytest.raises(Invalid, match="does not answer"):
        await replayed("shop", "2026-01-01", "--commit")
    settings.use(replace(settings.get(), systems=""))
    with pytest.raises(NotFound):
        await replayed("shop", "2026-01-01")


async def test_what_somebody_stopped_since_is_not_deleted_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    since = shop.back_up()
    ana = await erased(ANA)
    with monkeypatch.context() as broken:  # of Ben the shop has deleted all, and the portal itself not yet
        broken.setattr(fulfilment, "own_turn", _nothing)
        await subjects_known(BEN)
        ben = await collected("erasure", BEN, {"delete": "now"})
        await answer(ben)
    found = await subjects.find("email", BEN)
    assert found is not None and shop.rows(BOUGHT) == []
    await legal_holds.set_on_person(found.subject, "He sued us for the jam.", officer="counsel")
    hold = await cases.hold(ana, "freeze", "She says that it was not her.", officer="olga")
    shop.restore()
    before = shop.rows(BOUGHT)
    assert len(before) == 3
    assert await replayed("shop", since, "--commit") == 1
    told = capsys.readouterr().out
    assert f"{ana} deletion, by hand: " in told and f"{ben} deletion, by hand: " in told
    assert shop.rows(BOUGHT) == before
    await cases.lift(hold, officer="olga")
    assert await replayed("shop", since, "--commit") == 1
    assert shop.rows(BOUGHT) == [("Jam",)]


async def _nothing(*_anything: object) -> None:
    pass


async def subjects_known(address: str) -> None:
    async with db.writing():
        await subjects.ensure("email", address, by="import")
