"""Child process: record a decision of each of N people, in the rounds that an import takes, and give all a place in the log."""

import asyncio
import sys

from portal import audit, consent, db, subjects, vault
from portal.consent import Word
from portal.subjects import Arrival
from portal.worker import know_all_verbs

AT_ONCE = 1_000


async def main(people: int) -> None:
    know_all_verbs()
    await db.open_database()
    try:
        await vault.check_master_key()
        for start in range(0, people, AT_ONCE):
            async with db.writing():
                numbers = range(start, min(start + AT_ONCE, people))
                arrivals = [Arrival("email", f"person{number}@example.com", "import:bench") for number in numbers]
                found = await subjects.ensure_many(arrivals)
                await consent.decide_many([_word(each) for each in found if each is not None])
        await audit.sequence_all()  # else the server that is measured next would do that meanwhile
    finally:
        await db.close()


def _word(identifier: str) -> Word:
    said = ("back-in-stock", "email", "", "yes", None, "checkout", "self", "import:bench", "back-in-stock@1/en", "en")
    return Word(identifier, *said)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
