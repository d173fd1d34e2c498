"""SEC-40: whatever a mail tells, its headers and its one recipient are ours; and strangers cannot fill a mailbox.

Every template goes through a real SMTP server, filled with what an attacker would write, and is read twice: line by line
as it came over the wire, and by Python's own mail reader.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal import cases, db, jobs, messages, settings, subjects
from portal.lib import clock
from portal.settings import HOME
from tests.api.machines import number
from tests.cases.shops import ask, found_company, prove
from tests.conftest import House
from tests.messages.mail_server import MailServer, serving
from tests.people import ANA, MALLORY, Browser

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Language"]
STOPPABLE = ["List-Unsubscribe", "List-Unsubscribe-Post"]
SECOND = f"MAIL FROM:<{MALLORY}>\r\nRCPT TO:<ben@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nHello\r\n.\r\n"
HOSTILE = [
    f"Ana\r\nBcc: {MALLORY}",
    f"Ana\nBcc: {MALLORY}",
    f"Ana\rBcc: {MALLORY}",
    "Ana\r\n\r\n<h1>Hello</h1>",
    "Ana\r\n Content-Type: text/html",
    *(f"Ana{end}Bcc: {MALLORY}" for end in ("\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x7f")),
    f"=?utf-8?q?Ana=0D=0ABcc:_{MALLORY}?=",
    "=?utf-8?b?QW5hDQpCY2M6IG1hbGxvcnlAZXhhbXBsZS5jb20=?=",
    "=?utf-8?q?=E2=80=A8Bcc=3A?= =?iso-8859-1?q?=85To=3A?= =?x-nothing?q?a?= =?utf-8?b?///?=",
    f"=?us-ascii?q?Ana?=\t=?utf-8?q?=0A?=Cc: {MALLORY}",
    f'"Ana" <{MALLORY}>, {MALLORY};',
    "a" * 5_000,
    "ană " * 1_500,
    "\U0001f600" * 2_000,
    ("x" * 990 + " ") * 3 + "Bcc: " + MALLORY,
    " " * 1_000 + f"Bcc: {MALLORY}",
    "\u202e\u200b\ufeff\u0000",
    *(f"{before}.{after}{SECOND}" for before in ("\r\n", "\n", "\r") for after in ("\r\n", "\n", "\r", "\r\x00\n")),
    "--part-boundary--\r\n\r\n--part-",
    "{{ 7 * 7 }} {% raw %} %(name)s {0} $HOME `id`",
]


def _contexts(words: str) -> dict[str, dict[str, Any]]:
    """Every mail we write, with the same words wherever words of others can stand."""
    asked: dict[str, Any] = {
        "right": "access",
        "what": words,
        "remedies": [words],
        "link": words,
        "reference": words,
        "reasons": words,
        "due": date(2026, 12, 1),
    }
    fixed = {"label": words, "accepted": True, "read_back": True, "done_in": [words], "stuck_in": [words], "why": words}
    gone = [{"label": words, "action": each, "rows": 2, "law": words, "until": words} for each in ("keep", "delete", "null")]
    return {
        "case-answered": asked | {"text": words, "granted": True},
        "case-corrected": asked | {"snapshot": {"corrections": [{**fixed, "everywhere": each} for each in (True, False)]}},
        "case-doubt": {"text": words},
        "case-done": asked | {"stored": True},
        "case-entered": {"reference": words, "day": NOON},
        "case-erased": asked | {"snapshot": {"removals": gone}},
        "case-extended": asked | {"reason": words, "text": words},
        "case-message": {"kind": "question", "right": words, "reference": words},
        "case-nothing": asked | {"systems": [words]},
        "case-notice": asked,
        "case-ready": asked | {"until": date(2026, 12, 1)},
        "case-refused": asked | {"declined": [{"label": words, "why": words}], "day": date(2026, 12, 1)},
        "case-reopened": asked,
        "case-restriction-ends": asked | {"day": date(2026, 12, 1)},
        "case-started": {"asked": [{"what": words, "due": date(2026, 12, 1)}] * 2},
        "case-stopped": asked,
        "case-unconfirmed": asked,
        "case-waiting": asked | {"until": date(2026, 12, 1)},
        "checkpoint": {"note": words, "size": 3, "day": date(2026, 11, 2), "key": words},
        "code": {"code": words, "link": words, "minutes": words, "use": words},
        "confirm": {"titles": [words, words], "link": words, "until": date(2026, 12, 1)},
        "invitation": {"invitee": words, "invited_by": words, "link": words, "until": NOON},
        "pause-over": {"titles": [words, words], "link": words},
        "system-question": {
            "title": words,
            "asks": words,
            "link": words,
            "due": words,
            "days": 30,
            "verb": "find",
            "restored": words,
            "again": True,
        },
        "system-silent": {"title": words, "link": words},
        "test": {"person": words},
    }


class _Wire(MailServer):
    """Keeps each mail as it came, too."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.original_content, bytes)
        self.raw.append(envelope.original_content)
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
async def wire(sqlite_house: House) -> AsyncIterator[_Wire]:
    server = _Wire()
    async with serving(server):
        settings.use(replace(sqlite_house.settings, smtp_url=server.url))
        yield server


def test_the_table_names_every_mail() -> None:
    assert set(_contexts("")) == {each.stem for each in (HOME / "portal" / "templates" / "mail").glob("*.txt")}


