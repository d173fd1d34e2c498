"""Who may be written to, called or measured, for what: purposes × channels, decisions, permissions, stops, pauses.

Decisions are never changed; every answer says why (GDPR Art. 6, 7, 13(2) ePrivacy, 17, 18, 21).
"""

from portal.consent.addresses import not_theirs, theirs
from portal.consent.asking import Question, ask, ask_many
from portal.consent.awaiting import Pending, pending
from portal.consent.batches import Batch, commit_import, find_batch, plan_import, undo_import
from portal.consent.bounces import take_bounce, take_report
from portal.consent.choices import Choice, choices
from portal.consent.confirmation import Waiting, ask_again, confirm, confirm_double_opt_in, read_confirmation, title_of
from portal.consent.decisions import Decided, decide, decide_many
from portal.consent.history import Entry, evidence_of, history
from portal.consent.import_rows import Options
from portal.consent.lapses import lapse
from portal.consent.pause_notices import tell_pause_ended
from portal.consent.pauses import pause, resume
from portal.consent.permissions import Gone, permission, permissions
from portal.consent.propagation import Told, propagate_once, replay
from portal.consent.purpose_text import basis_sentence, channel_name
from portal.consent.purposes import Purpose, Topic, publish_purposes, purposes
from portal.consent.rules import Answer, Because
from portal.consent.scrubbing import Scrubbing
from portal.consent.standings import Delivery, Fares, delivered, fares, unconfirmed
from portal.consent.stops import lift_restriction, object_to_marketing, restrict, stop_erased, suppress_address
from portal.consent.submissions import Once, Recorded, Submission, submit
from portal.consent.timeline import Lane, timeline
from portal.consent.undoing import undo
from portal.consent.unsubscribing import (
    Link,
    Unsubscribed,
    read_unsubscribe_token,
    require_link,
    take_back,
    unsubscribe,
    unsubscribe_token,
    unsubscribe_url,
)
from portal.consent.wishes import Wishes, preferred, values_for, wish, wishes
from portal.consent.words import ALL, CHANNELS, GRADES, SOURCES, Cell, Word

__all__ = [
    "ALL",
    "CHANNELS",
    "GRADES",
    "SOURCES",
    "Answer",
    "Batch",
    "Because",
    "Cell",
    "Choice",
    "Decided",
    "Delivery",
    "Entry",
    "Fares",
    "Gone",
    "Lane",
    "Link",
    "Once",
    "Options",
    "Pending",
    "Purpose",
    "Question",
    "Recorded",
    "Scrubbing",
    "Submission",
    "Told",
    "Topic",
    "Unsubscribed",
    "Waiting",
    "Wishes",
    "Word",
    "ask",
    "ask_again",
    "ask_many",
    "basis_sentence",
    "channel_name",
    "choices",
    "commit_import",
    "confirm",
    "confirm_double_opt_in",
    "decide",
    "decide_many",
    "delivered",
    "evidence_of",
    "fares",
    "find_batch",
    "history",
    "lapse",
    "lift_restriction",
    "not_theirs",
    "object_to_marketing",
    "pause",
    "pending",
    "permission",
    "permissions",
    "plan_import",
    "preferred",
    "propagate_once",
    "publish_purposes",
    "purposes",
    "read_confirmation",
    "read_unsubscribe_token",
    "replay",
    "require_link",
    "restrict",
    "resume",
    "stop_erased",
    "submit",
    "suppress_address",
    "take_back",
    "take_bounce",
    "take_report",
    "tell_pause_ended",
    "theirs",
    "timeline",
    "title_of",
    "unconfirmed",
    "undo",
    "undo_import",
    "unsubscribe",
    "unsubscribe_token",
    "unsubscribe_url",
    "values_for",
    "wish",
    "wishes",
]
