"""docs/events.md from the vocabulary in the code; `python -m tests.rules.events_table` writes it."""

import importlib

from portal import audit
from portal.settings import HOME

PAGE = HOME / "docs" / "events.md"
HEAD = """# What the record can say

Every entry of the audit log is one of these events; nothing else can be recorded. Each room declares its own in its
`events.py`. This page is written by `python -m tests.rules.events_table`, and a test compares it with the code.

| event | declared in | what it says |
|---|---|---|
"""


def declared() -> dict[str, tuple[str, str]]:
    """Event → (where it is declared, as module and constant; its sentence)."""
    found = {}
    for path in sorted((HOME / "portal").glob("*/events.py")):
        module = importlib.import_module(f"portal.{path.parent.name}.events")
        for constant, event in vars(module).items():
            if isinstance(event, audit.Event):
                found[event.name] = (f"{path.parent.name}.{constant}", event.sentence)
    return found


def page() -> str:
    rows = [f"| `{name}` | {where.partition('.')[0]} | {text} |" for name, (where, text) in sorted(declared().items())]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
