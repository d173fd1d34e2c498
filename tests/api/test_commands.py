"""`portal key`: made, listed and revoked by the operator or in an officer's name."""

import argparse
from typing import Any

import pytest

from portal import identity
from portal.api.commands import add_commands
from portal.identity import api_keys
from portal.lib.errors import Invalid, NotFound
from tests.conftest import House
from tests.people import OLGA, hire

ADD = ("add", "Web shop", "--scope", "decisions:write", "--scope", "permissions:read", "--source", "checkout")


async def test_a_key_is_printed_once_listed_and_revoked(house: House, capsys: Any) -> None:
    assert await _run(*ADD, "--grade", "self") == 0
    made, secret = capsys.readouterr().out.split()
    found = await api_keys.key_of(secret)
    assert found is not None and found.id == made and found.scopes == {"decisions:write", "permissions:read"}
    await _run("list")
    listed = capsys.readouterr().out
    assert listed == f"{made}\tWeb shop\tnot used yet\tdecisions:write, permissions:read\tcheckout\tself\n"
    assert secret not in listed
    assert await _run("revoke", made) == 0
    assert await api_keys.key_of(secret) is None
    await _run("list")
    assert "\trevoked\t" in capsys.readouterr().out
    with pytest.raises(NotFound):
        await _run("revoke", "no-such-key")


async def test_speaking_as_proven_takes_an_officer_and_their_statement(sqlite_house: House, capsys: Any) -> None:
    olga = await hire(OLGA, "owner")
    for more in ((), ("--proves-people",), ("--by", OLGA)):
        with pytest.raises(Invalid, match="proves who speaks"):
            await _run(*ADD, "--grade", "self-verified", *more)
    assert await identity.keys() == []
    await _run(*ADD, "--grade", "self-verified", "--by", OLGA, "--proves-people")
    [made] = await identity.keys()
    assert made.grade == "self-verified" and made.made_by == f"officer:{olga.id}"


@pytest.mark.parametrize(
    "words", [(*ADD,), (*ADD, "--grade", "king"), (*ADD, "--grade", "self", "--source", "moon"), ("add", "X", "--scope", "all")]
)
async def test_words_that_are_not_of_the_lists_are_refused(words: tuple[str, ...], capsys: Any) -> None:
    with pytest.raises(SystemExit):
        await _run(*words)


async def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["key", *words])
    code: int = await arguments.run(arguments)
    return code
