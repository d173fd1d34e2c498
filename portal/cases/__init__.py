"""Data subject requests from arrival to proof (GDPR Art. 12, 15-17, 19; CCPA 1798.130): the officer's process in steps."""

from portal.cases import answering as answering
from portal.cases import appeals as appeals
from portal.cases import autopilot as autopilot
from portal.cases import backlog as backlog
from portal.cases import backups as backups
from portal.cases import basis_proposals as basis_proposals
from portal.cases import basis_search as basis_search
from portal.cases import bulk as bulk
from portal.cases import by_company as by_company
from portal.cases import by_post as by_post
from portal.cases import caution as caution
from portal.cases import clocks as clocks
from portal.cases import colleagues as colleagues
from portal.cases import conversation as conversation
from portal.cases import cooling as cooling
from portal.cases import correcting as correcting
from portal.cases import details as details
from portal.cases import disputes as disputes
from portal.cases import doubts as doubts
from portal.cases import entering as entering
from portal.cases import erasing as erasing
from portal.cases import feed as feed
from portal.cases import fees as fees
from portal.cases import filters as filters
from portal.cases import forecast as forecast
from portal.cases import legal_holds as legal_holds
from portal.cases import letterbox as letterbox
from portal.cases import letters as letters
from portal.cases import looks as looks
from portal.cases import mandates as mandates
from portal.cases import new_address as new_address
from portal.cases import others_word as others_word
from portal.cases import papers
from portal.cases import parcels as parcels
from portal.cases import persons_side as persons_side
from portal.cases import plain_words as plain_words
from portal.cases import postal as postal
from portal.cases import proving as proving
from portal.cases import recipients as recipients
from portal.cases import remedies as remedies
from portal.cases import reminding as reminding
from portal.cases import reopening as reopening
from portal.cases import repeats as repeats
from portal.cases import restricting as restricting
from portal.cases import safekeeping as safekeeping
from portal.cases import second_proof as second_proof
from portal.cases import silence as silence
from portal.cases import states as states
from portal.cases import statistics as statistics
from portal.cases import switches as switches
from portal.cases import together as together
from portal.cases.approval import approve, frozen, proposal, propose, send_back
from portal.cases.closing import close, extend, hold, lift, reopen, withdraw
from portal.cases.fanout import ask_now, collect, look_again, triage
from portal.cases.fulfilment import execute
from portal.cases.handover import download, hand_over, package_of, paper_of
from portal.cases.intake import Opened, ask_for_proof_again, open_for
from portal.cases.intake import open_case as open
from portal.cases.mine import Status, cases_of, is_of, reference_of, status_for_person
from portal.cases.mine import beside as beside
from portal.cases.package_tables import csv_line as csv_line
from portal.cases.queue import Line, figures, queue
from portal.cases.review import add_note, corrections, decide_correction, notes, redact, review, unredact
from portal.cases.timeline import timeline
from portal.cases.verification import not_me, verified
from portal.cases.whole import Case, case

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
