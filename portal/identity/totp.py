"""The officers' second factor: one-time codes by time (RFC 6238) and recovery codes for the day the telephone is lost.

The secret is sealed under the officer's key. The library checks a code but forgets it: so the last accepted step is kept,
and raised by one conditional UPDATE, which lets each code through once, however many ask at the same time.
"""

import base64
import hmac
import io
from dataclasses import dataclass

import pyotp
import segno

from portal import db, vault
from portal.identity.models import OfficerRow, RecoveryCode
from portal.lib import clock, ids

PERIOD = 30
NEIGHBOURS = (0, -1, 1)  # steps: clocks of telephones run up to half a minute early or late
RECOVERY_CODES = 10


@dataclass(frozen=True)
class Enrolment:
    """What the officer sees until the first code: the secret as text, as an address and as a QR code, and the recovery codes."""

    secret: str
    uri: str
    qr: str
    recovery_codes: list[str]


async def enrol(officer_id: str, secret: str | None = None) -> None:
    """Give an officer a new second factor and new recovery codes; the old ones are dead. Inside `writing()`."""
    sealed = (await vault.key_for("officer", officer_id)).seal(_place(officer_id), secret or pyotp.random_base32())
    await forget(officer_id)
    await db.run("UPDATE officer SET totp = ? WHERE id = ?", sealed, officer_id)
    for code in _recovery_codes(officer_id, sealed):
        await RecoveryCode.create(id=ids.new(), officer=officer_id, hash=_recovery_hash(officer_id, code))


async def enrolment(officer: OfficerRow, email: str) -> Enrolment | None:
    """What `enrol` gave, as often as one asks; changes nothing. Only for an officer who has not used it yet."""
    key = await vault.find_key("officer", officer.id)
    if key is None or officer.totp is None or officer.joined_at is not None:
        return None
    secret = key.open(_place(officer.id), officer.totp)
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Privacy portal")
    return Enrolment(secret, uri, _qr(uri), _recovery_codes(officer.id, officer.totp))


async def forget(officer_id: str) -> None:
    """No second factor and no recovery code any more; inside `writing()`."""
    await db.run("UPDATE officer SET totp = NULL, totp_step = 0 WHERE id = ?", officer_id)
    await db.run("DELETE FROM recovery_code WHERE officer = ?", officer_id)


async def step_of(officer: OfficerRow, code: str) -> int | None:
    """The time step this code belongs to, if it is one of now or a neighbour; changes nothing."""
    key = await vault.find_key("officer", officer.id)
    if key is None or officer.totp is None:
        return None
    totp = pyotp.TOTP(key.open(_place(officer.id), officer.totp))
    now = int(clock.now().timestamp()) // PERIOD
    given = "".join(code.split()).encode()
    matching = [now + each for each in NEIGHBOURS if hmac.compare_digest(totp.generate_otp(now + each).encode(), given)]
    return max(matching, default=None)


async def accept(officer_id: str, step: int) -> bool:
    """Take a step's code, once; False when it or a later one was taken already. Inside `writing()`."""
    return (
        await db.run(
            "UPDATE officer SET totp_step = ? WHERE id = ? AND totp_step < ? AND left_at IS NULL", step, officer_id, step
        )
        == 1
    )


async def recovery_code(officer_id: str, code: str) -> str | None:
    """The id of the unused recovery code this is; changes nothing."""
    found = await RecoveryCode.get_or_none(officer=officer_id, hash=_recovery_hash(officer_id, code), used_at=None)
    return found.id if found else None


async def use_recovery_code(recovery_code_id: str) -> bool:
    """Take a recovery code, once. Inside `writing()`."""
    now = clock.micros(clock.now())
    return await db.run("UPDATE recovery_code SET used_at = ? WHERE id = ? AND used_at IS NULL", now, recovery_code_id) == 1


def _recovery_codes(officer_id: str, sealed: bytes) -> list[str]:
    """Made of the sealed secret, which is never the same twice, under a key that is not in the database: so a page that
    is loaded again shows the same codes, and nothing but their hashes is kept."""
    return [_recovery_code(officer_id, sealed, number) for number in range(RECOVERY_CODES)]


def _recovery_code(officer_id: str, sealed: bytes, number: int) -> str:
    drawn = vault.one_time_code_hash(f"recovery code {number} for {officer_id}", sealed.hex())
    letters = base64.b32encode(drawn[:10]).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _recovery_hash(officer_id: str, code: str) -> bytes:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return vault.one_time_code_hash(f"recovery of {officer_id}", plain)


def _qr(uri: str) -> str:
    drawn = io.BytesIO()
    # White behind it in dark mode too: telephones read dark on light.
    segno.make(uri, error="m").save(drawn, kind="svg", xmldecl=False, scale=5, border=4, light="#fff")
    return drawn.getvalue().decode()


def _place(officer_id: str) -> vault.Place:
    return vault.Place("officer", "totp", officer_id)
