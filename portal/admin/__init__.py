"""The officers' door: today, cases, people, systems, keys of other programs, audit."""

from portal.admin import audit, cases, clocks, evidence, keys, people, sign_in, statistics, systems, today

routes = [
    *(*sign_in.routes, *today.routes, *cases.routes, *clocks.routes, *statistics.routes, *people.routes),
    *(*systems.routes, *keys.routes, *audit.routes, *evidence.routes),
]
