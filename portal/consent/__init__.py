"""Who may be written to, called or measured, for what: purposes × channels, decisions, permissions, stops, pauses.

Decisions are never changed; every answer says why (GDPR Art. 6, 7, 13(2) ePrivacy, 17, 18, 21). What few doors need lies
at counters of its own: `consent.stops.restrict(…)`, `consent.batches.plan_import(…)`.
"""

from portal.consent import (
    addresses,
    awaiting,
    batches,
    bounces,
    collection_points,
    confirmation,
    propagation,
    scrubbing,
    standings,
    stops,
    unsubscribing,
)
from portal.consent import bases as bases
from portal.consent import changes as changes
from portal.consent import lapses as lapses  # for their verbs alone
from portal.consent import opened as opened
from portal.consent import openings as openings
from portal.consent import pause_notices as pause_notices
from portal.consent import proof_words as proof_words
from portal.consent import retuning as retuning
from portal.consent import safekeeping as safekeeping
from portal.consent.asking import Told, ask
from portal.consent.choices import Choice, choices
from portal.consent.decisions import decide, decide_many
from portal.consent.history import Entry, history
from portal.consent.history import evidence_of as evidence_of
from portal.consent.pauses import pause, resume
from portal.consent.permissions import Gone, permission
from portal.consent.purpose_text import basis_sentence, channel_name
from portal.consent.purposes import Purpose, publish_purposes, purposes
from portal.consent.rules import Answer, Because
from portal.consent.submissions import Once, Recorded, Submission, submit
from portal.consent.timeline import timeline
from portal.consent.undoing import undo
from portal.consent.wishes import values_for, wish, wishes
from portal.consent.words import ALL, CHANNELS, GRADES, SOURCES, Cell, Word

__all__ = [
    "ALL",
    "CHANNELS",
    "GRADES",
    "SOURCES",
    "Answer",
    "Because",
    "Cell",
    "Choice",
    "Entry",
    "Gone",
    "Once",
    "Purpose",
    "Recorded",
    "Submission",
    "Told",
    "Word",
    "addresses",
    "ask",
    "awaiting",
    "basis_sentence",
    "batches",
    "bounces",
    "channel_name",
    "choices",
    "collection_points",
    "confirmation",
    "decide",
    "decide_many",
    "history",
    "pause",
    "permission",
    "propagation",
    "publish_purposes",
    "purposes",
    "resume",
    "scrubbing",
    "standings",
    "stops",
    "submit",
    "timeline",
    "undo",
    "unsubscribing",
    "values_for",
    "wish",
    "wishes",
]
