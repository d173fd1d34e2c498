"""How a table hangs on another: `via = "InvoiceLine.InvoiceId = Invoice.InvoiceId"`.

Composite keys with `and`; several hops in one line, also through tables that are not in the map:
`"Note.ThreadId = Thread.Id, Thread.Owner = Customer.Id"`. Odd names stand in double quotes, doubled inside.
A self-reference reads from left (this row) to right (the row it hangs on): `"Reply.ParentId = Reply.Id"`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_SIDE = rf"({_NAME}(?:\.{_NAME})+)"
_EQUATION = re.compile(rf"\s*{_SIDE}\s*=\s*{_SIDE}\s*(,|and\b|$)\s*")


class NotAJoin(Exception):
    """The text cannot be read as a join; `at` is what could not be read."""

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.at = at


@dataclass(frozen=True)
class Hop:
    """One step: rows of `left` whose columns equal those of a row of `right`."""

    left: str
    right: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Via:
    """A chain of hops from a table to the one it hangs on, and the text it was written as."""

    text: str
    hops: tuple[Hop, ...]

    @property
    def goal(self) -> str:
        return self.hops[-1].right


def parse(table: str, text: str) -> Via:
    """The chain that starts at `table`; raises NotAJoin."""
    hops: list[Hop] = []
    position, more = 0, True
    while more:
        found = _EQUATION.match(text, position)
        if not found:
            raise NotAJoin(text[position:] or text)
        position, more = found.end(), found[3] != ""
        first, second = _side(found[1]), _side(found[2])
        if hops and _fits(hops[-1], first, second):
            hops[-1] = _with(hops[-1], first, second)
            continue
        here = hops[-1].right if hops else table
        if first[0] != here:
            first, second = second, first
        if first[0] != here:
            raise NotAJoin(found[0].strip())
        hops.append(Hop(here, second[0], ((first[1], second[1]),)))
    return Via(text, tuple(hops))


def written(child: str, parent: str, pairs: Iterable[tuple[str, str]]) -> str:
    """One hop as `parse` reads it; a name that is not plain stands in double quotes."""
    return " and ".join(f"{_quoted(child)}.{_quoted(left)} = {_quoted(parent)}.{_quoted(right)}" for left, right in pairs)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _fits(hop: Hop, first: tuple[str, str], second: tuple[str, str]) -> bool:
    return {first[0], second[0]} == {hop.left, hop.right}


def _with(hop: Hop, first: tuple[str, str], second: tuple[str, str]) -> Hop:
    left, right = (first, second) if first[0] == hop.left else (second, first)
    return Hop(hop.left, hop.right, (*hop.pairs, (left[1], right[1])))


def _side(text: str) -> tuple[str, str]:
    """`"Order Line".OrderId` → ("Order Line", "OrderId")."""
    names = [name[1:-1].replace('""', '"') if name.startswith('"') else name for name in re.findall(_NAME, text)]
    return ".".join(names[:-1]), names[-1]
