"""What in one table of findings asks for an officer's judgement (GDPR Art. 9, 10, 15(4)): noted sealed beside it when it is
written and when something of it is taken out, so that nobody has to read a hundred thousand entries to show a page.

Only what stands in what the person would get. Whose the addresses are is asked when the note is read (caution.py): another
one may be proven meanwhile.
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from portal import connectors
from portal.cases import own_data

# Names of categories in the maps of connected systems that stand for data of GDPR Art. 9 and 10.
SPECIAL = frozenset({"special", "health", "genetic", "biometric", "ethnicity", "religion", "beliefs", "politics", "union"})
SPECIAL |= {"sexuality", "criminal", "offences"}
LONG = 200
MOST = 100  # addresses that are noted; nobody proves so many
_BETWEEN_WORDS = re.compile(r"[\s<>()\[\]{},;:\"'|]+")


@dataclass(frozen=True)
class Signs:
    """`file`: somebody handed one in; `special`: of GDPR Art. 9 or 10; `words`: free text; `addresses`: e-mail addresses in it,
    in small letters; `more`: there are more of them than noted.
    """

    file: bool
    special: bool
    words: bool
    addresses: tuple[str, ...]
    more: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "Signs":
        noted = json.loads(text)
        return Signs(**noted | {"addresses": tuple(noted["addresses"])})


class Row(Protocol):
    """A row as a connector answers it, or as it is kept."""

    @property
    def key(self) -> dict[str, Any]: ...

    @property
    def fields(self) -> Sequence[connectors.Field]: ...


def of_table(system: str, category: str, table: str, rows: Iterable[Row], redacted: Container[tuple[int, str]] = ()) -> Signs:
    """`rows`: key and fields as findings keep them; `redacted`: number of the row, and column or "" for all of it."""
    given, words, named, found = False, False, set[str](), set[str]()
    for number, row in enumerate(rows):
        if (number, "") in redacted:
            continue
        given = True
        for name, value in row.key.items():
            if (number, name) not in redacted:
                found.update(_addresses(str(value)))
        for field in row.fields:
            if (number, field.column) in redacted:
                continue
            named.add(field.category)
            value = str(field.value or "")
            # What the portal itself wrote to the person is about them; other free text may be about anybody.
            if system != own_data.NAME and (len(value) > LONG or "\n" in value.strip()):
                words = True
            if "@" in value:
                found.update(_addresses(value))
    return Signs(
        file=given and table == connectors.person.FILES,
        special=bool(named and _words({category, *named}) & SPECIAL),
        words=words,
        addresses=tuple(sorted(found)[:MOST]),
        more=len(found) > MOST,
    )


def _addresses(text: str) -> Iterator[str]:
    """Whatever looks like an e-mail address, in small letters; in time that grows with the length of the text alone."""
    if "@" not in text:
        return
    for word in _BETWEEN_WORDS.split(text):
        parts = word.split("@")
        ends = [number for number, part in enumerate(parts) if number and "." in part[1:-1]]
        if ends and any(parts[: ends[-1]]):
            yield "@".join(parts[: ends[-1] + 1]).strip(".").casefold()


def _words(categories: set[str]) -> set[str]:
    return {word for each in categories for word in re.split(r"[\s_/]+", each.casefold())}