# Each mail gets a third of the hostile words, the next mail the next third; `make deep` puts all of them into each.
@pytest.mark.parametrize("parts", [3, pytest.param(1, marks=pytest.mark.deep)])
@pytest.mark.parametrize("template", _contexts(""))
async def test_no_words_of_others_make_a_header_a_recipient_or_a_second_mail(wire: _Wire, template: str, parts: int) -> None:
    written, hostile = 0, list(enumerate(HOSTILE))[list(_contexts("")).index(template) % parts :: parts]
    for position, words in hostile:
        unsubscribe = "http://127.0.0.1:8000/u/" + "A" * 90 if position % 2 else ""
        written += await _write(template, _contexts(words)[template], "ro" if position % 3 else "en", unsubscribe)
    while len(wire.raw) < written and await jobs.run_due():
        pass
    # A line break in what stands in the subject is a mistake of ours, found before anything is written.
    in_subject = template in ("confirm", "system-question", "system-silent", "test")
    assert len(wire.raw) == written >= len(hostile) - in_subject * sum("\n" in words for _position, words in hostile)
    for raw, mail, recipients in zip(wire.raw, wire.taken, wire.recipients, strict=True):
        assert recipients == [ANA]
        _require_ours(raw, mail)


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_field_beside_the_words_takes_more_than_it_should(wire: _Wire, words: str) -> None:
    context = _contexts("Ana")["code"]
    await _write("code", context, "en", to=words)
    await _write("code", context, "en", to=f"ana{words}@example.com")
    await _write("code", context, "en", to=f"{ANA}{words}")
    await _write("code", context, words)
    await jobs.run_due()
    for raw, mail, recipients in zip(wire.raw, wire.taken, wire.recipients, strict=True):
        assert len(recipients) == 1 and MALLORY not in recipients and "ben@example.com" not in recipients
        assert recipients[0] == ANA or re.fullmatch(r"ana[^\s,;<>]+", recipients[0])
        _require_ours(raw, mail, recipients[0])


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_address_typed_at_a_door_reaches_more_than_one_mailbox(wire: _Wire, words: str) -> None:
    headers = {"accept-language": "".join(each for each in words if "\x20" <= each <= "\x7e")[:200]}
    paths = ("/sign-in", "/requests") if HOSTILE.index(words) % 2 else ("/requests", "/sign-in")
    async with Browser() as mallory:
        all_typed = (words, f"{ANA}{words}", f"ana{words}@example.com", f"{words}<{ANA}>")
        for path, typed in zip(paths * 2, all_typed, strict=True):
            answer = await mallory.post(path, data={"email": typed, "right": "access", "country": "RO"}, headers=headers)
            assert answer.status_code in (200, 422, 413, 400), (path, typed, answer.status_code)
    await jobs.run_due()
    for raw, mail, recipients in zip(wire.raw, wire.taken, wire.recipients, strict=True):
        assert len(recipients) == 1 and MALLORY not in recipients and "ben@example.com" not in recipients
        _require_ours(raw, mail, recipients[0])


async def test_strangers_with_new_browsers_cause_five_mails_an_hour_to_one_mailbox(wire: _Wire) -> None:
    """Through the door; within ten minutes everybody joins the one challenge that runs."""
    for minute in range(0, 60, 3):
        with clock.at(NOON + timedelta(minutes=minute)):
            for _stranger in range(2):
                async with Browser() as stranger:
                    await stranger.get("/sign-in")
                    answer = await stranger.post("/sign-in", data={"email": ANA})
                    assert answer.status_code in (200, 429)
            await jobs.run_due()
    assert 4 <= len(wire.raw) <= 6 and {tuple(each) for each in wire.recipients} == {(ANA,)}


async def test_a_notice_goes_out_once_for_one_request_and_is_not_lost_while_the_mail_server_is_away(
    sqlite_house: House, tmp_path: Path
) -> None:
    found_company(sqlite_house, tmp_path / "company")
    work = "ana.work@example.com"
    server = _Wire()
    async with serving(server):
        settings.use(replace(settings.get(), smtp_url=server.url))
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        other = await subjects.ensure("email", work, by="import", subject=ana.subject)
        await subjects.mark_verified(other.id)
    with clock.at(NOON):
        asked = []
        for right in ("access", "erasure"):
            asked.append(await ask(right))
            await prove(asked[-1])
        await jobs.run_due()
        for each in asked:
            assert [mail.template for mail in await messages.of_case(each.id)].count("mail/case-notice") == 1
    for hour in range(1, 30):
        with clock.at(NOON + timedelta(hours=hour)):
            await jobs.run_due()
    assert server.raw == [] and (await cases.case(asked[0].id)).state != ""
    async with serving(server):
        for hour in range(30, 32):
            with clock.at(NOON + timedelta(hours=hour)):
                await jobs.run_due()
    assert [recipients for recipients in server.recipients if recipients == [work]] == [[work]] * 2


async def _write(template: str, context: Mapping[str, Any], language: str, unsubscribe: str = "", to: str = ANA) -> bool:
    """False when it was refused; then nothing may have been written."""
    before = await number("message")
    try:
        async with db.writing():
            await messages.send_later(
                template=f"mail/{template}", to=to, language=language, context=context, unsubscribe=unsubscribe
            )
    except Exception as refused:
        assert type(refused).__name__ in ("Invalid", "ValueError", "Refused"), refused
        assert await number("message") == before
        return False
    return True


def _require_ours(raw: bytes, mail: EmailMessage, to: str = ANA) -> None:
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert [each for each in names if each not in STOPPABLE] == HEADERS
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw), "a bare line end, which some servers read as one"
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert mail.keys() == names and mail.defects == []
    assert [each.addr_spec for each in mail["To"].addresses] == [to]
    assert [each.addr_spec for each in mail["From"].addresses] == ["privacy@example.com"]
    assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", mail["Subject"])
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
