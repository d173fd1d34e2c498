"""Sending through a real SMTP server that takes, delays, refuses, vanishes, hangs and hangs up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal import audit, db, jobs, messages, settings, vault
from portal.lib import clock
from portal.messages import smtp
from tests.conftest import House, on_both
from tests.lib.certificates import certificate, server_context
from tests.messages.mail_server import MailServer, serving
from tests.messages.test_compose import write

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
async def server(house: House) -> AsyncIterator[MailServer]:
    async with serving(MailServer()) as server:
        settings.use(replace(house.settings, smtp_url=server.url))
        yield server


async def _turns(count: int, *, seconds: int = 46) -> None:
    """Let the worker look again `count` times, each time after the longest pause."""
    for turn in range(1, count + 1):
        with clock.at(NOON + timedelta(seconds=turn * seconds)):
            await jobs.run_due()


async def _state(message: str) -> tuple[str, str]:
    kept = await messages.copy(message)
    return kept.state, kept.reason


@on_both
async def test_a_mail_arrives_with_all_its_parts_and_our_headers(server: MailServer) -> None:
    with clock.at(NOON):
        message = await write(name="Ană")
        await jobs.run_due()
    (mail,) = server.taken
    assert server.recipients == [["ana@example.com"]]
    assert mail["To"] == "ana@example.com" and mail["From"] == "privacy@example.com"
    assert mail["Subject"] == "A test message for Ană" and mail["Message-ID"] == f"<{message}@127.0.0.1>"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Date"].startswith("Mon, 02 Nov 2026 12:00:0")
    text, html = mail.iter_parts()
    assert "This message shows" in text.get_content() and "<h1" in html.get_content()
    assert await _state(message) == ("sent", "")
    await _turns(3)
    assert len(server.taken) == 1


@pytest.mark.parametrize("delay", ["451", "rcpt 450"])
async def test_a_delay_is_tried_again_within_a_minute_with_the_same_message_id(server: MailServer, delay: str) -> None:
    server.behave = [delay]
    with clock.at(NOON):
        message = await write()
        await jobs.run_due()
    assert await _state(message) == ("waiting", "") and server.taken == []
    await _turns(1)
    assert await _state(message) == ("sent", "") and server.taken[0]["Message-ID"] == f"<{message}@127.0.0.1>"


@pytest.mark.parametrize("refusal", ["550", "rcpt 550"])
async def test_a_refusal_ends_it_and_the_log_says_so_without_the_address(server: MailServer, refusal: str) -> None:
    server.behave = [refusal]
    with clock.at(NOON):
        message = await write(case="c1")
        await jobs.run_due()
    await _turns(3)
    assert await _state(message) == ("refused", "550") and server.taken == []
    (entry,) = await db.rows("SELECT * FROM entry")
    assert entry["object"] == f"message:{message}" and "ana" not in repr(entry)


@on_both
async def test_mails_written_while_the_server_is_away_leave_within_a_minute_of_its_return(house: House) -> None:
    server = MailServer()
    async with serving(server):
        settings.use(replace(house.settings, smtp_url=server.url))
    with clock.at(NOON):
        written = [await write(name=str(number)) for number in range(3)]
        await jobs.run_due()
    await _turns(20)
    assert await jobs.failed() == []
    async with serving(server):
        with clock.at(NOON + timedelta(seconds=21 * 46)):
            await jobs.run_due()
    assert sorted(mail["Message-ID"] for mail in server.taken) == sorted(f"<{each}@127.0.0.1>" for each in written)


@pytest.mark.parametrize("mode", ["hang", "drop"])
async def test_silence_after_the_content_costs_at_most_one_duplicate(server: MailServer, mode: str) -> None:
    server.behave = [mode]
    with clock.at(NOON):
        message = await write()
        await jobs.run_due()
    await _turns(3)
    assert await _state(message) == ("sent", "")
    assert [mail["Message-ID"] for mail in server.taken] == [f"<{message}@127.0.0.1>"] * 2
    assert server.taken[0].as_bytes() == server.taken[1].as_bytes()


async def test_silence_twice_is_left_to_an_officer(server: MailServer) -> None:
    server.behave = ["drop", "451", "drop"]
    with clock.at(NOON):
        message = await write()
        await jobs.run_due()
    await _turns(6)
    assert await _state(message) == ("refused", "unclear") and len(server.taken) == 2
    assert len(await db.rows("SELECT * FROM entry")) == 1


async def test_what_is_stored_of_a_delay_does_not_repeat_the_server_s_words(server: MailServer) -> None:
    server.behave = ["451"]
    with clock.at(NOON):
        await write()
        await jobs.run_due()
    stored = await db.row("SELECT last_error FROM job WHERE verb = 'messages.send'")
    assert stored == {"last_error": "The mail server said 451."}


async def test_nothing_is_sent_to_a_person_erased_in_the_meantime(server: MailServer) -> None:
    message = await write(subject="s1")
    async with db.writing():
        await vault.shred("life", "s1")
    await jobs.run_due()
    assert await _state(message) == ("refused", "erased") and server.taken == []


async def test_a_wrong_password_keeps_mails_waiting_until_it_is_right(house: House) -> None:
    async with serving(MailServer(), auth_require_tls=False) as server:
        with clock.at(NOON):
            message = await write()
            settings.use(replace(house.settings, smtp_url=server.url.replace("//", "//portal:wrong@")))
            await jobs.run_due()
        assert await _state(message) == ("waiting", "") and await jobs.failed() == []
        settings.use(replace(house.settings, smtp_url=server.url.replace("//", "//portal:right@")))
        await _turns(1)
    assert await _state(message) == ("sent", "") and b"right" in server.logins


async def test_encryption_is_used_where_it_is_offered(sqlite_house: House, tmp_path: Path) -> None:
    context = server_context(certificate(tmp_path, "mail.example"))
    async with serving(MailServer(), tls_context=context) as offering, serving(MailServer(), tls=context) as always:
        mail = smtp.envelope(
            (await messages.copy(await write())).letter or pytest.fail("no letter"),
            sender="privacy@example.com",
            to="ana@example.com",
            message_id="<1@example.com>",
            at=NOON,
            language="en",
        )
        await smtp.deliver(offering.url + "&verify=no", mail, our_name="portal.example")
        await smtp.deliver(always.url.replace("smtp:", "smtps:") + "&verify=no", mail, our_name="portal.example")
        for unproven in (offering.url, always.url.replace("smtp:", "smtps:")):
            with pytest.raises(smtp.NotTaken):
                await smtp.deliver(unproven, mail, our_name="portal.example")
    assert offering.encrypted == [True] and len(offering.taken) == len(always.taken) == 1


async def test_an_address_beyond_ascii_arrives(server: MailServer) -> None:
    await write("ană@example.com")
    await jobs.run_due()
    assert server.recipients == [["ană@example.com"]] and server.taken[0]["To"] == "ană@example.com"


async def test_refusals_verify_in_the_log(server: MailServer) -> None:
    server.behave = ["550"]
    await write(subject="s1")
    await jobs.run_due()
    await audit.sequence_all()
    await audit.verify_log()
