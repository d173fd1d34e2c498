"""Requests by e-mail: what opens one, what joins a thread, what waits for an officer, and what nobody ever answers."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import cases, db, messages, subjects
from portal.cases import intake, letterbox, mail_in, mail_reading, models
from portal.cases.letterbox import AUTOMATIC, CASE, THREAD, WAITING
from tests.cases.shops import ANA, BEN, MALLORY, Company, ask, letters_to, newest_to, prove
from tests.conftest import House

PLEASE = "Dear all,\n\nplease send me a copy of my data.\n\nAna"


def _mail(text: str = PLEASE, *, sender: str = ANA, subject: str = "Hello", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "privacy@example.com", subject
    mail["Message-ID"] = headers.pop("id", "<1@example.com>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


async def test_a_mail_becomes_a_request_and_an_answer_to_our_mail_joins_it(company: Company) -> None:
    asked = _mail("Vă rog: ștergeţi datele mele. Mulțumesc", subject="Cerere")
    assert await mail_in.take(asked.as_bytes()) == CASE
    assert await mail_in.take(b"Received: from mx by mail; again\n" + asked.as_bytes()) == "again"
    row = await models.CaseRow.get()
    case = await cases.case(row.id)
    assert (case.right, case.source, case.state, case.language, case.address) == ("erasure", "mail", "verifying", "ro", ANA)
    [ours] = await messages.of_case(row.id)
    assert await letters_to(ANA) == ["mail/case-entered"]
    reply = _mail("Is this you?", sender=MALLORY, id="<2@example.com>", In_Reply_To=ours.message_id)
    reply.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="../../invoice\u202egnp.exe")
    assert await mail_in.take(reply.as_bytes()) == THREAD
    [said] = await cases.conversation.read_by(row.id, officer="olga")
    assert "Is this you?" in said.text and [each.name for each in said.files] == ["_.._invoicegnp.exe"]
    assert (await cases.case(row.id)).state == "verifying" and await letters_to(MALLORY) == []


async def test_the_number_in_the_subject_finds_the_thread_and_proves_nothing(sqlite_house: House) -> None:
    opened = await cases.open("access", ANA, language="en")
    assert await mail_in.take(_mail("More words", subject=f"Re: {opened.reference}").as_bytes()) == THREAD
    assert (await cases.case(opened.id)).state == "verifying"


async def test_an_answer_to_what_we_wrote_to_somebody_else_waits_for_an_officer(company: Company) -> None:
    """Whoever was warned, or was asked what they hold, is not the one who asked: their words are not for that person's eyes."""
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        other = await subjects.ensure("email", BEN, by="import", subject=ana.subject)
        for each in (ana, other):
            await subjects.mark_verified(each.id)
    opened = await ask("access")
    await prove(opened)
    [warning] = [each for each in await messages.of_case(opened.id) if each.template == "mail/case-notice"]
    answered = _mail("It was not me. I live at 5 Secret Street.", sender=BEN, In_Reply_To=warning.message_id)
    assert await mail_in.take(answered.as_bytes()) == WAITING
    assert await cases.conversation.thread(opened.id) == []


async def test_what_does_not_fit_into_the_thread_waits_whole_beside_it(sqlite_house: House) -> None:
    opened = await cases.open("access", ANA, language="en")
    mail = _mail("All my papers", subject=opened.reference)
    for number in range(mail_reading.MOST_FILES + 1):
        mail.add_attachment(b"%d" % number, maintype="image", subtype="png", filename=f"{number}.png")
    assert await mail_in.take(mail.as_bytes()) == THREAD
    [said] = await cases.conversation.read_by(opened.id, officer="olga")
    [kept] = await letterbox.waiting()
    assert len(said.files) == mail_reading.MOST_FILES and (kept.case, kept.why) == (opened.id, "cut")
    assert b"".join([each async for each in await letterbox.file(kept.id, officer="olga")]) == mail.as_bytes()
    await letterbox.done(kept.id, officer="olga")
    assert await letterbox.waiting() == []


