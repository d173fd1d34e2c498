"""The part of verification that compares the stored tiles with those that follow from the leaves, level by level."""

from portal.audit.stretches import Found
from portal.audit.tiles import WIDTH
from portal.audit.tree import subtree_root
from portal.db import row, rows
from portal.paper import _


class Tiles:
    """Compares the stored tiles with those that follow from the leaves, level by level."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._open: list[list[bytes]] = []
        self._done: list[int] = []
        self._ahead: dict[int, bytes] = {}
        self._checked = 0

    async def check(self, level: int, number: int, hashes: list[bytes]) -> bytes | None:
        """Compares one tile with its hashes; answers their root when it is full."""
        self._checked += 1
        stored = await self._stored(level, number)
        if stored != b"".join(hashes):
            self._found(
                _("Tile %(number)s of level %(level)s does not fit the entries.") % {"number": number, "level": level},
                _first_difference(stored or b"", hashes) + number * WIDTH if level == 0 else None,
            )
        if len(hashes) < WIDTH:
            return None
        root = subtree_root(hashes)
        await self._above(level + 1, root)
        return root

    async def finish(self) -> None:
        for level in range(len(self._open)):
            if self._open[level]:
                await self.check(level + 1, self._done[level], self._open[level])
        count = await row("SELECT count(*) AS n FROM tile")
        if count is not None and count["n"] != self._checked:
            self._found(_("There are tiles that belong to no entry."), None)

    async def _above(self, level: int, hashed: bytes) -> None:
        if len(self._open) < level:
            self._open.append([])
            self._done.append(0)
        waiting = self._open[level - 1]
        waiting.append(hashed)
        if len(waiting) == WIDTH:
            self._open[level - 1] = []
            self._done[level - 1] += 1
            await self.check(level, self._done[level - 1] - 1, waiting)

    async def _stored(self, level: int, number: int) -> bytes | None:
        if level:
            found = await row("SELECT hashes FROM tile WHERE level = ? AND number = ?", level, number)
            return None if found is None else bytes(found["hashes"])
        if number % 64 == 0 or not self._ahead:
            read = await rows(
                "SELECT number, hashes FROM tile WHERE level = 0 AND number >= ? AND number < ?", number, number + 64
            )
            self._ahead = {each["number"]: bytes(each["hashes"]) for each in read}
        return self._ahead.get(number)


def _first_difference(stored: bytes, hashes: list[bytes]) -> int:
    return next((at for at, hashed in enumerate(hashes) if stored[32 * at : 32 * at + 32] != hashed), len(hashes))
