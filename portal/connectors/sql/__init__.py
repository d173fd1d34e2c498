"""Any SQL database, described by a declarative map: which tables and columns are about people, and what an erasure does.

SQLite, PostgreSQL, MariaDB and MySQL. The only place that knows SQLAlchemy; every statement is built by SQLAlchemy Core from
columns found in the live schema, so that a name in a map is never SQL.
"""

from portal.connectors.sql.connector import SqlConnector, open_connector

__all__ = ["SqlConnector", "open_connector"]
