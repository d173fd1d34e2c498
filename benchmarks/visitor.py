"""Child process: somebody who has said a few things signs in; prints the token of their cookie."""

import asyncio

from portal import consent, db, identity, subjects, vault
from portal.consent import Word
from portal.worker import know_all_verbs


async def main() -> None:
    know_all_verbs()
    await db.open_database()
    try:
        await vault.check_master_key()
        async with db.writing():
            ana = await subjects.ensure("email", "ana@example.com", by="system")
            await subjects.mark_verified(ana.id)
            said = ("email", "", "no", None, "preference-centre", "self-verified", f"customer:{ana.subject}", "", "en")
            await consent.decide_many([Word(ana.id, purpose, *said) for purpose in ("newsletter", "back-in-stock")])
        print(await identity.open_session(subject=ana.subject, identifier=ana.id))
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main())
