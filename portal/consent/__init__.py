"""Who may be written to, called or measured, for what: purposes × channels, decisions, permissions, stops, pauses.

Decisions are never changed; every answer says why (GDPR Art. 6, 7, 13(2) ePrivacy, 17, 18, 21).
"""

from portal.consent.asking import Question, ask, ask_many
from portal.consent.choices import Choice, choices
from portal.consent.confirmation import confirm_double_opt_in
from portal.consent.decisions import Decided, decide, decide_many
from portal.consent.history import Entry, evidence_of, history
from portal.consent.pauses import pause, resume
from portal.consent.permissions import Gone, permission, permissions
from portal.consent.propagation import Told, propagate_once, unconfirmed
from portal.consent.purpose_text import basis_sentence, channel_name
from portal.consent.purposes import Purpose, Topic, publish_purposes, purposes
from portal.consent.rules import Answer, Because
from portal.consent.stops import lift_restriction, object_to_marketing, restrict, stop_erased, suppress_address
from portal.consent.submissions import Once, Recorded, Submission, submit
from portal.consent.undoing import undo
from portal.consent.unsubscribing import (
    read_unsubscribe_token,
    take_back,
    unsubscribe,
    unsubscribe_token,
    unsubscribe_url,
)
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
    "Decided",
    "Entry",
    "Gone",
    "Once",
    "Purpose",
    "Question",
    "Recorded",
    "Submission",
    "Told",
    "Topic",
    "Word",
    "ask",
    "ask_many",
    "basis_sentence",
    "channel_name",
    "choices",
    "confirm_double_opt_in",
    "decide",
    "decide_many",
    "evidence_of",
    "history",
    "lift_restriction",
    "object_to_marketing",
    "pause",
    "permission",
    "permissions",
    "propagate_once",
    "publish_purposes",
    "purposes",
    "read_unsubscribe_token",
    "restrict",
    "resume",
    "stop_erased",
    "submit",
    "suppress_address",
    "take_back",
    "unconfirmed",
    "undo",
    "unsubscribe",
    "unsubscribe_token",
    "unsubscribe_url",
]
