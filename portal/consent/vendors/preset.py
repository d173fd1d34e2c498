"""What a preset is made of: how a vendor calls its columns, and what one of its lines says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

YES, NO, NEITHER = "yes", "no", "unset"


class Said(NamedTuple):
    """One statement of a line. `answer`: yes, no, or unset: neither, which ends what an earlier import called a yes.

    `theirs`: the purpose as they call it, None for every cell of the map; `everything`: also every other advertising by
    e-mail. `point`: the channels of the kind of address it is about, none for any. `stop`: see import_stops.
    """

    answer: str
    theirs: str | None = None
    at: str = ""
    until: str = ""
    stop: str = ""
    everything: bool = False
    point: frozenset[str] = frozenset()
    source: str = ""
    version: str = ""
    language: str = ""
    evidence: Mapping[str, str] = {}


class Odd(NamedTuple):
    """A value that the preset does not know: what stands there is named with its line and not guessed."""

    value: str


class Values(NamedTuple):
    """The values of one line by our names for the columns; `types`: those of columns named after a kind of mail.

    `means` gives the answer that a value stands for, by the preset or by the operator's word, '' for none.
    """

    named: Mapping[str, str]
    types: Mapping[str, str]
    status: str
    means: Callable[[str], str]
    is_future: Callable[[str], bool]

    def of(self, name: str) -> str:
        return self.named.get(name, "")


@dataclass(frozen=True)
class Preset:
    """`columns`: our name → how the vendor may spell it (letters and digits alone count); `needs`: those without which
    nothing can be read. `other_columns`: every further column is a kind of mail that has to stand in the map. `told_by`: the
    columns that give away the status of all people in a file.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...]
    read: Callable[[Values], Iterable[Said | Odd]]
    other_columns: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    told_by: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)  # the same few names and statuses on every line
def key_of(text: str) -> str:
    """`Consent Date`, `consent_date` and `ConsentDate` alike."""
    return "".join(each for each in text.casefold() if each.isalnum())
