"""Who may do what in the back office: one table of actions and roles. Everything that is not in it is refused.

To see people's data is an action of its own, apart from working on a case (GDPR Art. 5(1)(f), 32(4): need to know).
A new role is one more word here and in the rows of what it may do.
"""

from collections.abc import Collection
from typing import Protocol

from portal.lib.errors import Invalid, NotAllowed
from portal.paper import _

OWNER, PRIVACY_OFFICER, APPROVER, AUDITOR = "owner", "privacy-officer", "approver", "auditor"
COUNSEL = "counsel"
FRONT_DESK = "front-desk"

ACTIONS: dict[str, frozenset[str]] = {
    action: frozenset(roles)
    for action, *roles in [
        # reading
        ("today.see", OWNER, PRIVACY_OFFICER, APPROVER, AUDITOR, COUNSEL),
        ("data.see", PRIVACY_OFFICER, APPROVER, AUDITOR),  # names, addresses, findings, messages of people
        ("people.see", PRIVACY_OFFICER, AUDITOR, COUNSEL),  # look any person up
        ("cases.see", OWNER, PRIVACY_OFFICER, APPROVER, AUDITOR, COUNSEL),
        ("audit.see", OWNER, PRIVACY_OFFICER, AUDITOR),
        ("documents.see", OWNER, PRIVACY_OFFICER, APPROVER, AUDITOR),
        ("purposes.see", OWNER, PRIVACY_OFFICER, APPROVER, AUDITOR),
        ("systems.see", OWNER, PRIVACY_OFFICER, AUDITOR),
        ("sites.see", OWNER, PRIVACY_OFFICER, AUDITOR),  # websites that embed the script
        ("officers.see", OWNER, AUDITOR),
        ("keys.see", OWNER, PRIVACY_OFFICER, AUDITOR),  # which other programs speak to the portal
        # working on cases
        ("cases.enter", PRIVACY_OFFICER, FRONT_DESK),  # write down a request that came by telephone or letter
        ("cases.process", PRIVACY_OFFICER),  # verify, collect, review, propose, send
        ("cases.approve", APPROVER),  # the second pair of eyes
        ("people.change", PRIVACY_OFFICER),  # record a person's word, join and part identifiers
        # what is kept of erased people: it takes two of these, and a legal claim
        ("evidence.see", OWNER, PRIVACY_OFFICER, AUDITOR),  # which claims there were, and who agreed
        ("evidence.ask", PRIVACY_OFFICER),  # state the claim
        ("evidence.open", OWNER, PRIVACY_OFFICER),  # agree to somebody else's, or refuse; read what two have opened
        # legal holds: what a claim or an inquiry needs is not deleted
        ("holds.see", OWNER, PRIVACY_OFFICER, APPROVER, AUDITOR, COUNSEL),
        ("holds.change", COUNSEL),  # set, review and lift them, with the reason
        ("looks.withhold", COUNSEL),  # name the law by which a person is told later who looked
        # running the portal
        ("documents.publish", OWNER, PRIVACY_OFFICER),
        ("purposes.publish", OWNER, PRIVACY_OFFICER),
        ("systems.change", OWNER),
        ("sites.change", OWNER),
        ("officers.change", OWNER),  # invite, grant and remove roles, let go
        ("keys.change", OWNER),  # make and revoke keys of other programs
    ]
}

ROLES = frozenset().union(*ACTIONS.values())


class HasRoles(Protocol):
    """Whoever holds roles; officers.Officer does."""

    @property
    def roles(self) -> Collection[str]: ...


def may(officer: HasRoles, action: str) -> bool:
    """Whether one of the officer's roles allows it; an action that is not in the table is a KeyError."""
    return not ACTIONS[action].isdisjoint(officer.roles)


def require(officer: HasRoles, action: str) -> None:
    """Raises NotAllowed, naming the roles that may."""
    if not may(officer, action):
        names = ", ".join(sorted(role_name(role) for role in ACTIONS[action]))
        raise NotAllowed(_("Your role does not allow this. It takes one of: %(roles)s.") % {"roles": names})


def role_name(role: str) -> str:
    """The role as people call it; raises Invalid for one that does not exist."""
    names = {
        OWNER: _("Owner"),
        PRIVACY_OFFICER: _("Privacy officer"),
        APPROVER: _("Approver"),
        AUDITOR: _("Auditor"),
        COUNSEL: _("Counsel"),
        FRONT_DESK: _("Front desk"),
    }
    if role not in names:
        known = ", ".join(sorted(names))
        sentence = _("There is no role “%(role)s”. The roles are: %(known)s.") % {"role": role, "known": known}
        raise Invalid(sentence, {"role": known})
    return names[role]
