"""What this room writes into the audit log."""

from portal import audit

ADDED = audit.Event("identifier.added", "An address, number, account or device was recorded for a person.")
VERIFIED = audit.Event("identifier.verified", "A person proved that an address or number is theirs.")
AUDIENCE = audit.Event("identifier.audience", "An address was marked as one person's own, shared, or a role's.")
DISOWNED = audit.Event("identifier.disowned", "A person said that an address or number is no longer theirs.")
LINKED = audit.Event("subject.linked", "Identifiers were linked to another record of the same person.")
SPLIT = audit.Event("subject.split", "A link between two records of a person was taken back.")
ERASED = audit.Event("subject.erased", "A person's identifiers and the keys to their data were destroyed.")
ADDRESS_ERASED = audit.Event("identifier.erased", "One address of a person was erased; others of theirs stay.")
SUPPRESSED = audit.Event("subject.suppressed", "A coded note was kept so that nobody adds an address again.")
NOTE_ENDED = audit.Event(
    "subject.note_ended", "A coded note that somebody else had asked for was taken away: nobody showed that its owner wanted it."
)
HINTED = audit.Event("duplicate.found", "A hint was noted that two records may be one person's; nothing was merged.")
JOINED = audit.Event("duplicate.linked", "An officer found that two records are one person's and linked them.")
DISMISSED = audit.Event("duplicate.dismissed", "An officer found that two records are not one person's.")
REINDEXED = audit.Event("identifiers.reindexed", "Addresses were brought to the form or key in which they are found now.")
EVIDENCE_ENDED = audit.Event("evidence.ended", "The keys to the evidence of erased people were destroyed at their end.")
REWRAPPED = audit.Event("vault.rotated", "Every data key was wrapped under a new master key; the former one opens nothing.")
