"""Who answers for a system, from its entry in the list of systems: address, language, what they are asked for, reminders."""

import re
from dataclasses import dataclass

from portal.connectors.systems import System
from portal.connectors.toml_file import Misconfigured
from portal.paper import _
from portal.settings import get

REMIND_AFTER = "3, 7"


@dataclass(frozen=True)
class Colleague:
    """`title` is the system's; `asks` says in plain words what it is about; `remind_after` are days."""

    title: str
    address: str
    language: str
    asks: str
    category: str
    remind_after: tuple[int, ...]

    @classmethod
    def of(cls, system: System) -> "Colleague":
        """Raises Misconfigured."""
        found = re.fullmatch(r"mailto:([^\s@?,]+@[^\s@?,]+)", system.url)
        if not found:
            raise Misconfigured(system.place, _('A person needs an address: url = "mailto:…".'))
        language = system.own.get("language", get().language_list[0])
        if language not in get().language_list:
            raise Misconfigured(system.place, _("The portal does not speak this language: %s.") % language)
        days = system.own.get("remind_after", REMIND_AFTER)
        if not re.fullmatch(r"[0-9]{1,3}(, ?[0-9]{1,3})*|", days):
            raise Misconfigured(system.place, _('Reminders are days with commas between them, like "3, 7".'))
        category = system.own.get("category", system.name)
        if not re.fullmatch(r"[a-z0-9_-]{1,40}", category):
            raise Misconfigured(system.place, _("A name has only small letters, digits, - and _."))
        after = tuple(int(each) for each in days.split(",") if each)
        return cls(system.title, found[1], language, system.own.get("asks", ""), category, after)
