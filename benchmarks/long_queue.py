"""Child process: N open requests like one that came in, and an officer at work; prints the token of their cookie."""

import asyncio
import sys
from datetime import timedelta

import pyotp

from portal import cases, db, identity, vault
from portal.cases.models import CaseRow
from portal.lib import clock, ids
from portal.worker import know_all_verbs

AT_ONCE = 1_000
PASSWORD = "correct horse battery staple"


async def main(count: int) -> None:
    know_all_verbs()
    await db.open_database()
    try:
        await vault.check_master_key()
        opened = await cases.open("access", "template@example.com", language="en", details={"country": "RO"}, source="call")
        template = await CaseRow.get(id=opened.id)
        said = {name: getattr(template, name) for name in template._meta.fields_map}
        today = clock.now().date()
        for start in range(0, count, AT_ONCE):
            async with db.writing():
                await CaseRow.bulk_create(
                    CaseRow(**said | _of_its_own(number, (today + timedelta(days=number % 60 - 10)).isoformat()))
                    for number in range(start, min(start + AT_ONCE, count))
                )
        print(await _at_work())
    finally:
        await db.close()


def _of_its_own(number: int, due_on: str) -> dict[str, object]:
    state = "triage" if number % 4 else "collecting"
    return {"id": ids.new(), "reference_digest": ids.digest(f"queued {number}"), "state": state, "due_on": due_on, "asked": None}


async def _at_work() -> str:
    secret = pyotp.random_base32()
    invitation = await identity.invite("olga@example.com", name="Olga", roles=["privacy-officer"], by=None)
    setup = await identity.accept(invitation.link.rsplit("/", 1)[1], PASSWORD, totp_secret=secret)
    return await identity.second_factor(setup.half, pyotp.TOTP(secret).at(clock.now()))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
