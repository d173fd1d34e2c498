"""What is said in a request, both ways: one sealed thread, mails that say nothing, questions that stop the clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from portal import audit, cases, db, settings, subjects
from portal.cases.attachments import media_of, plain_name
from portal.cases.conversation import Attachment
from portal.handwritten import Faulty
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, TooMany
from portal.settings import HOME
from tests.cases.shops import ANA, OLGA, Company, ask, collected, letters_to, newest_to, prove
from tests.conftest import House, on_both
from tests.people import hire

PDF = Attachment("../../bill.pdf", "text/html", b"%PDF-1.7 a bill")


async def started(country: str = "RO") -> str:
    opened = await ask("access", details={"country": country})
    await prove(opened)
    return opened.id


@on_both
async def test_both_sides_write_in_one_thread_and_a_mail_says_only_that_something_waits(company: Company) -> None:
    officer = await hire("olga@example.com", "privacy-officer")
    case_id = await started()
    await cases.conversation.received(case_id, "Where do I stand?", actor="customer:ana", attachments=[PDF])
    assert (await cases.conversation.standing(case_id)).waits_since is not None
    await ask("access", "ben@example.com")  # who has not written
    assert [each.id for each in await cases.queue({"wrote": "yes"})] == [case_id] and len(await cases.queue()) == 2
    seen = await cases.conversation.read_by(case_id, officer=officer.id)
    assert [(each.side, each.text, each.new) for each in seen] == [("person", "Where do I stand?", True)]
    assert (await cases.conversation.standing(case_id)).new == 0

    await cases.conversation.write(case_id, "Nearly done, Ana.", officer=officer.id)
    assert (await cases.conversation.standing(case_id)).waits_since is None and await cases.queue({"wrote": "yes"}) == []
    told = (await cases.conversation.thread(case_id))[-1]
    assert (told.side, told.role, told.text, told.new) == ("officer", "privacy-officer", "Nearly done, Ana.", True)
    mail = await newest_to(ANA, "mail/case-message")
    assert f"/requests/{await cases.reference_of(case_id)}" in mail and "Nearly" not in mail
    await cases.conversation.mark_read(case_id)
    assert not (await cases.conversation.thread(case_id))[-1].new
    for entry in await audit.search(case=case_id):
        said = str(await audit.open_payload(entry))
        assert "Nearly" not in said and "stand?" not in said and "bill" not in said


async def test_words_and_names_of_files_lie_sealed_and_fall_with_the_key_of_the_request(company: Company) -> None:
    case_id = await started()
    await cases.conversation.received(case_id, "A very private word.", attachments=[PDF])
    assert await cases.conversation.thread(case_id) != []
    kept = await db.rows("SELECT * FROM case_message") + await db.rows("SELECT * FROM case_attachment")
    stored = repr(kept) + repr(await db.rows("SELECT sealed FROM blob_chunk"))
    assert "private word" not in stored and "bill" not in stored
    async with db.writing():
        await db.run("DELETE FROM data_key WHERE kind = 'case' AND owner = ?", case_id)
    assert await cases.conversation.thread(case_id) == []
    with pytest.raises(Conflict):
        await cases.conversation.received(case_id, "Hello?")


@pytest.mark.parametrize(("country", "stands_still"), [("GB", True), ("RO", False)])
async def test_a_question_stops_the_clock_where_the_law_says_so_and_the_answer_lets_it_run_on(
    company: Company, country: str, stands_still: bool
) -> None:
    with clock.at(datetime(2026, 11, 2, 9, tzinfo=UTC)):
        case_id = await started(country)
        before = await due(case_id)
        await cases.conversation.write(case_id, "Which of the two shops?", officer=OLGA, kind="question")
        assert [each.kind for each in (await cases.case(case_id)).holds] == ["clarification"]
        waits = (await cases.persons_side.of(case_id)).waits
        assert [(each.kind, each.since, each.still) for each in waits] == [("clarification", date(2026, 11, 2), stands_still)]
    with clock.at(datetime(2026, 11, 9, 9, tzinfo=UTC)):
        await cases.conversation.received(case_id, "The one in Leeds.", source="mail")
        assert (await cases.case(case_id)).holds == () and (await cases.persons_side.of(case_id)).waits == ()
        assert (await due(case_id) > before) is stands_still
    events = [each.event for each in await audit.search(case=case_id)]
    assert {"case.message_sent", "case.held", "case.message_received", "case.hold_lifted"} <= set(events)


async def due(case_id: str) -> date:
    return (await cases.case(case_id)).due_on


async def test_nobody_is_written_to_who_could_not_read_it(company: Company) -> None:
    opened = await ask("access")
    with pytest.raises(Conflict, match="not confirmed"):
        await cases.conversation.write(opened.id, "Hello.", officer=OLGA)
    gone = await collected("access")
    person = (await cases.case(gone)).subject
    assert person
    async with db.writing():
        await subjects.forget(person, by="system")
    with pytest.raises(Conflict, match="deleted"):
        await cases.conversation.write(gone, "Hello.", officer=OLGA)
    assert "mail/case-message" not in await letters_to(ANA)


async def test_a_message_that_asks_for_nothing_is_settled_without_an_answer(company: Company) -> None:
    case_id = await started()
    await cases.conversation.received(case_id, "Thank you!")
    first = (await cases.conversation.standing(case_id)).waits_since
    with clock.at(clock.now() + timedelta(hours=1)):
        await cases.conversation.received(case_id, "Really.")
    assert (await cases.conversation.standing(case_id)).waits_since == first
    await cases.conversation.needs_no_answer(case_id, officer=OLGA)
    assert (await cases.conversation.standing(case_id)).waits_since is None
    with pytest.raises(Conflict):
        await cases.conversation.needs_no_answer(case_id, officer=OLGA)


async def test_files_are_few_and_known_on_the_page_and_kept_as_they_are_from_a_mail(company: Company) -> None:
    case_id = await started()
    script = Attachment("run.exe", "application/pdf", b"MZ\x90\x00\x03")
    for wrong in ([script], [PDF] * 11, [Attachment("big.pdf", "", b"%PDF-" + bytes(10_000_000))]):
        with pytest.raises(Invalid):
            await cases.conversation.received(case_id, "Look.", attachments=wrong)
    await cases.conversation.received(case_id, "", source="mail", attachments=[script, PDF])
    [message] = await cases.conversation.thread(case_id)
    assert [(each.name, each.media) for each in message.files] == [
        ("run.exe", "application/octet-stream"),
        ("bill.pdf", "application/pdf"),
    ]
    opened = await cases.conversation.file(case_id, message.files[1].id, officer=OLGA)
    assert b"".join([part async for part in opened.content]) == PDF.content and opened.name == "bill.pdf"
    assert [each.event for each in await cases.looks.of_case(case_id)] == ["case.messages_read"]
    other = await started()
    with pytest.raises(Exception, match="no such file"):
        await cases.conversation.file(other, message.files[1].id, officer=OLGA)


async def test_nobody_is_flooded(company: Company) -> None:
    case_id = await started()
    for number in range(20):
        await cases.conversation.received(case_id, f"Message {number}")
    with pytest.raises(TooMany):
        await cases.conversation.received(case_id, "One more.")
    assert len(await cases.conversation.thread(case_id)) == 20


def test_a_file_is_what_its_first_bytes_say_and_its_name_leads_nowhere() -> None:
    assert media_of(b"\xff\xd8\xff\xe0 photo") == "image/jpeg" and media_of(b"Hello,\n\tAna") == "text/plain"
    assert media_of(b"Hello\x00") == media_of(b"\xff\xfe<html>") == "application/octet-stream"
    assert plain_name("C:\\Users\\Ana\\\u202efdp.exe") == "fdp.exe" and plain_name("../..") == "file"
    assert len(plain_name("a" * 500 + ".pdf")) == 100 and plain_name('x"\r\n<y>.pdf') == "xy.pdf"


async def test_answers_start_from_texts_in_the_language_of_the_person_filled_in(company: Company) -> None:
    case_id = await started()
    async with db.writing():
        await db.run("UPDATE case_file SET language = 'ro' WHERE id = ?", case_id)
    found = {each.key: each for each in await cases.conversation.starts(case_id)}
    assert found["which-data"].title == "La ce date vă referiți?"
    assert "o copie a datelor" in found["which-data"].text and "{{" not in "".join(each.text for each in found.values())


async def test_a_text_with_an_unknown_placeholder_is_told_with_file_and_line(sqlite_house: House, tmp_path: Path) -> None:
    (tmp_path / "policies" / "answers" / "hello").mkdir(parents=True)
    (tmp_path / "policies" / "answers" / "hello" / "en.md").write_text("+++\ntitle = 'Hello'\n+++\nDear {{ name }},\n")
    settings.use(replace(sqlite_house.settings, policies=tmp_path / "policies"))
    try:
        with pytest.raises(Faulty, match="policies/answers/hello/en.md:4: name is not known"):
            cases.conversation.require_answers()
    finally:
        settings.use(sqlite_house.settings)
    assert sorted(each.name for each in (HOME / "policies" / "answers").iterdir()) != []
    cases.conversation.require_answers()
