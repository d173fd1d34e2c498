"""What a database raises when it cannot serve at the moment: away, frozen, locked, read-only, or its disk full.

Doors answer 503 for these, 507 where a disk is full (the request may be sent again); everything else that goes wrong is ours.
"""

import sqlite3

from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError

from portal.db.disk import NoRoom
from portal.settings import get


class OutcomeUnknown(Exception):
    """The connection was lost while a commit was under way: it is saved or not, and only looking tells."""


def trouble() -> tuple[type[Exception], ...]:
    """The exceptions of the database in use."""
    away = (OperationalError, DBConnectionError, sqlite3.OperationalError, TimeoutError, ConnectionError)
    either = (*away, NoRoom, OutcomeUnknown)
    return either if get().is_sqlite else either + _of_postgresql()


def is_trouble(problem: Exception) -> bool:
    """Whether it concerns whoever asks. A key that another process took first (tortoise: an OperationalError too) does not."""
    return isinstance(problem, trouble()) and not isinstance(problem, IntegrityError)


def _of_postgresql() -> tuple[type[Exception], ...]:
    import asyncpg  # SQLite's portals never load the driver

    return (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.PostgresSystemError,
        asyncpg.TransactionRollbackError,
        asyncpg.InterfaceError,  # this connection is closed
        asyncpg.InternalClientError,  # it was cut while it was given back to its pool
    )
