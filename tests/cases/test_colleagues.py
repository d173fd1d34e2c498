"""A request with somebody among the systems who answers by hand: nothing is over before they answered, nothing is asked twice."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from portal import cases, db, jobs, messages, vault
from portal.cases import freeze, models, moves
from portal.cases.snapshot import write
from portal.connectors.person import HandedIn
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from tests.cases.shops import OLGA, SYSTEMS, Company, answer, collected, found_company, newest_to
from tests.conftest import House
from tests.connectors.colleague import ADDRESS, ENTRY, newest_link

PDF = b"%PDF-1.7\n" + b"0123456789abcdef" * 20_000
CSV = HandedIn("letters of ana.csv", b"E-mail;About\r\nana@example.com;A complaint\r\n")


@pytest.fixture
def company(house: House, tmp_path: Path) -> Company:
    """With a paper archive beside its databases; tests/conftest.py puts the settings back."""
    company = found_company(house, tmp_path / "company")
    (company.folder / "systems.toml").write_text(SYSTEMS + ENTRY)
    return company


async def test_a_copy_waits_for_the_archive_and_encloses_what_it_sent(company: Company) -> None:
    case_id = await collected("access")
    case = await cases.case(case_id)
    assert case.state == "collecting" and case.partial == ("Paper archive",)
    [archive] = [each for each in case.systems if each.system == "archive"]
    assert archive.sentence.startswith("A person was asked on") and archive.tries == 0
    assert (await cases.figures())["systems_not_answering"] == 0  # nobody failed
    assert [each.name for each in cases.postal.systems()] == ["shop", "news"]  # whoever waits for a letter waits for no archive
    token = await newest_link()
    await cases.colleagues.answer(token, {}, CSV)
    await jobs.run_due()
    assert (await cases.case(case_id)).state == "reviewing"
    [letters] = [each for each in await cases.review(case_id, officer=OLGA) if each.system == "archive"]
    assert [field.value for field in letters.rows[0].fields] == ["ana@example.com", "A complaint"]
    assert (letters.table, letters.label) == ("paper-archive", "Paper archive")  # a file's name may name somebody

    await cases.colleagues.answer(token, {}, HandedIn("../Letters: ana.pdf", PDF))  # they had sent the wrong one
    await jobs.run_due()
    found = [each for each in await cases.review(case_id, officer=OLGA) if each.system == "archive"]
    assert [each.table for each in found] == ["handed-in"]
    file = await cases.colleagues.file(case_id, "archive", officer=OLGA)
    assert (file.name, b"".join([each async for each in file.content])) == ("Letters: ana.pdf", PDF)
    assert (await answer(case_id)).state == "delivering"
    files = await _package(case_id)
    assert files["files/archive-letters-ana.pdf"] == PDF
    assert b'"files/archive-letters-ana.pdf"' in files["manifest.json"]
    with pytest.raises(Conflict, match="not needed any more"):
        await cases.colleagues.answer(token, {"how": "nothing"}, None)


async def test_a_file_that_is_taken_out_of_the_answer_is_not_enclosed(company: Company) -> None:
    case_id = await collected("access")
    await cases.colleagues.answer(await newest_link(), {}, HandedIn("letters.pdf", PDF))
    await jobs.run_due()
    [found] = [each for each in await cases.review(case_id, officer=OLGA) if each.system == "archive"]
    row = await moves.load(case_id)
    assert [each.name for each in (await freeze.take(row)).enclosures] == ["files/archive-letters.pdf"]
    await cases.redact(case_id, found.id, 0, "file", reason="third party", officer=OLGA)
    taken = await freeze.take(row)
    assert taken.enclosures == () and b"letters.pdf" not in write(taken)


async def test_a_deletion_is_done_only_when_the_archive_says_so_and_is_asked_for_once(company: Company) -> None:
    case_id = await _erasure()
    for hours in (2, 30, 60):
        with clock.at(clock.now() + timedelta(hours=hours)):
            await jobs.run_due()
    assert (await cases.case(case_id)).partial == ("Paper archive", "Privacy portal")
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(0,)]
    assert await _mails() == 2  # the dry run and the deletion
    token = await newest_link()
    await cases.colleagues.answer(token, {"how": "done", "count-1": "1"}, None)
    await jobs.run_due()
    stopped = [each for each in (await cases.case(case_id)).systems if each.state == "stopped"]
    assert [each.system for each in stopped] == ["archive"] and "Letters" in stopped[0].sentence
    await cases.colleagues.answer(token, {"how": "done", "count-1": "2"}, None)  # miscounted
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert await _mails() == 2
    with pytest.raises(Conflict):
        await cases.colleagues.answer(token, {"how": "done", "count-1": "2"}, None)


async def test_a_worker_that_falls_over_while_the_archive_deletes_asks_nobody_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await _erasure()
    await cases.colleagues.answer(await newest_link(), {"how": "done", "count-1": "2"}, None)

    async def fall(*_anything: object, **_else: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr("portal.cases.fulfilment.answered", fall)
        await jobs.run_due()
    assert "Paper archive" in (await cases.case(case_id)).partial
    with clock.at(clock.now() + timedelta(hours=2)):
        await jobs.run_due()
        assert (await cases.case(case_id)).outcome == "fulfilled"
    assert await _mails() == 2


async def test_a_correction_is_written_by_hand_where_it_was_chosen(company: Company) -> None:
    case_id = await collected("rectification", details={"changes": {"phone": "+40722123456"}})
    asked = (await cases.colleagues.asked(await newest_link())).question
    assert asked.asked["fields"] == ["phone"]
    assert "asked for a correction" in await newest_to(ADDRESS, "mail/system-question")
    await cases.colleagues.answer(await newest_link(), {"how": "here", "name-1": "Phone", "value-1": "0712 345 678"}, None)
    await jobs.run_due()
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    await answer(case_id)
    [entry] = (await cases.colleagues.asked(await newest_link())).question.asked["entries"]
    assert (entry["field"], entry["held"], entry["new"]) == ("phone", "0712 345 678", "+40722123456")
    await cases.colleagues.answer(await newest_link(), {"how": "done", "entry-1": "done"}, None)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    [correction] = await cases.corrections(case_id)
    assert {each.system: each.read_back for each in correction["targets"]} == {"shop": True, "archive": True}


async def test_reminders_end_with_the_request_and_a_new_link_ends_the_old_one(company: Company) -> None:
    case_id = await collected("access")
    first = await newest_link()
    [waits] = await cases.colleagues.waiting(case_id)
    assert (waits.address, waits.step, waits.again, waits.reminded) == (ADDRESS, "find", True, ())
    with clock.at(clock.now() + timedelta(days=3, hours=2)):
        await _remind()
        await _remind()
        assert len((await cases.colleagues.waiting(case_id))[0].reminded) == 1 and await _mails() == 2
        await cases.colleagues.send_again(case_id, waits.id, officer=OLGA)
        with pytest.raises(NotFound, match="newer"):
            await cases.colleagues.answer(first, {"how": "nothing"}, None)
        await cases.colleagues.answer(await newest_link(), {"how": "cannot", "why": "Ana's file is at the notary."}, None)
        await jobs.run_due()
        [waits] = await cases.colleagues.waiting(case_id)
        assert waits.why == "Ana's file is at the notary." and waits.again
        task = await models.Task.get(case_id=case_id, system="archive")
        assert "notary" not in task.sentence  # which lies in clear
        await cases.withdraw(case_id, actor="officer:olga")
    with clock.at(clock.now() + timedelta(days=9)):
        await _remind()
        assert await _mails() == 3
        assert not (await cases.colleagues.asked(await newest_link())).wanted
        with pytest.raises(Conflict):
            await cases.colleagues.send_again(case_id, waits.id, officer=OLGA)


async def _erasure() -> str:
    """Ana's deletion, approved: the archive has two letters, and is asked to delete them."""
    case_id = await collected("erasure")
    lines = {"how": "here", "what-1": "Letters", "rows-1": "2", "action-1": "delete"}
    await cases.colleagues.answer(await newest_link(), lines, None)
    await jobs.run_due()
    await answer(case_id)
    return case_id


async def _package(case_id: str) -> dict[str, bytes]:
    kept = await models.PackageRow.get(case_id=case_id, kind="package")
    content = b"".join([each async for each in vault.read_blob(kept.blob_id)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def _remind() -> None:
    async with db.writing():
        await jobs.later("cases.remind", {})
    await jobs.run_due()


async def _mails() -> int:
    return len([each for each in await messages.mailbox(200) if each.to == ADDRESS])
