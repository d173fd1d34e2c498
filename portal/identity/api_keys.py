"""Keys of other programs: what each may do, at which collection points it speaks, and how sure it is who spoke.

A key is 256 random bits, shown once and stored as its SHA-256: finding it by that hash tells nothing by its timing. All
keys in use are read together at most once a second, so that neither a good nor a made-up key costs a query per request.
"""

import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import audit, db, settings
from portal.identity import events
from portal.identity.models import ApiKeyRow
from portal.identity.officers import Officer, actor, officer
from portal.identity.roles import require
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.lib.together import Together
from portal.paper import _

PREFIX = "pk_"  # so that scanners of public code find a leaked one
SCOPES = (
    *("decisions:write", "decisions:read", "permissions:read", "lists:read", "imports:write"),
    *("unsubscribe:write", "cases:write"),
)
# A revocation in another process counts here after a second; a new key made there after a twentieth of one.
BELIEVED_FOR, MISSING_FOR = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`sources` and `grade` are words of consent: where what comes with this key was said, and how sure we are by whom."""

    id: str
    label: str
    scopes: frozenset[str]
    sources: frozenset[str]
    grade: str
    made_at: datetime
    made_by: str
    used_on: str | None
    revoked_at: datetime | None

    @property
    def actor(self) -> str:
        return f"key:{self.id}"


async def add_key(
    label: str,
    *,
    scopes: Sequence[str],
    sources: Sequence[str] = (),
    grade: str,
    by: Officer | None,
    proves_people: bool = False,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can be shown again. `by` None is the operator's command line.

    Only an officer who states with `proves_people` that this program proves who speaks may let it speak as proven.
    """
    if by is not None:
        require(await officer(by.id), "keys.change")
    _check(label, scopes, grade, by, proves_people)
    secret = PREFIX + ids.secret(256)
    async with db.writing():
        row = await ApiKeyRow.create(
            id=ids.new(),
            label=label.strip(),
            digest=ids.digest(secret),
            scopes=sorted(set(scopes)),
            sources=sorted(set(sources)),
            grade=grade,
            made_at=clock.now(),
            made_by=actor(by),
        )
        payload = {"scopes": row.scopes, "sources": row.sources, "grade": grade}
        await audit.record(events.KEY_MADE, actor=actor(by), object=f"key:{row.id}", payload=payload)
        db.after_commit(_forget)
    return _opened(row), secret


async def revoke_key(key_id: str, *, by: Officer | None) -> None:
    """Ends a key: at once in this process, within a second in others."""
    if by is not None:
        require(await officer(by.id), "keys.change")
    async with db.writing():
        row = await ApiKeyRow.get_or_none(id=key_id)
        if row is None:
            raise NotFound(_("There is no such key."))
        if row.revoked_at is not None:
            raise Conflict(_("This key was revoked already."))
        row.revoked_at, row.revoked_by = clock.now(), actor(by)
        await row.save(update_fields=["revoked_at", "revoked_by"])
        await audit.record(events.KEY_REVOKED, actor=actor(by), object=f"key:{key_id}")
        db.after_commit(_forget)


async def keys() -> list[ApiKey]:
    """All keys, the revoked ones too, oldest first."""
    return [_opened(row) for row in await ApiKeyRow.all().order_by("made_at", "id")]


async def key_of(secret: str) -> ApiKey | None:
    """Whose secret this is; None for one that is unknown, revoked or no key at all, by the same way through."""
    digest = ids.digest(secret)
    known = _known
    if known is None or not known.is_fresh(BELIEVED_FOR if digest in known.keys else MISSING_FOR):
        known = await _reading.ask(None)
    found = known.keys.get(digest)
    return found[1] if found is not None and hmac.compare_digest(found[0], digest) else None


class _Known:
    """The keys in use, as they stood a moment ago in the database of these settings."""

    def __init__(self, keys: dict[bytes, tuple[bytes, ApiKey]]) -> None:
        self.settings, self.keys, self.read_at = settings.get(), keys, time.monotonic()

    def is_fresh(self, seconds: float) -> bool:
        return self.settings is settings.get() and time.monotonic() - self.read_at < seconds


_known: _Known | None = None
_revision = 0


async def _read(asked: Sequence[None]) -> list[_Known]:
    global _known
    began, waiting = _revision, len(asked)  # who comes from now on may ask about a key that was revoked meanwhile
    rows = await ApiKeyRow.filter(revoked_at=None)
    read = _Known({row.digest: (row.digest, _opened(row)) for row in rows})
    if began == _revision:  # else a key was revoked meanwhile, and these rows may still hold it
        _known = read
    return [read] * waiting


_reading: Together[None, _Known] = Together(_read, at_most=10_000, is_for_all=db.is_trouble)


def _forget() -> None:
    global _known, _revision
    _known, _revision = None, _revision + 1


def _check(label: str, scopes: Sequence[str], grade: str, by: Officer | None, proves_people: bool) -> None:
    fields = {}
    if not label.strip() or len(label) > 60 or not label.isprintable():
        fields["label"] = _("Say in up to 60 characters which program will use this key.")
    if not scopes or set(scopes) - set(SCOPES):
        fields["scopes"] = _("Name what this key may do: %s.") % ", ".join(SCOPES)
    if grade == "self-verified" and (by is None or not proves_people):
        fields["grade"] = _("An officer has to state that this program proves who speaks.")
    if fields:
        raise Invalid(" ".join(fields.values()), fields)


def _opened(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        *(row.id, row.label, frozenset(row.scopes), frozenset(row.sources), row.grade),
        *(row.made_at, row.made_by, row.used_on, row.revoked_at),
    )
