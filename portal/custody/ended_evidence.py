"""What is kept of an erased person may have ended after a backup was made: then the newest keys lack theirs, rightly.

Before such a log is verified it is told so, as on the day itself: the contents go, and an entry counts them. Only for people
whom the backup itself knows as erased: any other key that is missing is missing, and the backup is refused. The steps of
requests lie under keys that never end.
"""

from portal import audit, db

_LOST = """SELECT DISTINCT entry.subject FROM entry JOIN subject ON subject.id = entry.subject AND subject.erased_at IS NOT NULL
 LEFT JOIN data_key ON data_key.id = entry.key_id
 WHERE entry.case_id IS NULL AND entry.sealed IS NOT NULL AND data_key.id IS NULL ORDER BY entry.subject"""


async def let_go() -> int:
    """In a database that is not in use yet, with later keys. Answers how many entries lost their contents."""
    found = await db.rows(_LOST)
    if not found:
        return 0
    async with db.writing():
        return sum([await audit.shred_payloads(subject=each["subject"]) for each in found])
