"""The first officer comes in by the operator's command line."""

import argparse
from typing import Any

import pytest

from portal import identity
from portal.identity.commands import add_commands
from tests.conftest import House
from tests.identity.people import OLGA, PASSWORD, PETRA, officer


async def test_the_command_line_prints_a_link_that_lets_somebody_in(house: House, capsys: Any) -> None:
    assert await _run("invite", OLGA, "--name", "Olga", "--role", "owner", "--role", "auditor") == 0
    link = capsys.readouterr().out.strip()
    setup = await identity.accept(link.rpartition("/")[2], PASSWORD)
    assert (await identity.officer(setup.officer_id)).roles == {"owner", "auditor"}


async def test_a_second_account_of_a_colleague_is_known_as_the_same_person(house: House, capsys: Any) -> None:
    for email, *more in ((OLGA,), (PETRA,), ("olga.m@example.com", "--same-person-as", OLGA)):
        assert await _run("invite", email, "--name", "Somebody", "--role", "approver", *more) == 0
    people = [await identity.person_of(each.id) for each in await identity.officers()]
    assert people[0] == people[2] != people[1]
    assert await _run("invite", "x@example.com", "--name", "X", "--role", "owner", "--same-person-as", "no@example.com") == 1
    assert "no such colleague" in capsys.readouterr().err


async def test_the_command_line_changes_roles_and_lists_who_works_here(sqlite_house: House, capsys: Any) -> None:
    await officer(OLGA, "owner")
    await officer(PETRA, "auditor")
    assert await _run("grant", PETRA, "approver") == 0
    assert await _run("remove", PETRA, "auditor") == 0
    assert await _run("list") == 0
    assert capsys.readouterr().out == f"{OLGA}\tOlga\tworks here\towner\n{PETRA}\tPetra\tworks here\tapprover\n"
    assert await _run("invite-again", PETRA) == 0
    assert "/admin/invitation/" in capsys.readouterr().out
    assert await _run("let-go", PETRA) == 0
    assert (await identity.officer_by_email(PETRA)).left_at


async def test_a_refusal_is_a_sentence_and_an_exit_code(sqlite_house: House, capsys: Any) -> None:
    await officer(OLGA, "owner")
    assert await _run("remove", OLGA, "owner") == 1
    assert "only owner" in capsys.readouterr().err
    assert await _run("let-go", PETRA) == 1
    assert "no such colleague" in capsys.readouterr().err
    assert await _run("invite", "no address", "--name", "Olga", "--role", "owner") == 1
    assert "not an e-mail address" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        await _run("grant", OLGA, "king")


async def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["officer", *words])
    code: int = await arguments.run(arguments)
    return code
