"""RFC 8058 as other people's programs read it: Python's own MIME reader and dkimpy, an independent DKIM implementation."""

import base64
from datetime import UTC, datetime
from email import message_from_bytes, policy

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from portal import db, messages
from portal.messages import Letter, smtp
from tests.conftest import House

LINK = "https://privacy.shop.example.com/u/" + "AbC-9_x" * 16


def _mail(letter: Letter, to: str = "ana@example.com") -> bytes:
    mail = smtp.envelope(
        letter,
        sender="Blue Bird Books <privacy@shop.example.com>",
        to=to,
        message_id="<0193@shop.example.com>",
        at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        language="ro",
    )
    return mail.as_bytes()


@pytest.mark.parametrize("to", ["ana@example.com", "ană@example.com"])
def test_a_mail_reader_finds_the_one_click_address_whole(to: str) -> None:
    raw = _mail(
        Letter("Vă rugăm să confirmați: buletinul informativ de la Pasărea Albastră", "Bună ziua\n", "<p>Bună</p>", LINK), to
    )
    assert f"\r\nList-Unsubscribe: <{LINK}>\r\n".encode() in raw
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Subject"].startswith("Vă rugăm să confirmați") and mail.get_body(("plain",)) is not None
    assert max(len(line) for line in raw.splitlines()) < 998


def test_a_message_that_a_person_needs_offers_no_way_to_stop_it() -> None:
    mail = message_from_bytes(_mail(Letter("Your code", "123456\n", "<p>123456</p>")), policy=policy.default)
    assert mail["List-Unsubscribe"] is None and mail["List-Unsubscribe-Post"] is None


def test_both_headers_survive_a_signing_mail_server() -> None:
    """RFC 8058, 4: receivers act on them only when a valid DKIM signature covers both."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    raw = _mail(Letter("Please confirm", "Hello\n", "<p>Hello</p>", LINK))
    covered = [b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe", b"list-unsubscribe-post"]
    signed = dkim.sign(raw, b"portal", b"shop.example.com", private, include_headers=covered) + raw

    def published(name: bytes, timeout: int = 5) -> bytes:
        assert name.rstrip(b".") == b"portal._domainkey.shop.example.com"
        return b"v=DKIM1; k=rsa; p=" + public

    assert dkim.verify(signed, dnsfunc=published)
    signature = message_from_bytes(signed, policy=policy.default)["DKIM-Signature"].replace(" ", "")
    assert "list-unsubscribe:" in signature and "list-unsubscribe-post" in signature
    for header in (b"List-Unsubscribe: <https", b"List-Unsubscribe-Post: List"):
        changed = signed.replace(header, header + b"X", 1)
        assert changed != signed and not dkim.verify(changed, dnsfunc=published)


async def test_the_link_stands_in_the_words_too(sqlite_house: House) -> None:
    async with db.writing():
        written = await messages.send_later(
            template="mail/test", to="ana@example.com", language="en", context={"person": "Ana"}, unsubscribe=LINK
        )
    letter = (await messages.copy(written)).letter
    assert letter is not None and letter.unsubscribe == LINK
    assert letter.text.rstrip().endswith(LINK) and f'<a href="{LINK}">Stop these e-mails</a>' in letter.html
