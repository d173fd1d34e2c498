"""Whatever a service answers, it is read or refused with a sentence: nothing else escapes, and what was read can be kept."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.connectors import ConnectorError, Plan, RowName
from portal.connectors.http import answers
from portal.connectors.http.reading import items, parsed
from tests.connectors.test_integrate import examples

ANSWERS = {question["type"].removeprefix("portal."): answer for question, answer in examples()}
PLAN = next(
    Plan.from_json(json.dumps(question["data"])) for question, _answer in examples() if question["type"] == "portal.erase"
)
CHOSEN = {"name": [RowName("customer", {"id": 1})]}
READ: dict[str, Callable[[Any], Any]] = {
    "find": lambda told: [asdict(each) for each in items(told.get("findings"), "findings", answers.finding)],
    "plan": lambda told: [asdict(each) for each in items(told.get("rows"), "rows", answers.plan_row)],
    "recheck": lambda told: [
        asdict(each) for each in answers.as_planned(items(told.get("left"), "left", answers.leftover), PLAN)
    ],
    "erase": lambda told: answers.require_done(told, PLAN),
    "correct": lambda told: asdict(answers.corrected(told, {"name": "Ana-Maria"}, CHOSEN)),
    "consent": answers.nothing_more,
    "check": answers.tables_and_problems,
}
ANY_TEXT = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["\ud800", "\x00", "../x", "<b>", "delete", "2036-12-31"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_an_answer_with_anything_in_one_place_is_read_or_refused_and_what_is_read_can_be_kept(data: st.DataObject) -> None:
    verb = data.draw(st.sampled_from(sorted(READ)))
    told = copy.deepcopy(ANSWERS[verb])
    if places := list(_places(told)):
        holder, name = data.draw(st.sampled_from(places))
        holder[name] = data.draw(ANYTHING)
    try:
        kept = READ[verb](parsed(json.dumps(told).encode()))
    except ConnectorError as problem:
        assert "<b>" not in problem.sentence and ".." not in problem.sentence
        return
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False)
    assert "\x00" not in text and text.encode()


def test_the_answers_of_the_page_are_read_whole() -> None:
    for verb, answer in ANSWERS.items():
        READ[verb](parsed(json.dumps(answer).encode()))
    assert READ["find"](ANSWERS["find"])[2]["fields"][1] == {
        **{"column": "name", "label": "Name", "value": "Ana", "category": "contact"},
        **{"identifying": False, "means": "name", "correctable": True},
    }


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    names = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        yield value, name
        yield from _places(value[name])
