"""Who is this: customers and how they prove it; officers, their second factors, sessions and roles.

Customers prove an address (GDPR Art. 12(6)); officers sign in with two factors, and one table says what their roles allow.
"""

from portal.identity.challenges import Challenge, Landing, Proof, challenge, landing, prove_code, prove_link
from portal.identity.invitations import Invitation, Setup, accept, invite, invite_again, invited, pending_setup
from portal.identity.officers import Officer, grant_role, let_go, officer, officer_by_email, officers, person_of, remove_role
from portal.identity.roles import ACTIONS, ROLES, may, require, role_name
from portal.identity.sessions import (
    Session,
    close_session,
    forget,
    fresh,
    open_session,
    session,
    sessions_of,
    sign_out_everywhere,
    step_up,
)
from portal.identity.sign_in import second_factor, sign_in, step_up_officer

__all__ = [
    "ACTIONS",
    "ROLES",
    "Challenge",
    "Invitation",
    "Landing",
    "Officer",
    "Proof",
    "Session",
    "Setup",
    "accept",
    "challenge",
    "close_session",
    "forget",
    "fresh",
    "grant_role",
    "invite",
    "invite_again",
    "invited",
    "landing",
    "let_go",
    "may",
    "officer",
    "officer_by_email",
    "officers",
    "open_session",
    "pending_setup",
    "person_of",
    "prove_code",
    "prove_link",
    "remove_role",
    "require",
    "role_name",
    "second_factor",
    "session",
    "sessions_of",
    "sign_in",
    "sign_out_everywhere",
    "step_up",
    "step_up_officer",
]
