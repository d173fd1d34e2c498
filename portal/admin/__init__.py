"""The officers' door: today, cases, people, systems, keys of other programs, audit."""

from portal.admin import audit, cases, evidence, keys, people, sign_in, systems, today

routes = [
    *(*sign_in.routes, *today.routes, *cases.routes, *people.routes),
    *(*systems.routes, *keys.routes, *audit.routes, *evidence.routes),
]
