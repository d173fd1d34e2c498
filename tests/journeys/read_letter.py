"""The person opens the envelope: what stands in the newest letter of the portal, read beside the running server.

A program of its own: `python -m tests.journeys.read_letter`. A PDF's text is glyphs; its words lie sealed until it is posted.
"""

import asyncio
import json

from portal import db, vault


async def _main() -> None:
    try:
        await db.open_database()
        await vault.check_master_key()
        row = await db.row("SELECT id, case_id, text FROM case_letter WHERE text IS NOT NULL ORDER BY made_at DESC LIMIT 1")
        assert row is not None, "No letter waits to be posted."
        key = await vault.find_key("case", row["case_id"])
        assert key is not None
        print(json.loads(key.open(vault.Place("case_letter", "text", row["id"]), bytes(row["text"])))["text"])
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(_main())
