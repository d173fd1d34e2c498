"""Who is this: customers and how they prove it; officers, their second factors, sessions and roles; other programs' keys.

Customers prove an address (GDPR Art. 12(6)); officers sign in with two factors, and one table says what their roles allow.
"""

from portal.identity import openid as openid
from portal.identity import safekeeping as safekeeping
from portal.identity.api_keys import SCOPES, ApiKey, add_key, keys, revoke_key
from portal.identity.api_limits import admit, count_request, run_counting
from portal.identity.challenges import Challenge, Proof, challenge, is_new_device, landing, prove_code, prove_link
from portal.identity.invitations import Setup, accept, invite, invite_again, invited, pending_setup
from portal.identity.officers import Officer, grant_role, let_go, officer, officer_by_email, officers, person_of, remove_role
from portal.identity.roles import ACTIONS, may, require, role_name
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
    "SCOPES",
    "ApiKey",
    "Challenge",
    "Officer",
    "Proof",
    "Session",
    "Setup",
    "accept",
    "add_key",
    "admit",
    "challenge",
    "close_session",
    "count_request",
    "forget",
    "fresh",
    "grant_role",
    "invite",
    "invite_again",
    "invited",
    "is_new_device",
    "keys",
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
    "revoke_key",
    "role_name",
    "run_counting",
    "second_factor",
    "session",
    "sessions_of",
    "sign_in",
    "sign_out_everywhere",
    "step_up",
    "step_up_officer",
]