async def test_known_and_unknown_senders_get_the_same_mail(company: Company) -> None:
    for number, sender in enumerate((ANA, "nobody@example.com")):
        assert await mail_in.take(_mail(sender=sender, id=f"<{number}@example.com>").as_bytes()) == CASE
    ana, nobody = [await newest_to(each, "mail/case-entered") for each in (ANA, "nobody@example.com")]
    references = [await cases.reference_of(each.id) for each in await models.CaseRow.all().order_by("created_at")]
    assert ana.replace(references[0], "…") == nobody.replace(references[1], "…")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto-Submitted": "auto-replied"}, "automatic"),
        ({"Precedence": "bulk"}, "list"),
        ({"List-Id": "<all.example.com>"}, "list"),
        ({"Return-Path": "<>"}, "report"),
        ({"Content-Type": "multipart/report; boundary=x"}, "report"),
        ({"From": "Privacy <PRIVACY@example.com>"}, "our own"),
    ],
)
async def test_what_a_machine_wrote_opens_nothing_and_is_never_answered(
    headers: dict[str, str], why: str, sqlite_house: House
) -> None:
    mail = _mail()
    for name, value in headers.items():
        del mail[name]
        mail[name] = value
    assert await mail_in.take(mail.as_bytes()) == AUTOMATIC
    [kept] = await letterbox.waiting(automatic=True)
    assert kept.why == why and await models.CaseRow.all().count() == 0 and await messages.mailbox() == []


async def test_one_stranger_cannot_fill_a_mailbox_by_writing_in_its_name(sqlite_house: House) -> None:
    became = [await mail_in.take(_mail(id=f"<{number}@example.com>").as_bytes()) for number in range(7)]
    assert became == [CASE] * 5 + [WAITING] * 2 and len(await messages.mailbox()) == 5


@pytest.mark.parametrize(
    "mail",
    [
        _mail("What a lovely shop you have."),
        _mail("Please send me a copy of my data, then delete my account."),
        _mail(sender="Ana <not an address>"),
        _mail(sender=f"{ANA}, {MALLORY}"),
    ],
    ids=["names no right", "names two", "no sender", "two senders"],
)
async def test_what_needs_a_person_waits_whole_for_an_officer(mail: EmailMessage, sqlite_house: House) -> None:
    assert await mail_in.take(mail.as_bytes()) == WAITING and await messages.mailbox() == []
    [kept] = await letterbox.waiting()
    assert b"".join([each async for each in await letterbox.file(kept.id, officer="olga")]) == mail.as_bytes()


def test_html_wrong_character_sets_and_nested_letters_are_read_as_well_as_they_can_be() -> None:
    html = b"<head><title>x</title></head><p>Delete my&nbsp;data</p><script>alert(1)</script><p>caf\xe9</p>"
    text = mail_reading.read(b"From: a@example.com\nContent-Type: text/html; charset=no-such\n\n" + html, "p@example.com").text
    assert text == "Delete my data\ncafé"
    outer = _mail("See inside")
    outer.add_attachment(_mail("Delete my data"))
    read = mail_reading.read(outer.as_bytes(), "p@example.com")
    assert read.text == "See inside" and b"Delete my data" in read.files[0].content and read.files[0].media == "message/rfc822"
    subject = mail_reading.read(b"From: a@example.com\nSubject: =?utf-8?b?yJk=?= \xff =?x?q?=00?=\n\nx", "p@example.com").subject
    assert subject.startswith("ș") and "\x00" not in subject


def test_endless_and_deep_messages_are_given_up_for_a_person() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (each, each) for each in range(5_000))
    wide = b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nhello\n" * 5_000
    long = b"\n" * (mail_reading.MOST_LINES + 1)
    for each in (deep, wide, long):
        with pytest.raises(mail_reading.Unreadable):
            mail_reading.read(b"From: a@example.com\n" + each, "p@example.com")


HEADERS = st.sampled_from(
    [
        *(b"From: ana@example.com", b"Subject: =?utf-8?q?", b"References: <a@b>", b"delete my data", b"<p", b""),
        *(b"Content-Type: multipart/mixed; boundary=x", b"--x", b"--x--", b"Content-Type: message/rfc822"),
        *(b"Content-Transfer-Encoding: base64", b"Content-Type: text/html; charset=\xff"),
        b"Content-Disposition: attachment; filename*=utf-8''%ff%00",
    ]
)


@given(st.one_of(st.binary(max_size=300), st.lists(st.one_of(HEADERS, st.binary(max_size=40)), max_size=20).map(b"\n".join)))
async def test_whatever_bytes_come_nothing_crashes_and_nothing_is_lost(sqlite_house: House, raw: bytes) -> None:
    became = await mail_in.take(raw)
    assert became in (CASE, THREAD, WAITING, AUTOMATIC, "again")
    if became in (WAITING, AUTOMATIC):
        kept = await models.MailRow.get(mark=mail_in._mark(raw))
        assert b"".join([each async for each in await letterbox.file(kept.id, officer="olga")]) == raw


async def test_a_mail_goes_when_its_sender_is_erased(sqlite_house: House) -> None:
    await mail_in.take(_mail("Hello").as_bytes())
    async with db.writing():
        await intake.forget(ANA)
    assert await letterbox.waiting() == [] and await db.rows("SELECT id FROM blob") == []
