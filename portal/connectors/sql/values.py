"""Values between a database and JSON: keys must come back exactly, shown values must be readable.

And how an identifier is compared with what a database holds, however it was typed there (canonical compare).
"""

import base64
import json
import re
import string
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DECIMAL,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    and_,
    cast,
    false,
    func,
)
from sqlalchemy.types import TypeEngine

from portal.connectors.contract import Value
from portal.connectors.sql import mysql

_SEPARATORS = " \t\u00a0\u2009-\u2010\u2011\u2013()[]./+"
_SPACES = string.whitespace + "".join(
    map(chr, [0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
)
_SHORTEST_NUMBER = 6  # "0" in a telephone column is nobody's number


def freeze(value: Any) -> Any:
    """A key's value as JSON."""
    if value is None or isinstance(value, bool | int | str | float):
        return value
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    return shown(value)


def thaw(column: Column[Any], value: Any) -> Any:
    """What `freeze` made, or a text that a person wrote, as this column wants it; raises ValueError."""
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    kind = _python_type(column)
    if kind is str and isinstance(value, int | float):
        return str(value)
    parse = _PARSERS.get(kind)
    return parse(value) if parse and isinstance(value, str) else value


def typed(column: Column[Any], text: str | None) -> Any:
    """What a person wrote, as this column keeps it: "040122" is 40122 in a column of numbers. Raises ValueError."""
    if text is None:
        return None
    kind = column.info.get("declared", column.type)
    is_wish = "declared" in column.info  # SQLite keeps any text in any column, but a number in one for numbers as a number
    if not is_wish and isinstance(kind, String) and kind.length and len(text) > kind.length:
        raise ValueError(text)
    value = _as_sqlite_keeps(kind, text) if is_wish else thaw(column, text)
    if isinstance(kind, Integer):
        most = 2 ** (63 if is_wish else _bits(kind))
        if not -most <= value < most:
            raise ValueError(text)
    return value


def alike(there: Any, wanted: Any) -> bool:
    """A re-read value is the one that was written, however the column pads or types it."""
    return bool(there == wanted) or str(freeze(there)).rstrip() == str(freeze(wanted)).rstrip()


def shown(value: Any) -> Value:
    """A value as a person and data.json read it."""
    if value is None or isinstance(value, bool | int | str | float):
        return value
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def matches(
    connection: Connection, column: ColumnElement[Any], kind: str, values: Iterable[str], region: str | None
) -> ColumnElement[bool]:
    """The column holds one of these identifiers, whatever its case, spaces and dashes.

    `region` ("RO"): numbers stored without a country code are numbers of that country.
    """
    wanted = sorted({form for value in values for form in written_forms(kind, value, region)})
    if not wanted:
        return false()
    text: ColumnElement[Any] = mysql.to_the_letter(column) if mysql.is_one(connection) else cast(column, Text)
    if kind == "phone":
        for separator in _SEPARATORS:
            text = func.replace(text, separator, "")
        return text.in_(wanted)
    lower, trim = (func.portal_lower, func.trim) if connection.dialect.name == "sqlite" else (func.lower, func.btrim)
    text = mysql.trimmed(text, _SPACES) if mysql.is_one(connection) else trim(text, _SPACES)
    return (lower(text) if kind == "email" else text).in_(wanted)


def same(column: ColumnElement[Any], wanted: Sequence[Any], *, folds: bool) -> ColumnElement[bool]:
    """The column holds one of these values; `folds`: its database would take "ana", "ANA" and "aná" for one, we do not."""
    equal = column == wanted[0] if len(wanted) == 1 else column.in_(wanted)
    if not folds:
        return equal
    # the first condition is what an index helps with, the second what counts
    return and_(equal, mysql.to_the_byte(column).in_([str(value).encode() for value in wanted]))


def written_forms(kind: str, value: str, region: str | None) -> set[str]:
    """How the same identifier may stand in a database, after separators and case are taken away."""
    value = value.strip(_SPACES)
    if kind == "email":
        return _address_forms(value.lower())
    if kind == "phone":
        return _number_forms(value, region)
    return {value} - {""}


def _address_forms(address: str) -> set[str]:
    local, at, domain = address.rpartition("@")
    if not at:
        return {address} - {""}
    import idna

    forms = {address}
    for other in (idna.decode, idna.encode):
        try:
            written = other(domain)
        except (idna.IDNAError, UnicodeError):
            continue
        forms.add(f"{local}@{written if isinstance(written, str) else written.decode()}".lower())
    return forms


def _number_forms(number: str, region: str | None) -> set[str]:
    import phonenumbers

    digits = "".join(character for character in number if character.isdigit())
    if len(digits) < _SHORTEST_NUMBER:
        return set()
    forms = {digits, f"00{digits}"}
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return forms
    country, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
    forms |= {country + national, f"00{country}{national}", f"{country}0{national}"}
    if region and phonenumbers.country_code_for_region(region) == parsed.country_code:
        written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        forms |= {national, "".join(character for character in written if character.isdigit())}
    return forms


def _as_sqlite_keeps(kind: TypeEngine[Any], text: str) -> Any:
    if isinstance(kind, Boolean):
        return _truth(text)
    if isinstance(kind, Integer):
        return _whole(text)
    if isinstance(kind, Float):
        return float(text)
    if isinstance(kind, Numeric):
        try:
            number = _decimal(text)
        except ValueError:
            if isinstance(kind, DECIMAL):
                raise
            return text  # any word that is no type of SQLite's, like STRING, reads as NUMERIC
        return int(number) if number == number.to_integral_value() else float(number)
    return text


def _bits(kind: Integer) -> int:
    return mysql.bits(kind) or (15 if isinstance(kind, SmallInteger) else 63 if isinstance(kind, BigInteger) else 31)


def _python_type(column: Column[Any]) -> type | None:
    if mysql.is_number(column.type):
        return int
    try:
        return column.type.python_type
    except NotImplementedError:  # how SQLAlchemy says that a type has none in Python
        return None


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(text)
    return text.lower() in ("true", "1")


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text.strip()):
        raise ValueError(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    if not text.strip().removeprefix("-").replace(".", "", 1).isdecimal():
        raise ValueError(text)
    return Decimal(text)


_PARSERS: dict[type | None, Callable[[str], Any]] = {
    int: _whole,
    float: float,
    bool: _truth,
    Decimal: _decimal,
    datetime: datetime.fromisoformat,
    date: lambda text: date.fromisoformat(text[:10]),
    time: time.fromisoformat,
    UUID: UUID,
}
