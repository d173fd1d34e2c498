"""What this room writes into the audit log."""

from portal import audit

REFUSED = audit.Event("messages.refused", "A message to a person could not be delivered and will not be tried again.")
