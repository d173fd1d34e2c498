"""The places in a text that configuration fills or vouches for, and their line in the file.

`{{ table: purposes }}`, `{{ company: phone }}` and `{{ data: newsletter }}` are filled. `[5 years](retention:invoices)`,
`[24 months](lifetime:newsletter)`, `[Cocor Curier SA](recipient:)` and `[365 days](commitment:fresh)` are words of the writer
that the configuration must agree with; they become plain words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

FILLED = re.compile(r"\{\{\s*(\w+)\s*:\s*([\w-]+)\s*\}\}")
VOUCHED = re.compile(r"\[([^\[\]\n]+)\]\((retention|lifetime|recipient|commitment):([\w-]*)\)")
SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})


@dataclass(frozen=True)
class Mark:
    """One mark: `kind` says which; `name` behind the colon; the words shown."""

    kind: str
    name: str
    words: str
    line: int


def marks(body: str, first_line: int) -> list[Mark]:
    """Every mark of a body with its line in the file."""
    found: list[Mark] = []
    for number, line in enumerate(body.splitlines(), first_line):
        found += [Mark(match[1], match[2], "", number) for match in FILLED.finditer(line)]
        found += [Mark(match[2], match[3], match[1].translate(SPACES), number) for match in VOUCHED.finditer(line)]
    return found


def filled(body: str, value: Callable[[str, str], str]) -> str:
    """The body with the filled places filled and the vouched words left as words."""
    return FILLED.sub(lambda match: value(match[1], match[2]), VOUCHED.sub(lambda match: match[1], body))


def unmarked(body: str, first_line: int) -> list[tuple[int, str]]:
    """The lines of a body without its marks: what the writer says on their own word."""
    lines = enumerate(body.translate(SPACES).splitlines(), first_line)
    return [(number, FILLED.sub(" ", VOUCHED.sub(" ", line))) for number, line in lines]
