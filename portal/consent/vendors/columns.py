"""Which column of a vendor's file is which: by the names it usually has, or as the map says; nothing is overlooked."""

from collections.abc import Mapping

from portal import subjects
from portal.consent.import_file import NDJSON, ListFile
from portal.consent.vendors.mapping import Map
from portal.consent.vendors.preset import Preset, key_of
from portal.lib.errors import Invalid
from portal.paper import _

_KINDS = frozenset(subjects.KINDS)


def columns_of(file: ListFile, preset: Preset, read: Map) -> tuple[dict[str, int], list[int], str]:
    """Where our columns stand, the places of those named after a kind of mail, and the status of all people in the file."""
    if file.separator == NDJSON:
        raise Invalid(_("An export of another system is read as CSV."))
    there = [key_of(each) for each in file.columns]
    if twice := [name for place, name in enumerate(file.columns) if there[place] and there.index(there[place]) != place]:
        raise Invalid(_("The file has the column %(missing)s twice. Its columns are: %(there)s.") % _named(file, twice[0]))
    places = _told(file, there, preset, read)
    for name, spellings in preset.columns.items():
        free = [there.index(key_of(each)) for each in spellings if key_of(each) in there]
        if name not in places and (left := [each for each in free if each not in places.values()]):
            places[name] = left[0]
    for name in preset.needs:
        if name not in places and not (name == "email" and _KINDS & set(places)):
            raise Invalid(_("No column says the %(missing)s. The file's columns are: %(there)s.") % _named(file, name))
    if not _KINDS & set(places):
        wanted = _named(file, ", ".join(subjects.KINDS))
        raise Invalid(_("No column holds an address (%(missing)s). The file's columns are: %(there)s.") % wanted)
    return places, _types(file, preset, read, set(places.values())), _status(preset, read, places)


def _told(file: ListFile, there: list[str], preset: Preset, read: Map) -> dict[str, int]:
    """The columns that the map names."""
    for name, theirs in read.columns.items():
        if name not in (*preset.columns, *subjects.KINDS):
            known = ", ".join(sorted({*preset.columns, *subjects.KINDS}))
            raise Invalid(_("There is no column %(name)s; there are: %(known)s.") % {"name": name, "known": known})
        if key_of(theirs) not in there:
            raise Invalid(_("The file has no column %(missing)s. Its columns are: %(there)s.") % _named(file, theirs))
    return {name: there.index(key_of(theirs)) for name, theirs in read.columns.items()}


def _types(file: ListFile, preset: Preset, read: Map, taken: set[int]) -> list[int]:
    """A column that nobody mapped may be full of refusals: it is named in the map, or in its `ignore`."""
    if not preset.other_columns:
        return []
    left = {place: name for place, name in enumerate(file.columns) if place not in taken and name and not read.ignores(name)}
    mapped = {key_of(each.theirs) for each in read.cells}
    if lost := [name for name in left.values() if key_of(name) not in mapped]:
        sentence = _("The map does not say what these columns are; name them in a [[cell]] or in ignore: %s")
        raise Invalid(sentence % ", ".join(lost))
    return list(left)


def _status(preset: Preset, read: Map, places: Mapping[str, int]) -> str:
    """Of files that hold people of one status only: what their columns give away, or what the operator says."""
    shown, told = next((status for name, status in preset.told_by.items() if name in places), ""), read.status
    if told and shown and key_of(told) != key_of(shown):
        sentence = _("The columns of this file are those of %(shown)s people, not of %(told)s.")
        raise Invalid(sentence % {"shown": shown, "told": told})
    if preset.told_by and not (shown or told or "status" in places):
        raise Invalid(_("This file does not say which status its people have. Say so: --status subscribed or nonsubscribed"))
    return shown or told


def _named(file: ListFile, missing: str) -> dict[str, str]:
    return {"missing": missing, "there": ", ".join(file.columns)}
