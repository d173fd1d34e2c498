"""What the officers' door itself records: looking is an event of its own, and the person sees it (CJEU C-579/21)."""

from portal import audit

LOOKED = audit.Event("person.looked", "An officer looked at a person's data.")
SOUGHT = audit.Event("person.sought", "An officer asked whether a person is on file.")
CHECKED = audit.Event("log.checked", "An officer had the whole record checked.")
