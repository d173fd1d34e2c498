"""Writing a message: rendered and sealed at once, in the person's language, for one address."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import db, jobs, messages, settings, vault
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from portal.messages import smtp
from portal.messages.compose import _BARE_ADDRESS, Letter, _one_address
from tests.conftest import House, on_both

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


async def write(
    to: str = "ana@example.com",
    *,
    name: str = "Ana",
    subject: str | None = None,
    case: str | None = None,
    key: str | None = None,
) -> str:
    async with db.writing():
        return await messages.send_later(
            template="mail/test", to=to, language="en", context={"person": name}, subject=subject, case=case, key=key
        )


async def test_a_message_is_rendered_and_kept_before_anything_is_sent(house: House) -> None:
    message = await write(case="c1", subject="s1")
    kept = await messages.copy(message)
    assert kept.letter is not None
    assert (kept.to, kept.letter.subject, kept.state) == ("ana@example.com", "A test message for Ana", "waiting")
    assert kept.letter.text.startswith("This message shows") and "<h1" in kept.letter.html and 'lang="en"' in kept.letter.html
    assert kept.message_id == f"<{message}@127.0.0.1>"


async def test_the_database_shows_neither_address_nor_words(house: House) -> None:
    await write("canary@example.com", name="Kanarienvogel", subject="s1")
    (stored,) = await db.rows("SELECT * FROM message")
    jobs_stored = await db.rows("SELECT * FROM job")
    raw = repr(stored) + repr(jobs_stored)
    assert "canary" not in raw and "Kanarienvogel" not in raw


async def test_an_erased_person_s_copies_stay_as_rows_that_nobody_can_read(house: House) -> None:
    await write(subject="s1")
    in_case = await write(subject="s1", case="c1")
    async with db.writing():
        await vault.shred("life", "s1")
    newest, oldest = await messages.of_subject("s1")
    assert newest.id == in_case and newest.to == "ana@example.com"  # the case has a key of its own
    assert oldest.to is None and oldest.letter is None
    assert [each.id for each in await messages.of_case("c1")] == [in_case]


@on_both
async def test_a_key_writes_one_message_however_often_it_is_asked(house: House) -> None:
    first = await write(key="welcome s1")
    assert await write(name="Somebody else", key="welcome s1") == first
    assert await write(key="welcome s2") != first
    assert len(await messages.mailbox()) == 2


async def test_a_message_of_a_transaction_that_rolls_back_never_was(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            await messages.send_later(template="mail/test", to="ana@example.com", language="en", context={"person": "Ana"})
            raise ZeroDivisionError
    assert await messages.mailbox() == [] and await jobs.run_due() == 0


async def test_the_demo_keeps_its_mail_and_sends_none(house: House) -> None:
    before = settings.get()
    settings.use(replace(before, demo=True))
    try:
        await write()
        assert (await messages.mailbox())[0].state == "kept"
        assert await db.rows("SELECT id FROM job WHERE verb = 'messages.send'") == []
    finally:
        settings.use(before)


async def test_without_a_mail_server_a_message_waits_and_goes_out_when_there_is_one(house: House) -> None:
    with clock.at(NOON):
        await write()
        await jobs.run_due()
        assert (await messages.mailbox())[0].state == "waiting" and await jobs.failed() == []


async def test_messages_outside_a_case_go_after_ninety_days(house: House) -> None:
    with clock.at(NOON):
        await write(subject="s1")
        await write(case="c1")
        await write(subject="s2")
    with clock.at(NOON + timedelta(days=89)):
        assert await tidied() == 0 and len(await messages.mailbox()) == 3
    with clock.at(NOON + timedelta(days=91)):
        assert await tidied("s2") == 1
        assert {(each.case, each.subject) for each in await messages.mailbox()} == {("c1", None), (None, "s2")}


async def tidied(*spared: str) -> int:
    async with db.writing():
        return await messages.tidy(spared=spared)


async def test_an_unknown_message_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await messages.copy("no such message")


BAD_ADDRESSES = [
    "",
    "ana",
    "@example.com",
    "ana@",
    "ana@example.com\r\nBcc: mallory@example.com",
    "ana@example.com\nBcc: mallory@example.com",
    "ana@example.com\r",
    "ana@example.com\u2028Bcc: mallory@example.com",
    "ana@example.com\x00",
    "ana@example.com, mallory@example.com",
    "ana@example.com mallory@example.com",
    "ana@example.com;mallory@example.com",
    "Ana <ana@example.com>",
    "<ana@example.com>",
    "ana@example.com>",
    "ana@@example.com",
    "ana@exam ple.com",
    " ana@example.com",
    "ana@example.com ",
    "ana(comment)@example.com",
    "a" * 250 + "@example.com",
    "=?utf-8?q?ana?=@example.com",
    "ana.@example.com",
    "ana..pop@example.com",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
async def test_only_one_bare_address_is_written_to(sqlite_house: House, address: str) -> None:
    with pytest.raises(Invalid):
        await write(address)
    assert await messages.mailbox() == []


@pytest.mark.parametrize("name", ["Ana\r\nBcc: mallory@example.com", "Ana\nBcc: mallory@example.com", "Ana\r\n\r\nHello"])
async def test_a_line_break_in_a_name_adds_no_header(sqlite_house: House, name: str) -> None:
    try:
        message = await write(name=name)
    except ValueError:
        assert await messages.mailbox() == []
        return
    kept = await messages.copy(message)
    assert kept.letter is not None
    mail = _mail(kept.letter.subject)
    assert mail["Bcc"] is None and mail["Subject"].startswith("A test message for Ana")


async def test_strange_line_ends_in_a_name_become_spaces(sqlite_house: House) -> None:
    message = await write(name="Ana\u2028Bcc: x\x0bY\x85Z\tT")
    kept = await messages.copy(message)
    assert kept.letter is not None and kept.letter.subject == "A test message for Ana Bcc: x Y Z T"


def _mail(subject: str = "Hello", **changes: str) -> EmailMessage:
    fields = {"sender": "privacy@example.com", "to": "ana@example.com", "message_id": "<1@example.com>", "language": "en"}
    return smtp.envelope(Letter(subject, "text\n", "<p>text</p>"), at=NOON, **(fields | changes))


@pytest.mark.parametrize("field", ["sender", "to", "message_id", "language"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_no_header_takes_a_line_break(field: str, end: str) -> None:
    with pytest.raises(ValueError, match=r"linefeed|carriage return|newline"):
        _mail(**{field: f"x@example.com{end}Bcc: mallory@example.com"})


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300).map(lambda text: " ".join(text.split())))
def test_whatever_the_subject_says_the_headers_stay_ours(subject: str) -> None:
    mail = _mail(subject)
    lines = mail.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.split(b":")[0].decode() for line in lines if not line.startswith((b" ", b"\t"))]
    ours = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Language"]
    assert names == ours


@given(st.from_regex(_BARE_ADDRESS, fullmatch=True))
def test_an_address_that_passes_stays_one_address_in_the_mail(address: str) -> None:
    try:
        _one_address(address)
    except Invalid:
        return
    mail = _mail(to=address)
    assert [each.addr_spec for each in mail["To"].addresses] == [address]
    lines = mail.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line.removeprefix(b"To: ").strip().decode() for line in lines if address.encode() in line] == [address]


def test_the_same_message_gives_the_same_bytes_at_every_try() -> None:
    assert _mail().as_bytes() == _mail().as_bytes()
    mail = _mail("Salut, Ană")
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "en")
    assert mail["Date"] == "Mon, 02 Nov 2026 12:00:00 +0000" and mail["Subject"] == "Salut, Ană"


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtp://", "smtp://mail.example:port", "mail.example:25", "smtp://h?timeout=x"]
)
def test_a_mail_server_s_address_that_cannot_be_read_says_how_it_should_look(url: str) -> None:
    with pytest.raises(settings.SettingsError, match="smtp://user:password@host:587"):
        smtp.server(url)


def test_a_mail_server_s_address_is_read_with_its_defaults() -> None:
    server = smtp.server("smtps://ana:p%40ss@mail.example?verify=no")
    assert (server.host, server.port, server.tls, server.user, server.password) == ("mail.example", 465, True, "ana", "p@ss")
    assert (server.timeout, server.verify) == (30, False) and smtp.server("smtp://mail.example").port == 587
