"""Column types that look the same on both databases, through the models and through plain SQL."""

import json
from datetime import datetime
from typing import Any

from tortoise import fields

from portal.lib import clock


class Moment(fields.Field[datetime], datetime):
    """A point in time, stored as microseconds since 1970 (UTC) in a BIGINT."""

    SQL_TYPE = "BIGINT"

    def to_db_value(self, value: Any, instance: Any) -> int | None:
        if isinstance(value, datetime):
            return clock.micros(value)
        return None if value is None else int(value)

    def to_python_value(self, value: Any) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return clock.from_micros(value)


class Json(fields.Field[Any]):
    """A JSON value that holds no personal data, stored as text."""

    SQL_TYPE = "TEXT"
    indexable = False

    def to_db_value(self, value: Any, instance: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def to_python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class Bytes(fields.Field[bytes], bytes):  # type: ignore[misc]  # tortoise tells Python's type by inheritance
    """Bytes: sealed fields, hashes, blind indexes. Unlike tortoise's own BinaryField, it may be looked up by equality."""

    SQL_TYPE = "BLOB"

    class _db_postgres:
        SQL_TYPE = "BYTEA"

    def to_python_value(self, value: Any) -> bytes | None:
        return None if value is None else bytes(value)
