"""A connected system was restored from its backup: whom it brought back is deleted again, what it undid is put right again."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, jobs
from portal.lib import clock
from tests.cases.restored_shop import BOUGHT, PEOPLE, Shop, corrected, entries_about, erased, replayed
from tests.cases.shops import ANA, BEN
from tests.conftest import House, on_both
from tests.consent.letters import connect_letters, subscriptions
from tests.consent.people import known, publish, say


@on_both
async def test_whom_a_backup_brought_back_is_deleted_again(each_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop, since = each_shop, each_shop.back_up()
    case_id = await erased()
    assert shop.rows(BOUGHT) == [("Jam",)]
    shop.restore()
    assert len(shop.rows(BOUGHT)) == 3

    assert await replayed("shop", since) == 0
    told = capsys.readouterr().out
    assert f"{case_id} deletion, to do again: 3 (then 3)" in told and "the same command with --commit" in told
    assert len(shop.rows(BOUGHT)) == 3 and await entries_about(case_id) == []

    assert await replayed("shop", since, "--commit", "--by", "officer:olga") == 0
    assert "deletions: done again and looked at afterwards: 1" in capsys.readouterr().out
    assert shop.rows(BOUGHT) == [("Jam",)]
    assert shop.rows("SELECT name FROM customer WHERE email LIKE 'ana%'") == []
    assert shop.rows("SELECT id FROM invoice ORDER BY id") == [(7,), (8,)]  # the law still keeps hers
    assert await entries_about(case_id) == ["case.replay_begun", "case.replayed"]
    [done] = await audit.search(case=case_id, event="case.replayed")
    assert done.actor == "officer:olga" and await audit.open_payload(done) == {"step": "erase", "rows": 3}

    assert await replayed("shop", since, "--commit") == 0
    assert "deletions: nothing to do: 1" in capsys.readouterr().out
    assert len(await entries_about(case_id)) == 2
    await audit.sequence_all()
    assert (await audit.verify_log()).problems == []


async def test_what_was_done_before_the_backup_is_in_it(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    await erased()
    with clock.at(clock.now() + timedelta(days=1)):
        since = shop.back_up()
        shop.restore()
        assert await replayed("shop", since, "--commit") == 0
    assert "deletions: 0" in capsys.readouterr().out


async def test_a_corrected_value_is_written_again(each_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop, since = each_shop, each_shop.back_up()
    first = await corrected(name="Ana Popescu")
    last = await corrected(name="Ana Maria Popescu", phone="+40722000111")
    shop.restore()
    assert shop.rows(PEOPLE)[0] == ("Ana Pop", "+40712345678")
    assert await replayed("shop", since) == 0
    assert f"{last} correction, to do again: 2 (then 2)" in capsys.readouterr().out
    assert await replayed("shop", since, "--commit") == 0
    assert shop.rows(PEOPLE) == [("Ana Maria Popescu", "+40722000111"), ("Ben Lee", None)]
    assert await entries_about(last) == ["case.replay_begun", "case.replayed"] and await entries_about(first) == []
    capsys.readouterr()
    assert await replayed("shop", since, "--commit") == 0
    assert "corrections: nothing to do: 2" in capsys.readouterr().out


async def test_a_value_that_never_stood_there_is_left_and_named(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    since = shop.back_up()
    case_id = await corrected(name="Ana Popescu", phone="+40722000111")
    shop.restore()
    shop.run("UPDATE customer SET name = 'Ana Ionescu' WHERE id = 1")
    assert await replayed("shop", since, "--commit") == 1
    told = capsys.readouterr().out
    assert f"{case_id} correction, by hand: " in told and "was changed there after this correction" in told
    assert shop.rows(PEOPLE)[0] == ("Ana Ionescu", "+40722000111")  # the other value is right again
    assert await entries_about(case_id) == ["case.replay_begun", "case.replay_failed"]
    shop.run("UPDATE customer SET name = 'Ana Popescu' WHERE id = 1")
    assert await replayed("shop", since, "--commit") == 0
    assert (await entries_about(case_id))[-1] == "case.replayed"


async def test_a_corrected_address_is_found_by_its_new_value_too(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    rules = shop.company.folder / "shop.toml"
    rules.write_text(rules.read_text().replace("correctable = { ", 'correctable = { email = "email", '))
    since = shop.back_up()
    await corrected("partly", email="ana.pop@example.com")
    assert await replayed("shop", since) == 0
    assert "corrections: nothing to do: 1" in capsys.readouterr().out
    shop.restore()
    assert await replayed("shop", since, "--commit") == 0
    assert shop.rows("SELECT email FROM customer ORDER BY id") == [("ana.pop@example.com",), (BEN,)]
    assert await replayed("shop", since, "--commit") == 0


@on_both
async def test_a_withdrawal_that_a_backup_undid_is_told_again(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = connect_letters(house, tmp_path)
    await publish()
    ana = await known("email", ANA)
    await say(ana, "yes")
    await audit.sequence_all()
    await jobs.run_due()
    with clock.at(clock.now() + timedelta(hours=1)):
        since = clock.now().isoformat()
        shutil.copy(letters, tmp_path / "backup")
        await say(ana, "no")
        await audit.sequence_all()
        await jobs.run_due()
    with clock.at(clock.now() + timedelta(hours=2)):
        shutil.copy(tmp_path / "backup", letters)
        assert subscriptions(letters) == {(ANA, "stock"): "on"}
        assert await replayed("letters", since) == 0
        assert "1 answers of 1 people to tell again, 1 taken back" in capsys.readouterr().out
        await jobs.run_due()
        assert subscriptions(letters) == {(ANA, "stock"): "on"}
        for _twice in range(2):
            assert await replayed("letters", since, "--commit") == 0
            await audit.sequence_all()
            await jobs.run_due()
            assert subscriptions(letters) == {(ANA, "stock"): "off"}


async def test_a_withdrawal_that_was_taken_over_late_is_told_again_too(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before the backup, while the system was down, and taken over after it."""
    letters = connect_letters(house, tmp_path)
    await publish()
    ana = await known("email", ANA)
    await say(ana, "yes")
    await audit.sequence_all()
    await jobs.run_due()
    shutil.copy(letters, tmp_path / "backup")
    letters.unlink()
    letters.mkdir()
    await say(ana, "no")
    await audit.sequence_all()
    await jobs.run_due()
    letters.rmdir()
    shutil.copy(tmp_path / "backup", letters)
    with clock.at(clock.now() + timedelta(hours=2)):
        since = clock.now().isoformat()
        await jobs.run_due()
        assert subscriptions(letters) == {(ANA, "stock"): "off"}
        shutil.copy(tmp_path / "backup", letters)
        assert await replayed("letters", since, "--commit") == 0
        await audit.sequence_all()
        await jobs.run_due()
        assert subscriptions(letters) == {(ANA, "stock"): "off"}
