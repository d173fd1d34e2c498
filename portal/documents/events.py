"""What this room writes into the audit log."""

from portal import audit

PUBLISHED = audit.Event(
    "document.published", "A text was published in one language; the clear digest is the SHA-256 of its bytes."
)
