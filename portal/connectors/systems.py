"""The connected systems: which outside databases and services hold data about people, from one TOML file.

PORTAL_SYSTEMS names the file. Paths in it (maps, SQLite files) are relative to the file itself; an address with a
password may stand in an environment variable (`url_variable`). Each kind is a module with `open_connector(system)`,
imported when first used, and has keys of its own beside those of every system.
"""

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from portal import settings
from portal.connectors.contract import AsksPeople, Connector, Occasion
from portal.connectors.toml_file import Misconfigured, TomlFile
from portal.lib import clock, errors
from portal.paper import _


@dataclass(frozen=True)
class Kind:
    """`needs` and `may` are keys of its own; `at_once`: how many people it is told about at a time."""

    module: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    at_once: int = 1


_SIGNED = ("secret_variable", "secret_file", "key_variable", "key_file", "purposes", "channels", "sources")
KINDS = {
    "sql": Kind("portal.connectors.sql", needs=("map",)),
    "http": Kind("portal.connectors.http.connector", needs=("tables",), may=_SIGNED, at_once=8),
    "webhook": Kind("portal.connectors.webhook.connector", may=_SIGNED, at_once=16),
    "person": Kind("portal.connectors.person.connector", may=("language", "asks", "category", "remind_after")),
}

LONGEST_BACKUP = {"day": 36_500, "month": 1_200, "year": 100}
_KEYS = ("name", "title", "kind", "url", "url_variable", "backups")
_INBOUND = ("inbound_secret_variable", "inbound_secret_file", "inbound_sources", "inbound_grade")
_LISTS = ("purposes", "channels", "sources", "tables", "inbound_sources")


@dataclass(frozen=True)
class System:
    """One [[system]] of the file: `name` for code and addresses, `title` for people, `place` for error sentences.

    `folder` is where the file lies, `own` what stands there for its kind alone and for what it hands in (inbound.py).
    `sources`: collection points whose data came from this system; it hears of withdrawals of people it gave us (C-129/21).
    """

    name: str
    title: str
    kind: str
    url: str
    map: Path
    place: str
    folder: Path = Path()
    own: Mapping[str, Any] = field(default_factory=dict, hash=False)
    backups: tuple[int, str] | None = None  # how long its backups live: (35, "day")

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.own.get("sources", ()))

    def last_backup(self, deleted: date) -> date | None:
        """The day by which its last backup is overwritten that holds what was deleted on that day; None where it has not said."""
        if self.backups is None:
            return None
        number, unit = self.backups
        return deleted + timedelta(days=number) if unit == "day" else clock.months_later(deleted, number)

    @property
    def at_once(self) -> int:
        return KINDS[self.kind].at_once


def systems() -> list[System]:
    """All connected systems, in the order of the file; none when no file is set."""
    named = settings.get().systems
    return read(Path(named)) if named else []


def open_system(name: str, occasion: Occasion | None = None) -> Connector:
    """The connector of a system. Opening reads its map, so it raises when that is wrong; it does not connect yet.

    `occasion`: the request it is asked for, which matters where people answer.
    """
    for system in systems():
        if system.name == name:
            connector = connect(system)
            return connector.for_request(occasion) if occasion and isinstance(connector, AsksPeople) else connector
    raise errors.NotFound(_("No connected system is called %s.") % name)


def connect(system: System) -> Connector:
    connector: Connector = importlib.import_module(KINDS[system.kind].module).open_connector(system)
    return connector


def secret_of(system: System, key: str) -> str:
    """A secret from the environment or a file, or ""; never from the list of systems itself, which is no secret."""
    variable, path = system.own.get(f"{key}_variable"), system.own.get(f"{key}_file")
    if variable is not None and path is not None:
        raise Misconfigured(system.place, _("Give %(key)s_variable or %(key)s_file, not both.") % {"key": key})
    if path is not None:
        try:
            return Path(system.folder, path).read_text().strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise Misconfigured(system.place, _("The file %s cannot be read.") % path) from problem
    text = os.environ.get(variable or "", "")
    if variable is not None and not text:
        raise Misconfigured(system.place, _("The variable %s is not set.") % variable)
    return text


def read(path: Path) -> list[System]:
    """The systems of a file; raises Misconfigured naming file and line."""
    file = TomlFile(path)
    file.only(["system"])
    entries = file.values.get("system", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise file.error(_("Each system begins with [[system]], in double brackets."), ("system",))
    found = [_system(file, entry, ("system", str(number))) for number, entry in enumerate(entries, 1)]
    for number, system in enumerate(found, 1):
        if any(other.name == system.name for other in found[: number - 1]):
            raise file.error(_("Two systems are called %s.") % system.name, ("system", str(number)), "name")
    return found


def _system(file: TomlFile, entry: dict[str, Any], section: tuple[str, ...]) -> System:
    kind = KINDS.get(str(entry.get("kind")))
    kinds = [kind] if kind else KINDS.values()
    own = (*dict.fromkeys(key for each in kinds for key in (*each.needs, *each.may)), *_INBOUND)
    known = {key: list if key in _LISTS else str for key in (*_KEYS, *own)}
    file.part(known, *section, optional=known)
    for key in [key for key in _LISTS if entry.get(key) == []]:
        raise file.error(_("%s must be a list of texts in quotes.") % key, section, key)
    for key in ("name", "title", "kind", *(kind.needs if kind else ())):
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
        map=file.path.parent / entry.get("map", ""),
        place=file.place(section),
        folder=file.path.parent,
        own={key: entry[key] for key in own if key in entry},
        backups=_backups(file, entry, section),
    )


def _backups(file: TomlFile, entry: dict[str, str], section: tuple[str, ...]) -> tuple[int, str] | None:
    if "backups" not in entry:
        return None
    found = re.fullmatch(r"(\d{1,4}) (year|month|day)s?", entry["backups"])
    if not found or int(found[1]) > LONGEST_BACKUP[found[2]]:
        raise file.error(
            _('backups must read like "35 days", "18 months" or "2 years", a hundred years at most.'), section, "backups"
        )
    return (int(found[1]) * 12, "month") if found[2] == "year" else (int(found[1]), found[2])


def _url(file: TomlFile, entry: dict[str, str], section: tuple[str, ...]) -> str:
    if ("url" in entry) == ("url_variable" in entry):
        raise file.error(_("A system needs either url or url_variable."), section)
    url = entry.get("url") or os.environ.get(entry.get("url_variable", ""), "")
    if not url:
        raise file.error(_("The variable %s is not set.") % entry.get("url_variable"), section, "url_variable")
    relative = re.fullmatch(r"sqlite:///(?!/)(.+)", url)
    return f"sqlite:///{(file.path.parent / relative[1]).absolute()}" if relative else url
