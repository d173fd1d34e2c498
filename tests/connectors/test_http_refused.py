"""Answers that are not as agreed: refused whole, for good, and without repeating what they say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.connectors import ConnectorError, RowName, Uncertain
from tests.connectors.template import ANA, FIELD, ROW, FaultyService, open_till

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAME = {"name": "Ana-Maria"}
CHOSEN = {"name": [RowName("customer", {"id": 1}, "Ana")]}


WRONG_FINDINGS: list[tuple[Any, str]] = [
    ([], "findings is missing|this must be an object"),
    ({"findings": {}}, "this must be a list"),
    ({"findings": [], "total": 0}, "more than was agreed"),
    ({"findings": [], "next": 5}, "short line of text"),
    (b'{"findings": [], "findings": []}', "a name twice"),
    (b'{"findings": [{"table": NaN}]}', "no number"),
]
WRONG_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"table": "staff"}, "not in the list of systems: staff"),
    ({"table": "../customer"}, r"findings\[0\].table: this must be a name"),
    ({"table": "x" * 61}, "must be a name"),
    ({"category": "<b>"}, "must be a name"),
    ({"label": "Your\u202eaccount"}, "short line of text"),
    ({"label": " "}, "short line of text"),
    ({"key": {}}, "one to eight names"),
    ({"key": {"id": 1.5}}, "short texts and whole numbers"),
    ({"key": {"id": True}}, "short texts and whole numbers"),
    ({"key": {"id": "x" * 501}}, "short texts and whole numbers"),
    ({"key": {"../id": 1}}, "must be a name"),
    ({"fields": [FIELD, FIELD]}, "a column stands here twice"),
    ({"fields": [FIELD | {"value": ["x"]}]}, "a text, a number"),
    ({"fields": [FIELD | {"value": "nul\x00"}]}, "cannot be kept"),
    ({"fields": [FIELD | {"value": "\ud800"}]}, "cannot be kept"),
    ({"fields": [FIELD | {"value": 2**63}]}, "too large"),
    ({"fields": [FIELD | {"identifying": 1}]}, "true or false"),
    ({"fields": [FIELD | {"means": 0}]}, "must be a name"),
]


async def test_a_finding_that_is_not_as_agreed_is_refused_for_good_and_nothing_of_it_is_repeated(service: FaultyService) -> None:
    till = open_till(service)
    told = [*WRONG_FINDINGS, *(({"findings": [ROW | what]}, sentence) for what, sentence in WRONG_ROWS)]
    told += [({"findings": [ROW, ROW]}, "same row twice"), (b'{"findings": [{"n": 1e999}]}', "table is missing")]
    for said, sentence in told:
        service.always(200, said)
        with pytest.raises(ConnectorError, match=sentence) as refused:
            await till.find(ANA)
        assert refused.value.permanent and "ana@" not in refused.value.sentence and "<" not in refused.value.sentence, said
    service.always(200, json.dumps({"findings": [ROW | {"fields": [FIELD]}]}).encode().replace(b'"ana@example.com"', b"1e999"))
    with pytest.raises(ConnectorError, match="too large"):
        await till.find(ANA)


PLANNED = {"table": "orders", "label": "Your orders", "key": {"id": 10}, "action": "delete"}


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"action": "sell"}, "one of delete, anonymise, null, keep"),
        ({"action": ["delete"]}, "one of delete"),
        ({"action": "keep"}, "law: this must be a short line"),
        ({"set": {"item": None}}, "empty where a row is deleted"),
        ({"action": "null", "set": {"item; DROP": None}}, "must be a name"),
        ({"until": "next year"}, "a date like"),
        ({"why": "<script>"}, "one of pointed-at"),
        ({"table": "staff"}, "not in the list"),
    ],
)
async def test_a_dry_run_that_is_not_as_agreed_is_refused(service: FaultyService, what: dict[str, Any], sentence: str) -> None:
    service.changed("plan", rows=[PLANNED | what])
    with pytest.raises(ConnectorError, match=sentence) as refused:
        await open_till(service).plan_erasure(ANA)
    assert refused.value.permanent


async def test_counts_unlike_the_plan_are_for_an_officer_and_are_not_taken_for_nothing_done(service: FaultyService) -> None:
    till = open_till(service)
    plan = await till.plan_erasure(ANA)
    right: list[dict[str, Any]] = [{"table": each.table, "action": each.action, "rows": each.rows} for each in plan.counts]
    wrong: list[list[dict[str, Any]]] = [
        [],
        right[1:],
        [*right, {"table": "orders", "action": "delete", "rows": 1}],
        [*right, {"table": "staff", "action": "delete", "rows": 1}],
        [right[0] | {"rows": right[0]["rows"] + 1}, *right[1:]],
        [right[0] | {"rows": -1}, *right[1:]],
        [right[0] | {"rows": True}, *right[1:]],
    ]
    for counts in wrong:
        service.always(200, {"counts": counts})
        with pytest.raises(Uncertain, match="something else than|whole number") as refused:
            await till.erase(plan)
        assert refused.value.permanent, counts


async def test_a_recheck_cannot_declare_a_planned_row_or_a_new_law_to_be_expected(service: FaultyService) -> None:
    till = open_till(service)
    plan = await till.plan_erasure(ANA)
    said = {"label": "Orders", "expected": True, "law": "Our own law", "until": "2099-01-01"}
    rows = [{"table": "orders", "key": {"id": each}} | said for each in (10, 11, 99)]
    service.changed("recheck", left=rows)
    left = {each.key["id"]: each for each in await till.recheck(ANA, plan)}
    assert {number: each.expected for number, each in left.items()} == {10: True, 11: False, 99: False}
    assert left[10].law == "Accounting Act, art. 25" and left[11].law == "" and left[11].until is None


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"changed": []}, "not the rows that were chosen"),
        ({"changed": [{"key": {"id": 2}}]}, "not the rows that were chosen"),
        ({"changed": [{}, {}]}, "same row twice"),
        ({"changed": [{"new": "ANA-MARIA"}]}, "re-reading shows another value"),
        ({"changed": [{"field": "phone"}]}, "not asked about"),
        ({"changed": [{"table": "staff"}]}, "not the rows that were chosen"),
        ({"missing": ["phone"]}, "not asked about"),
        ({"missing": ["name"]}, "not asked about"),
        ({"missing": "name"}, "must be a list"),
    ],
)
async def test_a_correction_answers_for_every_chosen_row_and_for_no_other(
    service: FaultyService, what: dict[str, Any], sentence: str
) -> None:
    done = {"table": "customer", "key": {"id": 1}, "column": "name", "field": "name", "old": "Ana", "new": "Ana-Maria"}
    told = {"changed": [done], "missing": []} | what
    if isinstance(what.get("changed"), list):
        told["changed"] = [done | each for each in what["changed"]]
    service.changed("correct", **told)
    with pytest.raises(ConnectorError, match=sentence) as refused:
        await open_till(service).correct(ANA, NAME, CHOSEN)
    assert refused.value.permanent
