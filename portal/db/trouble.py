"""What a database raises when it cannot serve at the moment: away, frozen, locked, read-only, or its disk full.

Doors answer 503 for these (the request may be sent again); everything else that goes wrong is ours.
"""

import sqlite3

from tortoise.exceptions import DBConnectionError, OperationalError

TROUBLE: tuple[type[Exception], ...] = (
    OperationalError,
    DBConnectionError,
    sqlite3.OperationalError,
    TimeoutError,
    ConnectionError,
)
