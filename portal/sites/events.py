"""What the log records about websites that embed the script. Their texts are recorded as documents are."""

from portal.audit import Event

RELEASED = Event("widget.released", "A built file of the script for websites was served first; the clear digest is its SHA-256.")
SECRET_MADE = Event("sites.secret_made", "A website got a new secret with which its server signs who is signed in there.")
SCANNED = Event(
    "site.scanned", "Pages of a website were looked at in a browser; the clear count is what ran there though nobody allowed it."
)
