"""What this room writes into the audit log. Officers are named by id only; addresses never."""

from portal import audit

SIGN_IN_ASKED = audit.Event("customer.sign_in_asked", "Somebody asked for a mail with a link and a code.")
PROVED = audit.Event("customer.proved", "A person showed that mail to an address reaches them.")
SENT_ELSEWHERE = audit.Event("customer.sent_elsewhere", "Somebody went to the company's own sign-in to show who they are.")
VOUCHED = audit.Event("customer.vouched_for", "The company's own sign-in vouched for a person's address.")
NOT_VOUCHED = audit.Event("customer.not_vouched_for", "Somebody came back from the company's own sign-in without its word.")
SIGNED_IN = audit.Event("customer.signed_in", "A customer signed in.")
STEPPED_UP = audit.Event("customer.stepped_up", "A signed-in customer proved their address once more.")

OFFICER_INVITED = audit.Event("officer.invited", "Somebody was invited to work in the back office.")
OFFICER_ACCEPTED = audit.Event("officer.accepted", "An invited officer chose a password and received a second factor.")
OFFICER_JOINED = audit.Event("officer.joined", "An officer used their second factor for the first time.")
OFFICER_SIGNED_IN = audit.Event("officer.signed_in", "An officer signed in with password and second factor.")
OFFICER_STEPPED_UP = audit.Event("officer.stepped_up", "A signed-in officer used their second factor once more.")
OFFICER_REFUSED = audit.Event("officer.refused", "A wrong password or second factor was given for an officer.")
OFFICER_SHUT_OUT = audit.Event(
    "officer.shut_out", "An officer's ways in that a backup brought back were closed: an invitation had replaced them since."
)
OFFICER_LEFT = audit.Event("officer.left", "An officer left: no role and no session remains.")
RECOVERY_USED = audit.Event("officer.recovery_code_used", "An officer signed in with one of their recovery codes.")
ROLE_GRANTED = audit.Event("officer.role_granted", "An officer was given a role by another one.")
ROLE_REMOVED = audit.Event("officer.role_removed", "A role was taken from an officer; their sessions ended at once.")

SESSION_CLOSED = audit.Event("session.closed", "A session was ended before its time.")

KEY_MADE = audit.Event("key.made", "A key was made with which another program may speak to the portal.")
KEY_REVOKED = audit.Event("key.revoked", "A key of another program was revoked; it opens nothing any more.")
