"""What this room writes into the audit log."""

from portal import audit

GRANTED = audit.Event("consent.granted", "A person said yes to one purpose on one channel.")
REFUSED = audit.Event("consent.refused", "A person said no to one purpose on one channel, or took a yes back.")
UNSET = audit.Event("consent.unset", "A person took their earlier yes back without saying no.")
INFORMED = audit.Event("consent.informed", "A customer was told about similar offers and the free way to refuse them.")
ASKED = audit.Event("consent.pending", "Somebody said yes; it counts once the address confirms it.")
CONFIRMED = audit.Event("consent.confirmed", "An address confirmed a yes.")
UNDONE = audit.Event("consent.undone", "A person took back one no, within ten minutes.")
OBJECTED = audit.Event("consent.objected", "A person objected to advertising, or to one purpose, on all their addresses.")
SUPPRESSED = audit.Event("consent.suppressed", "An address may not be used on one channel any more.")
RESTRICTED = audit.Event("consent.restricted", "The use of a person's data was restricted.")
STOPPED = audit.Event("consent.stopped_for_erasure", "All advertising to a person was stopped because of an erasure.")
LIFTED = audit.Event("consent.lifted", "A stop was lifted.")
PAUSED = audit.Event("consent.paused", "A person asked for a pause.")
RESUMED = audit.Event("consent.resumed", "A person ended a pause early.")
RETIRED = audit.Event("purpose.retired", "A purpose is no longer used.")
