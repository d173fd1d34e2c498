"""What the configuration says, in the words of the language of the moment: the other side of every publishing check."""

import re
from dataclasses import dataclass
from pathlib import Path

from portal import connectors, consent, settings
from portal.paper import _

PURPOSES = "purposes.toml"


@dataclass(frozen=True)
class PurposeLine:
    """One purpose as the statement's table shows it; `lifetime` in months, None when a yes is not needed."""

    key: str
    title: str
    value: str
    because: str
    data: list[str]
    recipients: list[str]
    kept: str
    lifetime: int | None


@dataclass(frozen=True)
class Register:
    """The purposes in force, everybody who receives data (each once), and the connected systems by title."""

    purposes: list[PurposeLine]
    recipients: list[str]
    systems: list[str]

    def purpose(self, key: str) -> PurposeLine | None:
        return next((each for each in self.purposes if each.key == key), None)


async def register() -> Register:
    """The configuration of the moment in the language of the moment."""
    purposes = [
        PurposeLine(
            key=each.key,
            title=each.title,
            value=each.value,
            because=_because(each.basis),
            data=list(each.data),
            recipients=[_name(recipient) for recipient in each.recipients],
            kept=each.retention,
            lifetime=each.lifetime_months,
        )
        for each in await consent.purposes()
    ]
    recipients = list(dict.fromkeys(name for each in purposes for name in each.recipients))
    return Register(purposes, recipients, [system.title for system in connectors.systems()])


def line_of_purpose(key: str, name: str) -> tuple[str, int]:
    """File and line of a purpose's setting in purposes.toml, else of the purpose."""
    path: Path = settings.get().policies / PURPOSES
    lines = path.read_text().splitlines() if path.exists() else []
    start = next((number for number, line in enumerate(lines, 1) if re.match(rf"\s*key\s*=\s*\"{re.escape(key)}\"", line)), 1)
    for number, line in enumerate(lines[start:], start + 1):
        if line.lstrip().startswith("[["):
            break
        if re.match(rf"\s*{name}\b", line):
            return f"{path.parent.name}/{PURPOSES}", number
    return f"{path.parent.name}/{PURPOSES}", start


def _name(recipient: str) -> str:
    """`Cocor Curier SA (delivers)` is called Cocor Curier SA; what it does for us is said in the prose of each language."""
    return recipient.partition(" (")[0].strip()


def _because(basis: str) -> str:
    return {
        "consent": _("you said yes"),
        "existing customer": _("you bought from us and did not refuse"),
        "contract": _("you ordered it"),
        "legal obligation": _("the law requires it"),
        "vital interest": _("it protects life and health"),
        "public task": _("the law gives us this task"),
        "legitimate interest": _("we have an interest in it; you can object"),
    }[basis]
