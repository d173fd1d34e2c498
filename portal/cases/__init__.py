"""Data subject requests from arrival to proof (GDPR Art. 12, 15-17, 19; CCPA 1798.130): the officer's process in steps."""

from portal.cases import clocks as clocks
from portal.cases import correcting as correcting
from portal.cases import feed as feed
from portal.cases import papers
from portal.cases import parcels as parcels
from portal.cases import safekeeping as safekeeping
from portal.cases import statistics as statistics
from portal.cases.approval import approve, frozen, proposal, propose, send_back
from portal.cases.closing import close, extend, hold, lift, reopen, withdraw
from portal.cases.fanout import ask_now, collect, look_again, triage
from portal.cases.fulfilment import execute
from portal.cases.handover import download, hand_over, package_of, paper_of
from portal.cases.intake import Opened, ask_for_proof_again, open_for
from portal.cases.intake import open_case as open
from portal.cases.mine import Status, cases_of, is_of, reference_of, status_for_person
from portal.cases.package_tables import csv_line as csv_line
from portal.cases.queue import Case, Line, case, figures, queue
from portal.cases.review import add_note, corrections, decide_correction, notes, redact, review, unredact
from portal.cases.timeline import timeline
from portal.cases.verification import not_me, verified

__all__ = [
    "Case",
    "Line",
    "Opened",
    "Status",
    "add_note",
    "approve",
    "ask_for_proof_again",
    "ask_now",
    "case",
    "cases_of",
    "close",
    "collect",
    "corrections",
    "decide_correction",
    "download",
    "execute",
    "extend",
    "figures",
    "frozen",
    "hand_over",
    "hold",
    "is_of",
    "lift",
    "look_again",
    "not_me",
    "notes",
    "open",
    "open_for",
    "package_of",
    "paper_of",
    "papers",
    "proposal",
    "propose",
    "queue",
    "redact",
    "reference_of",
    "reopen",
    "review",
    "send_back",
    "status_for_person",
    "timeline",
    "triage",
    "unredact",
    "verified",
    "withdraw",
]
