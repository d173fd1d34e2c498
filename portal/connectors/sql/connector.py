"""The contract's verbs for a SQL database: each runs in a thread, on a connection of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Connection

from portal.connectors.contract import (
    Cell,
    ConnectorError,
    Finding,
    Health,
    Identifiers,
    Leftover,
    Outcome,
    Plan,
    Problem,
    RowName,
)
from portal.connectors.sql import consent, correcting, database, executing, finding, health, planning
from portal.connectors.sql.map import Map, read
from portal.connectors.sql.schema import Schema, bind
from portal.connectors.systems import System

T = TypeVar("T")


def open_connector(system: System) -> "SqlConnector":
    """Reads the map; the database is first asked by a verb. The same system and map are the same connector again."""
    return _opened(system, system.map.stat().st_mtime_ns if system.map.exists() else 0)


@lru_cache(maxsize=64)
def _opened(system: System, changed_at: int) -> "SqlConnector":
    return SqlConnector(system, read(system.map))


class SqlConnector:
    """One connected database."""

    def __init__(self, system: System, rules: Map) -> None:
        self.system = system
        self.rules = rules
        self._seen: tuple[database.Version, Schema] | None = None

    async def find(self, identifiers: Identifiers) -> list[Finding]:
        return await self._read(lambda connection, schema: finding.findings(connection, schema, identifiers))

    async def plan_erasure(self, identifiers: Identifiers) -> Plan:
        return await self._read(lambda connection, schema: planning.plan(connection, schema, self.system.name, identifiers))

    async def erase(self, plan: Plan) -> Outcome:
        return await self._write(lambda connection, schema: executing.execute(connection, schema, plan))

    async def recheck(self, identifiers: Identifiers, plan: Plan) -> list[Leftover]:
        return await self._read(lambda connection, schema: executing.leftovers(connection, schema, identifiers, plan))

    async def correct(
        self,
        identifiers: Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[RowName]] | None = None,
    ) -> Outcome:
        return await self._write(lambda connection, schema: correcting.correct(connection, schema, identifiers, changes, rows))

    async def set_consent(self, identifiers: Identifiers, cell: Cell, allowed: bool, index: int, *, enter: bool = True) -> None:
        if self.takes(cell):
            await self._write(
                lambda connection, schema: consent.set_consent(connection, schema, identifiers, cell, allowed, index, enter)
            )

    def takes(self, cell: Cell) -> bool:
        return consent.cell_rule(self.rules.consent, cell) is not None

    async def check(self) -> Health:
        def ask() -> Health:
            with database.transaction(self.system, write=False) as connection:
                return health.check(connection, self.rules)

        try:
            return await asyncio.to_thread(ask)
        except ConnectorError as problem:
            return Health(False, (Problem(self.system.title, problem.sentence),))

    async def _read(self, verb: Callable[[Connection, Schema], T]) -> T:
        return await asyncio.to_thread(self._run, verb, write=False)

    async def _write(self, verb: Callable[[Connection, Schema], T]) -> T:
        return await asyncio.to_thread(self._run, verb, write=True)

    def _run(self, verb: Callable[[Connection, Schema], T], *, write: bool) -> T:
        with database.transaction(self.system, write=write) as connection:
            schema = self._schema(connection)
            if write and schema.half_changes:
                raise schema.half_changes[0]
            return verb(connection, schema)

    def _schema(self, connection: Connection) -> Schema:
        """The map bound to the live schema, which is looked at again only where it may have changed."""
        version = database.version(self.system, connection)
        if version is None:
            return bind(connection, self.rules)
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, bind(connection, self.rules))
        return self._seen[1]
