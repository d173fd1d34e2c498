"""Reads policies/precedence.toml: how the rules are tuned. Every mistake is told with file and line.

It can make answers more careful and nothing else: it knows no words for the opposite (rules.tuned).
"""

from pathlib import Path
from typing import Any

from portal import handwritten
from portal.consent import collection_points
from portal.consent.rules import Tuning
from portal.handwritten import Toml

MOST_DAYS = 3650


def parse(content: bytes, file: str) -> Tuning:
    """The tuning of a file; raises Faulty naming every place to put right."""
    read = Toml(file, handwritten.text_of(content, file))
    for name in read.unknown(("priority", "recency")):
        read.wrong(f"Unknown part {name!r}; there are [priority] and [[recency]].", name)
    tuning = Tuning(*_priority(read), _recency(read))
    read.done()
    return tuning


def content_of(path: Path) -> bytes:
    """A file that is not there changes nothing, like an empty one."""
    return handwritten.content_of(path, path.name) if path.exists() else b""


def _priority(file: Toml) -> tuple[tuple[str, ...], int]:
    part = file.values.get("priority", {})
    if not isinstance(part, dict):
        file.wrong("[priority] is a part with order and within_days.", "priority")
        return (), 0
    _refuse_unknown(file, ("order", "within_days"), "priority")
    order = part.get("order", [])
    if not isinstance(order, list) or not all(isinstance(each, str) for each in order):
        what = 'order is a list of collection points, for example ["preference-centre", "call-centre"].'
        file.wrong(what, "priority", "order")
        order = []
    for number, each in enumerate(order):
        again = order[:number].count(each)
        line = file.line_of(each, "priority", "order", nth=again)
        if not collection_points.exists(each):
            file.wrong_at(line, _unknown(each))
        elif again:
            file.wrong_at(line, f"{each!r} stands twice in the order.")
    if order and "within_days" not in part:
        file.wrong("Say with within_days for how long a no from further up holds.", "priority")
    return tuple(order), _days(file, part.get("within_days", 0), 0, "priority", "within_days")


def _recency(file: Toml) -> tuple[tuple[str, int], ...]:
    entries = file.values.get("recency", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        file.wrong("Write each as [[recency]] with source and yes_counts_for_days.", "recency")
        return ()
    names, found = ("source", "yes_counts_for_days"), dict[str, int]()
    for number, entry in enumerate(entries, 1):
        at = ("recency", str(number))
        _refuse_unknown(file, names, *at)
        missing = [name for name in names if name not in entry]
        for name in missing:
            file.wrong(f"This [[recency]] has no {name!r}.", *at)
        if missing:
            continue
        source = entry["source"]
        if not isinstance(source, str) or not collection_points.exists(source):
            file.wrong(_unknown(source), *at, "source")
        elif source in found:
            file.wrong(f"{source!r} has a [[recency]] already.", *at, "source")
        else:
            found[source] = _days(file, entry["yes_counts_for_days"], 1, *at, "yes_counts_for_days")
    return tuple(sorted(found.items()))


def _days(file: Toml, days: Any, least: int, *path: str) -> int:
    if isinstance(days, bool) or not isinstance(days, int) or not least <= days <= MOST_DAYS:
        file.wrong(f"{path[-1]} is a whole number from {least} to {MOST_DAYS}.", *path)
        return least
    return days


def _refuse_unknown(file: Toml, known: tuple[str, ...], *path: str) -> None:
    for name in file.unknown(known, *path):
        file.wrong(f"Unknown setting {name!r}; there are {' and '.join(known)}.", *path, name)


def _unknown(source: Any) -> str:
    return f"{source!r} is no collection point; there are: {', '.join(collection_points.names())}."
