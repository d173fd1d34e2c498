"""The web shop's database with a backup of it, on SQLite or PostgreSQL, and `portal replay` as an operator runs it."""

import argparse
import shutil
from dataclasses import dataclass
from typing import Any

import psycopg

from portal import audit, cases, db, subjects
from portal.cases.replay_commands import add_commands
from portal.lib import clock
from tests.cases.shops import ANA, Company, answer, collected, confirmed
from tests.postgresql import OTHERS

BOUGHT = "SELECT item FROM purchase ORDER BY id"
PEOPLE = "SELECT name, phone FROM customer ORDER BY id"


@dataclass
class Shop:
    """The web shop's database, with a backup of it to bring back."""

    company: Company
    address: str = ""

    def rows(self, sql: str) -> list[Any]:
        if not self.address:
            return self.company.rows("shop", sql)
        with psycopg.connect(self.address, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()

    def run(self, sql: str) -> None:
        if not self.address:
            self.company.run("shop", sql)
            return
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(sql.encode())

    def back_up(self) -> str:
        """Answers when, as an operator writes it."""
        if self.address:
            self._copy(self._name, f"{self._name}_backup")
        else:
            shutil.copy(self.company.folder / "shop.db", self.company.folder / "shop.backup")
        return clock.now().isoformat()

    def restore(self) -> None:
        if self.address:
            self._copy(f"{self._name}_backup", self._name)
        else:
            shutil.copy(self.company.folder / "shop.backup", self.company.folder / "shop.db")

    def drop(self) -> None:
        with psycopg.connect(self.address.replace(self._name, "postgres"), autocommit=True) as connection:
            for name in (self._name, f"{self._name}_backup"):
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    @property
    def _name(self) -> str:
        return self.address.partition("?")[0].rpartition("/")[2]

    def _copy(self, source: str, target: str) -> None:
        with psycopg.connect(self.address.replace(self._name, "postgres"), autocommit=True) as connection:
            connection.execute(OTHERS.replace("current_database()", f"'{source}'").encode())
            connection.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {target} TEMPLATE {source}".encode())


async def replayed(system: str, since: str, *more: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    args = parser.parse_args(["replay", system, "--since", since, *more])
    code: int = await args.run(args)
    return code


async def erased(address: str = ANA) -> str:
    async with db.writing():
        await subjects.ensure("email", address, by="import")
    case_id = await collected("erasure", address)
    assert (await answer(case_id)).outcome == "fulfilled"
    return case_id


async def corrected(how: str = "fulfilled", **changes: str) -> str:
    case_id = await collected("rectification", details={"changes": changes})
    if "email" in changes:
        await confirmed(case_id, changes["email"])
    for field in changes:
        await cases.decide_correction(case_id, field, True, officer="olga")
    assert (await answer(case_id, how, "The newsletter keeps it.")).outcome == how
    return case_id


async def entries_about(case_id: str) -> list[str]:
    found = await audit.search(case=case_id, object="shop")
    return [each.event for each in reversed(found) if each.event.startswith("case.replay")]
