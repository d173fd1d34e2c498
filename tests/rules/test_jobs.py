"""Whoever puts a job on the list names a verb that exists, and no verb waits for nobody."""

import ast
import re
from collections.abc import Iterator

from portal import worker
from portal.jobs.verbs import registered
from portal.settings import HOME


def test_every_verb_that_is_put_on_the_list_exists() -> None:
    worker.know_all_verbs()
    named = {text for call in _calls("later", "ask_later") for text in _texts(call) if re.fullmatch(r"\w+\.\w+", text)}
    assert named and named - set(registered) == set()


def test_every_verb_recurs_or_is_put_on_the_list_by_somebody() -> None:
    worker.know_all_verbs()
    registering = [text for call in _calls("verb") for text in _texts(call)]
    everywhere = [text for file in (HOME / "portal").rglob("*.py") for text in _texts(ast.parse(file.read_text()))]
    unasked = {name for name in registered if everywhere.count(name) == registering.count(name)}
    assert {name for name in unasked if registered[name].every is None} == set()


def _calls(*names: str) -> Iterator[ast.Call]:
    for file in sorted((HOME / "portal").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                yield node


def _texts(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
