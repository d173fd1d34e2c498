"""The audit vocabulary is closed, documented, and nothing in it is dead."""

import ast
import re

from portal import audit
from portal.settings import HOME
from tests.rules import events_table


def test_every_event_is_declared_in_the_events_file_of_its_room() -> None:
    stray = [
        f"{file.relative_to(HOME)}:{node.lineno}"
        for file in sorted((HOME / "portal").rglob("*.py"))
        if file.name != "events.py" and file.parent.name != "audit"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.Event", "Event")
    ]
    assert stray == []
    in_events_files = set(events_table.declared())  # first: it imports every room
    known = {name for name in audit.vocabulary() if not name.startswith("test.")}  # other tests declare their own
    assert in_events_files == known


def test_every_event_is_recorded_somewhere() -> None:
    unused = []
    for name, (where, _sentence) in events_table.declared().items():
        room, constant = where.split(".")
        files = [each for each in (HOME / "portal" / room).rglob("*.py") if each.name != "events.py"]
        if not any(re.search(rf"\bevents\.{constant}\b", each.read_text()) for each in files):
            unused.append(name)
    assert unused == []


def test_the_page_about_events_says_what_the_code_says() -> None:
    assert events_table.PAGE.read_text() == events_table.page(), "Run: python -m tests.rules.events_table"
