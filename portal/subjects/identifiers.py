"""Finding, recording and reading the identifiers of people.

The value is sealed under the life key of the person it was first recorded for, in the spelling it was given;
it is found again by its blind index alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from portal import audit, vault
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.subjects import events
from portal.subjects.arrivals import AUDIENCES
from portal.subjects.models import Identifier, Link
from portal.subjects.places import former_places, place
from portal.vault import Place


async def find(kind: str, value: str) -> Identifier | None:
    """The identifier of that value, or None; raises Invalid when the value cannot be one."""
    blinds = [blind for _kind, blind in (place(kind, value), *former_places(kind, value))]
    found = {each.blind: each for each in await Identifier.filter(kind=kind, blind__in=blinds)}
    # Where a changed form made two addresses equal, a row that still lies under its own spelling is the answer for that.
    return next((found[each] for each in (*blinds[1:], blinds[0]) if each in found), None)


async def get(identifier_id: str) -> Identifier:
    found = await Identifier.get_or_none(id=identifier_id)
    if found is None:
        raise NotFound(_("There is no such address."))
    return found


class Sealed(Protocol):
    """What is needed to open an identifier's value: an Identifier, or what `people` knows of one."""

    @property
    def id(self) -> str: ...
    @property
    def home(self) -> str: ...
    @property
    def value(self) -> bytes | None: ...


async def value_of(identifier: Identifier) -> str | None:
    """The value as it was given, or None once it was erased."""
    return (await values_of([identifier]))[identifier.id]


async def values_of(identifiers: Sequence[Sealed]) -> dict[str, str | None]:
    """The values of many identifiers by id, in one query for their keys."""
    keys = await vault.keys_of("life", sorted({each.home for each in identifiers}))
    return {each.id: _opened(each, keys) for each in identifiers}


async def identifiers_of(subject_id: str) -> list[Identifier]:
    """What points to that record of a person now, oldest first (see `whole` for all of a person)."""
    return await Identifier.filter(subject=subject_id).order_by("created_at", "id")


async def mark_verified(identifier_id: str, *, by: str = "system") -> Identifier:
    """The person proved control of this identifier just now; inside `writing()`."""
    identifier = await get(identifier_id)
    if identifier.erased_at is not None:
        raise Conflict(_("This address was erased."))
    identifier.verified_at = clock.now()
    identifier.first_verified_at = identifier.first_verified_at or identifier.verified_at
    await identifier.save(update_fields=["verified_at", "first_verified_at"])
    await audit.record(events.VERIFIED, actor=by, subject=identifier.home, object=identifier_id)
    return identifier


async def set_audience(identifier_id: str, audience: str, *, by: str) -> Identifier:
    """Say whether an address is one person's own, shared (a family's), or a role's (info@); inside `writing()`."""
    if audience not in AUDIENCES:
        raise ValueError(f"{audience!r} is no audience; there are {', '.join(AUDIENCES)}.")
    identifier = await get(identifier_id)
    identifier.audience = audience
    await identifier.save(update_fields=["audience"])
    await audit.record(events.AUDIENCE, actor=by, subject=identifier.home, object=identifier_id, payload={"audience": audience})
    return identifier


async def append_link(identifier_id: str, subject_id: str, *, by: str, why: str, at: datetime) -> None:
    await Link.create(id=ids.new(), identifier=identifier_id, subject=subject_id, at=at, by=by, why=why)


def _opened(identifier: Sealed, keys: dict[str, vault.Key]) -> str | None:
    if identifier.value is None or identifier.home not in keys:
        return None
    return keys[identifier.home].open(_place(identifier.id), identifier.value)


def _place(identifier_id: str) -> Place:
    return Place("identifier", "value", identifier_id)
