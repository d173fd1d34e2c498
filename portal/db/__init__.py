"""The database: SQLite by default, PostgreSQL when outgrown. Every write goes through `writing()`.

Outside `writing()` the connection is read-only, for tortoise's models as for plain SQL, so that nothing can be
written by accident. Plain SQL here uses `?` on both databases; moments are microseconds (see `Moment`).
"""

from portal.db.connections import close, open_database, size_of_pool
from portal.db.disk import NoRoom, is_full, unproven, when_disk_fails
from portal.db.fields import Bytes, Json, Moment
from portal.db.migrations import MigrationError, migrate, missing_migrations
from portal.db.remains import scrub
from portal.db.replies import REPLIES_KEPT, keep_replies, kept_replies
from portal.db.statements import Question, many, row, rows, run, several, through, tuples
from portal.db.throttles import count_many, counted, throttle
from portal.db.transactions import after_commit, in_writing, reading, savepoint, writing
from portal.db.trips import in_one_trip, write_in_one_trip
from portal.db.trouble import OutcomeUnknown, is_trouble, trouble

__all__ = [
    "REPLIES_KEPT",
    "Bytes",
    "Json",
    "MigrationError",
    "Moment",
    "NoRoom",
    "OutcomeUnknown",
    "Question",
    "after_commit",
    "close",
    "count_many",
    "counted",
    "in_one_trip",
    "in_writing",
    "is_full",
    "is_trouble",
    "keep_replies",
    "kept_replies",
    "many",
    "migrate",
    "missing_migrations",
    "open_database",
    "reading",
    "row",
    "rows",
    "run",
    "savepoint",
    "scrub",
    "several",
    "size_of_pool",
    "throttle",
    "through",
    "trouble",
    "tuples",
    "unproven",
    "when_disk_fails",
    "write_in_one_trip",
    "writing",
]
