"""The connected systems: which outside databases and services hold data about people, from one TOML file.

PORTAL_SYSTEMS names the file. Paths in it (maps, SQLite files) are relative to the file itself; an address with a
password may stand in an environment variable (`url_variable`). Each kind is a module with `open_connector(system)`,
imported when first used.
"""

import importlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal import settings
from portal.connectors.contract import Connector
from portal.connectors.toml_file import TomlFile
from portal.lib import errors
from portal.paper import _

KINDS = {"sql": "portal.connectors.sql"}

_KEYS = ("name", "title", "kind", "url", "url_variable", "map")


@dataclass(frozen=True)
class System:
    """One [[system]] of the file: `name` for code and addresses, `title` for people, `place` for error sentences."""

    name: str
    title: str
    kind: str
    url: str
    map: Path
    place: str


def systems() -> list[System]:
    """All connected systems, in the order of the file; none when no file is set."""
    named = settings.get().systems
    return read(Path(named)) if named else []


def open_system(name: str) -> Connector:
    """The connector of a system. Opening reads its map, so it raises when that is wrong; it does not connect yet."""
    for system in systems():
        if system.name == name:
            return connect(system)
    raise errors.NotFound(_("No connected system is called %s.") % name)


def connect(system: System) -> Connector:
    connector: Connector = importlib.import_module(KINDS[system.kind]).open_connector(system)
    return connector


def read(path: Path) -> list[System]:
    """The systems of a file; raises Misconfigured naming file and line."""
    file = TomlFile(path)
    file.only(file.data, ["system"])
    entries = file.data.get("system", [])
    if not isinstance(entries, list):
        raise file.error(_("Each system begins with [[system]], in double brackets."), ("system",))
    found = [_system(file, entry, ("system", str(number))) for number, entry in enumerate(entries, 1)]
    for number, system in enumerate(found, 1):
        if any(other.name == system.name for other in found[: number - 1]):
            raise file.error(_("Two systems are called %s.") % system.name, ("system", str(number)), "name")
    return found


def _system(file: TomlFile, entry: dict[str, Any], section: tuple[str, ...]) -> System:
    file.only(entry, _KEYS, section)
    for key in entry:
        if not isinstance(entry[key], str):
            raise file.error(_("%s must be a text in quotes.") % key, section, key)
    for key in ("name", "title", "kind", "map"):
        if key not in entry:
            raise file.error(_("A system needs %s.") % key, section)
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", entry["name"]):
        raise file.error(_("A name has only small letters, digits, - and _."), section, "name")
    if entry["kind"] not in KINDS:
        what = _("%(kind)s is no kind of system. Known: %(known)s.")
        raise file.error(what % {"kind": entry["kind"], "known": ", ".join(KINDS)}, section, "kind")
    return System(
        name=entry["name"],
        title=entry["title"],
        kind=entry["kind"],
        url=_url(file, entry, section),
        map=file.path.parent / entry["map"],
        place=file.place(section),
    )


def _url(file: TomlFile, entry: dict[str, str], section: tuple[str, ...]) -> str:
    if ("url" in entry) == ("url_variable" in entry):
        raise file.error(_("A system needs either url or url_variable."), section)
    url = entry.get("url") or os.environ.get(entry.get("url_variable", ""), "")
    if not url:
        raise file.error(_("The variable %s is not set.") % entry.get("url_variable"), section, "url_variable")
    relative = re.fullmatch(r"sqlite:///(?!/)(.+)", url)
    return f"sqlite:///{(file.path.parent / relative[1]).absolute()}" if relative else url
