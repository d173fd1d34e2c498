"""The officers' door: today, cases, people, systems, audit."""

from portal.admin import audit, cases, people, sign_in, systems, today

routes = [*sign_in.routes, *today.routes, *cases.routes, *people.routes, *systems.routes, *audit.routes]
