"""`portal due` on the command line."""

import argparse
import re
from dataclasses import fields

import pytest

from portal.cases import laws
from portal.cases.commands import add_commands, period_text
from portal.settings import HOME

PAGE = (HOME / "docs" / "clocks.md").read_text()


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    args = parser.parse_args(["due", *words])
    code: int = args.run(args)
    return code


def test_due_prints_the_date_first_and_then_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gdpr", "answer", "2026-11-25", "--calendar", "RO") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2026-12-28"
    assert "GDPR (Art. 12(3)) gives 1 month." in lines[2]


def test_due_with_the_extension(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gdpr", "answer", "2026-09-03", "--calendar", "none", "--extended") == 0
    assert capsys.readouterr().out.startswith("2026-12-03\n")


def test_due_lists_every_law(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    listed = capsys.readouterr().out
    assert "gdpr: GDPR" in listed and "opt-out" in listed


@pytest.mark.parametrize("words", [["mars", "answer", "2026-01-01"], ["gdpr", "reply", "2026-01-01"], ["gdpr"]])
def test_what_it_does_not_know_it_says_and_fails(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert len(capsys.readouterr().out) > 20


def test_due_with_days_that_stand_still(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("uk-gdpr", "answer", "2026-03-02", "--paused", "2026-03-05/2026-03-09", "--paused", "2026-03-10/2026-03-14") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2026-04-13" and "  10 days of waiting for your answer do not count." in lines
    assert run("gdpr", "answer", "2026-03-02", "--paused", "2026-03-05/2026-03-09") == 2
    assert capsys.readouterr().out == "No day stands still for gdpr answer. Pauses are known to: uk-gdpr answer.\n"


def test_due_in_hours_names_the_hour(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gdpr", "breach", "2026-11-20T18:00") == 0
    assert capsys.readouterr().out.startswith("2026-11-23T18:00:00+02:00\n")


def test_due_before_a_law_applies_says_from_when_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("in-dpdp", "answer", "2026-06-01") == 0
    assert "  It applies to what is received from 2027-05-13 on.\n" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("gdpr", "answer", "2026-13-01"), ("uk-gdpr", "answer", "2026-03-02", "--paused", "soon")])
def test_a_day_that_is_none_is_named(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(*words)
    assert repr(words[-1]) in capsys.readouterr().err


def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.findall(r"(?ms)^\$ portal due (.+?)\n(.+?)(?=^\$|^```)", PAGE)
    assert len(shown) == 4
    for words, printed in shown:
        assert run(*words.split()) == 0
        assert re.sub(r"/[0-9a-f]{12}", "/…", capsys.readouterr().out) == printed


def test_the_page_names_every_law_every_key_and_no_other() -> None:
    known = laws.laws(HOME / "policies" / "laws")
    rows = re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \|$", PAGE.partition("The laws here")[2])
    assert rows == [(key, law.title, period_text(law.clocks["answer"])) for key, law in known.items()]
    keys = PAGE.partition("## Your own words")[2].partition("The laws here")[0]
    told = {word for row in re.findall(r"(?m)^\| (`.+?) \|", keys) for word in re.findall(r"`(\w+)`", row)}
    asked = {each.name for kind in (laws.Law, laws.Clock) for each in fields(kind)} - {"key", "clocks", "article"}
    assert told == asked
