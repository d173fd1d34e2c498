"""Reads policies/precedence.toml: how the rules are tuned. Every mistake is told with file and line.

It can make answers more careful and nothing else: it knows no words for the opposite (rules.tuned).
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portal.consent import collection_points
from portal.consent.rules import Tuning
from portal.documents import Fault, Faulty

MOST_DAYS = 3650


def parse(content: bytes, file: str) -> Tuning:
    """The tuning of a file; raises Faulty naming every place to put right."""
    text = _text_of(content, file)
    try:
        parts = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        place = re.search(r"\(at line (\d+)", str(problem))
        what = re.sub(r" \(at [^)]*\)$", "", str(problem))
        line = int(place[1]) if place else max(1, len(text.splitlines()))
        raise Faulty([Fault(file, line, f"This is not valid TOML: {what}.")]) from problem
    reader = _Reader(file, text)
    tuning = reader.read(parts)
    if reader.faults:
        raise Faulty(reader.faults)
    return tuning


def content_of(path: Path) -> bytes:
    """A file that is not there changes nothing, like an empty one."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as problem:
        raise Faulty([Fault(path.name, 1, f"This cannot be read: {problem.strerror}.")]) from problem


def _text_of(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise Faulty([Fault(file, line, "This is not UTF-8 text.")]) from problem


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self.file, self.lines = file, text.splitlines()
        self.faults: list[Fault] = []

    def read(self, content: Mapping[str, Any]) -> Tuning:
        for name in content.keys() - {"priority", "recency"}:
            self._fault(self._line(name), f"Unknown part {name!r}; there are [priority] and [[recency]].")
        order, within_days = self._priority(content.get("priority", {}))
        return Tuning(order, within_days, self._recency(content.get("recency", [])))

    def _priority(self, part: Any) -> tuple[tuple[str, ...], int]:
        start = self._line("priority")
        if not isinstance(part, dict):
            self._fault(start, "[priority] is a part with order and within_days.")
            return (), 0
        for name in part.keys() - {"order", "within_days"}:
            self._fault(self._line(name, start), f"Unknown setting {name!r}.")
        order, days = part.get("order", []), part.get("within_days", 0)
        here = self._line("order", start)
        if not isinstance(order, list) or not all(isinstance(each, str) for each in order):
            self._fault(here, 'order is a list of collection points, for example ["preference-centre", "call-centre"].')
            order = []
        for number, each in enumerate(order):
            if not collection_points.exists(each):
                self._fault(self._line_of_text(each, here), self._unknown(each))
            elif each in order[:number]:
                self._fault(self._line_of_text(each, here, order[:number].count(each)), f"{each!r} stands twice in the order.")
        if order and "within_days" not in part:
            self._fault(start, "Say with within_days for how long a no from further up holds.")
        return tuple(order), self._days(days, 0, "within_days", self._line("within_days", start))

    def _recency(self, entries: Any) -> tuple[tuple[str, int], ...]:
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            self._fault(self._line("recency"), "Write each as [[recency]] with source and yes_counts_for_days.")
            return ()
        starts = [number for number, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[\s*\"?recency\"?\s*\]\]", line)]
        found: dict[str, int] = {}
        for number, entry in enumerate(entries):
            start = starts[number] if number < len(starts) else self._line("recency")
            for name in entry.keys() - {"source", "yes_counts_for_days"}:
                self._fault(self._line(name, start), f"Unknown setting {name!r}.")
            missing = [name for name in ("source", "yes_counts_for_days") if name not in entry]
            for name in missing:
                self._fault(start, f"This [[recency]] has no {name!r}.")
            if missing:
                continue
            source, here = entry["source"], self._line("source", start)
            if not isinstance(source, str) or not collection_points.exists(source):
                self._fault(here, self._unknown(source))
            elif source in found:
                self._fault(here, f"{source!r} has a [[recency]] already.")
            else:
                days, where = entry["yes_counts_for_days"], self._line("yes_counts_for_days", start)
                found[source] = self._days(days, 1, "yes_counts_for_days", where)
        return tuple(sorted(found.items()))

    def _days(self, days: Any, least: int, name: str, line: int) -> int:
        if isinstance(days, bool) or not isinstance(days, int) or not least <= days <= MOST_DAYS:
            self._fault(line, f"{name} is a whole number from {least} to {MOST_DAYS}.")
            return least
        return days

    def _unknown(self, source: Any) -> str:
        return f"{source!r} is no collection point; there are: {', '.join(collection_points.names())}."

    def _fault(self, line: int, sentence: str) -> None:
        self.faults.append(Fault(self.file, line, sentence))

    def _line(self, name: str, start: int = 1) -> int:
        """Where a key or a part of that name stands, from a line on."""
        for number in range(start, len(self.lines) + 1):
            if re.match(rf"\s*[\[\s]*\"?{re.escape(name)}\b", self.lines[number - 1]):
                return number
        return start

    def _line_of_text(self, text: str, start: int, skip: int = 0) -> int:
        """Where a text stands, perhaps not for the first time, in a list that may go over several lines."""
        for number in range(start, len(self.lines) + 1):
            code = self.lines[number - 1].partition("#")[0]
            times = len(re.findall(rf"[\"']{re.escape(text)}[\"']", code))
            if times > skip:
                return number
            skip -= times
        return start
