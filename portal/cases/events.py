"""What this room writes into the audit log: each move of a case and each look at or change of what it holds."""

from portal import audit

OPENED = audit.Event("case.opened", "A request came in.")
OPENED_BY_US = audit.Event("case.opened_by_company", "The company itself opened a deletion; nobody had asked for it.")
ENDED_BY_US = audit.Event("case.ended_by_company", "The company ended a deletion that it had opened itself.")
BASIS_PROPOSED = audit.Event(
    "basis.proposed", "No basis for a person's data was left for some time: officers were asked to look."
)
BASIS_KEPT = audit.Event("basis.kept", "An officer keeps the data of somebody without a basis for a time, with a reason.")
BASIS_OPENED = audit.Event("basis.erasure_opened", "An officer opened a deletion because no basis for a person's data was left.")
BASIS_GONE = audit.Event("basis.proposal_gone", "Officers are not asked about a person any more: something changed.")
PROOF_ASKED = audit.Event("case.proof_asked", "The person was asked to prove an address.")
PROVEN = audit.Event("case.proven", "An identifier was proven for a request.")
COLLECTING = audit.Event("case.collecting", "The connected systems were asked what they hold.")
ANSWERED = audit.Event("case.system_answered", "A connected system answered.")
STOPPED = audit.Event("case.system_stopped", "A connected system could not do it as planned; an officer must look.")
MANDATE_SEEN = audit.Event(
    "case.mandate_seen", "An officer saw what entitles somebody to ask for another person; no copy is kept."
)
ACTED = audit.Event("case.acted", "What was asked for took effect.")
ANSWERED_IN_WORDS = audit.Event("case.answered_in_words", "An officer wrote the answer to the person.")
UNTOLD = audit.Event("case.end_untold", "Nobody could be told of a restriction's end: every address of the person is gone.")
RESTRICTION_ENDS = audit.Event("case.restriction_ends", "The person was told that their data will be used again, and when.")
COLLECTED = audit.Event("case.collected", "Every system has answered.")
LOOKED = audit.Event("case.findings_read", "An officer read what was found about a person.")
REDACTED = audit.Event("case.redacted", "Something was taken out of what the person gets, with a reason.")
UNREDACTED = audit.Event("case.redaction_lifted", "Something taken out was put back.")
NOTED = audit.Event("case.noted", "An officer wrote a note.")
FLAGGED = audit.Event("case.flagged", "A request was marked as needing a second person, or the mark was taken off.")
CORRECTION_DECIDED = audit.Event("case.correction_decided", "An officer accepted or declined the correction of one field.")
NEW_ADDRESS_PROVEN = audit.Event(
    "case.new_address_proven", "The person proved the e-mail address that shall stand in place of another."
)
STATED = audit.Event("case.statement_added", "The person said in their own words that a correction should not have been refused.")
PROPOSED = audit.Event("case.proposed", "An officer proposed an answer; its snapshot was frozen.")
APPROVED = audit.Event("case.approved", "A second person approved the frozen snapshot.")
APPROVED_ALONE = audit.Event(
    "case.approved_alone",
    "Whoever proposed the answer approved it themselves after the waiting time, with a reason; no second person did.",
)
SENT_BACK = audit.Event("case.sent_back", "A proposed answer was sent back.")
VOIDED = audit.Event("case.approval_voided", "A proposal or approval lost its force because something changed after it.")
LOOK_AGAIN = audit.Event("case.look_again", "The systems are asked anew.")
EXECUTING = audit.Event("case.executing", "The work in the connected systems began.")
ERASED = audit.Event("case.erased", "A connected system deleted a person's data and was asked again.")
CORRECTED = audit.Event("case.corrected", "A connected system corrected a person's data and it was read again.")
PACKAGED = audit.Event("case.packaged", "A package was made from the approved snapshot.")
DELIVERING = audit.Event("case.delivering", "The answer was given to the person.")
HANDED_OVER = audit.Event("case.handed_over", "A one-use link to the package was given after a fresh proof.")
DOWNLOADED = audit.Event("case.downloaded", "The package was downloaded.")
NOTICE_SENT = audit.Event("case.notice_sent", "Another address of the person was told, in neutral words.")
NOT_ME = audit.Event("case.not_me", "Somebody answered such a notice: it was not me.")
PROOF_TRIED = audit.Event("case.proof_tried", "Something was done to learn who asks: a letter, a document seen, facts compared.")
PROOF_FAILED = audit.Event("case.proof_failed", "It could not be shown that the request comes from the person.")
LETTER_POSTED = audit.Event("case.letter_posted", "A letter on paper was handed to the post, or given to the person.")
LETTER_LAPSED = audit.Event("case.letter_lapsed", "A letter with a code was not posted in its time, and its code ended.")
LETTER_READ = audit.Event("case.letter_printed", "An officer printed a letter or a package that goes by post.")
HOLD_SET = audit.Event("hold.set", "Counsel set a legal hold on a person or a system: nothing of it is deleted.")
HOLD_REVIEWED = audit.Event("hold.reviewed", "Counsel looked at a legal hold again and kept it.")
HOLD_DUE = audit.Event("hold.review_due", "A legal hold has to be looked at again.")
HOLD_ENDED = audit.Event("hold.ended", "Counsel ended a legal hold.")
HELD = audit.Event("case.held", "A hold was set.")
HOLD_LIFTED = audit.Event("case.hold_lifted", "A hold was lifted.")
POST_CHOSEN = audit.Event("case.post_chosen", "An officer chose to send the copy to a postal address on file.")
COPY_GIVEN = audit.Event("case.copy_given", "The copy was handed to the post as a tracked letter, or into the person's hands.")
FETCH_REMINDED = audit.Event("case.fetch_reminded", "The person was reminded to fetch their copy before it goes.")
FEE_ASKED = audit.Event("case.fee_asked", "The person was asked for a fee, and told why.")
EXTENDED = audit.Event("case.extended", "The period was extended, and the person told why.")
LAW_CHANGED = audit.Event("case.law_changed", "An officer chose another law for the request, with a reason.")
FEED_MADE = audit.Event("case.feed_made", "An officer made a private calendar address, in place of an earlier one.")
FEED_ENDED = audit.Event("case.feed_ended", "An officer ended their private calendar address.")
REFUSAL = audit.Event("case.refusal_approved", "A second person approved a refusal.")
REFUSAL_ALONE = audit.Event(
    "case.refusal_approved_alone",
    "Whoever proposed a refusal approved it themselves after the waiting time, with a reason; no second person did.",
)
LIST_TAKEN = audit.Event("case.list_taken", "A list of earlier requests was brought in.")
MAIL_TAKEN = audit.Event("case.mail_taken", "A mail came in.")
MAIL_READ = audit.Event("case.mail_read", "An officer read a mail that had come in.")
MAIL_FETCHED = audit.Event("case.mail_fetched", "An officer fetched a mail that had come in, with what was attached.")
MAIL_DONE = audit.Event("case.mail_done", "An officer dealt with a mail that had come in.")
AUTOPILOT_WATCHES = audit.Event(
    "autopilot.watches", "An owner lets the portal note, for a right and a system, what it would answer by itself."
)
AUTOPILOT_ACTS = audit.Event("autopilot.acts", "An owner lets the portal answer by itself, for a right and a system.")
AUTOPILOT_OFF = audit.Event("autopilot.off", "An owner ended that the portal answers or watches, for a right and a system.")
AUTOPILOT_LOOKED = audit.Event("case.autopilot_looked", "The portal noted what it would have answered by itself.")
AUTOPILOT_ANSWERED = audit.Event("case.autopilot_answered", "The portal answered by itself; no officer looked.")
CLOSED = audit.Event("case.closed", "A request was closed.")
WITHDRAWN = audit.Event("case.withdrawn", "The person took the request back.")
REOPENED = audit.Event("case.reopened", "A closed request was opened again.")
PROOF_MADE = audit.Event("case.proof_made", "The evidence file of a request was made.")
PROOF_READ = audit.Event("case.proof_read", "The evidence file of a request was read.")
CERTIFIED = audit.Event("case.certified", "The certificate of a deletion was made for the person.")
BULK_STARTED = audit.Event("case.bulk_started", "An officer started the next step of several requests at once.")
BULK_UNDONE = audit.Event("case.bulk_undone", "Answers to several requests were called back before they were given.")
CERTIFICATE_READ = audit.Event("case.certificate_read", "An officer read the certificate of a deletion.")
MESSAGE_CAME = audit.Event("case.message_received", "A message of the person came in.")
MESSAGE_SENT = audit.Event("case.message_sent", "An officer wrote to the person.")
MESSAGE_SETTLED = audit.Event("case.message_settled", "An officer found that a message needs no answer.")
SEEN = audit.Event("case.opened_by_officer", "An officer opened a request and saw its address and what it says.")
MESSAGES_READ = audit.Event("case.messages_read", "An officer read what the person wrote.")
SILENCED = audit.Event("case.looks_withheld", "Counsel named a law by which the person is told later who looked.")
UNSILENCED = audit.Event("case.looks_told", "Counsel ended it: the person is told who looked.")
TAKEN_UP = audit.Event("case.taken_up_again", "The person took it back that they took the request back.")
RECIPIENTS_NOTED = audit.Event(
    "case.recipients_noted", "Others who got this data from us have to hear of what was done; the entry names them."
)
RECIPIENT_TOLD = audit.Event("case.recipient_told", "An officer told one of them, or said why that is impossible.")
OLD_VALUE_GONE = audit.Event(
    "case.old_value_gone", "What a correction had replaced was destroyed: the time to disagree with the answer was over."
)
HURRIED = audit.Event("case.wait_given_up", "The person asked that their deletion should wait no longer.")
REPLAYING = audit.Event(
    "case.replay_begun", "What a request had done in a connected system is about to be done again: its owner restored a backup."
)
REPLAYED = audit.Event("case.replayed", "It was done again in the connected system, which was asked again afterwards.")
REPLAY_FAILED = audit.Event("case.replay_failed", "It could not be done again in the connected system; somebody must look.")
