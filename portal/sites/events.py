"""What the log records about websites that embed the script. Their texts are recorded as documents are."""

from portal.audit import Event

RELEASED = Event("widget.released", "A built file of the script for websites was served first; the clear digest is its SHA-256.")
TOLD = Event(
    "site.settings_told", "The script of a website was about to be told these settings first; the clear digest is their SHA-256."
)
SECRET_MADE = Event("sites.secret_made", "A website got a new secret with which its server signs who is signed in there.")
SECRET_ENDED = Event("sites.secret_ended", "A website's secret that a backup brought back was ended: it had been replaced since.")
SCANNED = Event(
    "site.scanned", "Pages of a website were looked at in a browser; the clear count is what ran there though nobody allowed it."
)
