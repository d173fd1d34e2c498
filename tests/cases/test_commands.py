"""`portal due` on the command line."""

import argparse

import pytest

from portal.cases.commands import add_commands


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
