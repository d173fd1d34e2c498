"""What mail servers report becomes a stop: bounces (RFC 3464) and complaints (RFC 5965), and nothing else does."""

import pytest

from portal import consent, db
from portal.consent import Cell
from portal.consent.bounces import take_report
from tests.conftest import House
from tests.consent.people import allowed, known, publish, say

ORIGINAL = """From: shop@example.com
To: {to}
List-Unsubscribe: <https://privacy.example.com/u/{token}>
Subject: News

Hello
"""


def _bounce(recipient: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    return f"""From: MAILER-DAEMON@mx.example.com
To: bounces@shop.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver it.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Sat, 21 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected

--b--
""".encode()


def _complaint(recipient: str, kind: str = "abuse", token: str = "x", to: str = "") -> bytes:
    original = ORIGINAL.format(to=to or recipient, token=token)
    return f"""From: <abusedesk@provider.example.com>
To: <abuse@shop.example.com>
Subject: FW: News
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: {recipient}

--b
Content-Type: message/rfc822

{original}
--b--
""".encode()


async def _stops() -> list[tuple[str, str]]:
    return [(each["kind"], each["why"]) for each in await db.rows("SELECT kind, why FROM stop ORDER BY id")]


async def test_a_hard_bounce_closes_the_address_for_e_mail_alone(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    await say(ana, "yes", grade="self-verified")
    await say(ana, "yes", "audiences", "ads", grade="self-verified")
    [report] = await take_report(_bounce("Ana@Example.com"), by="system")
    assert report.identifier == ana.id and not await allowed(ana) and await allowed(ana, "audiences", "ads")
    await take_report(_bounce("ana@example.com"), by="system")
    assert await _stops() == [("suppressed", "hard bounce")]


async def test_a_bounce_after_a_new_yes_counts_again(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    for _time in range(2):
        await say(ana, "yes", grade="self-verified")
        assert await allowed(ana)
        await take_report(_bounce("ana@example.com"), by="system")
        assert not await allowed(ana)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("4.2.0", "failed"),
        ("5.2.2", "failed"),
        ("5.7.1", "failed"),
        ("5.1.1", "delayed"),
        ("2.0.0", "delivered"),
        ("5.1", "failed"),
    ],
)
async def test_what_says_nothing_about_the_address_for_good_closes_nothing(sqlite_house: House, status: str, action: str) -> None:
    await publish()
    await known("email", "ana@example.com")
    assert await take_report(_bounce("ana@example.com", status, action), by="system") == []
    assert await _stops() == []


async def test_a_complaint_is_an_objection_of_the_whole_person(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    other = await known("email", "work@example.com", ana.subject, proven=True)
    for each in (ana, other):
        await say(each, "yes", "newsletter", grade="self-verified")
    await take_report(_complaint("<ana@example.com>"), by="system")
    assert not await allowed(ana, "newsletter") and not await allowed(other, "newsletter")
    assert {kind for kind, _why in await _stops()} == {"suppressed", "objected"}


async def test_a_complaint_with_a_blacked_out_address_is_known_by_our_own_link(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, Cell("back-in-stock", "email"))
    for forged in ("x", token[:-4] + "AAAA"):
        await take_report(_complaint("redacted", token=forged, to="redacted"), by="system")
        assert await allowed(ana)
    await take_report(_complaint("redacted", token=token, to="redacted"), by="system")
    assert not await allowed(ana)


@pytest.mark.parametrize(
    "raw", [_complaint("ana@example.com", "not-spam"), b"", b"\xff\xfe\x00", b"Subject: hello\n\nhello", _bounce("")[:300]]
)
async def test_other_mail_changes_nothing(sqlite_house: House, raw: bytes) -> None:
    await publish()
    await known("email", "ana@example.com")
    assert await take_report(raw, by="system") == [] and await _stops() == []


async def test_a_report_about_a_stranger_records_nobody(house: House) -> None:
    [report] = await take_report(_bounce("stranger@example.com"), by="system")
    found = await db.row("SELECT count(*) AS n FROM identifier")
    assert report.identifier is None and found is not None and found["n"] == 0 and await _stops() == []
