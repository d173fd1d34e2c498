"""Whoever opens what an entry of the log holds first asks whether its person was erased, or stands here with a reason."""

import ast

from portal.settings import HOME

OPENING = {"audit.open_payload", "audit.prove"}
ASKING = "subjects.evidence.closed_entry"
NOT_ABOUT_A_PERSON = {
    "api/lists.py": "the receipt of a whole list, under the portal's own key",
    "consent/commands.py": "the same, for the operator who had the list checked",
    "sites/told.py": "what a script was told, the same for all visitors",
    "cases/proof.py": "the steps of one request, under the request's own key",
    "cases/timeline.py": "the same, on the pages of officers and of the person",
    "public/downloads.py": "the same, after a deletion, for whoever holds its reference",
    "consent/opened.py": "here two people have opened it; `look` says no to everybody else",
}


def test_every_place_that_opens_an_entry_asks_first_whether_its_person_was_erased() -> None:
    calls = {}
    for file in sorted((HOME / "portal").rglob("*.py")):
        named = {ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)}
        if named & OPENING:
            calls[str(file.relative_to(HOME / "portal"))] = ASKING in named
    assert {name for name, asks in calls.items() if not asks} == set(NOT_ABOUT_A_PERSON)
    assert {name for name, asks in calls.items() if asks} >= {"admin/audit.py", "api/receipts.py", "public/receipts.py"}
