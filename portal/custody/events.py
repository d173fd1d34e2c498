"""What this room writes into the audit log."""

from portal import audit

BACKED_UP = audit.Event("custody.backed_up", "A backup was made; the keys lie in a second file of their own.")
RESTORED = audit.Event("custody.restored", "The database was restored from a backup; the safety log was replayed first.")
DRILLED = audit.Event("custody.drilled", "A backup was restored into a scratch place and verified.")
MAILED = audit.Event("custody.checkpoint_mailed", "The log's signed state was mailed to people who keep it.")
TIMESTAMPED = audit.Event("custody.checkpoint_timestamped", "A time stamping authority stamped the log's signed state.")
WITNESSED = audit.Event("custody.checkpoint_witnessed", "A witness cosigned the log's signed state.")
AUDITOR_PACK_MADE = audit.Event(
    "custody.auditor_pack_made", "A pack for an auditor was made; the clear digest is the SHA-256 of its manifest."
)
