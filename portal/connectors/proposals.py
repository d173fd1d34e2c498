"""Maps for SQL databases, proposed, checked and tried before anybody puts them to use. Nothing is written anywhere."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from portal.connectors.systems import System, systems
from portal.lib.errors import Invalid, NotFound
from portal.paper import _


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
    from portal.connectors.sql import database, drafting, proposing, survey  # SQLAlchemy is loaded where it is used

    with database.transaction(system, write=False) as connection:
        return drafting.text_of(proposing.propose(survey.survey(connection, schema)))
