"""Maps for SQL databases, proposed, checked and tried before anybody puts them to use. No file is written."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from portal import audit, db
from portal.connectors import events
from portal.connectors.contract import Identifiers
from portal.connectors.systems import System, systems
from portal.lib.errors import Invalid, NotFound
from portal.paper import _

if TYPE_CHECKING:  # SQLAlchemy is loaded where it is used
    from portal.connectors.sql.trying import Reached, Seen


def described(wanted: str, variable: str) -> System:
    """A system by its name in the list, or a database that is in no list yet: by its address, or by a variable that holds it.

    An address with a password is refused, because it would stay in the shell's history and in the list of processes.
    """
    if bool(wanted) == bool(variable):
        raise Invalid(_("Give a system's name, an address, or --variable with the name of a variable that holds the address."))
    if wanted and "://" not in wanted:
        return listed(wanted)
    address = wanted or os.environ.get(variable, "")
    if not address:
        raise Invalid(_("The variable %s is not set.") % variable)
    if wanted and _has_password(wanted):
        raise Invalid(_("Keep the password out of the command: put the address into a variable and name it with --variable."))
    return System("proposed", _("The database"), "sql", address, Path("map.toml"), variable or _("The address"))


def listed(name: str) -> System:
    """A system of the kind sql by its name; raises NotFound."""
    for system in systems():
        if system.name == name and system.kind == "sql":
            return system
    raise NotFound(_("No database is connected as %s.") % name)


def _has_password(address: str) -> bool:
    try:
        return urlsplit(address).password is not None or "password=" in address
    except ValueError:
        return True


def proposed_map(system: System, schema: str | None = None) -> str:
    """A whole map as TOML, made from the live database; raises ConnectorError. It takes as long as the database does, so never
    on the event loop."""
    from portal.connectors.sql import database, drafting, proposing, survey

    with database.transaction(system, write=False) as connection:
        return drafting.text_of(proposing.propose(survey.survey(connection, schema)))


def in_force(system: System) -> str | None:
    """The text of the system's map, None where its file cannot be read."""
    try:
        return system.map.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


async def seen_beside(system: System, text: str | None) -> "Seen":
    """The live database beside a map that is text so far; raises ConnectorError."""
    from portal.connectors.sql import trying

    return await asyncio.to_thread(trying.see, system, text)


async def reached_by(system: System, text: str, identifiers: Identifiers, *, by: str) -> "tuple[list[Reached], bool]":
    """What the map would find for one person, as counts, and whether there may be more. The look is recorded first."""
    from portal.connectors.sql import trying

    async with db.writing():
        await audit.record(events.MAP_TRIED, actor=by, object=system.name, payload={"kinds": sorted(identifiers)})
    return await asyncio.to_thread(trying.reach, system, text, identifiers)
