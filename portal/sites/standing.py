"""Whether a browser's yeses still count: its person may have said no elsewhere since, or they have lapsed.

Asked with the number that the browser made and nobody else knows, so the answer tells nobody anything of others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby

from portal import consent
from portal.consent import Answer, Cell
from portal.sites.sites_file import Site
from portal.sites.texts import in_language_of, texts_of

Standing = Mapping[str, bool | None]


async def standing(site: Site, device: str) -> Standing:
    """By purpose that the site asks about: it counts; it was stopped, or said no to; None: no answer is alive."""
    cells = [
        Cell(each.key, channel)
        for each in in_language_of(await texts_of(site), "").asks.values()
        if not each.needed
        for channel in each.channels
    ]
    says = await asyncio.gather(*(consent.ask("device", device, cell) for cell in cells))
    by_purpose = groupby(zip(cells, says, strict=True), lambda both: both[0].purpose)
    return {purpose: _together([answer for _cell, answer in of]) for purpose, of in by_purpose}


def _together(answers: Sequence[Answer]) -> bool | None:
    """A purpose counts if it does on each of its channels."""
    if all(each.allowed for each in answers):
        return True
    stopped = any(not each.allowed and each.because.what not in ("default", "erased") for each in answers)
    return False if stopped else None
