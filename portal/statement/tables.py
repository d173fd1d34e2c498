"""The tables of the statement, made from live configuration when it is published, so that they say what is so.

They become part of the exact bytes of the edition (GDPR Art. 13(1)(c), (e), 13(2)(a); Art. 30(1)).
"""

from collections.abc import Callable, Iterable
from html import escape

from portal import documents
from portal.paper import _
from portal.statement.commitments import Commitment
from portal.statement.register import Register


def table(name: str, register: Register, promises: list[Commitment]) -> str:
    """The HTML of a table by its name, in the language of the moment: one block without empty lines, as Markdown wants it."""
    return TABLES[name](register, promises)


def _purposes(register: Register, _promises: list[Commitment]) -> str:
    heads = [_("What for"), _("What you get"), _("Why we may"), _("Which data"), _("Who else sees it"), _("How long")]
    rows = [
        [each.title, each.value, each.because, _list(each.data), _list(each.recipients) or _("nobody"), each.kept]
        for each in register.purposes
    ]
    return _table("purposes", _("What we use your data for"), heads, rows)


def _recipients(register: Register, _promises: list[Commitment]) -> str:
    rows = [[name, _list(each.title for each in register.purposes if name in each.recipients)] for name in register.recipients]
    return _table("recipients", _("Who receives data from us"), [_("Who"), _("What for")], rows)


def _retention(_register: Register, _promises: list[Commitment]) -> str:
    endings = {"delete": _("deleted"), "anonymise": _("made anonymous"), "review": _("looked at, then deleted")}
    rows = [
        [rule.what, rule.period, rule.starts, rule.why + (f" ({rule.law})" if rule.law else ""), endings[rule.then]]
        for rule in documents.retention().values()
    ]
    heads = [_("What"), _("How long"), _("Counted from"), _("Why"), _("Then")]
    return _table("retention", _("How long we keep data"), heads, rows)


def _systems(register: Register, _promises: list[Commitment]) -> str:
    rows = [[_("This privacy portal"), _("holds your choices, your requests and our answers")]]
    rows += [[title, _("connected: your choices and requests reach it")] for title in register.systems]
    return _table("systems", _("Where your data lies"), [_("System"), _("What that means")], rows)


def _commitments(_register: Register, promises: list[Commitment]) -> str:
    aims = documents.company().aims
    rows = [[each.text, aims.get(each.aim, each.aim), each.target_text] for each in promises]
    return _table("commitments", _("What we promise"), [_("Promise"), _("Because"), _("Our measure")], rows)


TABLES: dict[str, Callable[[Register, list[Commitment]], str]] = {
    "purposes": _purposes,
    "recipients": _recipients,
    "retention": _retention,
    "systems": _systems,
    "commitments": _commitments,
}


def _table(name: str, caption: str, heads: list[str], rows: Iterable[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(_row(heads, row) for row in rows)
    return (
        f'<table class="{name}"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _row(heads: list[str], row: list[str]) -> str:
    """The column's name stands on each cell, so that a narrow screen can show the row as a card."""
    first, *others = (" ".join(text.split()) for text in row)
    cells = [f'<td data-label="{escape(head)}">{escape(text)}</td>' for head, text in zip(heads[1:], others, strict=True)]
    return f'<tr><th scope="row">{escape(first)}</th>{"".join(cells)}</tr>'


def _list(texts: Iterable[str]) -> str:
    return ", ".join(texts)
