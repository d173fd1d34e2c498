"""The officers' door: today, cases, people, systems, keys of other programs, audit."""

from portal.admin import (
    audit,
    autopilot,
    cases,
    clocks,
    colleagues,
    conversation,
    entering,
    evidence,
    holds,
    keys,
    mail,
    no_basis,
    people,
    queue,
    recipients,
    rights,
    sign_in,
    site_drafts,
    sites,
    statistics,
    system_maps,
    systems,
    today,
    verifying,
)
from portal.admin.menu import desk

__all__ = ["desk", "routes"]

routes = [
    *(
        *sign_in.routes,
        *today.routes,
        *queue.routes,
        *cases.routes,
        *conversation.routes,
        *rights.routes,
        *clocks.routes,
        *colleagues.routes,
        *recipients.routes,
        *statistics.routes,
        *people.routes,
    ),
    *(
        *systems.routes,
        *autopilot.routes,
        *system_maps.routes,
        *site_drafts.routes,  # before a site's page: /admin/sites/new is no site
        *sites.routes,
        *keys.routes,
        *audit.routes,
        *evidence.routes,
        *entering.routes,
        *mail.routes,
        *verifying.routes,
        *holds.routes,
        *no_basis.routes,
    ),
]
