"""Where an address is found: its kind and blind index, in force now or from before a changed form or key.

Until `portal reindex` is through, some rows lie under a former form or key; look-ups try both, so that nobody's no is
overlooked meanwhile. While nothing is being changed there is one place per address and none of this costs anything.
"""

from collections.abc import Callable, Iterable, Sequence

from portal import db, vault
from portal.lib.errors import Invalid
from portal.subjects.canonical import canonical

Place = tuple[str, bytes]
AT_ONCE = 500

# Raised whenever a canonical form changes; `portal reindex` brings rows of an older number up to date. 2: the forms of 1,
# and the mailbox behind another spelling is kept as a hint (see hints).
NORMALISER = 2
# Forms that differed from today's, by their number. They stay here: notes of erased people lie under them for ever.
FORMER: dict[int, Callable[[str, str], str]] = {}
# The keys of the blind index, oldest first; each is wrapped around the one before, since notes cannot be opened.
BLIND_KEYS = ("1",)
BLIND_KEY = BLIND_KEYS[-1]


def place(kind: str, value: str) -> Place:
    """Where a value is recorded from now on."""
    return kind, blind_of(kind, canonical(kind, value))


def former_places(kind: str, value: str) -> list[Place]:
    """Where it may still lie from before, newest first."""
    if not changing():
        return []
    found = [(kind, blind_of(kind, form, key)) for form in spellings(kind, value) for key in reversed(BLIND_KEYS)]
    return found[1:]  # the first is where it lies now


def as_sought(kind: str, value: str) -> str:
    """What to look for instead of a value, raising Invalid for what is no address: its form, while there was never another."""
    form = canonical(kind, value)
    return value if FORMER else form


def spellings(kind: str, value: str) -> list[str]:
    """Its canonical form and those from before, newest first."""
    before = [_former(number, kind, value) for number in sorted(FORMER, reverse=True)]
    return list(dict.fromkeys([canonical(kind, value), *(each for each in before if each is not None)]))


def changing() -> bool:
    """Whether there is any form or key from before."""
    return bool(FORMER) or len(BLIND_KEYS) > 1


def blind_of(kind: str, form: str, key: str = "") -> bytes:
    """The blind index of a canonical form under a key, the one in use unless named."""
    first, *later = BLIND_KEYS[: BLIND_KEYS.index(key) + 1 if key else None]
    return wrapped(vault.blind(kind, form), first, later[-1]) if later else vault.blind(kind, form)


def wrapped(blind: bytes, under: str, key: str) -> bytes:
    """A blind index of an older key under a newer one, without knowing the value: HMAC(k2, HMAC(k1, v))."""
    for each in BLIND_KEYS[BLIND_KEYS.index(under) + 1 : BLIND_KEYS.index(key) + 1]:
        blind = vault.blind(f"wrapped {each}", blind.hex())
    return blind


async def where_they_lie(addresses: Sequence[tuple[str, str]]) -> list[Place]:
    """Where each of these addresses (kind and value) lies: at a former place if there is a row, else at that of today.

    After a changed form two rows may claim one place (see reindexing): each stays the answer for its own spelling.
    """
    today = [place(*each) for each in addresses]
    if not changing():
        return today
    before = [former_places(*each) for each in addresses]
    there = await stored_at(one for several in before for one in several)
    return [next((one for one in several if one in there), now) for several, now in zip(before, today, strict=True)]


async def stored_at(places: Iterable[Place]) -> dict[Place, str]:
    """The ids of the identifiers that lie at these places."""
    found: dict[Place, str] = {}
    wanted = sorted(set(places))
    for kind in dict.fromkeys(kind for kind, _blind in wanted):
        blinds = [blind for each, blind in wanted if each == kind]
        for start in range(0, len(blinds), AT_ONCE):
            part = blinds[start : start + AT_ONCE]
            sql = f"SELECT id, blind FROM identifier WHERE kind = ? AND blind IN ({', '.join('?' * len(part))})"
            found |= {(kind, bytes(each["blind"])): each["id"] for each in await db.rows(sql, kind, *part)}
    return found


def _former(number: int, kind: str, value: str) -> str | None:
    try:
        return FORMER[number](kind, value)
    except Invalid:  # not an address then
        return None
