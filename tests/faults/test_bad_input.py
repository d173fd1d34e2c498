"""What is wrong is said in a sentence that helps, and nothing is lost or changed by it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import Journal, Visitor
from tests.faults.oracle import Oracle
from tests.journeys.conftest import Portal, portal_command, serving
from tests.journeys.steps import eventually, somebody


@pytest.fixture
def portal(var: Path) -> Iterator[Portal]:
    with serving(var) as running:
        yield running


def test_each_wrong_input_gets_a_sentence_and_changes_nothing(portal: Portal) -> None:
    oracle, visitor = Oracle(portal.var, Journal(portal.var / "journal.jsonl")), Visitor(portal)
    visitor.sign_in(somebody(portal.var, "language = 'en'")[1])
    page = visitor.look("/preferences")
    square = re.findall(r'action="(/preferences/newsletter/email\?[^"]+)"', page)[0].replace("&amp;", "&")
    query = square.partition("?")[2]
    before = _counts(oracle)
    for path, fields, status, sentence in [
        (f"/preferences/horoscope/email?{query}", {"answer": "yes"}, 422, "There is no such purpose"),
        (f"/preferences/newsletter/push?{query}", {"answer": "yes"}, 422, "does not use the channel"),
        (square, {"answer": "perhaps"}, 422, "on or off"),
        (square, {}, 422, "on or off"),
        ("/preferences/undo", {"once": "nothing"}, 404, "no such choice"),
        ("/requests", {"right": "everything"}, 422, "Please choose"),
        ("/requests", {"right": "rectification"}, 422, "what shall be corrected"),
        ("/requests", {"right": "access", "message": "x" * 6000}, 422, "5,000 characters"),
        ("/l/no-such-link", {}, 404, "not valid"),
        ("/proofs/no-such-proof", {"code": "123456"}, 404, "not valid"),
    ]:
        answer = visitor.press(path, **fields)
        assert (answer.status_code, sentence in answer.text) == (status, True), (path, answer.status_code, answer.text[-1500:])
    assert _counts(oracle) == before
    portal.verify_log()


def test_a_body_that_is_too_large_is_refused_with_a_sentence(portal: Portal) -> None:
    visitor = Visitor(portal)
    answer = visitor.press("/requests", right="access", email="ana@example.com", message="x" * 1_100_000)
    assert answer.status_code == 413
    assert "larger than we can take (1000 kB)" in answer.text and "Nothing was saved" in answer.text

    def endless() -> Iterator[bytes]:  # no length is announced
        for _piece in range(30):
            yield b"x" * 50_000

    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert visitor.post("/requests", content=endless(), headers=headers).status_code == 413
    assert visitor.look("/")


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        ("systems.toml", 'kind = "sql"', 'kind = "sql', "systems.toml, line 6"),
        ("systems.toml", 'kind = "sql"', 'kind = "fax"', "systems.toml, line 6"),
        ("demo/shop.toml", 'on_erase = "anonymise"', "on_erase = anonymise", "shop.toml, line 6"),
        ("demo/shop.toml", 'category = "account"', 'kategory = "account"', "shop.toml, line 5"),
    ],
)
def test_a_mistake_in_a_file_of_the_operator_is_said_with_its_place(var: Path, file: str, old: str, new: str, place: str) -> None:
    text = (var / file).read_text()
    assert old in text
    (var / file).write_text(text.replace(old, new, 1))
    said = portal_command(var, "serve")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith(place), said.stderr


def test_a_map_that_names_a_column_which_is_not_there_is_said_on_the_page_of_the_case(portal: Portal) -> None:
    olga = Visitor(portal)
    olga.sign_in_officer("olga")
    [case, *_others] = olga.cases("triage", "access")
    rules = portal.var / "demo" / "shop.toml"
    text = rules.read_text()
    rules.write_text(text.replace('amount = "', 'amounts = "', 1))
    line = next(number for number, each in enumerate(text.splitlines(), 1) if 'amount = "' in each)
    olga.press(f"{case}/start")
    eventually(lambda: f"shop.toml, line {line}" in olga.look(case))
    assert "Not answered yet: Shop" in olga.look(case)
    rules.write_text(text)
    olga.press(f"{case}/retry")
    eventually(lambda: "Look at what was found" in olga.look(case) and "Not answered yet" not in olga.look(case))


def _counts(oracle: Oracle) -> list[object]:
    return [oracle.rows(f"SELECT count(*) FROM {table}") for table in ("decision", "case_file", "stop", "pause", "identifier")]
