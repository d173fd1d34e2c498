"""Exports of earlier consent systems, read as they come from there: OneTrust, HubSpot, Salesforce, Mailchimp.

A preset says what each of a vendor's values means here: never more than was said there. The operator's map says which of
their purposes is which of ours. A value that a preset does not know makes a bad line, never a guess (docs/migrate.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from portal.consent.import_file import ListFile, Record
from portal.consent.import_rows import Bad, Blank, Line, Options, Rows
from portal.consent.purposes import in_force
from portal.consent.vendors import hubspot, mailchimp, onetrust, salesforce
from portal.consent.vendors.mapping import map_in as map_in
from portal.consent.vendors.mapping import map_of, require_cells
from portal.consent.vendors.mapping import read_map as read_map
from portal.consent.vendors.preset import Preset
from portal.consent.vendors.reading import VendorRows
from portal.lib.errors import Invalid
from portal.paper import _

PRESETS: dict[str, Preset] = {each.name: each for each in (onetrust.PRESET, hubspot.PRESET, salesforce.PRESET, mailchimp.PRESET)}


class Reader(Protocol):
    """Reads the records of one list: the words of each, those that close (no, unset) apart from those that open."""

    def words(self, record: Record, closing: bool) -> Iterator[Line | Bad | Blank]: ...


async def rows_of(file: ListFile, options: Options, actor: str) -> Reader:
    """The reader of a list. Raises Invalid at once for columns that are not there and cells that we do not have."""
    if not options.vendor:
        return Rows(file, options, actor)
    return await vendor_rows(file, options, actor)


async def require_map(values: Mapping[str, Any]) -> None:
    """Raises Invalid unless the map says what a map can, and only names cells that we have."""
    require_cells(map_of(values), await in_force(None))


async def vendor_rows(file: ListFile, options: Options, actor: str) -> VendorRows:
    preset = PRESETS.get(options.vendor)
    if preset is None:
        raise Invalid(
            _("There is no system %(name)s; there are: %(known)s.") % {"name": options.vendor, "known": ", ".join(PRESETS)}
        )
    return VendorRows(file, options, actor, preset, await in_force(None))
