"""Child process: migrate, publish the purposes, make a key, print its secret."""

import asyncio

from portal import consent, db, identity, vault
from portal.worker import know_all_verbs


async def main() -> None:
    know_all_verbs()
    await db.open_database()
    try:
        await db.migrate()
        await vault.check_master_key()
        async with db.writing():
            await consent.publish_purposes("system")
        _key, secret = await identity.add_key(
            "bench", scopes=identity.SCOPES, sources=sorted(consent.SOURCES), grade="self", by=None
        )
        print(secret)
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main())
